/// Why an order is approved or refused: what every rule that can apply to it measured, and how large it may be.
package struct OrderExplanation: Sendable {
    /// The first blocking violation; nil where the order passes.
    package var reason: Reason?
    /// Every violation, blocking or observed, in the order of evaluation.
    package var violations: [Violation]
    /// Whether the order was proved to reduce risk.
    package var isReducing: Bool
    /// One for each bound of each rule that covers the order, in the order of evaluation.
    package var rules: [RuleExplanation]
    /// The largest quantity with which the order would pass: a multiple of the instrument's `lot_size`, or else of 10^-10;
    /// nil where it would pass with none.
    package var maxQuantity: FixedPoint?
    /// What the order and its account come to, by metric, as far as it can be known; rounded as their bounds are compared.
    package var metrics: [(metric: Metric, value: FixedPoint)]
}

/// What one bound of a rule came to.
package struct RuleExplanation: Sendable {
    package enum Outcome: Hashable, Sendable {
        /// The bound holds.
        case passed
        /// It does not, and gives this reason.
        case violated(Reason)
        /// An input does not count, for this reason, and the rule is taken as violated.
        case missing(Reason)
        /// The same, but the rule says `on_missing: skip`.
        case skipped(Reason)
        /// The order reduces risk, which this rule does not hold up.
        case exempt
    }

    package enum Value: Hashable, Sendable {
        /// What the metric came to; rounded up against a maximum, down against a minimum.
        case amount(FixedPoint)
        /// Without end: a margin ratio where no margin is in use.
        case infinite
        /// The order's name, side, type or time in force.
        case name(String)
        /// Not known, or not looked at.
        case none
    }

    package enum Bound: Hashable, Sendable {
        case max(FixedPoint)
        case min(FixedPoint)
        /// The patterns of a membership rule; empty where it has no such list.
        case names(allow: [String], deny: [String])
    }

    /// Index into `RuleSet.rules` and `RuleSet.texts`.
    package var rule: Int32
    package var metric: Metric
    package var severity: Severity
    package var mode: RuleMode
    package var outcome: Outcome
    package var value: Value
    /// The bound in force for this order.
    package var bound: Bound
    /// nil for names, and where the value is not known.
    package var utilization: Utilization?

    /// Whether the rule has nothing against the order.
    package var passed: Bool {
        switch outcome {
        case .passed, .skipped, .exempt: true
        case .violated, .missing: false
        }
    }

    /// Whether it refuses the order.
    package var blocks: Bool { !passed && mode == .enforce && severity != .soft }
}
