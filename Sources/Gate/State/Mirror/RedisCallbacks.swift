import CHiredis

/// The functions that hiredis calls: each finds its connection and hands the call on.
enum RedisCallbacks {
    static let connected: @convention(c) (UnsafePointer<redisAsyncContext>?, Int32) -> Void = { context, status in
        connection(context?.pointee.data)?._withUnsafeGuaranteedRef { $0.connected(status: status) }
    }

    static let replied:
        @convention(c) (UnsafeMutablePointer<redisAsyncContext>?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)
            -> Void = { context, reply, token in
                connection(context?.pointee.data)?._withUnsafeGuaranteedRef {
                    $0.replied(RedisReply(reply), token: UInt(bitPattern: token))
                }
            }

    static let published:
        @convention(c) (UnsafeMutablePointer<redisAsyncContext>?, UnsafeMutableRawPointer?, UnsafeMutableRawPointer?)
            -> Void = { context, reply, _ in
                connection(context?.pointee.data)?._withUnsafeGuaranteedRef { $0.published(RedisReply(reply)) }
            }

    static let addRead: @convention(c) (UnsafeMutableRawPointer?) -> Void = { data in
        connection(data)?._withUnsafeGuaranteedRef { $0.wantsRead(true) }
    }

    static let deleteRead: @convention(c) (UnsafeMutableRawPointer?) -> Void = { data in
        connection(data)?._withUnsafeGuaranteedRef { $0.wantsRead(false) }
    }

    static let addWrite: @convention(c) (UnsafeMutableRawPointer?) -> Void = { data in
        connection(data)?._withUnsafeGuaranteedRef { $0.wantsWrite(true) }
    }

    static let deleteWrite: @convention(c) (UnsafeMutableRawPointer?) -> Void = { data in
        connection(data)?._withUnsafeGuaranteedRef { $0.wantsWrite(false) }
    }

    static let cleanup: @convention(c) (UnsafeMutableRawPointer?) -> Void = { data in
        connection(data)?._withUnsafeGuaranteedRef { $0.contextEnds() }
    }

    private static func connection(_ data: UnsafeMutableRawPointer?) -> Unmanaged<RedisConnection>? {
        data.map { Unmanaged.fromOpaque($0) }
    }
}
