import CHiredis
import Foundation

/// What went wrong with a Redis connection; the connection is then of no more use.
struct RedisError: Error, CustomStringConvertible {
    let description: String
}

/// A blocking connection to one database of a Redis server. It belongs to the thread that uses it.
final class RedisClient {
    private let context: UnsafeMutablePointer<redisContext>

    init(_ address: HostPort, database: Int, timeout: Duration = .seconds(1)) throws(RedisError) {
        let limit = timeval(
            tv_sec: Int(timeout.components.seconds), tv_usec: Int(timeout.components.attoseconds / 1_000_000_000_000))
        guard let context = redisConnectWithTimeout(address.host, Int32(address.port), limit) else {
            throw RedisError(description: "redis \(address): out of memory")
        }
        self.context = context
        guard context.pointee.err == 0 else { throw failure() }
        redisSetTimeout(context, limit)
        _ = try pipeline([["SELECT", String(database)]])
    }

    deinit { redisFree(context) }

    /// Sends all commands at once and returns the text of each answer; nil where the answer is nil.
    @discardableResult
    func pipeline(_ commands: [[String]]) throws(RedisError) -> [String?] {
        for command in commands { append(command) }
        var answers: [String?] = []
        for _ in commands { answers.append(try answer()) }
        return answers
    }

    private func append(_ command: [String]) {
        let words = command.map { strdup($0) }
        defer { for word in words { free(word) } }
        var arguments = words.map { UnsafePointer<CChar>($0) }
        let lengths = command.map(\.utf8.count)
        redisAppendCommandArgv(context, Int32(command.count), &arguments, lengths)
    }

    private func answer() throws(RedisError) -> String? {
        var raw: UnsafeMutableRawPointer?
        guard redisGetReply(context, &raw) == REDIS_OK, let raw else { throw failure() }
        defer { freeReplyObject(raw) }
        let reply = raw.assumingMemoryBound(to: redisReply.self).pointee
        let text = reply.str.map {
            String(decoding: UnsafeRawBufferPointer(start: $0, count: reply.len), as: UTF8.self)
        }
        if reply.type == REDIS_REPLY_ERROR { throw RedisError(description: "redis: \(text ?? "error")") }
        return text
    }

    private func failure() -> RedisError {
        let text = withUnsafeBytes(of: &context.pointee.errstr) { bytes in
            String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
        }
        return RedisError(description: "redis: \(text.isEmpty ? "connection lost" : text)")
    }
}
