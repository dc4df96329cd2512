import Gate
import Testing

@Suite struct PassingMessagesTests {
    private enum Seen: Equatable {
        case message([UInt8])
        case passedOver(PassingMessages.Obstacle)
    }

    private struct Run: Equatable {
        var seen: [Seen] = []
        /// Bytes that were kept at most.
        var kept = 0
    }

    /// What an answer that comes in these pieces is made of, with a limit of 16 bytes of message.
    private func run(_ pieces: [[UInt8]]) -> Run {
        var passing = PassingMessages()
        var gathered = ByteQueue()
        defer { gathered.deallocate() }
        var result = Run()
        for piece in pieces {
            piece.withUnsafeBytes { bytes in
                var rest = bytes
                while let found = passing.next(&rest, gathered: &gathered, limit: 16) {
                    switch found {
                    case .message(let message): result.seen.append(.message(Array(message)))
                    case .passedOver(let obstacle): result.seen.append(.passedOver(obstacle))
                    }
                    result.kept = max(result.kept, gathered.count)
                }
                #expect(rest.isEmpty)
                result.kept = max(result.kept, gathered.count)
            }
        }
        return result
    }

    private func frame(_ message: [UInt8], flag: UInt8 = 0) -> [UInt8] {
        [flag, 0, 0, UInt8(message.count >> 8), UInt8(message.count & 0xFF)] + message
    }

    @Test func `finds every message of an answer in one piece, and keeps nothing of it`() {
        let body = frame([1, 2, 3]) + frame([]) + frame([4])
        #expect(run([body]) == Run(seen: [.message([1, 2, 3]), .message([]), .message([4])]))
        #expect(run([]) == Run())
        #expect(run([[]]) == Run())
    }

    @Test func `finds them split at any two points`() {
        let body = frame([1, 2, 3]) + frame([]) + frame([4, 5]) + frame([6], flag: 1) + frame([7])
        let whole: [Seen] = [
            .message([1, 2, 3]), .message([]), .message([4, 5]), .passedOver(.compressed), .message([7]),
        ]
        for first in 0...body.count {
            for second in first...body.count {
                let pieces = [Array(body[..<first]), Array(body[first..<second]), Array(body[second...])]
                #expect(run(pieces).seen == whole, "\(first), \(second)")
            }
        }
        #expect(run(body.map { [$0] }).seen == whole)
    }

    @Test func `reads a message of the limit and passes over one byte more, whole or cut`() {
        let (fits, large) = ([UInt8](repeating: 7, count: 16), [UInt8](repeating: 8, count: 17))
        let body = frame(fits) + frame(large) + frame([9])
        let seen: [Seen] = [.message(fits), .passedOver(.tooLarge), .message([9])]
        #expect(run([body]) == Run(seen: seen))
        #expect(run(body.map { [$0] }) == Run(seen: seen, kept: 16))
    }

    @Test func `a length that never comes keeps nothing`() {
        let body = [0, 0xFF, 0xFF, 0xFF, 0xFF] + [UInt8](repeating: 1, count: 1000)
        #expect(run(body.map { [$0] }) == Run(seen: [.passedOver(.tooLarge)]))
        #expect(run([[1, 0xFF, 0xFF, 0xFF, 0xFF], frame([1])]) == Run(seen: [.passedOver(.compressed)]))
    }

    @Test func `a flag that is none hides what follows it`() {
        for flag in [UInt8(2), 60, 255] {
            let body = frame([1]) + frame([2], flag: flag) + frame([3])
            #expect(run([body]).seen == [.message([1]), .passedOver(.unreadable)])
            #expect(run(body.map { [$0] }).seen == [.message([1]), .passedOver(.unreadable)])
        }
    }

    @Test func `any split of any bytes shows the same, and keeps no more than the limit`() {
        var generator = SplitMix(seed: 11)
        for _ in 0..<3_000 {
            var body: [UInt8] = []
            for _ in 0..<Int.random(in: 0...6, using: &generator) {
                let message = (0..<Int.random(in: 0...20, using: &generator)).map { UInt8($0) }
                body += frame(message, flag: [0, 0, 0, 0, 1, 2].randomElement(using: &generator) ?? 0)
            }
            if Bool.random(using: &generator), !body.isEmpty {
                body[Int.random(in: body.indices, using: &generator)] = UInt8.random(
                    in: .min ... .max, using: &generator)
            }
            body.removeLast(Int.random(in: 0...min(3, body.count), using: &generator))
            var pieces: [[UInt8]] = []
            var rest = body[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 0...12, using: &generator))
                pieces.append(Array(piece))
                rest = rest.dropFirst(piece.count)
            }
            let whole = run([body])
            let split = run(pieces)
            #expect(split.seen == whole.seen, "\(body) in \(pieces.map(\.count))")
            #expect(max(split.kept, whole.kept) <= 16)
        }
    }
}
