/// What one rule that binds accounts comes to for an account as it stands, with no order in hand.
package struct AccountFinding: Hashable, Sendable, BitwiseCopyable {
    package enum Outcome: Hashable, Sendable, BitwiseCopyable {
        case kept
        case broken
        /// An input does not count, for this reason: the rule is neither kept nor broken.
        case missing(Reason)
        /// The same, and the rule says `on_missing: skip`.
        case skipped(Reason)
    }

    /// Index into `RuleSet.rules` and `RuleSet.texts`.
    package var rule: Int32
    package var metric: Metric
    package var severity: Severity
    package var mode: RuleMode
    package var outcome: Outcome
    /// Of a metric that is one symbol's, the symbol in which it comes closest to the bound, or goes furthest beyond it; else
    /// `.none`.
    package var symbol: NameID
    /// What the metric comes to, rounded towards the bound; nil where it is not known, has no number or no end.
    package var value: FixedPoint?
    /// The bound in force: scaled by volatility where the rule says so.
    package var bound: FixedPoint
    /// Whether the value has to be at most the bound; else at least.
    package var boundIsMax: Bool
    /// nil where the value is not known.
    package var utilization: Utilization?

    /// The reason that orders get where the rule is broken.
    package var reason: Reason { metric.reason(isMax: boundIsMax) }
    /// Whether the rule refuses orders: such a rule's breaches count towards the circuit breaker.
    package var isEnforced: Bool { mode == .enforce && severity != .soft }
}

/// What an account comes to as it stands, by the formulas of the rules' metrics; each nil where an input is missing.
package struct AccountMetrics: Hashable, Sendable, BitwiseCopyable {
    package var equity: FixedPoint?
    package var marginUsed: FixedPoint?
    package var grossExposure: FixedPoint?
    package var netExposure: FixedPoint?
    package var leverage: FixedPoint?
    /// nil also where no margin is in use.
    package var marginRatio: FixedPoint?
    /// What is available less what is reserved.
    package var availableMargin: FixedPoint?
    /// What the orders that no snapshot contains are taken to need.
    package var reservedMargin: FixedPoint?
    package var drawdownDaily: FixedPoint?
    package var drawdownMax: FixedPoint?
    package var dailyLoss: FixedPoint?
    package var openOrders: FixedPoint?
    package var openOrderNotional: FixedPoint?

    package init() {}
}

/// An account as the monitor sees it: a view of memory that the engine owns, valid until its next evaluation.
package struct AccountReport: BitwiseCopyable {
    package var account: NameID
    /// Why the account's snapshot does not count; nil where it does.
    package var missing: Reason?
    package var metrics: AccountMetrics
    /// One for each rule that is judged, in no particular order.
    package var findings: UnsafeBufferPointer<AccountFinding>
    /// The stops that broken emergency rules ask for and that are not in force; none in gate-wide shadow mode. No more
    /// than 64 at once: what is left out is found again as soon as these are in force.
    package var stops: UnsafeBufferPointer<TrippedStop>
}
