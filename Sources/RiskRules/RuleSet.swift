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

    private let patterns: PatternTable
    private let scopes: [RuleScope]
    private let index: RuleIndex
    private let volatilityUses: [VolatilityUse]
    private let volatilityIndex: RuleIndex
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
        var names: [RuleIndex.Names]
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
    }

    /// Replaces `into` by the indices of the rules whose `applies_to` covers these names, in ascending order. Sides and
    /// order types are not looked at: they are bits of the rule. An order that names no strategy has an empty one.
    package func applicableRules(
        account: UnsafeRawBufferPointer, strategy: UnsafeRawBufferPointer, symbol: UnsafeRawBufferPointer,
        into: inout [Int32]
    ) {
        into.removeAll(keepingCapacity: true)
        index.forEachCandidate(account: account, strategy: strategy, symbol: symbol) { rule in
            let scope = scopes[Int(rule)]
            if covers(scope.symbols, symbol), covers(scope.accounts, account), covers(scope.strategies, strategy) {
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

    private func covers(_ patternSet: Int32, _ name: UnsafeRawBufferPointer) -> Bool {
        patternSet < 0 || patterns.matches(patternSet, name)
    }
}
