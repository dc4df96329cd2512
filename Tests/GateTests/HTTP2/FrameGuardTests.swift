import Gate
import Testing

@Suite struct FrameGuardTests {
    private static let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8)
    private static let endStream: UInt8 = 1
    private static let endHeaders: UInt8 = 4

    /// A frame with a payload of zeros.
    private static func frame(_ type: UInt8, _ stream: UInt32, flags: UInt8 = 0, length: Int = 0) -> [UInt8] {
        let id = (0..<4).map { UInt8(truncatingIfNeeded: stream >> UInt32(24 - 8 * $0)) }
        let size = [UInt8(length >> 16 & 255), UInt8(length >> 8 & 255), UInt8(length & 255)]
        return size + [type, flags] + id + [UInt8](repeating: 0, count: length)
    }
    private static func data(_ stream: UInt32, ends: Bool = false, length: Int = 5) -> [UInt8] {
        frame(0, stream, flags: ends ? endStream : 0, length: length)
    }
    private static func headers(_ stream: UInt32, ends: Bool = false, whole: Bool = true) -> [UInt8] {
        frame(1, stream, flags: (ends ? endStream : 0) | (whole ? endHeaders : 0), length: 3)
    }
    private static func reset(_ stream: UInt32) -> [UInt8] { frame(3, stream, length: 4) }
    private static let ping = frame(6, 0, length: 8)
    private static let settings = frame(4, 0)
    private static func continuation(_ stream: UInt32, whole: Bool = false) -> [UInt8] {
        frame(9, stream, flags: whole ? endHeaders : 0, length: 1)
    }

    /// What comes of `frames` behind a preface, and how many of their bytes are let through.
    private func verdict(
        _ frames: [[UInt8]], limits: HTTP2Limits = HTTP2Limits(), step: Int = .max, now: Int64 = 0
    ) -> (fault: HTTP2ErrorKind?, count: Int) {
        let guardian = FrameGuard(limits, now: 0)
        return verdict(of: Self.preface + frames.joined(), by: guardian, step: step, now: now)
    }

    private func verdict(
        of bytes: [UInt8], by guardian: FrameGuard, step: Int = .max, now: Int64 = 0
    ) -> (fault: HTTP2ErrorKind?, count: Int) {
        var offset = 0
        while offset < bytes.count {
            let part = Array(bytes[offset..<min(bytes.count, step < bytes.count ? offset + step : bytes.count)])
            let verdict = part.withUnsafeBytes { guardian.follow($0, now: now) }
            offset += verdict.count
            if let fault = verdict.fault { return (fault.kind, offset) }
            if verdict.count == 0 { break }
        }
        return (nil, offset)
    }

    private static func repeated(_ frame: [UInt8], _ count: Int) -> [[UInt8]] { Array(repeating: frame, count: count) }
    private static func calls(_ count: Int, _ rest: (UInt32) -> [[UInt8]]) -> [[UInt8]] {
        (0..<UInt32(count)).flatMap { rest(2 * $0 + 1) }
    }

    private typealias Case = (name: String, frames: [[UInt8]], fault: HTTP2ErrorKind?)
    private static let cases: [Case] = [
        ("twenty pings", repeated(ping, 20), nil),
        ("one ping more", repeated(ping, 21), .controlFlood),
        ("twenty settings", repeated(settings, 20), nil),
        ("one settings more", repeated(settings, 21), .controlFlood),
        ("priorities", repeated(frame(2, 1, length: 5), 21), .controlFlood),
        ("unknown frames", repeated(frame(99, 0), 21), .controlFlood),
        ("a ping for each frame of data", [headers(1)] + repeated(data(1) + ping, 500), nil),
        ("a ping for each empty frame", [headers(1)] + repeated(data(1, length: 0) + ping, 500), .emptyFrames),
        ("eight empty frames", [headers(1)] + repeated(data(1, length: 0), 8) + [data(1)], nil),
        ("nine empty frames", [headers(1)] + repeated(data(1, length: 0), 9), .emptyFrames),
        (
            "eight empty frames, twice",
            [headers(1)] + repeated(data(1, length: 0), 8) + [data(1)] + repeated(data(1, length: 0), 8), nil
        ),
        ("an empty frame that ends", calls(50) { [headers($0), data($0, ends: true, length: 0)] }, nil),
        ("four continuations", [headers(1, whole: false)] + repeated(continuation(1), 4), nil),
        ("five continuations", [headers(1, whole: false)] + repeated(continuation(1), 5), .continuationFlood),
        (
            "four continuations, twice",
            [headers(1, whole: false)] + repeated(continuation(1), 3) + [continuation(1, whole: true)]
                + [headers(3, whole: false)] + repeated(continuation(3), 4), nil
        ),
        ("a thousand resets", calls(1000) { [headers($0), reset($0)] }, nil),
        ("one reset more", calls(1001) { [headers($0), reset($0)] }, .rapidReset),
        ("a window update per byte", [headers(1)] + repeated(frame(8, 1, length: 4), 103), .controlFlood),
        ("window updates", [headers(1)] + repeated(frame(8, 1, length: 4), 102), nil),
        ("data behind the end", [headers(1, ends: true), data(1)], .streamClosed),
        ("data behind a reset", [headers(1), reset(1), data(1)], .streamClosed),
        ("a head behind the end", [headers(1, ends: true), headers(1, ends: true)], .streamClosed),
        ("a head behind a reset", [headers(1), reset(1), headers(1)], .streamClosed),
        ("trailers", [headers(1), data(1), headers(1, ends: true)], nil),
        (
            "a window update and a reset behind the end", [headers(1, ends: true), frame(8, 1, length: 4), reset(1)],
            nil
        ),
        ("a stream below the last", [headers(5, ends: true), headers(3, ends: true)], .protocolError),
        ("a stream below the last by 600 used", calls(700) { [headers($0)] } + [headers(1)], nil),
        ("upward in steps", [headers(1), headers(101), headers(4_000_001)], nil),
        ("a new stream in the place of an old one", [headers(1, ends: true), headers(1025), data(1025)], nil),
    ]

    @Test(arguments: cases.indices, [1, 2, 7, 9, Int.max])
    func `each flood ends at its bound, however the bytes are cut`(index: Int, step: Int) {
        var limits = HTTP2Limits()
        limits.callsPerTurn = .max
        let (_, frames, fault) = Self.cases[index]
        #expect(verdict(frames, limits: limits, step: step).fault == fault, "\(Self.cases[index].name)")
    }

    @Test func `what stands before the fault goes through, the faulty frame does not`() {
        let good = [Self.headers(1), Self.data(1, ends: true)]
        let result = verdict(good + [Self.data(1)])
        #expect(result.fault == .streamClosed)
        #expect(result.count == Self.preface.count + good.joined().count)
    }

    @Test func `control frames come back with time, up to the burst`() {
        let guardian = FrameGuard(HTTP2Limits(), now: 0)
        let twenty = Array(Self.repeated(Self.ping, 20).joined())
        #expect(verdict(of: Self.preface + twenty, by: guardian).fault == nil)
        #expect(verdict(of: Self.ping, by: guardian, now: 499_999_999).fault == .controlFlood)
        #expect(verdict(of: Self.ping, by: guardian, now: 1_000_000_000).fault == nil)
        #expect(verdict(of: twenty, by: guardian, now: 100_000_000_000).fault == nil)
        #expect(verdict(of: Self.ping, by: guardian, now: 100_000_000_000).fault == .controlFlood)
        #expect(verdict(of: Self.ping, by: guardian, now: .max).fault == nil)
    }

    @Test func `a reset after the answer began is not premature`() {
        var limits = HTTP2Limits()
        limits.prematureResets = HTTP2Limits.Rate(burst: 1, perSecond: 1)
        for answered in [true, false] {
            let guardian = FrameGuard(limits, now: 0)
            #expect(verdict(of: Self.preface + Self.headers(1) + Self.headers(3), by: guardian).fault == nil)
            if answered { guardian.answered(1) }
            let fault = verdict(of: Self.reset(1) + Self.reset(3), by: guardian).fault
            #expect(fault == (answered ? nil : .rapidReset))
        }
    }

    @Test func `calls beyond a turn's share wait, at a frame's begin`() {
        var limits = HTTP2Limits()
        limits.callsPerTurn = 2
        let guardian = FrameGuard(limits, now: 0)
        let call = { (stream: UInt32) in Self.headers(stream) + Self.data(stream, ends: true) }
        let bytes = Self.preface + call(1) + call(3) + call(5)
        let first = bytes.withUnsafeBytes { guardian.follow($0, now: 0) }
        #expect(first.count == Self.preface.count + 2 * call(1).count)
        #expect(first.fault == nil)
        let rest = Array(bytes[first.count...])
        #expect(rest.withUnsafeBytes { guardian.follow($0, now: 0) }.count == rest.count)
    }

    @Test func `a header block is open from its first byte to its last`() {
        let guardian = FrameGuard(HTTP2Limits(), now: 0)
        let head = Self.headers(1, whole: false)
        #expect(!guardian.hasPreface)
        _ = verdict(of: Self.preface + head[..<10], by: guardian)
        #expect(guardian.hasPreface)
        #expect(guardian.isInHeaderBlock)
        _ = verdict(of: Array(head[10...]), by: guardian)
        #expect(guardian.isInHeaderBlock)
        _ = verdict(of: Self.continuation(1, whole: true), by: guardian)
        #expect(!guardian.isInHeaderBlock)
        _ = verdict(of: Array(Self.data(1)[..<11]), by: guardian)
        #expect(!guardian.isInHeaderBlock)
    }

    @Test func `random bytes are followed without a trap and cut alike`() {
        var random = SplitMix(seed: 5)
        for _ in 0..<300 {
            var bytes: [UInt8] = Self.preface
            while bytes.count < 400 {
                let stream = UInt32(truncatingIfNeeded: random.next() % 9)
                let type = UInt8(truncatingIfNeeded: random.next() % 12)
                let flags = UInt8(truncatingIfNeeded: random.next())
                bytes += Self.frame(type, stream, flags: flags, length: Int(random.next() % 20))
            }
            var limits = HTTP2Limits()
            limits.callsPerTurn = .max
            let whole = FrameGuard(limits, now: 0)
            let cut = FrameGuard(limits, now: 0)
            let one = verdict(of: bytes, by: whole)
            let other = verdict(of: bytes, by: cut, step: 1 + Int(random.next() % 30))
            #expect(one.fault == other.fault)
        }
    }
}
