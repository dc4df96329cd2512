// `instruments:` entries.
extension RuleCompilation {
    mutating func addInstrument(_ document: RuleDocument.Instrument) {
        guard let symbol = document.symbol else {
            report("this instrument has no symbol: write one, as in symbol: BTCUSDT", at: document.location)
            return
        }
        var instrument = CompiledInstrument()
        readAboveZero(document.tickSize, "tick_size", into: &instrument.tickSize)
        readAboveZero(document.lotSize, "lot_size", into: &instrument.lotSize)
        readAboveZero(document.minQuantity, "min_quantity", into: &instrument.minQuantity)
        readAboveZero(document.maxQuantity, "max_quantity", into: &instrument.maxQuantity)
        readAboveZero(document.minNotional, "min_notional", into: &instrument.minNotional)
        readAboveZero(document.contractMultiplier, "contract_multiplier", into: &instrument.contractMultiplier)
        readInitialMargin(document.initialMargin, into: &instrument)
        compareQuantities(document, instrument)
        guard let name = literalName(symbol, .symbol) else { return }
        if let first = instrumentPlaces[name] {
            report("the instrument \(name) is already given at \(first): take one out", at: symbol.location)
            return
        }
        instrumentPlaces[name] = symbol.location
        instruments.append(instrument)
        instrumentDocuments.append(document)
        instrumentSymbols.append(name)
    }

    private mutating func readAboveZero(_ text: Text?, _ key: String, into value: inout FixedPoint) {
        guard let text, let read = number(text, key: key) else { return }
        guard read > .zero else {
            report("\(key) \(text.value) is not above 0: write a number above 0, or leave it out", at: text.location)
            return
        }
        value = read
    }

    private mutating func readInitialMargin(_ text: Text?, into instrument: inout CompiledInstrument) {
        guard let text, let read = number(text, key: "initial_margin") else { return }
        guard read > .zero, read.units <= FixedPoint.scale else {
            report(
                "initial_margin \(text.value) is not above 0 and at most 1: it is a fraction of the notional, "
                    + "write 0.05 for 5 %", at: text.location)
            return
        }
        instrument.initialMargin = read
        instrument.hasInitialMargin = true
    }

    private mutating func compareQuantities(_ document: RuleDocument.Instrument, _ instrument: CompiledInstrument) {
        let limits = [
            ("min_quantity", document.minQuantity, instrument.minQuantity),
            ("max_quantity", document.maxQuantity, instrument.maxQuantity),
        ]
        if let lot = document.lotSize, instrument.lotSize > .zero {
            for (key, text, value) in limits where value.units % instrument.lotSize.units != 0 {
                guard let text else { continue }
                report(
                    "\(key) \(text.value) is not a multiple of lot_size \(lot.value), so no order can have it: "
                        + "write a multiple", at: text.location)
            }
        }
        if let minimum = document.minQuantity, let maximum = document.maxQuantity,
            instrument.maxQuantity > .zero, instrument.minQuantity > instrument.maxQuantity
        {
            report(
                "min_quantity \(minimum.value) is above max_quantity \(maximum.value): no order can keep both",
                at: minimum.location)
        }
    }

    /// Where instruments are given, an order of any other symbol is refused: a rule about another never applies, and to
    /// allow another allows nothing.
    mutating func compareWithInstruments() {
        guard !instrumentSymbols.isEmpty else { return }
        let sorted = NameTable.sorted(instrumentSymbols)
        var matchesAny: [String: Bool] = [:]
        for draft in drafts {
            let allowed = draft.rule.metric == .symbol ? draft.allow : []
            for text in (draft.document.appliesTo?.symbols ?? []) + allowed {
                let pattern = text.value
                let isKnown = matchesAny[pattern] ?? isInstrument(pattern, among: sorted)
                matchesAny[pattern] = isKnown
                guard !isKnown else { continue }
                let near = Suggestion.nearest(to: pattern, among: instrumentSymbols).first
                report(
                    "\"\(pattern)\" matches none of the instruments, and orders of other symbols are refused: "
                        + "add it to instruments or take it out" + (near.map { "; did you mean \"\($0)\"?" } ?? ""),
                    at: text.location)
            }
        }
        compareLimitsWithInstruments(sorted)
    }

    /// Whether a pattern matches an instrument: only those that begin as it does are tried.
    private func isInstrument(_ pattern: String, among sorted: [String]) -> Bool {
        if Glob.isLiteral(pattern) { return instrumentPlaces[pattern] != nil }
        let prefix = Glob.literalPrefix(pattern)
        let start = sorted.partitioningIndex { !$0.utf8.lexicographicallyPrecedes(prefix.utf8) }
        return sorted[start...].lazy.prefix { $0.utf8.starts(with: prefix.utf8) }.contains { Glob.matches(pattern, $0) }
    }

    /// An instrument's smallest order that is above what a rule allows to every order of it.
    private mutating func compareLimitsWithInstruments(_ sorted: [String]) {
        for (metric, key, minimum, text) in [
            (
                Metric.orderQuantity, "min_quantity", \CompiledInstrument.minQuantity,
                \RuleDocument.Instrument.minQuantity
            ),
            (.orderNotional, "min_notional", \.minNotional, \.minNotional),
        ] {
            guard let highest = instruments.map({ $0[keyPath: minimum] }).max() else { continue }
            for draft in drafts where draft.rule.metric == metric && draft.rule.hasMax && draft.rule.max < highest {
                guard draft.refusesAllOfItsSymbols else { continue }
                for (place, instrument) in instruments.enumerated() where instrument[keyPath: minimum] > draft.rule.max
                {
                    let symbol = instrumentSymbols[place]
                    let isCovered =
                        draft.names.symbols.isEmpty
                        || draft.names.symbols.contains { Glob.matches($0, symbol) }
                    guard isCovered, let written = instrumentDocuments[place][keyPath: text] else { continue }
                    report(
                        "\(key) \(written.value) of \(symbol) is above max \(draft.rule.max) of the rule "
                            + "\(draft.text.id) at \(draft.text.location): no order can keep both",
                        at: written.location)
                }
            }
        }
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first index from which on a condition holds, where it holds for all that follow.
    fileprivate func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = low + (high - low) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
