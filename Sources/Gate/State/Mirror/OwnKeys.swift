import Logging

/// Who is told what stands at the keys of one prefix. Each call is made on the state thread.
protocol OwnKeyReader: AnyObject {
    /// What stands at the prefix and `name` now.
    func read(_ name: String, _ value: OwnKeys.Value)
    /// Every key of the prefix has been read since the link came about: one that was not read is not there.
    func synchronised()
    /// Until the next `synchronised`, what was read may be wrong, and what was sent may not have arrived.
    func linkLost()
}

/// What stood at one of Gate's own keys when it was last read.
package enum SeenValue: Equatable, Sendable {
    /// Nothing, or an empty text.
    case absent
    case text([UInt8])
    /// Not a string, or too long.
    case unreadable
}

/// Gate's own keys (`gate:…`) in the database of the accounts: followed by prefix as the mirror follows its values, and written.
///
/// All of it goes over the connection that reads accounts, so answers come in the order in which commands were sent. Reads go
/// ahead of those of prices and accounts, and the mirror becomes live only once every followed key has been read.
final class OwnKeys {
    enum Value {
        /// There is none; an empty text counts as none too.
        case absent
        /// Valid until the call that was given it returns.
        case text(UnsafeRawBufferPointer)
        /// Not a string, or too long: why.
        case unreadable(String)
    }

    /// What became of a write.
    enum Replaced: Equatable {
        case done
        /// Something else stood there; it is being read.
        case changed
        /// Redis would not: why, in its words.
        case refused(String)
        /// Nobody knows: the link was lost.
        case lost
    }

    private struct Follower {
        var table: FollowedPrefix
        var reader: any OwnKeyReader
        var isFull = false
    }

    private var followers: [Follower] = []
    private var connection: RedisConnection?
    private var completions: [UInt: (RedisReply?) -> Void] = [:]
    private var lastSerial: UInt = 0
    private var isScanned = false
    private let metrics: MirrorMetrics
    private let log: Logger
    /// Every key that was there has been read since the link came about.
    var onSynchronised: (() -> Void)?
    /// Redis answered what makes the link useless.
    var onFailure: ((String) -> Void)?

    private static let maximumReading = 256
    /// Keys that Redis looks at before it answers: well under a millisecond of its time.
    private static let scanCount = 1000
    /// A longer key is nobody's.
    private static let longestKey = 256

    init(metrics: MirrorMetrics, log: Logger) {
        self.metrics = metrics
        self.log = log
    }

    /// Follows the keys that begin with `prefix`, which begins with `gate:` and is not the start of another followed one, nor
    /// another of it. Before the loop runs. `reader` is kept.
    func follow(_ prefix: String, longestValue: Int, maximumKeys: Int, reader: any OwnKeyReader) {
        let table = FollowedPrefix(prefix: prefix, longestValue: longestValue, maximumKeys: maximumKeys)
        followers.append(Follower(table: table, reader: reader))
    }

    /// What client-side caching is to track.
    var prefixes: [String] { followers.map(\.table.prefix) }

    /// Whether commands can be sent.
    var isLinked: Bool { connection != nil }

    // MARK: Writing

    /// Sends a command. `completion` is given the answer, valid for that call, or nil where the link is lost before it comes: the
    /// command may have been carried out. Without a link that is at once.
    func send(_ command: RedisCommand, then completion: @escaping (RedisReply?) -> Void) {
        guard let connection else { return completion(nil) }
        lastSerial += 1
        completions[lastSerial] = completion
        connection.send(command, token: RedisMirror.token(ofOwn: lastSerial))
    }

    /// Writes `text` at a key of a followed prefix if what was `seen` still stands there, so that a late write replaces nothing
    /// that its sender has not judged. `done` is told what became of it.
    func replace(_ key: String, seen: SeenValue, with text: [UInt8], then done: @escaping (Replaced) -> Void) {
        guard let index = index(of: key) else { return done(.refused("\(key) is not followed")) }
        let expected: [UInt8] = if case .text(let bytes) = seen { bytes } else { [] }
        let command = RedisCommand(bytes: [
            Array("EVAL".utf8), Self.replaceScript, Array("1".utf8), Array(key.utf8),
            Array((seen == .unreadable ? "unreadable" : "readable").utf8), expected,
            Array(String(followers[index].table.longestValue).utf8), text,
        ])
        send(command) { [unowned self] reply in
            switch reply {
            case nil: done(.lost)
            case let reply? where reply.integer == 1: done(.done)
            case let reply? where reply.integer == 0:
                self.read(key)
                done(.changed)
            case let reply?: done(.refused(reply.problem))
            }
        }
    }

