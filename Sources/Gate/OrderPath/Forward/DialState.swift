/// When the endpoint is dialled next.
package struct DialState: BitwiseCopyable {
    /// Failures since the last success.
    package private(set) var failures = 0
    /// Connections lost in a row right after they became ready, and before they carried anything.
    private var shortLives = 0
    private var random: UInt64

    private static let longest: Int64 = 2_000_000_000
    /// A connection that lives shorter than this counts against the endpoint like one that never came about.
    private static let shortLife: Int64 = 1_000_000_000

    /// `seed` spreads the retries of many gates.
    package init(seed: UInt64) {
        random = seed | 1
    }

    package mutating func failed() {
        failures += 1
    }

    package mutating func succeeded() {
        failures = 0
    }

    /// A ready connection was lost, or said that it goes away, `age` nanoseconds after it became ready. `unused`: it had carried
    /// no call.
    package mutating func lost(unused: Bool, age: Int64) {
        shortLives = unused && age < Self.shortLife ? shortLives + 1 : 0
    }

    /// Whether connections are lost as soon as they are ready.
    package var isShortLived: Bool { shortLives > 0 }

    /// Nanoseconds until the next dial: none after the first failure, then 50 ms times 1.6 each, at most 2 s, give or take a
    /// fifth.
    package mutating func nextDelay() -> Int64 {
        let misses = max(failures, shortLives)
        guard misses > 1 else { return 0 }
        var delay: Int64 = 50_000_000
        for _ in 2..<min(misses, 16) where delay < Self.longest { delay = delay * 8 / 5 }
        // xorshift64 (Marsaglia, 2003).
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        let bounded = min(delay, Self.longest)
        return bounded + bounded / 1000 * (Int64(random % 400) - 200)
    }
}
