// `max` and `min` of a metric that is a number.
extension RuleCompilation {
    mutating func readBounds(_ document: RuleDocument.Rule, into rule: inout CompiledRule) {
        let name = rule.metric.rawValue
        for (key, list) in [("allow", document.allow), ("deny", document.deny)] {
            guard let list else { continue }
            report(
                "\(name) is a number and takes no \(key): write \(boundAdvice(rule.metric))",
                at: list.first?.location ?? document.location)
        }
        let kind = rule.metric.traits.bound
        if let text = document.max {
            if kind == .min {
                report(
                    "\(name) is kept above its bound: write min: \(text.value) instead of max", at: text.location)
            } else if let value = bound(text, key: "max", metric: rule.metric) {
                rule.max = value
                rule.hasMax = true
            }
        }
        if let text = document.min {
            if kind == .max {
                report(
                    "\(name) is kept below its bound: write max: \(text.value) instead of min", at: text.location)
            } else if let value = bound(text, key: "min", metric: rule.metric) {
                rule.min = value
                rule.hasMin = true
            }
        }
        if document.max == nil, document.min == nil {
            report(
                "this rule binds nothing: \(name) needs a bound, write \(boundAdvice(rule.metric))",
                at: document.metric?.location ?? document.location)
        }
        if rule.hasMax, rule.hasMin, rule.min > rule.max, let text = document.min {
            report(
                "min \(text.value) is above max \(document.max?.value ?? ""): no order can keep both", at: text.location
            )
        }
    }

    private func boundAdvice(_ metric: Metric) -> String {
        let example =
            switch metric.traits.unit {
            case .name: ""
            case .quantity, .count: "100"
            case .money: "250000"
            case .fraction: "0.05"
            case .multiple: metric.traits.bound == .min ? "1.5" : "10"
            }
        switch metric.traits.bound {
        case .names: return "allow or deny"
        case .min: return "min, as in min: \(example)"
        case .max: return "max, as in max: \(example)"
        case .maxOrMin: return "max or min, as in max: \(example)"
        }
    }

    private mutating func bound(_ text: Text, key: String, metric: Metric) -> FixedPoint? {
        guard let value = number(text, key: key) else { return nil }
        let fault = negativeFault(value, metric) ?? unitFault(value, metric) ?? emptyFault(value, key, metric)
        guard let fault else { return value }
        report("\(key) \(text.value) \(fault)", at: text.location)
        return nil
    }

    private func negativeFault(_ value: FixedPoint, _ metric: Metric) -> String? {
        guard value < .zero, !metric.traits.mayBeNegative else { return nil }
        return "is below zero, where \(metric.rawValue) never is: write a bound of 0 or more"
    }

    private func unitFault(_ value: FixedPoint, _ metric: Metric) -> String? {
        let name = metric.rawValue
        switch metric.traits.unit {
        case .name, .quantity, .money:
            return nil
        case .count:
            if value.units % FixedPoint.scale != 0 { return "is not a whole number: \(name) is a count" }
            if value.units > Self.largestCount * FixedPoint.scale {
                return "is too many to count: write at most \(Self.largestCount)"
            }
            return nil
        case .fraction:
            guard value.units > FixedPoint.scale || value.units < -FixedPoint.scale else { return nil }
            return "is not a fraction of 1, as \(name) is: write \(hundredth(value)) for \(plain(value)) %"
        case .multiple(let largest):
            guard value.units > Int128(largest) * FixedPoint.scale else { return nil }
            let base = metric == .marginRatio ? "the margin in use" : "equity"
            return "is no plausible \(name), which is a multiple of \(base): "
                + "write at most \(largest), as in \(metric == .marginRatio ? "1.5" : "10")"
        }
    }

    private func emptyFault(_ value: FixedPoint, _ key: String, _ metric: Metric) -> String? {
        guard value == .zero else { return nil }
        switch (metric, key) {
        case (.orderQuantity, _), (.orderNotional, "max"), (.orderCount, _), (.messageCount, _), (.duplicateCount, _),
            (.notionalSum, _):
            return "refuses every order: write a bound above 0, or stop trading with gate stop"
        case (.orderNotional, _):
            return "binds nothing, since every order is worth more: write a bound above 0"
        default:
            return nil
        }
    }

    /// How many orders one window can count.
    static let largestCount: Int128 = 1_000_000

    private func hundredth(_ value: FixedPoint) -> String { plain(FixedPoint(units: value.units / 100)) }
    private func plain(_ value: FixedPoint) -> String { "\(value)" }
}
