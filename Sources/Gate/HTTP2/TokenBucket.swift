/// Allows a burst and then a steady rate.
package struct TokenBucket: BitwiseCopyable {
    private static let token: Int64 = 1_000_000_000

    private let capacity: Int64
    private let rate: Int64
    /// Billionths of a token.
    private var level: Int64
    private var filledAt: Int64

    /// Full at `now` (monotonic nanoseconds). Burst and rate are at most a million.
    package init(_ rate: HTTP2Limits.Rate, now: Int64) {
        capacity = Int64(min(max(rate.burst, 0), 1_000_000)) * Self.token
        self.rate = Int64(min(max(rate.perSecond, 0), 1_000_000))
        level = capacity
        filledAt = now
    }

    /// Takes a token; false where none is left.
    package mutating func take(now: Int64) -> Bool {
        fill(now)
        guard level >= Self.token else { return false }
        level -= Self.token
        return true
    }

    /// Puts a token back, up to the burst.
    package mutating func refund() {
        level = min(capacity, level + Self.token)
    }

    private mutating func fill(_ now: Int64) {
        let elapsed = now - filledAt
        guard elapsed > 0, rate > 0 else { return }
        filledAt = now
        // An elapsed time that fills the bucket from empty need not be multiplied out: it would overflow.
        level = elapsed >= capacity / rate ? capacity : min(capacity, level + elapsed * rate)
    }
}
