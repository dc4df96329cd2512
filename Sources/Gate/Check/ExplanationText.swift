package import RiskRules

/// An explanation for people: the decision, how large the order may be, and a line for each bound.
package struct ExplanationText {
    private let explanation: OrderExplanation
    private let ruleSet: RuleSet

    package init(_ explanation: OrderExplanation, _ ruleSet: RuleSet) {
        self.explanation = explanation
        self.ruleSet = ruleSet
    }

    package var lines: [String] {
        var lines = [decision, size]
        let builtIn = explanation.violations.filter { $0.rule < 0 }.map { ruleSet.text(of: $0) }
        if !builtIn.isEmpty { lines += ["", "Refused by checks that are no rules:"] + builtIn.map { "  \($0)" } }
        var table = TextTable(["RULE", "METRIC", "VALUE", "BOUND", "USE", "RESULT"])
        for rule in explanation.rules {
            table.add([
                ruleSet.texts[Int(rule.rule)].id, rule.metric.rawValue, value(rule), bound(rule), use(rule),
                result(rule),
            ])
        }
        lines += [""] + (table.lines.isEmpty ? ["No rule covers this order."] : table.lines)
        if !explanation.metrics.isEmpty {
            lines += [
                "",
                "With this order: "
                    + explanation.metrics.map { "\($0.metric.rawValue) \($0.value)" }.joined(separator: ", "),
            ]
        }
        return lines
    }

    private var decision: String {
        let reducing = explanation.isReducing ? "; the order reduces risk" : ""
        return (explanation.reason.map { "rejected: \($0.code)" } ?? "approved") + reducing
    }

    private var size: String {
        guard let quantity = explanation.maxQuantity else { return "no quantity of this order would pass" }
        return quantity.units == FixedPoint.maximumUnits
            ? "no rule bounds the quantity of this order"
            : "largest quantity of this order that would pass: \(quantity)"
    }

    private func value(_ rule: RuleExplanation) -> String {
        switch rule.value {
        case .amount(let amount): amount.description
        case .infinite: "infinite"
        case .name(let name): name.isEmpty ? "(none)" : name
        case .none: "-"
        }
    }

    private func bound(_ rule: RuleExplanation) -> String {
        switch rule.bound {
        case .max(let bound): return "max \(bound)"
        case .min(let bound): return "min \(bound)"
        case .names(let allow, let deny):
            return [("allow", allow), ("deny", deny)].filter { !$0.1.isEmpty }
                .map { "\($0.0) \($0.1.joined(separator: " "))" }.joined(separator: ", ")
        }
    }

    /// In percent, rounded up to a tenth: 100 % is the bound itself, and nothing beyond it looks like it.
    private func use(_ rule: RuleExplanation) -> String {
        switch rule.utilization {
        case .share(let share):
            let unit = FixedPoint.scale / 1000
            let tenths = (share.units + unit - 1) / unit
            return "\(tenths / 10).\(tenths % 10) %"
        case .infinite: return "infinite"
        case nil: return "-"
        }
    }

    private func result(_ rule: RuleExplanation) -> String {
        let result: String
        switch rule.outcome {
        case .passed: return "passed"
        case .violated(let reason): result = "\(reason.code)"
        case .missing(let reason): result = "missing: \(reason.code)"
        case .skipped(let reason): return "skipped: \(reason.code)"
        case .exempt: return "exempt: reduces risk"
        }
        if rule.mode == .shadow { return "\(result) (shadow: only counted)" }
        return rule.severity == .soft ? "\(result) (soft: only reported)" : result
    }
}
