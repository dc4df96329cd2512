import CHiredis
import Glibc

/// A blocking Redis client for tests, which gives up on an answer after five seconds.
package final class RedisClient {
    package enum Answer: Equatable, Sendable {
        case none
        case text(String)
        case number(Int64)
        case list([Answer])
    }

    package struct Failure: Error, CustomStringConvertible {
        package let description: String
    }

    private let context: UnsafeMutablePointer<redisContext>

    package convenience init(unixPath: String) throws {
        try self.init(owned: redisConnectUnix(unixPath))
    }

    package convenience init(port: UInt16) throws {
        try self.init(owned: redisConnect("127.0.0.1", Int32(port)))
    }

    private init(owned context: UnsafeMutablePointer<redisContext>?) throws {
        guard let context else { throw Failure(description: "out of memory") }
        guard context.pointee.err == 0 else {
            redisFree(context)
            throw Failure(description: "cannot connect")
        }
        redisSetTimeout(context, timeval(tv_sec: 5, tv_usec: 0))
        self.context = context
    }

    deinit { redisFree(context) }

    /// Sends a command and returns the answer; an error answer is thrown.
    @discardableResult
    package func send(_ arguments: String...) throws -> Answer {
        try send(arguments)
    }

    @discardableResult
    package func send(_ arguments: [String]) throws -> Answer {
        let copies = arguments.map { strdup($0) }
        defer { copies.forEach { free($0) } }
        var pointers = copies.map { UnsafePointer($0) }
        var lengths = arguments.map(\.utf8.count)
        let raw = redisCommandArgv(context, Int32(arguments.count), &pointers, &lengths)
        guard let raw else { throw Failure(description: "\(arguments[0]): the connection is lost") }
        defer { freeReplyObject(raw) }
        return try Self.answer(raw.assumingMemoryBound(to: redisReply.self))
    }

    private static func answer(_ reply: UnsafeMutablePointer<redisReply>) throws -> Answer {
        switch reply.pointee.type {
        case REDIS_REPLY_INTEGER: return .number(reply.pointee.integer)
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS: return .text(text(reply))
        case REDIS_REPLY_ERROR: throw Failure(description: text(reply))
        case REDIS_REPLY_ARRAY:
            var list: [Answer] = []
            for index in 0..<reply.pointee.elements {
                guard let element = reply.pointee.element?[index] else { continue }
                list.append(try answer(element))
            }
            return .list(list)
        default: return .none
        }
    }

    private static func text(_ reply: UnsafeMutablePointer<redisReply>) -> String {
        String(decoding: UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len), as: UTF8.self)
    }
}
