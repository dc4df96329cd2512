/// What names are names of: each kind has numbers of its own.
package enum NameKind: UInt8, CaseIterable, Sendable, BitwiseCopyable { case account, strategy, symbol, timeInForce }

// Names by kind, for a journal that keeps their texts beside what holds their numbers.
extension RiskEngine {
    /// Names of a kind that have a number: 1 to this.
    package func nameCount(_ kind: NameKind) -> UInt32 { UInt32(truncatingIfNeeded: names(kind).count - 1) }

    /// The bytes of a name, in memory of the engine; empty for `.none`.
    package func name(_ kind: NameKind, _ id: NameID) -> UnsafeRawBufferPointer { names(kind).name(id) }

    /// The number of a name that an earlier run knew, be it an account, a strategy, a symbol or a time in force, and whatever
    /// the rules say of it; `.none` for an empty one, nil where there is no room for it.
    package func restoreName(_ kind: NameKind, _ text: UnsafeRawBufferPointer) -> NameID? {
        let count = names(kind).count
        guard let id = names(kind).restore(text) else { return nil }
        if names(kind).count > count {
            switch kind {
            case .symbol: takeUp(id)
            // Plans say which of the names known so far their rules permit.
            case .timeInForce: plans.forget()
            case .account, .strategy: break
            }
        }
        return id
    }

    func names(_ kind: NameKind) -> NameInterner {
        switch kind {
        case .account: accountNames
        case .strategy: strategyNames
        case .symbol: symbolNames
        case .timeInForce: timeInForceNames
        }
    }
}
