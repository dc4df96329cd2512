import Glibc

/// When each call arrives, in nanoseconds from the start, and what became of it. All room is taken beforehand.
final class Schedule {
    /// One call; `latency` is counted from `due`.
    struct Arrival {
        let due: Int64
        var sentLate: Int64 = 0
        var latency: Int64 = 0
        var reason = Reasons.unanswered
    }

    let arrivals: UnsafeMutableBufferPointer<Arrival>
    /// The next to be sent.
    private(set) var next = 0
    private(set) var answered = 0

    static let mostArrivals = 16_000_000

    private init(_ due: [Int64]) {
        arrivals = .allocate(capacity: due.count)
        for (index, due) in due.enumerated() { arrivals.initializeElement(at: index, to: Arrival(due: due)) }
    }

    deinit { arrivals.deallocate() }

    var isFinished: Bool { answered == arrivals.count }

    /// The number of the next call, if it is due `elapsed` after the start.
    func take(elapsed: Int64) -> Int? {
        guard next < arrivals.count, arrivals[next].due <= elapsed else { return nil }
        arrivals[next].sentLate = elapsed - arrivals[next].due
        next += 1
        return next - 1
    }

    func answer(_ number: Int, elapsed: Int64, reason: UInt8) {
        guard arrivals.indices.contains(number) else { return }
        arrivals[number].latency = elapsed - arrivals[number].due
        arrivals[number].reason = reason
        answered += 1
    }
}

extension Schedule {
    static func expected(_ steps: [ArrivalStep]) -> Double { steps.reduce(0) { $0 + $1.rate * $1.seconds } }

    /// Exponential gaps: each moment of a step is as likely as any other.
    static func poisson(_ steps: [ArrivalStep], seed: UInt64) -> Schedule {
        var random = SplitMix(state: seed)
        var due: [Int64] = []
        var begin = 0.0
        for step in steps {
            var time = begin
            while true {
                time -= log(Double.random(in: Double.leastNormalMagnitude..<1, using: &random)) / step.rate
                guard time < begin + step.seconds else { break }
                due.append(Int64(time * 1e9))
            }
            begin += step.seconds
        }
        return Schedule(due)
    }

    static func even(rate: Double, seconds: Double) -> Schedule {
        Schedule((0..<Int(rate * seconds)).map { Int64(Double($0) / rate * 1e9) })
    }
}

/// Sebastiano Vigna's splitmix64: the same schedule for the same seed on every machine.
private struct SplitMix: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9e37_79b9_7f4a_7c15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }
}
