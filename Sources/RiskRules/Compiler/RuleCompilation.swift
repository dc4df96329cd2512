/// A rule set while its files are being judged: what has been found good, and every problem.
struct RuleCompilation {
    typealias Text = RuleDocument.Text

    /// One rule with what the comparisons of rules with one another need.
    struct Draft {
        var rule: CompiledRule
        var text: RuleText
        var scope = RuleScope()
        var names = RuleIndex.Names()
        var rollout = Rollout.everyone
        var document: RuleDocument.Rule
        /// The lists of a membership rule; for sides and types the words they stand for.
        var allow: [Text] = []
        var deny: [Text] = []
    }

    /// A name without a wildcard, where it was first written.
    struct Spelling {
        var name: String
        var location: SourceLocation
    }

    let calendar: RuleCalendar
    var problems: [Problem] = []
    var drafts: [Draft] = []
    var patterns = PatternTable()
    var distributions = DistinctValues<Distribution>()
    var scales = DistinctValues<VolatilityScale>()
    var schedules: [RuleSchedule] = []
    var scheduleIndices: [ActiveWindow: Int32] = [:]
    var ids: [String: SourceLocation] = [:]
    var instruments: [CompiledInstrument] = []
    /// As they are written, by the same index.
    var instrumentDocuments: [RuleDocument.Instrument] = []
    var instrumentSymbols: [String] = []
    var instrumentPlaces: [String: SourceLocation] = [:]
    var symbolSpellings: [String: Spelling] = [:]
    var accountSpellings: [String: Spelling] = [:]

    init(calendar: RuleCalendar) { self.calendar = calendar }

    mutating func report(_ message: String, at location: SourceLocation) {
        problems.append(Problem(message, at: location))
    }

    /// The set; meaningful only without problems.
    func ruleSet(version: String) -> RuleSet {
        var rules: [CompiledRule] = []
        var windows: [RuleSet.Window] = []
        for (index, draft) in drafts.enumerated() {
            var rule = draft.rule
            if rule.window > 0, rule.metric.traits.table == .rate {
                rule.windowIndex = Int32(windows.count)
                let identity = "\(draft.text.id) \(rule.metric.rawValue) \(rule.window) \(rule.per)"
                windows.append(RuleSet.Window(ruleIndex: Int32(index), identity: identity))
            }
            rules.append(rule)
        }
        return RuleSet(
            RuleSet.Parts(
                version: version, rules: rules, texts: drafts.map(\.text), windows: windows,
                distributions: distributions.values, scales: scales.values, instruments: instruments,
                instrumentSymbols: instrumentSymbols,
                knownSymbols: NameTable.sorted(symbolSpellings.values.map(\.name)),
                knownAccounts: NameTable.sorted(accountSpellings.values.map(\.name)),
                patterns: patterns, scopes: drafts.map(\.scope), rollouts: drafts.map(\.rollout),
                names: drafts.map(\.names), schedules: schedules, laidOutAt: calendar.now))
    }
}

/// Values by index, equal ones once.
struct DistinctValues<Value: Hashable> {
    private(set) var values: [Value] = []
    private var indices: [Value: Int32] = [:]

    mutating func index(of value: Value) -> Int32 {
        if let index = indices[value] { return index }
        let index = Int32(values.count)
        values.append(value)
        indices[value] = index
        return index
    }
}

// Values of one key: each reader gives the value, or reports why there is none.
extension RuleCompilation {
    /// A number of ten decimals at most.
    mutating func number(_ text: Text, key: String) -> FixedPoint? {
        RuleNumber.read(text, key: key, into: &problems)
    }

    /// One word of a list, as it is written there.
    mutating func choice<Value>(_ text: Text, key: String, among choices: [(word: String, value: Value)]) -> Value? {
        if let choice = choices.first(where: { $0.word == text.value }) { return choice.value }
        let suggestion = Suggestion.text(for: text.value, among: choices.map(\.word))
        report("unknown \(key) \"\(text.value)\": \(suggestion)", at: text.location)
        return nil
    }

    /// `true` or `false`.
    mutating func flag(_ text: Text, key: String) -> Bool? {
        switch text.value {
        case "true": return true
        case "false": return false
        default:
            report("\(key) is true or false, not \"\(text.value)\"", at: text.location)
            return nil
        }
    }

    /// A length of time as nanoseconds.
    mutating func window(_ text: Text) -> Int64? {
        let units: [(suffix: String, nanoseconds: Int64)] = [
            ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
        ]
        let shortest: Int64 = 1_000_000
        let longest: Int64 = 24 * 3_600_000_000_000
        let digits = text.value.prefix { $0.isASCII && $0.isNumber }
        let suffix = text.value.dropFirst(digits.count)
        guard let unit = units.first(where: { $0.suffix == suffix }), !digits.isEmpty else {
            report(
                "window \"\(text.value)\" is not a length of time: write a whole number with ms, s, m or h, "
                    + "as in 500ms, 1s, 1m, 1h", at: text.location)
            return nil
        }
        let (nanoseconds, overflow) = (Int64(digits) ?? Int64.max).multipliedReportingOverflow(by: unit.nanoseconds)
        guard !overflow, nanoseconds >= shortest, nanoseconds <= longest else {
            report("window \(text.value) is out of range: write one from 1ms to 24h", at: text.location)
            return nil
        }
        return nanoseconds
    }
}
