/// What the thread that decides reads of a rule set by index: laid out by the thread that compiles, so that to put a set in
/// force is to point at it.
final class RuleTables: Sendable {
    // The memory never changes after `init` and is freed in `deinit`.
    nonisolated(unsafe) let rules: UnsafeMutablePointer<CompiledRule>
    let ruleCount: Int
    nonisolated(unsafe) let instruments: UnsafeMutablePointer<CompiledInstrument>
    let instrumentCount: Int
    /// Rules on messages per connection: they also count the cancels that name no account.
    let connectionMessageRules: [Int32]
    /// Indices of the set's windows, in the order of their keys.
    let windowOrder: [Int32]
    /// The instrument of each known symbol, by its index among these; -1 where it has none.
    let instrumentOfKnownSymbol: [Int32]

    init(
        rules: [CompiledRule], instruments: [CompiledInstrument], windows: [RuleSet.Window],
        instrumentOfKnownSymbol: [Int32]
    ) {
        ruleCount = rules.count
        self.rules = .allocate(capacity: Swift.max(rules.count, 1))
        self.rules.initialize(from: rules, count: rules.count)
        instrumentCount = instruments.count
        self.instruments = .allocate(capacity: Swift.max(instruments.count, 1))
        self.instruments.initialize(from: instruments, count: instruments.count)
        connectionMessageRules = rules.indices.lazy
            .filter { rules[$0].metric == .messageCount && rules[$0].per == .connection }.map(Int32.init)
        windowOrder = windows.indices.sorted { windows[$0].key < windows[$1].key }.map(Int32.init)
        self.instrumentOfKnownSymbol = instrumentOfKnownSymbol
    }

    deinit {
        rules.deallocate()
        instruments.deallocate()
    }
}
