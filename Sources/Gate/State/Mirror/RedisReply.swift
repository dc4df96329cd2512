import CHiredis

/// A reply of Redis, valid until the callback that was given it returns.
struct RedisReply {
    private let reply: UnsafePointer<redisReply>

    init?(_ pointer: UnsafeMutableRawPointer?) {
        guard let pointer else { return nil }
        reply = UnsafePointer(pointer.assumingMemoryBound(to: redisReply.self))
    }

    private init?(element: UnsafeMutablePointer<redisReply>?) {
        guard let element else { return nil }
        reply = UnsafePointer(element)
    }

    var isNil: Bool { reply.pointee.type == REDIS_REPLY_NIL }
    var isError: Bool { reply.pointee.type == REDIS_REPLY_ERROR }
    var isOK: Bool { reply.pointee.type == REDIS_REPLY_STATUS && string == "OK" }

    var integer: Int64? { reply.pointee.type == REDIS_REPLY_INTEGER ? reply.pointee.integer : nil }

    /// The bytes of a string, a status or an error.
    var bytes: UnsafeRawBufferPointer? {
        switch reply.pointee.type {
        case REDIS_REPLY_STRING, REDIS_REPLY_STATUS, REDIS_REPLY_ERROR:
            UnsafeRawBufferPointer(start: reply.pointee.str, count: reply.pointee.len)
        default: nil
        }
    }

    var string: String? { bytes.map { String(decoding: $0, as: UTF8.self) } }

    /// Elements of an array; 0 for anything else.
    var count: Int { reply.pointee.type == REDIS_REPLY_ARRAY ? reply.pointee.elements : 0 }

    subscript(index: Int) -> RedisReply? {
        guard index < count, let elements = reply.pointee.element else { return nil }
        return RedisReply(element: elements[index])
    }

    /// What is told of a reply that is not the one hoped for.
    var problem: String { isError ? (string ?? "an error") : "an unexpected answer of type \(reply.pointee.type)" }
}
