import CNghttp2

/// Judges what a client sends by its frame headers, before libnghttp2 sees it: floods of every kind, header blocks that do not
/// end, and streams that were used before. It follows the bytes however they are cut, keeps no payload and does no I/O.
package final class FrameGuard {
    /// What may go to the session, and whether what follows is the connection's end.
    package struct Verdict {
        /// Bytes from the first on. Fewer than were given, without a fault: the rest is for the next turn.
        package var count: Int
        package var fault: HTTP2Fault?
    }

    private let limits: HTTP2Limits
    private var streams = ClientStreams()
    private var resets: TokenBucket
    private var prematureResets: TokenBucket
    private var controlFrames: TokenBucket
    private var dribbledFrames: TokenBucket
    private var emptyFrames = 0
    private var continuations = 0
    /// WINDOW_UPDATE frames that may still come: some at the start, more for each stream and each frame of DATA sent.
    private var windowUpdates = 100

    // Where the bytes stand.
    private var prefaceLeft = Int(NGHTTP2_CLIENT_MAGIC_LEN)
    private var head = InlineArray<9, UInt8>(repeating: 0)
    private var headCount = 0
    private var payloadLeft = 0
    private var currentCarriesHeaders = false
    private var blockIsOpen = false
    /// Tells one header block from the next.
    private(set) var blockNumber = 0

    package init(_ limits: HTTP2Limits, now: Int64) {
        self.limits = limits
        resets = TokenBucket(limits.resets, now: now)
        prematureResets = TokenBucket(limits.prematureResets, now: now)
        controlFrames = TokenBucket(limits.controlFrames, now: now)
        dribbledFrames = TokenBucket(limits.dribbledFrames, now: now)
    }

    deinit { streams.deallocate() }

    /// Whether the bytes that open HTTP/2 have come.
    package var hasPreface: Bool { prefaceLeft == 0 }
    /// Whether a header block has begun that has not ended.
    package var isInHeaderBlock: Bool { blockIsOpen || currentCarriesHeaders && payloadLeft > 0 }

    // MARK: What comes

    /// Follows `bytes`; stops before the first frame that is a fault, and before the first call beyond a turn's share.
    package func follow(_ bytes: UnsafeRawBufferPointer, now: Int64) -> Verdict {
        var offset = 0
        var calls = 0
        while offset < bytes.count {
            if prefaceLeft > 0 || payloadLeft > 0 {
                let size = min(prefaceLeft > 0 ? prefaceLeft : payloadLeft, bytes.count - offset)
                if prefaceLeft > 0 { prefaceLeft -= size } else { payloadLeft -= size }
                offset += size
                continue
            }
            let start = offset - headCount
            while headCount < 9, offset < bytes.count {
                head[headCount] = bytes[offset]
                headCount += 1
                offset += 1
            }
            guard headCount == 9 else { break }
            if opensCall {
                // One whose header began in the bytes before is let through: those have gone already.
                if calls >= limits.callsPerTurn, start >= 0 {
                    headCount = 0
                    return Verdict(count: start, fault: nil)
                }
                calls += 1
            }
            headCount = 0
            payloadLeft = Int(head[0]) << 16 | Int(head[1]) << 8 | Int(head[2])
            if let fault = judge(now) { return Verdict(count: max(0, start), fault: fault) }
        }
        return Verdict(count: bytes.count, fault: nil)
    }

    private var type: UInt32 { UInt32(head[3]) }
    private var stream: UInt32 {
        UInt32(head[5] & 0x7F) << 24 | UInt32(head[6]) << 16 | UInt32(head[7]) << 8 | UInt32(head[8])
    }
    private var opensCall: Bool { type == NGHTTP2_HEADERS.rawValue && stream > streams.highest }

    private func has(_ flag: nghttp2_flag) -> Bool { UInt32(head[4]) & flag.rawValue != 0 }

    /// The frame whose header stands in `head`.
    private func judge(_ now: Int64) -> HTTP2Fault? {
        let carriedHeaders = blockIsOpen
        currentCarriesHeaders = type == NGHTTP2_HEADERS.rawValue || type == NGHTTP2_CONTINUATION.rawValue
        // Whatever comes between the frames of a block is an error that libnghttp2 answers.
        if carriedHeaders, type != NGHTTP2_CONTINUATION.rawValue { return nil }
        switch type {
        case NGHTTP2_DATA.rawValue: return data()
        case NGHTTP2_HEADERS.rawValue: return headers()
        case NGHTTP2_CONTINUATION.rawValue: return continuation()
        case NGHTTP2_RST_STREAM.rawValue: return reset(now)
        case NGHTTP2_WINDOW_UPDATE.rawValue:
            windowUpdates -= 1
            return windowUpdates >= 0 ? nil : .controlFlood
        case NGHTTP2_PING.rawValue: return controlFrames.take(now: now) ? nil : .pingFlood
        default: return controlFrames.take(now: now) ? nil : .controlFlood
        }
    }

    private func data() -> HTTP2Fault? {
        let ends = has(NGHTTP2_FLAG_END_STREAM)
        if payloadLeft > 0 || ends {
            emptyFrames = 0
        } else {
            emptyFrames += 1
            if emptyFrames > limits.emptyFrames { return .emptyFrames }
        }
        if payloadLeft > 0 { controlFrames.refund() }
        if streams.state(of: stream) == .ended { return .streamClosed }
        if ends { streams.end(stream) }
        return nil
    }

    private func headers() -> HTTP2Fault? {
        continuations = 0
        blockNumber &+= 1
        blockIsOpen = !has(NGHTTP2_FLAG_END_HEADERS)
        controlFrames.refund()
        // An even id is an error that libnghttp2 answers.
        guard stream & 1 == 1 else { return nil }
        switch streams.state(of: stream) {
        case .new:
            streams.open(stream)
            windowUpdates = min(windowUpdates + 2, Self.windowUpdateCap)
        case .ended: return .streamClosed
        case .skipped: return .streamReused
        case .open, .forgotten: break
        }
        if has(NGHTTP2_FLAG_END_STREAM) { streams.end(stream) }
        return nil
    }

    private func continuation() -> HTTP2Fault? {
        guard blockIsOpen else { return nil }
        blockIsOpen = !has(NGHTTP2_FLAG_END_HEADERS)
        continuations += 1
        return continuations > limits.continuationFrames ? .continuationFlood : nil
    }

    private func reset(_ now: Int64) -> HTTP2Fault? {
        guard resets.take(now: now) else { return .rapidReset }
        // A stream too long ago to know of counts as answered.
        guard streams.isAnswered(stream) || prematureResets.take(now: now) else { return .rapidReset }
        streams.end(stream)
        return nil
    }

    // MARK: What goes

    /// The head of an answer was sent.
    package func answered(_ stream: Int32) {
        streams.answer(UInt32(bitPattern: stream))
        controlFrames.refund()
    }

    /// A DATA frame was sent.
    package func dataSent() {
        controlFrames.refund()
        windowUpdates = min(windowUpdates + 20, Self.windowUpdateCap)
    }

    /// The client's window cut a DATA frame short. False: too often.
    package func dribbled(now: Int64) -> Bool { dribbledFrames.take(now: now) }

    private static let windowUpdateCap = 100_000
}
