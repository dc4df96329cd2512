import RiskRules

/// The framing of the one gRPC message that an order call must consist of: a compressed flag, a length of four bytes, the message
/// (grpc/PROTOCOL-HTTP2.md). Judged over what has been gathered so far, so that DATA frames may cut it anywhere.
package enum GRPCFraming {
    /// Bytes before each message.
    package static let prefixSize = 5

    package struct Limits: BitwiseCopyable {
        /// The largest message, bytes.
        var maximumSize: Int
        /// For cancels, which pass though they cannot be read: only what hides a second message is refused, or has no bound.
        var takesUnreadable: Bool

        package init(maximumSize: Int, takesUnreadable: Bool) {
            self.maximumSize = maximumSize
            self.takesUnreadable = takesUnreadable
        }
    }

    /// What a finished stream came to.
    package enum Outcome: BitwiseCopyable {
        /// The message without its prefix; one that cannot be read, where that is taken, is given as empty.
        case message(UnsafeRawBufferPointer)
        case refused(DecodeFailure)
    }

    /// What can be told to be wrong before the stream has ended; nil: nothing so far.
    package static func early(_ body: UnsafeRawBufferPointer, limits: Limits) -> DecodeFailure? {
        guard body.count >= prefixSize else { return nil }
        let flag = body[0]
        if !limits.takesUnreadable {
            if flag > 1 { return DecodeFailure(.orderMalformed, "a message prefix that is none") }
            if flag == 1 { return DecodeFailure(.orderCompressed, "a compressed message; send orders uncompressed") }
        }
        let size = Int(UInt32(bigEndian: body.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
        if size > limits.maximumSize {
            return DecodeFailure(.orderTooLarge, "a message above the size limit of orders")
        }
        if body.count > prefixSize + size { return DecodeFailure(.orderCardinality, "more than one message") }
        return nil
    }

    /// The message of a stream that has ended, or why there is none.
    package static func whole(_ body: UnsafeRawBufferPointer, limits: Limits) -> Outcome {
        if let failure = early(body, limits: limits) { return .refused(failure) }
        if body.count >= prefixSize, body[0] == 0 {
            let size = Int(UInt32(bigEndian: body.loadUnaligned(fromByteOffset: 1, as: UInt32.self)))
            if body.count == prefixSize + size {
                return .message(UnsafeRawBufferPointer(rebasing: body[prefixSize...]))
            }
        }
        if limits.takesUnreadable { return .message(.empty) }
        return .refused(
            body.isEmpty
                ? DecodeFailure(.orderCardinality, "no message") : DecodeFailure(.orderMalformed, "truncated message"))
    }
}
