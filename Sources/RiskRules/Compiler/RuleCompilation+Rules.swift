// One rule: its own keys, then what its metric asks for.
extension RuleCompilation {
    mutating func addRule(_ document: RuleDocument.Rule) {
        let id = identifier(document)
        let severity = self.severity(document)
        let mode = self.mode(document)
        let stop = self.stop(document, severity: severity)
        if severity == .emergency, mode == .shadow, let text = document.mode {
            report(
                "an emergency rule in mode shadow never stops anything: "
                    + "write severity soft to watch it, or leave mode out", at: text.location)
        }
        let scope = self.scope(document.appliesTo)
        guard let metric = self.metric(document) else { return }
        let traits = metric.traits
        var draft = Draft(
            rule: CompiledRule(
                metric: metric, severity: severity ?? .hard, mode: mode ?? .enforce, per: .account,
                stop: stop ?? .account, hasMax: false, hasMin: false, skipsMissing: false,
                exemptsReducing: metric.exemptsReducing,
                exemptsReducingWithoutPrice: metric.exemptsReducingWithoutPrice, sides: scope.sides,
                types: scope.types & traits.types, max: .zero, min: .zero, window: 0, allow: -1, deny: -1,
                windowIndex: -1),
            text: RuleText(id: id ?? "", description: document.description?.value ?? "", location: document.location),
            scope: scope.patterns, names: scope.names, document: document)
        if draft.rule.types == 0, let types = document.appliesTo?.types.first {
            let defined = OrderType.allCases.filter { traits.types & $0.bit != 0 }.map(\.ruleName)
            report(
                "this rule can never apply: \(metric.rawValue) is defined for "
                    + "\(defined.joined(separator: ", ")) orders only; name one of these types", at: types.location)
        }
        readOptions(document, into: &draft.rule)
        if let active = document.active { draft.rule.schedule = schedule(active) }
        if let text = document.rollout {
            draft.rollout = rollout(text, id: draft.text.id, accounts: draft.names.accounts)
        }
        readWindow(document, into: &draft.rule)
        if traits.bound == .names {
            readMembership(document, into: &draft)
        } else {
            readBounds(document, into: &draft.rule)
        }
        readDistribution(document, into: &draft.rule)
        readShare(document, into: &draft.rule)
        readScale(document, into: &draft.rule)
        drafts.append(draft)
    }

    private mutating func identifier(_ document: RuleDocument.Rule) -> String? {
        guard let id = document.id else {
            report("this rule has no id: write one, as in id: max-leverage", at: document.location)
            return nil
        }
        let isWellFormed = id.value.utf8.allSatisfy {
            $0 == UInt8(ascii: "-") || ($0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9"))
                || ($0 >= UInt8(ascii: "a") && $0 <= UInt8(ascii: "z"))
        }
        guard isWellFormed, !id.value.isEmpty, id.value.utf8.count <= 64 else {
            report(
                "the id \"\(id.value)\" is not well formed: write 1 to 64 lower-case letters, digits and hyphens, "
                    + "as in max-leverage", at: id.location)
            return nil
        }
        if let first = ids[id.value] {
            report("the id \(id.value) is already used at \(first): give this rule its own", at: id.location)
            return nil
        }
        ids[id.value] = id.location
        return id.value
    }

    private mutating func metric(_ document: RuleDocument.Rule) -> Metric? {
        guard let text = document.metric else {
            report(
                "this rule has no metric: write what it bounds, as in metric: leverage", at: document.location)
            return nil
        }
        guard let metric = Metric(rawValue: text.value) else {
            let known = Metric.allCases.map(\.rawValue)
            report(
                "unknown metric \"\(text.value)\": \(Suggestion.text(for: text.value, among: known))",
                at: text.location)
            return nil
        }
        return metric
    }

    private mutating func severity(_ document: RuleDocument.Rule) -> Severity? {
        document.severity.flatMap {
            choice($0, key: "severity", among: Severity.allCases.map { ("\($0)", $0) })
        }
    }

    private mutating func mode(_ document: RuleDocument.Rule) -> RuleMode? {
        document.mode.flatMap { choice($0, key: "mode", among: RuleMode.allCases.map { ("\($0)", $0) }) }
    }

    private mutating func stop(_ document: RuleDocument.Rule, severity: Severity?) -> StopScope? {
        guard let text = document.stop else { return nil }
        let isEmergency = severity == .emergency
        if !isEmergency, document.severity == nil || severity != nil {
            report(
                "stop says what an emergency stops, and this rule is none: "
                    + "write severity: emergency, or leave stop out", at: text.location)
        }
        return choice(text, key: "stop", among: StopScope.allCases.map { ("\($0)", $0) })
    }

    private mutating func readOptions(_ document: RuleDocument.Rule, into rule: inout CompiledRule) {
        let metric = rule.metric
        if let text = document.onMissing {
            if metric.traits.needsInput || document.scale != nil {
                rule.skipsMissing =
                    choice(text, key: "on_missing", among: [("reject", false), ("skip", true)]) ?? false
            } else {
                report(
                    "on_missing has no meaning for \(metric.rawValue), which needs neither a price nor an account: "
                        + "leave it out", at: text.location)
            }
        }
        if let text = document.exemptReducing, let exempts = flag(text, key: "exempt_reducing") {
            rule.exemptsReducing = exempts
            rule.exemptsReducingWithoutPrice = exempts
        }
        if let text = document.per {
            let keys = metric.keys
            if keys.isEmpty {
                report(
                    "\(metric.rawValue) takes no per: leave it out"
                        + (metric.traits.table == .exposure ? "; exposure is known per account" : ""),
                    at: text.location)
            } else if let key = choice(text, key: "per", among: keys.map { ("\($0)", $0) }) {
                rule.per = key
            }
        }
    }

    private mutating func readWindow(_ document: RuleDocument.Rule, into rule: inout CompiledRule) {
        let metric = rule.metric
        if metric.traits.takesWindow {
            if let text = document.window {
                rule.window = (metric == .volatility ? volatilityWindow(text) : window(text)) ?? 0
            } else {
                report(
                    metric == .volatility
                        ? "volatility is measured over a window: write how long, as in window: 5m"
                        : "\(metric.rawValue) counts in a window: write how long, as in window: 1s",
                    at: document.metric?.location ?? document.location)
            }
        } else if let text = document.window {
            report("\(metric.rawValue) takes no window: leave it out", at: text.location)
        }
    }
}
