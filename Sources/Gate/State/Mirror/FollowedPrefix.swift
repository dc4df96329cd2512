/// The keys of one prefix of Gate's own, without any I/O: which of them must be read.
///
/// At most one read of a key is under way. A change that is announced meanwhile has it read again, behind that one. A key that
/// is not there is not kept.
struct FollowedPrefix {
    private struct Key {
        var isReading = false
        var isDue = false
    }

    let prefix: String
    /// Bytes of a value at most; a longer one counts as unreadable.
    let longestValue: Int
    private let maximumKeys: Int
    private var keys: [String: Key] = [:]
    private var due = Queue<String>()
    /// Reads under way.
    private(set) var reading = 0

    init(prefix: String, longestValue: Int, maximumKeys: Int) {
        self.prefix = prefix
        self.longestValue = longestValue
        self.maximumKeys = maximumKeys
    }

    func holds(_ key: String) -> Bool { key.utf8.starts(with: prefix.utf8) }

    /// Whether every key that was asked for has been read.
    var isRead: Bool { reading == 0 && due.first == nil }

    /// Has a key read, again where it is known. False where there are too many keys to follow one more.
    mutating func read(_ key: String) -> Bool {
        guard var state = keys[key] else {
            guard keys.count < maximumKeys else { return false }
            keys[key] = Key(isDue: true)
            due.put(key)
            return true
        }
        guard !state.isDue else { return true }
        state.isDue = true
        keys[key] = state
        if !state.isReading { due.put(key) }
        return true
    }

    /// Has every known key read again.
    mutating func readAll() {
        for key in keys.keys { _ = read(key) }
    }

    /// The next key to read; the caller asks for it at once.
    mutating func next() -> String? {
        guard let key = due.take() else { return nil }
        keys[key] = Key(isReading: true)
        reading += 1
        return key
    }

    /// The answer of a read came.
    mutating func wasRead(_ key: String, isThere: Bool) {
        guard let state = keys[key], state.isReading else { return }
        reading -= 1
        keys[key] = isThere || state.isDue ? Key(isDue: state.isDue) : nil
        if state.isDue { due.put(key) }
    }

    /// What is there is no longer known, nor what is under way.
    mutating func forget() {
        self = Self(prefix: prefix, longestValue: longestValue, maximumKeys: maximumKeys)
    }
}
