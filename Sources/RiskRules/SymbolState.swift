/// What the engine knows of one symbol: the mirrored price, and what the rule set in force says of it.
struct SymbolState: BitwiseCopyable {
    var quote = PriceQuote.unfetched
    /// What exposures in the symbol are valued by: the price, unless something keeps it from counting.
    var standing = ValueProblem.unfetched
    var countedMark = FixedPoint.zero
    /// Head of the list of exposures in the symbol; -1 where there is none.
    var firstHolder: Int32 = -1
    /// Index into the rule set's instruments; -1 where it names none for the symbol.
    var instrument: Int32 = -1
    /// Value of one unit of quantity in units of price.
    var multiplier = FixedPoint.one
    /// Margin of a new position as a fraction of its notional.
    var initialMargin: FixedPoint
    /// Head of the symbol's list of volatilities; -1 where it has none.
    var firstVolatility: Int32 = -1
}

extension PriceQuote {
    /// Why this price does not count at `now`, by a link that was confirmed alive until `linkUntil`; nil where it counts.
    @inline(__always)
    func reasonMissing(now: Int64, linkUntil: Int64) -> Reason? {
        if availability == .unfetched || now >= linkUntil { return .stateUnavailable }
        if availability == .absent || now >= expiresAt { return .priceUnavailable }
        return now >= freshUntil ? .priceStale : nil
    }

    /// When, after `now`, time alone changes whether this price counts, or why not; `Int64.max`: never.
    func nextChange(after now: Int64) -> Int64 {
        guard availability == .present, now < expiresAt else { return .max }
        return now < freshUntil ? Swift.min(freshUntil, expiresAt) : expiresAt
    }
}
