/// Finds the gRPC messages in an answer that passes, whose DATA may cut them anywhere (grpc/PROTOCOL-HTTP2.md).
///
/// A message that comes in one piece is read where it stands; one that is cut is gathered. What is too large or compressed
/// is passed over, and what follows it is found again behind it.
package struct PassingMessages: BitwiseCopyable {
    package enum Found: BitwiseCopyable {
        /// A message without its prefix, valid until the next call and as long as the bytes that it came in.
        case message(UnsafeRawBufferPointer)
        case passedOver(Obstacle)
    }

    /// Why a message is not read.
    package enum Obstacle: BitwiseCopyable {
        case compressed
        case tooLarge
        /// This is no gRPC framing: nothing behind it can be told apart either.
        case unreadable
    }

    private enum State: UInt8, BitwiseCopyable { case prefix, gathering, skipping, lost }

    private var state = State.prefix
    /// What has come of a prefix: how many bytes, and their value.
    private var prefixCount: UInt8 = 0
    private var prefix: UInt64 = 0
    /// Bytes of the message under way that are still to come.
    private var missing = 0
    /// The message that was given last stands in `gathered`.
    private var hasGathered = false

    package init() {}

    /// What `bytes`, which follow those of the calls before, bring next; nil where they are used up.
    /// - Parameters:
    ///   - gathered: belongs to this value: it holds what has come of a message that is cut.
    ///   - limit: the largest message that is read, as it begins.
    package mutating func next(
        _ bytes: inout UnsafeRawBufferPointer, gathered: inout ByteQueue, limit: Int
    ) -> Found? {
        if hasGathered {
            hasGathered = false
            gathered.reset()
        }
        while true {
            switch state {
            case .prefix:
                guard takePrefix(&bytes) else { return nil }
                if let obstacle = begin(limit: limit) { return .passedOver(obstacle) }
            case .gathering:
                if gathered.isEmpty, bytes.count >= missing {
                    state = .prefix
                    return .message(Self.take(missing, from: &bytes))
                }
                let part = Self.take(missing, from: &bytes)
                _ = gathered.append(part, limit: .max)
                missing -= part.count
                guard missing == 0 else { return nil }
                state = .prefix
                hasGathered = true
                return .message(gathered.bytes)
            case .skipping:
                missing -= Self.take(missing, from: &bytes).count
                guard missing == 0 else { return nil }
                state = .prefix
            case .lost:
                _ = Self.take(bytes.count, from: &bytes)
                return nil
            }
        }
    }

    /// Takes what is missing of a prefix; false where there is not enough.
    private mutating func takePrefix(_ bytes: inout UnsafeRawBufferPointer) -> Bool {
        let part = Self.take(GRPCFraming.prefixSize - Int(prefixCount), from: &bytes)
        for byte in part { prefix = prefix << 8 | UInt64(byte) }
        prefixCount += UInt8(truncatingIfNeeded: part.count)
        return prefixCount == UInt8(GRPCFraming.prefixSize)
    }

    /// Looks at a whole prefix: why its message is not read; nil where it is.
    private mutating func begin(limit: Int) -> Obstacle? {
        let flag = prefix >> 32
        missing = Int(prefix & 0xFFFF_FFFF)
        prefix = 0
        prefixCount = 0
        guard flag <= 1 else {
            state = .lost
            return .unreadable
        }
        let isTooLarge = missing > limit
        state = flag == 1 || isTooLarge ? .skipping : .gathering
        if flag == 1 { return .compressed }
        return isTooLarge ? .tooLarge : nil
    }

    /// The first `count` bytes, or all where there are fewer.
    private static func take(_ count: Int, from bytes: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let count = min(count, bytes.count)
        defer { bytes = UnsafeRawBufferPointer(rebasing: bytes[count...]) }
        return UnsafeRawBufferPointer(rebasing: bytes[..<count])
    }
}
