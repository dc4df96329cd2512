/// When a silent peer is asked whether it is still there (PING), and when it is given up. Times are monotonic nanoseconds.
package struct Keepalive: BitwiseCopyable {
    package struct Limits: Equatable, Sendable, BitwiseCopyable {
        /// Silence after which a PING is sent while an answer is owed, and otherwise.
        package var active: Int64
        package var idle: Int64
        /// How long any byte may then take to come.
        package var timeout: Int64
        /// PINGs in a row without a message of the peer's in between. gRPC servers close a connection at the fourth within five minutes
        /// ("too_many_pings"), so an endpoint is sent two; behind them TCP's own probes go on.
        package var mostPings: Int
        /// So long after the last PING another is always allowed: gRPC servers hold none against a client that comes later.
        package var spacing: Int64

        package init(active: Int64, idle: Int64, timeout: Int64, mostPings: Int, spacing: Int64 = 300_000_000_000) {
            self.active = active
            self.idle = idle
            self.timeout = timeout
            self.mostPings = mostPings
            self.spacing = spacing
        }
    }

    package enum Action: Equatable, BitwiseCopyable {
        /// Look again at this time.
        case wait(until: Int64)
        /// Send a PING, and look again at this time.
        case ping(until: Int64)
        /// The peer is gone.
        case close
    }

    private let limits: Limits
    private var lastHeard: Int64
    /// When the PING was sent that is not answered; 0: there is none.
    private var pingedAt: Int64 = 0
    private var lastPing: Int64 = 0
    private var pings = 0
    private var isDoubted = false

    package init(_ limits: Limits, now: Int64) {
        self.limits = limits
        lastHeard = now
    }

    /// Some bytes came.
    package mutating func heard(now: Int64) {
        lastHeard = now
        pingedAt = 0
        isDoubted = false
    }

    /// There is reason to ask at the next check, whatever was heard.
    package mutating func doubt() {
        isDoubted = true
    }

    /// A message or a part of one came: what the peer forgives PINGs for.
    package mutating func messageCame() {
        pings = 0
    }

    /// `owedSince`: since when the peer owes an answer that it is expected to give soon; nil where it owes none.
    package mutating func check(now: Int64, owedSince: Int64?) -> Action {
        if pingedAt != 0 {
            let due = Self.sum(pingedAt, limits.timeout)
            return now >= due ? .close : .wait(until: due)
        }
        let due = due(now, owedSince)
        guard now >= due else { return .wait(until: due) }
        if now >= Self.sum(lastPing, limits.spacing) { pings = 0 }
        guard pings < limits.mostPings else { return .wait(until: Self.sum(now, limits.active)) }
        pings += 1
        pingedAt = now
        lastPing = now
        return .ping(until: Self.sum(now, limits.timeout))
    }

    private func due(_ now: Int64, _ owedSince: Int64?) -> Int64 {
        if isDoubted { return now }
        if let owedSince { return Self.sum(max(lastHeard, owedSince), limits.active) }
        return Self.sum(lastHeard, limits.idle)
    }

    private static func sum(_ time: Int64, _ span: Int64) -> Int64 {
        let (sum, overflow) = time.addingReportingOverflow(span)
        return overflow ? .max : sum
    }
}
