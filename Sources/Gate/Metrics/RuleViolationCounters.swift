package import RiskRules
import Synchronization

/// What the violations of one rule are counted under.
package struct RuleViolationLabels: Hashable, Sendable {
    package var rule: String
    package var severity: Severity
    package var mode: RuleMode
    package init(rule: String, severity: Severity, mode: RuleMode) {
        self.rule = rule
        self.severity = severity
        self.mode = mode
    }

    var labels: [MetricLabel] {
        [MetricLabel("rule", rule), MetricLabel("severity", severity.text), MetricLabel("mode", mode.text)]
    }
}

/// Where the violations of each rule of one rule set are counted: a slot per index of `RuleSet.rules`. Made by the
/// state thread when a set is compiled; travels with the set to the order thread.
package final class RuleViolationSlots: Sendable {
    package let count: Int
    // The memory never changes after `init` and is freed in `deinit`.
    private nonisolated(unsafe) let slots: UnsafeMutablePointer<UInt32>

    fileprivate init(_ values: [UInt32]) {
        count = values.count
        slots = .allocate(capacity: max(values.count, 1))
        for (index, slot) in values.enumerated() { (slots + index).initialize(to: slot) }
    }

    deinit { slots.deallocate() }

    /// The slot of the rule at `rule`; slot 0, that of the nameless, for an index that is not of the set.
    package subscript(rule: Int) -> UInt32 {
        rule >= 0 && rule < count ? slots[rule] : 0
    }
}

/// `gate_rule_violations_total`. Slots are given out once per rule id, severity and mode, and kept over reloads, so
/// that a counter never goes back. Registered by the state thread, counted by the order thread.
package final class RuleViolationCounters: ExposedMetric {
    /// Slots; combinations beyond them share slot 0, whose rule is shown as `(others)`.
    package static let capacity = 16_384

    private let declaration = MetricDeclaration(
        "gate_rule_violations_total", help: "Orders found in breach of a rule, blocking or not.", type: .counter)
    private let cells = MetricCells(count: RuleViolationCounters.capacity)
    private let registered = Mutex(Registered())

    private struct Registered {
        var slots: [RuleViolationLabels: UInt32] = [:]
        /// By slot; slot 0 stands before them.
        var labels: [RuleViolationLabels] = []
    }

    package init() {}

    /// The slots of a compiled set, in the order of its rules. For the state thread.
    package func slots(of rules: [RuleViolationLabels]) -> RuleViolationSlots {
        registered.withLock { registered in
            RuleViolationSlots(rules.map { Self.slot(of: $0, in: &registered) })
        }
    }

    private static func slot(of rule: RuleViolationLabels, in registered: inout Registered) -> UInt32 {
        if let slot = registered.slots[rule] { return slot }
        guard registered.labels.count + 1 < capacity else { return 0 }
        registered.labels.append(rule)
        let slot = UInt32(registered.labels.count)
        registered.slots[rule] = slot
        return slot
    }

    /// Counts one violation. For the order thread; `slot` comes from `RuleViolationSlots`.
    package func add(slot: UInt32) {
        cells.add(1, at: Int(slot))
    }

    package func value(slot: UInt32) -> UInt64 { cells.value(at: Int(slot)) }

    package func write(into text: inout PrometheusText) {
        text.open(declaration)
        let labels = registered.withLock { $0.labels }
        for (index, rule) in labels.enumerated() {
            text.sample(labels: rule.labels, value: value(slot: UInt32(index + 1)))
        }
        let others = value(slot: 0)
        if others > 0 { text.sample(labels: [MetricLabel("rule", "(others)")], value: others) }
    }
}
