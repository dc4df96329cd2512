// Rules about the same orders, compared with one another: one that can be kept only by breaking another, or that another
// leaves nothing to bind, is a mistake of whoever wrote it.
extension RuleCompilation {
    /// What two rules share that are about the same metric of the same orders.
    private struct Subject: Hashable {
        var metric: Metric
        var scope: RuleScope
        var sides: UInt8
        var types: UInt8
        var schedule: Int32
        /// Of a rule that applies to a part of the accounts only: which part is its own.
        var rollout: String?
    }

    /// What two rules share of which the stricter leaves the other nothing to do.
    struct Manner: Hashable {
        var severity: Severity
        var mode: RuleMode
        var per: RuleKey
        var stop: StopScope
        var window: Int64
        var skipsMissing: Bool
        var exemptsReducing: Bool
        var exemptsReducingWithoutPrice: Bool
        var distribution: Int32
        var scale: Int32
    }

    mutating func compareRules() {
        var subjects: [Subject] = []
        var members: [Subject: [Int]] = [:]
        for (index, draft) in drafts.enumerated() {
            let rule = draft.rule
            let subject = Subject(
                metric: rule.metric, scope: draft.scope, sides: rule.sides, types: rule.types, schedule: rule.schedule,
                rollout: draft.rollout.percent < 100 ? draft.text.id : nil)
            if members[subject] == nil { subjects.append(subject) }
            members[subject, default: []].append(index)
        }
        for subject in subjects {
            guard let group = members[subject], group.count > 1 else { continue }
            if subject.metric.traits.bound == .names {
                compareLists(group)
            } else {
                compareMinimumWithMaximum(group)
                compareStrictness(group)
            }
        }
    }

    func refuses(_ index: Int) -> Bool {
        drafts[index].rule.mode == .enforce && drafts[index].rule.severity != .soft
    }

    func name(_ index: Int) -> String {
        let text = drafts[index].text
        return text.id.isEmpty ? "at \(text.location)" : "\(text.id) at \(text.location)"
    }

    private mutating func compareMinimumWithMaximum(_ group: [Int]) {
        let binding = group.filter(refuses)
        let lowest = binding.filter { drafts[$0].rule.hasMax }.min { drafts[$0].rule.max < drafts[$1].rule.max }
        guard let lowest else { return }
        for index in binding where drafts[index].rule.hasMin && index != lowest {
            guard drafts[index].rule.min > drafts[lowest].rule.max, let text = drafts[index].document.min else {
                continue
            }
            report(
                "min \(text.value) is above max \(drafts[lowest].rule.max) of the rule \(name(lowest)): "
                    + "no order can keep both", at: text.location)
        }
    }

    func manner(of rule: CompiledRule) -> Manner {
        Manner(
            severity: rule.severity, mode: rule.mode, per: rule.per, stop: rule.stop, window: rule.window,
            skipsMissing: rule.skipsMissing, exemptsReducing: rule.exemptsReducing,
            exemptsReducingWithoutPrice: rule.exemptsReducingWithoutPrice, distribution: rule.distribution,
            scale: rule.scale)
    }

    private mutating func compareStrictness(_ group: [Int]) {
        var strictestMax: [Manner: Int] = [:]
        var strictestMin: [Manner: Int] = [:]
        for index in group {
            let rule = drafts[index].rule
            let manner = manner(of: rule)
            if rule.hasMax {
                if let other = strictestMax[manner] {
                    let isStricter = rule.max < drafts[other].rule.max
                    reportLoose(isStricter ? other : index, beside: isStricter ? index : other, \.max)
                    if isStricter { strictestMax[manner] = index }
                } else {
                    strictestMax[manner] = index
                }
            }
            if rule.hasMin {
                if let other = strictestMin[manner] {
                    let isStricter = rule.min > drafts[other].rule.min
                    reportLoose(isStricter ? other : index, beside: isStricter ? index : other, \.min)
                    if isStricter { strictestMin[manner] = index }
                } else {
                    strictestMin[manner] = index
                }
            }
        }
    }

    private mutating func reportLoose(
        _ index: Int, beside strict: Int, _ bound: KeyPath<RuleDocument.Rule, Text?>
    ) {
        guard let text = drafts[index].document[keyPath: bound], let other = drafts[strict].document[keyPath: bound]
        else { return }
        let metric = drafts[index].rule.metric.rawValue
        report(
            "\(text.value) binds nothing: the rule \(name(strict)) already holds \(metric) of the same orders "
                + "to \(other.value); take one of them out", at: text.location)
    }

    private mutating func compareLists(_ group: [Int]) {
        struct Lists: Hashable {
            var allow: Int32
            var deny: Int32
            var manner: Manner
        }
        var seen: [Lists: Int] = [:]
        for index in group {
            let rule = drafts[index].rule
            let lists = Lists(allow: rule.allow, deny: rule.deny, manner: manner(of: rule))
            guard let first = seen.updateValue(index, forKey: lists) else { continue }
            seen[lists] = first
            report(
                "this rule says the same as the rule \(name(first)): take one of them out",
                at: drafts[index].text.location)
        }
        let binding = group.filter(refuses)
        let isNamed = { (draft: Draft) in !draft.allow.isEmpty && draft.allow.allSatisfy { Glob.isLiteral($0.value) } }
        guard let first = binding.first(where: { isNamed(drafts[$0]) }) else { return }
        let foldsCase = drafts[first].rule.metric.foldsCase
        var permitted = drafts[first].allow.map(\.value)
        guard !permitted.isEmpty else { return }
        for index in binding where index != first {
            let draft = drafts[index]
            permitted = permitted.filter { name in
                (draft.allow.isEmpty || draft.allow.contains { covers($0.value, name, foldsCase) })
                    && !draft.deny.contains { covers($0.value, name, foldsCase) }
            }
            guard permitted.isEmpty else { continue }
            let (later, earlier) = (max(index, first), min(index, first))
            let list = drafts[later].document.allow ?? drafts[later].document.deny
            report(
                "nothing that this rule permits is left by the rule \(name(earlier)): no order can keep both",
                at: list?.first?.location ?? drafts[later].text.location)
            return
        }
    }

    func covers(_ pattern: String, _ name: String, _ foldsCase: Bool) -> Bool {
        Glob.matches(pattern, foldsCase ? name.lowercased() : name, foldsCase: foldsCase)
    }
}
