extension RuleSet {
    /// A violation in words: `LEVERAGE_EXCEEDED: leverage 11 exceeds max 10 (rule max-account-leverage)`. For people and
    /// logs, off the order path.
    package func text(of violation: Violation) -> String {
        let rule = Int(violation.rule)
        guard rules.indices.contains(rule) else {
            guard violation.hasValue else { return "\(violation.reason.code)" }
            let bound = violation.hasBound ? " against \(violation.bound)" : ""
            return "\(violation.reason.code): \(violation.value)\(bound)"
        }
        let id = texts[rule].id
        guard violation.hasValue, violation.hasBound else { return "\(violation.reason.code) (rule \(id))" }
        let relation = violation.boundIsMax ? "exceeds max" : "is below min"
        let metric = rules[rule].metric.rawValue
        return "\(violation.reason.code): \(metric) \(violation.value) \(relation) \(violation.bound) (rule \(id))"
    }
}
