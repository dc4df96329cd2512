// Names: bytes of at most 64, given numbers at first sight.
extension RiskEngine {
    /// Accounts that have a number: 1 to this.
    package var accountCount: UInt32 { UInt32(truncatingIfNeeded: accountNames.count - 1) }

    /// Symbols that have a number: 1 to this.
    package var symbolCount: UInt32 { UInt32(truncatingIfNeeded: symbolNames.count - 1) }

    /// The account of these bytes.
    package func account(_ name: UnsafeRawBufferPointer) -> NameLookup { accountNames.lookup(name) }

    /// The strategy of these bytes; no bytes are `.none`.
    package func strategy(_ name: UnsafeRawBufferPointer) -> NameLookup { strategyNames.lookup(name) }

    /// The symbol of these bytes.
    package func symbol(_ name: UnsafeRawBufferPointer) -> NameLookup {
        let found = symbolNames.lookup(name)
        if case .new(let id) = found { takeUp(id) }
        return found
    }

    /// The time in force of these bytes, in upper case; no bytes are `.none`.
    package func timeInForce(_ name: UnsafeRawBufferPointer) -> NameLookup {
        let found = timeInForceNames.lookup(name)
        // Plans say which of the names known so far their rules permit.
        if case .new = found { plans.forget() }
        return found
    }

    /// The bytes of an account's name, in memory of the engine.
    package func accountName(_ id: NameID) -> UnsafeRawBufferPointer { accountNames.name(id) }

    /// The bytes of a strategy's name; empty for `.none`.
    package func strategyName(_ id: NameID) -> UnsafeRawBufferPointer { strategyNames.name(id) }

    /// The bytes of a symbol's name.
    package func symbolName(_ id: NameID) -> UnsafeRawBufferPointer { symbolNames.name(id) }

    /// The bytes of a time in force; empty for `.none`.
    package func timeInForceName(_ id: NameID) -> UnsafeRawBufferPointer { timeInForceNames.name(id) }

    /// What stands for an order id; `Digest.none` for an empty one.
    package func digest(_ bytes: UnsafeRawBufferPointer) -> Digest { bytes.isEmpty ? .none : hash.hash(bytes) }

    /// The symbol of a snapshot's text, settled; nil where there is no room for it.
    func settledSymbol(_ text: String) -> NameID? {
        var text = text
        let before = symbolNames.count
        let id = text.withUTF8 { symbolNames.settle(UnsafeRawBufferPointer($0)) }
        if let id, symbolNames.count > before { takeUp(id) }
        return id
    }

    /// Fills in what the rules say of a symbol that was not known.
    func takeUp(_ symbol: NameID) {
        applyInstrument(to: symbol)
        wantVolatility(of: symbol)
    }

    func digest(_ text: String?) -> Digest {
        guard var text else { return .none }
        return text.withUTF8 { digest(UnsafeRawBufferPointer($0)) }
    }
}
