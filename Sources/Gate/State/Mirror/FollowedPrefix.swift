/// The keys of one prefix of Gate's own, without any I/O: which of them must be read.
///
/// At most one read of a key is under way. A change that is announced meanwhile has it read again, behind that one. A key that
/// is not there is not kept.
package struct FollowedPrefix {
    private struct Key {
        var isReading = false
        var isDue = false
        var isAwaited = false
    }

    /// What the keys begin with.
    package let prefix: String
    /// Bytes of a value at most; a longer one counts as unreadable.
    let longestValue: Int
    private let maximumKeys: Int
    private var keys: [String: Key] = [:]
    private var due = Queue<String>()
    /// Reads under way.
    package private(set) var reading = 0

    /// Follows `maximumKeys` keys at most.
    package init(prefix: String, longestValue: Int, maximumKeys: Int) {
        self.prefix = prefix
        self.longestValue = longestValue
        self.maximumKeys = maximumKeys
    }

    /// Whether the key begins with the prefix.
    package func holds(_ key: String) -> Bool { key.utf8.starts(with: prefix.utf8) }

    /// Keys that are awaited and not read yet.
    package private(set) var awaited = 0

    /// Has a key read, again where it is known; `isAwaited`: it counts in `awaited` until it is. False where there are too many
    /// keys to follow one more.
    package mutating func read(_ key: String, isAwaited: Bool = false) -> Bool {
        let known = keys[key]
        guard known != nil || keys.count < maximumKeys else { return false }
        var state = known ?? Key()
        if isAwaited, !state.isAwaited {
            state.isAwaited = true
            awaited += 1
        }
        if !state.isDue, !state.isReading { due.put(key) }
        state.isDue = true
        keys[key] = state
        return true
    }

    /// Has every known key read again.
    package mutating func readAll() {
        for key in keys.keys { _ = read(key) }
    }

    /// The next key to read; the caller asks for it at once.
    package mutating func next() -> String? {
        guard let key = due.take() else { return nil }
        keys[key]?.isDue = false
        keys[key]?.isReading = true
        reading += 1
        return key
    }

    /// The answer of a read came.
    package mutating func wasRead(_ key: String, isThere: Bool) {
        guard let state = keys[key], state.isReading else { return }
        reading -= 1
        if state.isAwaited { awaited -= 1 }
        keys[key] = isThere || state.isDue ? Key(isDue: state.isDue) : nil
        if state.isDue { due.put(key) }
    }

    /// What is there is no longer known, nor what is under way.
    package mutating func forget() {
        self = Self(prefix: prefix, longestValue: longestValue, maximumKeys: maximumKeys)
    }
}
