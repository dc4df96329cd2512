// A decision taken apart: the same measures and judgements as `check`, kept instead of summed up.
extension RiskEngine {
    /// What `check` decides of an order, and why. Counts nothing and trips no stop. Allocates, and costs some hundred
    /// decisions where the largest quantity has to be looked for: not for the order path.
    /// - Parameters:
    ///   - connection: what rate rules `per: connection` count by.
    ///   - now: monotonic nanoseconds.
    package func explain(_ order: Order, connection: UInt32, now: Int64) -> OrderExplanation {
        violations.withRoom(for: 2 * plans.tables.ruleCount + Reason.allCases.count) {
            let maxQuantity = largestQuantity(order, connection: connection, now: now)
            let verdict = check(order, connection: connection, now: now)
            var explanation = OrderExplanation(
                reason: verdict.reason, violations: Array(verdict.violations), isReducing: verdict.isReducing,
                rules: [], maxQuantity: maxQuantity, metrics: [])
            let facts = facts(order, nil, connection: connection, now: now, counting: .peeks)
            notes.pointee.reset()
            explanation.rules = explainRules(facts, explanation.violations)
            explanation.metrics = explainMetrics(facts)
            return explanation
        }
    }

    private func explainRules(_ facts: OrderFacts, _ violations: [Violation]) -> [RuleExplanation] {
        guard let plan = plan(facts.order) else { return [] }
        let byRule = Dictionary(grouping: violations, by: \.rule)
        var rules: [RuleExplanation] = []
        for step in EvaluationStep.allCases {
            for planned in plans.rules(step, of: plan) {
                let rule = plans.rules + Int(planned.rule)
                guard plans.applies(rule, to: facts.order, wall: wall(facts.now)) else { continue }
                rules += explain(step, planned, rule, facts, byRule[planned.rule] ?? [])
            }
        }
        return rules
    }

    private func explain(
        _ step: EvaluationStep, _ planned: PlannedRule, _ rule: UnsafeMutablePointer<CompiledRule>,
        _ facts: OrderFacts, _ violations: [Violation]
    ) -> [RuleExplanation] {
        let isExempt = facts.isReducing && rule.pointee.exemptsReducing
        var measure = isExempt ? Measure.satisfied : measure(step, planned, rule, facts)
        var bound = rule.pointee
        if rule.pointee.scale >= 0 {
            // The whole bound is shown where it is not known how much of it is left.
            let max = scaledMax(rule, facts)
            bound.max = max ?? bound.max
            if case .missing = measure {} else if max == nil, !isExempt { measure = .missing(.inputMissing) }
        }
        return bounds(of: bound).map { bound in
            var explanation = RuleExplanation(
                rule: planned.rule, metric: rule.pointee.metric, severity: rule.pointee.severity,
                mode: rule.pointee.mode, outcome: .passed, value: .none, bound: bound, utilization: nil)
            if isExempt {
                explanation.outcome = .exempt
            } else if case .missing(let reason) = measure {
                explanation.outcome =
                    !violations.isEmpty
                    ? .missing(reason) : rule.pointee.skipsMissing ? .skipped(reason) : .exempt
            } else {
                if let violation = violations.first(where: { isViolation($0, of: bound) }) {
                    explanation.outcome = .violated(violation.reason)
                }
                fill(&explanation, measure, facts.order)
            }
            return explanation
        }
    }

    private func bounds(of rule: CompiledRule) -> [RuleExplanation.Bound] {
        guard rule.metric.traits.bound != .names else {
            let names = { (list: Int32) in list < 0 ? [] : self.ruleSet?.patterns(ofSet: list) ?? [] }
            return [.names(allow: names(rule.allow), deny: names(rule.deny))]
        }
        return (rule.hasMax ? [.max(rule.max)] : []) + (rule.hasMin ? [.min(rule.min)] : [])
    }

    /// A violation without a bound is one of whatever bound the rule has.
    private func isViolation(_ violation: Violation, of bound: RuleExplanation.Bound) -> Bool {
        switch bound {
        case .max: !violation.hasBound || violation.boundIsMax
        case .min: !violation.hasBound || !violation.boundIsMax
        case .names: true
        }
    }

    private func fill(_ explanation: inout RuleExplanation, _ measure: Measure, _ order: Order) {
        switch explanation.bound {
        case .names: explanation.value = .name(name(explanation.metric, order))
        case .max(let bound):
            if let value = measure.rounded(up: true) {
                explanation.value = .amount(value)
                explanation.utilization = Utilization(of: value, max: bound)
            } else {
                explanation.utilization = explanation.passed ? .share(.zero) : .infinite
            }
        case .min(let bound):
            if let value = measure.rounded(up: false) {
                explanation.value = .amount(value)
                explanation.utilization = Utilization(of: value, min: bound)
            } else {
                explanation.value = explanation.passed ? .infinite : .none
                explanation.utilization = explanation.passed ? .share(.zero) : .infinite
            }
        }
    }

    private func name(_ metric: Metric, _ order: Order) -> String {
        switch metric {
        case .account: String(decoding: accountName(order.account), as: UTF8.self)
        case .strategy: String(decoding: strategyName(order.strategy), as: UTF8.self)
        case .side: order.side.ruleName
        case .type: order.type.ruleName
        case .timeInForce: String(decoding: timeInForceName(order.timeInForce), as: UTF8.self)
        default: String(decoding: symbolName(order.symbol), as: UTF8.self)
        }
    }

    /// The metrics that need nothing of a rule to be measured, where their inputs are there.
    private func explainMetrics(_ facts: OrderFacts) -> [(metric: Metric, value: FixedPoint)] {
        Metric.allCases.compactMap { metric in
            let traits = metric.traits
            guard !traits.takesWindow, !traits.takesDistribution, traits.bound != .names,
                traits.types & facts.order.type.bit != 0
            else { return nil }
            var rule = CompiledRule(measuring: metric)
            let measure = withUnsafeMutablePointer(to: &rule) {
                self.measure(
                    metric.step,
                    PlannedRule(
                        rule: -1, kinds: OrderKind.all, place: .unshared, isPlain: true, permitted: .max),
                    $0, facts)
            }
            return measure.rounded(up: traits.bound != .min).map { (metric, $0) }
        }
    }
}

extension CompiledRule {
    /// A rule that bounds nothing.
    fileprivate init(measuring metric: Metric) {
        self.init(
            metric: metric, severity: .soft, mode: .shadow, per: .account, stop: .account, hasMax: false, hasMin: false,
            skipsMissing: false, exemptsReducing: false, sides: Side.allBits, types: OrderType.allBits, max: .zero,
            min: .zero, window: 0, allow: -1, deny: -1, windowIndex: -1)
    }
}

extension Measure {
    /// The value as a bound is held against it; nil where there is no number.
    /// - Parameter up: for a maximum; otherwise for a minimum.
    func rounded(up: Bool) -> FixedPoint? {
        switch self {
        case .amount(let value): value
        case .between(let below, let above): up ? above : below
        case .ratio(let numerator, let denominator):
            FixedPoint.ratio(numerator, over: denominator, roundedUp: up)
        case .satisfied, .violated, .missing, .outOfRange: nil
        }
    }
}
