/// The rules in force, compiled whole and immutable: each order is decided by exactly one set.
///
/// It is made off the order thread and handed over as one reference. What it finds by name it finds in the bytes of the
/// name, without allocation.
package final class RuleSet: Sendable {
    /// A sliding window that a rule counts in. A window goes on over a reload where the identity is the same.
    package struct Window: Sendable {
        package var ruleIndex: Int32
        /// The rule's id, metric, window and `per` in one text.
        package var identity: String
        /// A hash of the identity, by which windows are compared.
        let key: WindowKey

        init(ruleIndex: Int32, identity: String) {
            self.ruleIndex = ruleIndex
            self.identity = identity
            key = WindowKey(identity)
        }
    }

    /// 128 bits that stand for a window's identity.
    struct WindowKey: Comparable, Sendable, BitwiseCopyable {
        let digest: Digest

        init(_ digest: Digest) { self.digest = digest }

        init(_ identity: String) {
            var identity = identity
            digest = identity.withUTF8 { SipHash(seed: 0).hash(UnsafeRawBufferPointer($0)) }
        }

        static func < (left: Self, right: Self) -> Bool {
            (left.digest.high, left.digest.low) < (right.digest.high, right.digest.low)
        }
    }

    /// SHA-256 over names and contents of the files, in hexadecimal, as the caller gave it.
    package let version: String
    /// By file name, then by place in the file.
    package let rules: [CompiledRule]
    /// What of each rule is text, at the rule's index.
    package let texts: [RuleText]
    package let windows: [Window]
    /// How rules on returns read them, each once.
    package let distributions: [Distribution]
    /// What rules scale their bounds by, each once.
    package let scales: [VolatilityScale]
    /// By file name, then by place in the file.
    package let instruments: [CompiledInstrument]
    /// The symbol of each instrument, at the instrument's index.
    package let instrumentSymbols: [String]
    /// Names without a wildcard that rules and instruments name: an order whose symbol or account equals one of them but
    /// for letter case is malformed.
    package let knownSymbols: [String]
    package let knownAccounts: [String]

    /// The calendar's now by which the hours of `active` rules are laid out, in unix nanoseconds.
    package let laidOutAt: Int64

    private let patterns: PatternTable
    private let scopes: [RuleScope]
    private let rollouts: [Rollout]
    private let index: RuleIndex
    private let volatilityUses: [VolatilityUse]
    private let volatilityIndex: RuleIndex
    /// By `CompiledRule.schedule`.
    let schedules: [RuleSchedule]
    let tables: RuleTables
    private let instrumentNames: NameTable
    private let instrumentIndices: [Int32]

    /// A rule that asks for the volatility of the symbols in its scope.
    private struct VolatilityUse: Sendable, BitwiseCopyable {
        var window: Int64
        /// As in `RuleScope`.
        var symbols: Int32
    }

    /// Everything that the compiler found out; arrays of one kind are parallel.
    struct Parts {
        var version: String
        var rules: [CompiledRule]
        var texts: [RuleText]
        var windows: [Window]
        var distributions: [Distribution]
        var scales: [VolatilityScale]
        var instruments: [CompiledInstrument]
        var instrumentSymbols: [String]
        var knownSymbols: [String]
        var knownAccounts: [String]
        var patterns: PatternTable
        var scopes: [RuleScope]
        var rollouts: [Rollout]
        var names: [RuleIndex.Names]
        var schedules: [RuleSchedule]
        var laidOutAt: Int64
    }

    init(_ parts: Parts) {
        version = parts.version
        rules = parts.rules
        texts = parts.texts
        windows = parts.windows
        distributions = parts.distributions
        scales = parts.scales
        instruments = parts.instruments
        instrumentSymbols = parts.instrumentSymbols
        knownSymbols = parts.knownSymbols
        knownAccounts = parts.knownAccounts
        patterns = parts.patterns
        scopes = parts.scopes
        index = RuleIndex(parts.names)
        let volatilityRules = parts.rules.indices.filter {
            parts.rules[$0].metric == .volatility || parts.rules[$0].scale >= 0
        }
        volatilityUses = volatilityRules.map { place in
            let rule = parts.rules[place]
            let window = rule.metric == .volatility ? rule.window : parts.scales[Int(rule.scale)].window
            return VolatilityUse(window: window, symbols: parts.scopes[place].symbols)
        }
        volatilityIndex = RuleIndex(volatilityRules.map { RuleIndex.Names(symbols: parts.names[$0].symbols) })
        instrumentNames = NameTable(parts.instrumentSymbols)
        let places = Dictionary(uniqueKeysWithValues: zip(parts.instrumentSymbols, Int32(0)...))
        instrumentIndices = NameTable.sorted(parts.instrumentSymbols).map { places[$0, default: -1] }
        schedules = parts.schedules
        laidOutAt = parts.laidOutAt
        rollouts = parts.rollouts
        tables = RuleTables(
            rules: parts.rules, instruments: parts.instruments, windows: parts.windows,
            instrumentOfKnownSymbol: parts.knownSymbols.map { places[$0, default: -1] })
    }

    /// The same set in other hours.
    private init(_ other: RuleSet, schedules: [RuleSchedule], laidOutAt: Int64) {
        version = other.version
        rules = other.rules
        texts = other.texts
        windows = other.windows
        instruments = other.instruments
        instrumentSymbols = other.instrumentSymbols
        knownSymbols = other.knownSymbols
        knownAccounts = other.knownAccounts
        patterns = other.patterns
        scopes = other.scopes
        rollouts = other.rollouts
        index = other.index
        distributions = other.distributions
        scales = other.scales
        volatilityUses = other.volatilityUses
        volatilityIndex = other.volatilityIndex
        instrumentNames = other.instrumentNames
        instrumentIndices = other.instrumentIndices
        tables = other.tables
        self.schedules = schedules
        self.laidOutAt = laidOutAt
    }

    /// Whether a rule is in force in certain hours only, so that a decision depends on the wall clock.
    package var hasSchedules: Bool { !schedules.isEmpty }

    /// The same set with the hours of its rules laid out from another moment. They are laid out for 400 days; past these
    /// the rules are in force whatever the time.
    package func renewed(_ calendar: RuleCalendar) -> RuleSet {
        RuleSet(
            self, schedules: schedules.map { RuleSchedule($0.window, by: calendar) }, laidOutAt: calendar.now)
    }

    /// The same set with all its rules in force whatever the time, or only those without hours.
    func withRules(inForce: Bool) -> RuleSet {
        RuleSet(
            self, schedules: schedules.map { inForce ? .always($0.window) : .never($0.window) }, laidOutAt: laidOutAt)
    }

    /// Replaces `into` by the indices of the rules whose `applies_to` covers these names, in ascending order. Sides and
    /// order types are not looked at: they are bits of the rule; hours neither. An order that names no strategy has an empty one.
    package func applicableRules(
        account: UnsafeRawBufferPointer, strategy: UnsafeRawBufferPointer, symbol: UnsafeRawBufferPointer,
        into: inout [Int32]
    ) {
        into.removeAll(keepingCapacity: true)
        index.forEachCandidate(account: account, strategy: strategy, symbol: symbol) { rule in
            let scope = scopes[Int(rule)]
            if covers(scope.symbols, symbol), covers(scope.accounts, account), covers(scope.strategies, strategy),
                rollouts[Int(rule)].includes(account)
            {
                into.append(rule)
            }
        }
    }

    /// The instrument of a symbol, as an index into `instruments`; -1 where there is none.
    package func instrument(of symbol: UnsafeRawBufferPointer) -> Int32 {
        let place = Int(instrumentNames.index(of: symbol))
        return place < 0 ? -1 : instrumentIndices[place]
    }

    /// Calls `body` with each window over which a rule asks for a symbol's volatility, as often as rules do.
    func forEachVolatilityWindow(of symbol: UnsafeRawBufferPointer, _ body: (Int64) -> Void) {
        let none = UnsafeRawBufferPointer(start: nil, count: 0)
        volatilityIndex.forEachCandidate(account: none, strategy: none, symbol: symbol) { use in
            let use = volatilityUses[Int(use)]
            if covers(use.symbols, symbol) { body(use.window) }
        }
    }

    /// Whether a name is matched by the list at `CompiledRule.allow` or `.deny`: symbols, accounts and strategies as they
    /// are written, sides, types (`OrderType.ruleName`) and times in force regardless of letter case.
    package func matches(patternSet: Int32, _ name: UnsafeRawBufferPointer) -> Bool {
        patterns.matches(patternSet, name)
    }

    /// The patterns of the list at `CompiledRule.allow` or `.deny`, names without a wildcard first; none for an index that
    /// is not of the set.
    package func patterns(ofSet index: Int32) -> [String] { patterns.members(index) }

    /// The patterns of what a rule's `applies_to` names, by the rule's index; empty: all.
    package func appliesTo(_ rule: Int) -> (accounts: [String], strategies: [String], symbols: [String]) {
        let scope = scopes[rule]
        return (patterns.members(scope.accounts), patterns.members(scope.strategies), patterns.members(scope.symbols))
    }

    /// Whether a membership rule permits a name.
    func permits(_ rule: CompiledRule, _ name: UnsafeRawBufferPointer) -> Bool {
        (rule.allow < 0 || matches(patternSet: rule.allow, name))
            && (rule.deny < 0 || !matches(patternSet: rule.deny, name))
    }

    /// The same for a word.
    func permits(_ rule: CompiledRule, _ word: String) -> Bool {
        var word = word
        return word.withUTF8 { permits(rule, UnsafeRawBufferPointer($0)) }
    }

    private func covers(_ patternSet: Int32, _ name: UnsafeRawBufferPointer) -> Bool {
        patternSet < 0 || patterns.matches(patternSet, name)
    }
}
