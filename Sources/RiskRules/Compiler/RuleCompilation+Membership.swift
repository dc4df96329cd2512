// `allow` and `deny` of a metric that is a name.
extension RuleCompilation {
    mutating func readMembership(_ document: RuleDocument.Rule, into draft: inout Draft) {
        let name = draft.rule.metric.rawValue
        for (key, text) in [("max", document.max), ("min", document.min)] {
            guard let text else { continue }
            report(
                "\(name) is a name and takes no \(key): write allow or deny, as in allow: [\(example(draft.rule.metric))]",
                at: text.location)
        }
        let allow = document.allow ?? []
        let deny = document.deny ?? []
        guard !allow.isEmpty || !deny.isEmpty else {
            report(
                "this rule binds nothing: \(name) needs allow or deny, as in allow: [\(example(draft.rule.metric))]",
                at: document.metric?.location ?? document.location)
            return
        }
        let before = problems.count
        draft.allow = members(allow, of: draft.rule.metric)
        draft.deny = members(deny, of: draft.rule.metric)
        guard problems.count == before else { return }
        judgeLists(allow: allow, deny: deny, draft)
        let foldsCase = draft.rule.metric.foldsCase
        if !allow.isEmpty { draft.rule.allow = patterns.add(draft.allow.map(\.value), foldsCase: foldsCase) }
        if !deny.isEmpty { draft.rule.deny = patterns.add(draft.deny.map(\.value), foldsCase: foldsCase) }
    }

    /// The patterns of a list; for sides and types the words they stand for, so that a list is always of known words.
    private mutating func members(_ list: [Text], of metric: Metric) -> [Text] {
        switch metric {
        case .side: return list.flatMap { words($0, among: Side.allCases.map(\.ruleName), what: "side") }
        case .type: return list.flatMap { words($0, among: OrderType.allCases.map(\.ruleName), what: "order type") }
        case .account: return list.filter { !namePatterns([$0], .account).isEmpty }
        case .strategy: return list.filter { !namePatterns([$0], .strategy).isEmpty }
        case .timeInForce: return list.filter { !namePatterns([$0], .timeInForce).isEmpty }
        default: return list.filter { !namePatterns([$0], .symbol).isEmpty }
        }
    }

    private mutating func words(_ text: Text, among known: [String], what: String) -> [Text] {
        let matching = known.filter {
            $0 == (text.value.lowercased() == "stop" ? OrderType.stopMarket.ruleName : "")
                || Glob.matches(text.value, $0, foldsCase: true)
        }
        if matching.isEmpty {
            report(
                "unknown \(what) \"\(text.value)\": \(Suggestion.text(for: text.value, among: known))",
                at: text.location)
        }
        return matching.map { Text($0, at: text.location) }
    }

    private mutating func judgeLists(allow: [Text], deny: [Text], _ draft: Draft) {
        let metric = draft.rule.metric
        let name = metric.rawValue
        let known: [String]? =
            switch metric {
            case .side: Side.allCases.filter { draft.rule.sides & $0.bit != 0 }.map(\.ruleName)
            case .type: OrderType.allCases.filter { draft.rule.types & $0.bit != 0 }.map(\.ruleName)
            default: nil
            }
        func covers(_ list: [Text]) -> Text? {
            if let known {
                return known.allSatisfy { word in list.contains { $0.value == word } } ? list.first : nil
            }
            return list.first { Glob.matchesEverything($0.value) }
        }
        if deny.isEmpty, let text = covers(draft.allow) {
            report(
                "this rule binds nothing: it allows every \(name) that it applies to; name those that are allowed",
                at: text.location)
        }
        let isForAll =
            draft.scope == RuleScope() && draft.rule.sides == Side.allBits && draft.rule.types == OrderType.allBits
        if let text = covers(draft.deny), isForAll {
            report(
                "this rule refuses every order: it denies every \(name); name those that are denied, "
                    + "or stop trading with gate stop", at: text.location)
            return
        }
        for text in draft.allow {
            guard
                let denied = draft.deny.first(where: {
                    Glob.includes($0.value, text.value, foldsCase: metric.foldsCase)
                })
            else { continue }
            report(
                "\(text.value) is both allowed and denied (at \(denied.location)): take it out of one of the lists",
                at: text.location)
        }
    }

    private func example(_ metric: Metric) -> String {
        switch metric {
        case .account: "mm-1"
        case .strategy: "grid-1"
        case .side: "buy"
        case .type: "limit, post_only"
        case .timeInForce: "GTC, IOC"
        default: "BTCUSDT"
        }
    }
}

extension Metric {
    /// Whether the names of a membership rule are compared regardless of letter case.
    var foldsCase: Bool { self == .side || self == .type || self == .timeInForce }
}