    private static let replaceScript = Array(
        """
        local length = redis.pcall('STRLEN', KEYS[1])
        local text = false
        if type(length) == 'number' and length <= tonumber(ARGV[3]) then text = redis.call('GET', KEYS[1]) or '' end
        if (ARGV[1] == 'readable' and text == ARGV[2]) or (ARGV[1] == 'unreadable' and not text) then
            redis.call('SET', KEYS[1], ARGV[4])
            return 1
        end
        return 0
        """.utf8)

    // MARK: Following

    /// Has a key of a followed prefix read, again where it is known; the link counts as synchronised only once those that are
    /// awaited are. False where it is of no followed prefix.
    @discardableResult
    func read(_ key: String, isAwaited: Bool = false) -> Bool {
        guard let index = index(of: key) else { return false }
        guard key.utf8.count <= Self.longestKey else { return true }
        if !followers[index].table.read(key, isAwaited: isAwaited), !followers[index].isFull {
            followers[index].isFull = true
            metrics.overflows.add()
            log.error(
                "redis holds more keys \(followers[index].table.prefix)… than can be followed; the rest is not read")
        }
        return true
    }

    /// Everything may have changed.
    func readAll() {
        for index in followers.indices { followers[index].table.readAll() }
    }

    /// Asks for the keys that are due; at the end of each turn, ahead of the mirror.
    func fetch() {
        guard connection != nil else { return }
        for index in followers.indices {
            let limit = followers[index].table.longestValue
            while followers[index].table.reading < Self.maximumReading, let key = followers[index].table.next() {
                // One byte more than may be there tells that there are too many.
                send(RedisCommand("GETRANGE", key, "0", String(limit))) { [unowned self] reply in
                    if let reply { self.received(reply, key: key, of: index) }
                }
            }
        }
    }

    private func index(of key: String) -> Int? { followers.firstIndex { $0.table.holds(key) } }

    private func received(_ reply: RedisReply, key: String, of index: Int) {
        let limit = followers[index].table.longestValue
        let value: Value
        if reply.isError {
            let problem = reply.problem
            guard problem.hasPrefix("WRONGTYPE") || problem.hasPrefix("NOPERM") else {
                onFailure?("GETRANGE \(key): \(problem)")
                return
            }
            value = .unreadable(problem)
        } else if let bytes = reply.bytes {
            value =
                bytes.isEmpty
                ? .absent : bytes.count <= limit ? .text(bytes) : .unreadable("longer than \(limit) bytes")
        } else {
            onFailure?("GETRANGE \(key): \(reply.problem)")
            return
        }
        let isThere = if case .absent = value { false } else { true }
        followers[index].table.wasRead(key, isThere: isThere)
        let name = key.utf8.dropFirst(followers[index].table.prefix.utf8.count)
        followers[index].reader.read(String(Substring(name)), value)
        synchroniseIfRead()
    }

    // MARK: The link

    /// The connection tracks the prefixes from now on: reads what there is.
    func begin(on connection: RedisConnection) {
        self.connection = connection
        isScanned = followers.isEmpty
        if !isScanned { scan(from: "0") }
    }

    /// Every key that was there when the link came about has been read.
    var isSynchronised: Bool { connection != nil && isScanned && followers.allSatisfy { $0.table.awaited == 0 } }

    private var isToldSynchronised = false

    private func scan(from cursor: String) {
        send(RedisCommand("SCAN", cursor, "MATCH", "gate:*", "COUNT", String(Self.scanCount))) { [unowned self] reply in
            guard let reply else { return }
            guard let next = reply[0]?.string, let keys = reply[1] else {
                onFailure?("SCAN: \(reply.problem)")
                return
            }
            for index in 0..<keys.count {
                if let key = keys[index]?.string { read(key, isAwaited: true) }
            }
            guard next == "0" else { return scan(from: next) }
            isScanned = true
            synchroniseIfRead()
        }
    }

    private func synchroniseIfRead() {
        guard !isToldSynchronised, isSynchronised else { return }
        isToldSynchronised = true
        for follower in followers { follower.reader.synchronised() }
        onSynchronised?()
    }

    func replied(_ reply: RedisReply, serial: UInt) {
        completions.removeValue(forKey: serial)?(reply)
    }

    /// Answers that were owed will not come, and what was read may have changed.
    func linkLost() {
        connection = nil
        isScanned = false
        isToldSynchronised = false
        for index in followers.indices {
            followers[index].table.forget()
            followers[index].isFull = false
        }
        let owed = completions.sorted { $0.key < $1.key }
        completions.removeAll()
        for (_, completion) in owed { completion(nil) }
        for follower in followers { follower.reader.linkLost() }
    }
}
