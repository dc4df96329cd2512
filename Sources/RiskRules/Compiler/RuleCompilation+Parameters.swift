// What few rules have: how returns are read, and what makes a bound smaller.
extension RuleCompilation {
    mutating func readDistribution(_ document: RuleDocument.Rule, into rule: inout CompiledRule) {
        let name = rule.metric.rawValue
        guard rule.metric.traits.takesDistribution else {
            for (key, text) in [("confidence", document.confidence), ("method", document.method)] {
                guard let text else { continue }
                report(
                    "\(name) takes no \(key), which is for value_at_risk and expected_shortfall: leave it out",
                    at: text.location)
            }
            return
        }
        let methods = Distribution.Method.allCases.map { ("\($0)", $0) }
        let method = document.method.flatMap { choice($0, key: "method", among: methods) }
        let confidence = document.confidence.flatMap { readConfidence($0) }
        let standard = Distribution.standard
        rule.distribution = distributions.index(
            of: Distribution(method ?? standard.method, confidence: confidence ?? standard.confidence))
    }

    private mutating func readConfidence(_ text: Text) -> FixedPoint? {
        guard let value = number(text, key: "confidence") else { return nil }
        if value > .zero, value < .one { return value }
        let percent = FixedPoint(units: value.units / 100)
        let advice = value > .one && percent < .one ? "write \(percent) for \(value) %" : "write 0.95 for 95 %"
        report("confidence \(text.value) is not above 0 and below 1: \(advice)", at: text.location)
        return nil
    }

    /// `share` leaves this Gate a part of a bound that several come up to together.
    mutating func readShare(_ document: RuleDocument.Rule, into rule: inout CompiledRule) {
        guard let text = document.share, let share = number(text, key: "share") else { return }
        guard share > .zero, share <= .one else {
            report(
                "share \(text.value) is not above 0 and at most 1: it is this Gate's part of the bound, "
                    + "write 0.5 for one half", at: text.location)
            return
        }
        if let fault = partFault("share", rule) ?? shareFault(rule) {
            report(fault, at: text.location)
            return
        }
        rule.max = rule.max.part(share)
        guard rule.max < smallestUse(of: rule.metric), let max = document.max else { return }
        report(
            "share \(text.value) of max \(max.value) is \(rule.max), which refuses every order: "
                + "write a larger share or max", at: text.location)
    }

    private func shareFault(_ rule: CompiledRule) -> String? {
        guard case .fraction = rule.metric.traits.unit else { return nil }
        return "\(rule.metric.rawValue) is no amount that several Gates come up to together: "
            + "leave share out, and write the max that is meant"
    }

    /// What a value counted with the order at hand is at least.
    private func smallestUse(of metric: Metric) -> FixedPoint {
        switch metric {
        case .orderCount, .messageCount, .duplicateCount, .openOrders: .one
        case .orderQuantity, .orderNotional, .notionalSum: FixedPoint(units: 1)
        default: .zero
        }
    }

    mutating func readScale(_ document: RuleDocument.Rule, into rule: inout CompiledRule) {
        guard let scale = document.scale else { return }
        if let fault = partFault("scale", rule) {
            report(fault, at: scale.location)
        } else if rule.metric == .volatility {
            report(
                "a bound on volatility that is scaled by volatility has no meaning: leave scale out", at: scale.location
            )
        }
        for (key, example, text) in [
            ("by", "volatility", scale.by), ("window", "5m", scale.window), ("reference", "0.02", scale.reference),
            ("floor", "0.25", scale.floor),
        ] where text == nil {
            report("this scale has no \(key): write one, as in \(key): \(example)", at: scale.location)
        }
        if let by = scale.by { _ = choice(by, key: "scale", among: [(word: "volatility", value: ())]) }
        let window = scale.window.flatMap { volatilityWindow($0) }
        let reference = scale.reference.flatMap { readReference($0) }
        let floor = scale.floor.flatMap { readFloor($0) }
        guard let window, let reference, let floor else { return }
        rule.scale = scales.index(of: VolatilityScale(window: window, reference: reference, floor: floor))
    }

    private mutating func readReference(_ text: Text) -> FixedPoint? {
        guard let value = number(text, key: "reference") else { return nil }
        guard value > .zero else {
            report(
                "reference \(text.value) is not above 0: write the volatility up to which the bound is whole, as in 0.02",
                at: text.location)
            return nil
        }
        guard value <= .one else {
            report(
                "reference \(text.value) is not a fraction of 1, as volatility is: write "
                    + "\(FixedPoint(units: value.units / 100)) for \(value) %", at: text.location)
            return nil
        }
        return value
    }

    private mutating func readFloor(_ text: Text) -> FixedPoint? {
        guard let value = number(text, key: "floor") else { return nil }
        guard value >= .zero, value <= .one else {
            report(
                "floor \(text.value) is not within 0 and 1: it is the part of the bound that always remains, "
                    + "write 0.25 for one quarter", at: text.location)
            return nil
        }
        guard value < .one else {
            report(
                "floor \(text.value) leaves all of the bound always, so that scale does nothing: "
                    + "write a smaller floor, or leave scale out", at: text.location)
            return nil
        }
        return value
    }

    /// Long enough for the returns that a volatility needs.
    mutating func volatilityWindow(_ text: Text) -> Int64? {
        guard let window = window(text) else { return nil }
        guard window >= VolatilitySeries.shortest else {
            report(
                "window \(text.value) is too short for volatility, which needs 30 returns of a second: "
                    + "write 30s or more", at: text.location)
            return nil
        }
        return window
    }

    /// Why a part of a rule's bound has no meaning; nil where it has.
    private func partFault(_ key: String, _ rule: CompiledRule) -> String? {
        let name = rule.metric.rawValue
        switch rule.metric.traits.bound {
        case .names: return "\(name) is no number, so that \(key) has nothing to work on: leave it out"
        case .min: return "\(key) makes a max smaller, and \(name) has a min, which it would only loosen: leave it out"
        case .max, .maxOrMin: break
        }
        if rule.hasMin {
            return "\(key) makes a max smaller and would loosen a min: write the min as a rule of its own"
        }
        if rule.hasMax, rule.max < .zero { return "\(key) of a max below 0 would loosen it: leave it out" }
        return nil
    }
}
