import Gate
import RiskRules
import Testing

@Suite struct GRPCFramingTests {
    /// What a stream that comes in these pieces is made of, with a limit of 16 bytes of message.
    private func run(_ pieces: [[UInt8]], takesUnreadable: Bool = false) -> (Result<[UInt8], Refusal>, frame: [UInt8]) {
        let limits = GRPCFraming.Limits(maximumSize: 16, takesUnreadable: takesUnreadable)
        var body: [UInt8] = []
        for piece in pieces {
            body += piece
            if let failure = body.withUnsafeBytes({ GRPCFraming.early($0, limits: limits) }) {
                return (.failure(Refusal(failure)), body)
            }
        }
        return body.withUnsafeBytes {
            switch GRPCFraming.whole($0, limits: limits) {
            case .message(let message): (.success([UInt8](message)), body)
            case .refused(let failure): (.failure(Refusal(failure)), body)
            }
        }
    }

    private func reason(_ pieces: [[UInt8]]) -> Reason? {
        guard case .failure(let refusal) = run(pieces).0 else { return nil }
        return refusal.reason
    }

    private func frame(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        [flag, 0, 0, 0, UInt8(message.count)] + message
    }

    @Test func `takes one message split at any two points`() {
        let message = (0..<16).map { UInt8($0) }
        let stream = frame(message)
        for first in 0...stream.count {
            for second in first...stream.count {
                let pieces = [Array(stream[..<first]), Array(stream[first..<second]), Array(stream[second...])]
                let (result, whole) = run(pieces)
                #expect(result == .success(message))
                #expect(whole == stream)
            }
        }
        #expect(run(stream.map { [$0] }).0 == .success(message))
    }

    @Test func `takes an empty message and refuses none at all`() {
        #expect(run([frame([])]).0 == .success([]))
        #expect(reason([]) == .orderCardinality)
        #expect(reason([[]]) == .orderCardinality)
    }

    @Test func `takes a message of the limit and refuses one byte more from the prefix alone`() {
        #expect(run([frame([UInt8](repeating: 7, count: 16))]).0 == .success([UInt8](repeating: 7, count: 16)))
        #expect(reason([[0, 0, 0, 0, 17]]) == .orderTooLarge)
        #expect(reason([[0, 0xFF, 0xFF, 0xFF, 0xFF]]) == .orderTooLarge)
    }

    @Test func `refuses a second message and trailing bytes wherever they are split`() {
        for stream in [frame([1, 2]) + frame([3]), frame([1, 2]) + [0], frame([]) + frame([])] {
            for split in 0...stream.count {
                #expect(reason([Array(stream[..<split]), Array(stream[split...])]) == .orderCardinality)
            }
        }
    }

    @Test func `refuses a stream that ends within the prefix or the message`() {
        let stream = frame([1, 2, 3])
        for end in 1..<stream.count { #expect(reason([Array(stream[..<end])]) == .orderMalformed) }
    }

    @Test func `refuses compression of orders, takes it of cancels, and refuses flags that are none`() {
        #expect(reason([frame([1], flag: 1)]) == .orderCompressed)
        #expect(reason([frame([1], flag: 2)]) == .orderMalformed)
        #expect(reason([frame([1], flag: 255)]) == .orderMalformed)
        let (result, whole) = run([frame([1], flag: 1)], takesUnreadable: true)
        // It cannot be read, and is forwarded as it came.
        #expect(result == .success([]))
        #expect(whole == frame([1], flag: 1))
        #expect(run([frame([1], flag: 1) + [0]], takesUnreadable: true).0.isRefused(for: .orderCardinality))
    }

    @Test func `reads grpc-timeout to the nanosecond and saturates`() {
        let table: [(String, Int64?)] = [
            ("1n", 1), ("1u", 1_000), ("1m", 1_000_000), ("1S", 1_000_000_000), ("1M", 60_000_000_000),
            ("1H", 3_600_000_000_000), ("0S", 0), ("007m", 7_000_000), ("99999999n", 99_999_999),
            ("99999999H", .max), ("2562047H", 2_562_047 * 3_600_000_000_000), ("2562048H", .max),
            ("", nil), ("S", nil), ("1", nil), ("100000000n", nil), ("1s", nil), ("1h", nil), ("-1S", nil),
            ("+1S", nil),
            ("1 S", nil), (" 1S", nil), ("1.5S", nil), ("1SS", nil), ("१S", nil),
        ]
        for (text, expected) in table {
            #expect(Array(text.utf8).withUnsafeBytes { GRPCTimeout.nanoseconds($0) } == expected, "\(text)")
        }
    }
}

extension Result where Failure == Refusal {
    func isRefused(for reason: Reason) -> Bool {
        guard case .failure(let refusal) = self else { return false }
        return refusal.reason == reason
    }
}
