/// What a violation of a rule does: `soft` warns, `hard` refuses, `emergency` refuses and stops trading.
package enum Severity: UInt8, CaseIterable, Sendable, BitwiseCopyable { case soft, hard, emergency }
/// Whether a rule's violations count, or are only seen and counted.
package enum RuleMode: UInt8, CaseIterable, Sendable, BitwiseCopyable { case enforce, shadow }
/// What a window or an open-order count is kept per. `account` is the default.
package enum RuleKey: UInt8, CaseIterable, Sendable, BitwiseCopyable { case account, strategy, symbol, connection }
/// What a stop covers.
package enum StopScope: UInt8, CaseIterable, Sendable, BitwiseCopyable { case global, account, strategy, symbol }

/// One rule, compiled: fixed-size, no text. Its text stands beside it in `RuleSet.texts` at the same index.
package struct CompiledRule: Sendable, BitwiseCopyable {
    package var metric: Metric
    package var severity: Severity
    package var mode: RuleMode
    /// What the window or count is kept per.
    package var per: RuleKey
    /// What an emergency rule stops.
    package var stop: StopScope
    package var hasMax: Bool
    package var hasMin: Bool
    /// `on_missing: skip`: a missing input makes the rule not apply instead of refusing.
    package var skipsMissing: Bool
    /// Whether a risk-reducing order is not judged by this rule (the default of exposure, loss, symbol membership …).
    package var exemptsReducing: Bool
    /// Whether a risk-reducing order is not judged by this rule where the price it needs is missing or too old.
    package var exemptsReducingWithoutPrice: Bool = false
    /// Bit `Side.rawValue` set where the rule applies to it.
    package var sides: UInt8
    /// Bit `OrderType.rawValue` set where the rule applies to it: what `applies_to` names, without the types that the
    /// metric is not defined for.
    package var types: UInt8
    /// The bound, this Gate's share of it already; `metric <= max` and `metric >= min` must hold.
    package var max: FixedPoint
    package var min: FixedPoint
    /// Sliding window in nanoseconds; 0 for metrics without one.
    package var window: Int64
    /// Index of the pattern sets in `RuleSet` for a membership rule: what is allowed / denied; -1 for none.
    package var allow: Int32
    package var deny: Int32
    /// Index of the rule's window in this set (`RuleSet.windows`), -1 for none.
    package var windowIndex: Int32
    /// Index into `RuleSet.distributions`, -1 for metrics that are not about returns.
    package var distribution: Int32 = -1
    /// Index into `RuleSet.scales` of what `max` is scaled by, -1 for none.
    package var scale: Int32 = -1
    /// Index of the schedule in which the rule is in force, -1 for always.
    package var schedule: Int32 = -1
}

/// What of a rule is text.
package struct RuleText: Sendable {
    package var id: String
    package var description: String
    package var location: SourceLocation
}

/// What an `instruments:` entry fixes for orders of its symbol. Zero: not given, nothing is checked.
package struct CompiledInstrument: Sendable, BitwiseCopyable {
    /// Prices are multiples of it.
    package var tickSize = FixedPoint.zero
    /// Quantities are multiples of it.
    package var lotSize = FixedPoint.zero
    package var minQuantity = FixedPoint.zero
    package var maxQuantity = FixedPoint.zero
    /// The smallest notional of an order that does not reduce risk.
    package var minNotional = FixedPoint.zero
    /// What one unit of quantity is worth in units of price; 1 unless given.
    package var contractMultiplier = FixedPoint.one
    /// Margin that a new position takes, as a fraction of its notional; meaningful where `hasInitialMargin`.
    package var initialMargin = FixedPoint.zero
    package var hasInitialMargin = false
}
