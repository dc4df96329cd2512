// Rules about some orders, compared with rules about more of them.
extension RuleCompilation {
    mutating func compareScopes() {
        let general = drafts.indices.filter { drafts[$0].isForAllNames }
        compareBounds(with: general)
        compareAllowed(with: general)
        compareMinimaWithMaxima()
    }

    /// A bound on some orders that is no stricter than one on all of them.
    private mutating func compareBounds(with general: [Int]) {
        struct Subject: Hashable {
            var metric: Metric
            var manner: Manner
        }
        let bounds = Dictionary(grouping: general.filter { drafts[$0].rule.hasMax || drafts[$0].rule.hasMin }) {
            Subject(metric: drafts[$0].rule.metric, manner: manner(of: drafts[$0].rule))
        }
        for (index, draft) in drafts.enumerated() {
            let subject = Subject(metric: draft.rule.metric, manner: manner(of: draft.rule))
            for wide in bounds[subject] ?? [] where drafts[wide].coversMore(than: draft) {
                let rule = drafts[wide].rule
                if let text = draft.document.max, draft.rule.hasMax, rule.hasMax, rule.max <= draft.rule.max {
                    reportLoose(index, text, beside: wide, rule.max)
                } else if let text = draft.document.min, draft.rule.hasMin, rule.hasMin, rule.min >= draft.rule.min {
                    reportLoose(index, text, beside: wide, rule.min)
                }
            }
        }
    }

    private mutating func reportLoose(_ index: Int, _ text: Text, beside wide: Int, _ bound: FixedPoint) {
        report(
            "\(text.value) binds nothing: the rule \(name(wide)) already holds \(drafts[index].rule.metric.rawValue) of these "
                + "orders and of others to \(bound); take this rule out, or narrow the other with applies_to",
            at: text.location)
    }

    /// A list for some orders of which one for all of them leaves nothing.
    private mutating func compareAllowed(with general: [Int]) {
        let lists = Dictionary(
            grouping: general.filter { drafts[$0].rule.metric.traits.bound == .names && refuses($0) }
        ) { drafts[$0].rule.metric }
        for (index, draft) in drafts.enumerated() where refuses(index) && !draft.allow.isEmpty {
            guard draft.allow.allSatisfy({ Glob.isLiteral($0.value) }), let text = draft.allow.first else { continue }
            let foldsCase = draft.rule.metric.foldsCase
            for wide in lists[draft.rule.metric] ?? [] where drafts[wide].coversMore(than: draft) {
                let other = drafts[wide]
                let isAnyLeft = draft.allow.contains { name in
                    (other.allow.isEmpty || other.allow.contains { covers($0.value, name.value, foldsCase) })
                        && !other.deny.contains { covers($0.value, name.value, foldsCase) }
                }
                guard !isAnyLeft else { continue }
                report(
                    "nothing that this rule permits is left by the rule \(self.name(wide)): no order can keep both",
                    at: text.location)
            }
        }
    }

    /// A smallest and a largest notional that no order of one of the rules can keep.
    private mutating func compareMinimaWithMaxima() {
        let binding = drafts.indices.filter { drafts[$0].rule.metric == .orderNotional && refuses($0) }
        let maxima = binding.filter { drafts[$0].rule.hasMax }.sorted { drafts[$0].rule.max < drafts[$1].rule.max }
        for index in binding where drafts[index].rule.hasMin {
            let draft = drafts[index]
            for other in maxima.prefix(while: { drafts[$0].rule.max < draft.rule.min }) {
                let isContained = drafts[other].coversMore(than: draft) || draft.coversMore(than: drafts[other])
                guard isContained, let text = draft.document.min else { continue }
                report(
                    "min \(text.value) is above max \(drafts[other].rule.max) of the rule \(name(other)): "
                        + "no order that both apply to can keep both", at: text.location)
            }
        }
    }
}

extension RuleCompilation.Draft {
    /// Whether it applies to every account, strategy and symbol, at all times.
    var isForAllNames: Bool {
        names.accounts.isEmpty && names.strategies.isEmpty && names.symbols.isEmpty && rollout.percent == 100
            && rule.schedule < 0
    }

    /// Whether every order of its symbols that breaks it is refused.
    var refusesAllOfItsSymbols: Bool {
        rule.mode == .enforce && rule.severity != .soft && names.accounts.isEmpty && names.strategies.isEmpty
            && rollout.percent == 100 && rule.schedule < 0 && rule.sides == Side.allBits
            && rule.types == OrderType.allBits
    }

    /// Whether it surely applies to every order that another rule applies to, and the other does not to all of its own.
    func coversMore(than other: RuleCompilation.Draft) -> Bool {
        guard rollout.percent == 100, rule.schedule < 0 || rule.schedule == other.rule.schedule,
            other.rule.sides & ~rule.sides == 0, other.rule.types & ~rule.types == 0,
            Self.covers(names.accounts, other.names.accounts), Self.covers(names.strategies, other.names.strategies),
            Self.covers(names.symbols, other.names.symbols)
        else { return false }
        return scope != other.scope || rule.sides != other.rule.sides || rule.types != other.rule.types
            || rule.schedule != other.rule.schedule || other.rollout.percent < 100
    }

    private static func covers(_ outer: [String], _ inner: [String]) -> Bool {
        outer.isEmpty
            || !inner.isEmpty && inner.allSatisfy { name in outer.contains { Glob.includes($0, name) } }
    }
}
