/// What an order is judged by, as it stands at one moment and without the order itself: what a record of the decision needs
/// for it to be made again.
package struct DecisionInputs: Sendable, BitwiseCopyable {
    /// From the account's snapshot: the signed position in the order's symbol; zero where there is none.
    package var position = FixedPoint.zero
    /// What remains of open and in-flight orders in the order's symbol: the snapshot's and those let through since, each once.
    package var openBuys = FixedPoint.zero
    package var openSells = FixedPoint.zero

    /// Whether the mirror has a price; it may be too old to count.
    package var hasPrice = false
    package var hasBidAsk = false
    package var mark = FixedPoint.zero
    package var bid = FixedPoint.zero
    package var ask = FixedPoint.zero
    /// Nanoseconds; meaningless where `hasPrice` is false.
    package var priceAge: Int64 = 0

    /// Whether there is a snapshot; it may be too old to count.
    package var hasAccount = false
    /// Nanoseconds; meaningless where `hasAccount` is false.
    package var accountAge: Int64 = 0
    /// The snapshot's `seq`; -1 where it gives none.
    package var sequence: Int64 = -1
    /// The snapshot's `as_of`, unix nanoseconds; 0 where it gives none.
    package var asOf: Int64 = 0
    /// nil where the snapshot does not give it.
    package var equity: FixedPoint?
    package var marginUsed: FixedPoint?
    package var availableMargin: FixedPoint?
    /// Margin of what was let through and is in no snapshot.
    package var reservedMargin = FixedPoint.zero

    package init() {}
}

extension RiskEngine {
    /// What an order was just judged by. Between `decide` and `reserve`: the latter counts the order in.
    package func inputs(of order: Order, now: Int64) -> DecisionInputs {
        var inputs = DecisionInputs()
        if let exposure = exposures.find(order.account, order.symbol) {
            inputs.position = FixedPoint(units: exposure.pointee.position)
            inputs.openBuys = FixedPoint(units: exposure.pointee.shownBuys &+ exposure.pointee.reservedBuys)
            inputs.openSells = FixedPoint(units: exposure.pointee.shownSells &+ exposure.pointee.reservedSells)
        }
        let symbol = symbols + Int(order.symbol.index)
        if symbol.pointee.quote.availability == .present {
            inputs.hasPrice = true
            inputs.hasBidAsk = symbol.pointee.quote.hasBidAsk
            inputs.mark = symbol.pointee.quote.mark
            inputs.bid = symbol.pointee.quote.bid
            inputs.ask = symbol.pointee.quote.ask
            inputs.priceAge = Swift.max(0, now &- symbol.pointee.quote.since)
        }
        let account = accounts + Int(order.account.index)
        inputs.reservedMargin = FixedPoint(units: account.pointee.reservedMargin)
        guard account.pointee.hasSnapshot else { return inputs }
        inputs.hasAccount = true
        inputs.accountAge = Swift.max(0, now &- account.pointee.since)
        inputs.sequence = account.pointee.hasSequence ? account.pointee.sequence : -1
        inputs.asOf = account.pointee.hasAsOf ? account.pointee.asOf : 0
        if account.pointee.equity.isPresent { inputs.equity = account.pointee.equity.value }
        if account.pointee.marginUsed.isPresent { inputs.marginUsed = account.pointee.marginUsed.value }
        if account.pointee.availableMargin.isPresent { inputs.availableMargin = account.pointee.availableMargin.value }
        return inputs
    }
}
