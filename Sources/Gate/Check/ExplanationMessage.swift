import RiskRules

/// An explanation as the API gives it, and in words.
struct ExplanationMessage: Encodable {
    struct Violated: Encodable {
        var reason: String
        /// null for a built-in check.
        var rule: String?
        var metric: String?
        var value: ExactNumber?
        var bound: ExactNumber?
        /// Whether it refuses the order: soft and shadow rules only report.
        var blocks: Bool
    }
    struct Rule: Encodable {
        var id: String
        var metric: String
        var severity: String
        var mode: String
        /// `passed`, `violated`, `missing`, `skipped`, `exempt`.
        var outcome: String
        /// Why it is violated, or what is missing.
        var reason: String?
        var value: Value?
        var bound: Bound
        /// As a fraction of 1; null where there is none or it has no end.
        var utilization: ExactNumber?
        var passed: Bool
    }
    enum Value: Encodable {
        case number(ExactNumber)
        case text(String)

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .number(let number): try container.encode(number)
            case .text(let text): try container.encode(text)
            }
        }
    }
    /// One of `max` and `min`, or of names `allow`, `deny` or both.
    struct Bound: Encodable {
        var max: ExactNumber?
        var min: ExactNumber?
        var allow: [String]?
        var deny: [String]?
    }

    var decision: String
    var reason: String
    var reducing: Bool
    var violations: [Violated]
    var rules: [Rule]
    var maxQuantity: ExactNumber?
    var metrics: [String: ExactNumber]
    var ruleSet: String

    enum CodingKeys: String, CodingKey {
        case decision, reason, reducing, violations, rules, metrics
        case maxQuantity = "max_quantity"
        case ruleSet = "rule_set"
    }

    init(_ explanation: OrderExplanation, _ ruleSet: RuleSet) {
        decision = explanation.reason == nil ? "approved" : "rejected"
        reason = explanation.reason.map { "\($0.code)" } ?? "none"
        reducing = explanation.isReducing
        violations = explanation.violations.map { violation in
            let rule = Int(violation.rule)
            return Violated(
                reason: "\(violation.reason.code)", rule: rule < 0 ? nil : ruleSet.texts[rule].id,
                metric: rule < 0 ? nil : ruleSet.rules[rule].metric.rawValue,
                value: violation.hasValue ? ExactNumber(violation.value) : nil,
                bound: violation.hasBound ? ExactNumber(violation.bound) : nil, blocks: violation.blocks)
        }
        rules = explanation.rules.map { Rule($0, id: ruleSet.texts[Int($0.rule)].id) }
        maxQuantity = explanation.maxQuantity.map { ExactNumber($0) }
        metrics = Dictionary(
            uniqueKeysWithValues: explanation.metrics.map { ($0.metric.rawValue, ExactNumber($0.value)) })
        self.ruleSet = ruleSet.version
    }

    // `max_quantity` is there also where it is null: that no quantity passes is an answer.
    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(decision, forKey: .decision)
        try container.encode(reason, forKey: .reason)
        try container.encode(reducing, forKey: .reducing)
        try container.encode(violations, forKey: .violations)
        try container.encode(rules, forKey: .rules)
        try container.encode(maxQuantity, forKey: .maxQuantity)
        try container.encode(metrics, forKey: .metrics)
        try container.encode(ruleSet, forKey: .ruleSet)
    }
}

extension ExplanationMessage.Rule {
    init(_ rule: RuleExplanation, id: String) {
        self.id = id
        metric = rule.metric.rawValue
        severity = "\(rule.severity)"
        mode = "\(rule.mode)"
        passed = rule.passed
        switch rule.outcome {
        case .passed: outcome = "passed"
        case .violated(let code): (outcome, reason) = ("violated", "\(code.code)")
        case .missing(let code): (outcome, reason) = ("missing", "\(code.code)")
        case .skipped(let code): (outcome, reason) = ("skipped", "\(code.code)")
        case .exempt: outcome = "exempt"
        }
        switch rule.value {
        case .amount(let amount): value = .number(ExactNumber(amount))
        case .name(let name): value = .text(name)
        case .infinite, .none: value = nil
        }
        switch rule.bound {
        case .max(let most): bound = .init(max: ExactNumber(most))
        case .min(let least): bound = .init(min: ExactNumber(least))
        case .names(let allow, let deny):
            bound = .init(allow: allow.isEmpty ? nil : allow, deny: deny.isEmpty ? nil : deny)
        }
        if case .share(let share) = rule.utilization { utilization = ExactNumber(share) }
    }
}
