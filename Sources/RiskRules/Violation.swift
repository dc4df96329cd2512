/// One thing that an order violates, or whose input is missing.
package struct Violation: Sendable, BitwiseCopyable {
    package var reason: Reason
    /// Index into `RuleSet.rules`; -1 for a built-in check.
    package var rule: Int32
    /// Hard for a built-in check.
    package var severity: Severity
    /// `enforce` for a built-in check.
    package var mode: RuleMode
    package var hasValue: Bool
    package var hasBound: Bool
    /// Whether the value had to be at most the bound; otherwise at least (or, for a step, a multiple of it).
    package var boundIsMax: Bool
    /// The metric with this order counted in; a ratio is rounded away from its bound.
    package var value: FixedPoint
    package var bound: FixedPoint

    /// Whether it refuses the order.
    package var blocks: Bool { mode == .enforce && severity != .soft }
}

/// A stop that an emergency rule asks for; it is in force in the engine already.
package struct TrippedStop: Sendable, BitwiseCopyable {
    package var scope: StopScope
    /// The account, strategy or symbol; `.none` for `global`.
    package var name: NameID
    /// Index of the emergency rule in `RuleSet.rules`; -1 where no rule asks.
    package var rule: Int32

    package init(scope: StopScope, name: NameID, rule: Int32) {
        self.scope = scope
        self.name = name
        self.rule = rule
    }
}

/// What became of an order: a view of memory that the engine owns, valid until its next decision.
package struct Verdict: BitwiseCopyable {
    /// Whether nothing blocks it.
    package var approved: Bool { reason == nil }
    /// The first blocking violation.
    package var reason: Reason?
    /// Blocking and observed (soft, shadow) ones in the order of evaluation. The first blocking one is always among them.
    package var violations: UnsafeBufferPointer<Violation>
    /// How many more there were.
    package var omitted: Int
    /// The stops that this decision set.
    package var trippedStops: UnsafeBufferPointer<TrippedStop>
    /// Whether the order was proved to reduce risk.
    package var isReducing: Bool
    /// Nanoseconds since the price that the decision looked at was true; -1 where it looked at none.
    package var priceAge: Int64
    /// The same for the account's snapshot.
    package var accountAge: Int64

    /// Whether an emergency rule tripped a stop.
    package var emergency: Bool { !trippedStops.isEmpty }
}
