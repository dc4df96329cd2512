/// What is known of the order that a replace names, for what the replace leaves out.
package struct OriginalOrder: Sendable, BitwiseCopyable {
    package var account: NameID
    package var symbol: NameID
    package var side: Side
    package var clientOrderID: Digest
    package var terms: OrderTerms
}

/// What an order asked for besides its symbol and side.
package struct OrderTerms: Hashable, Sendable, BitwiseCopyable {
    package var strategy = NameID.none
    package var timeInForce = NameID.none
    /// nil: not known.
    package var type: OrderType?
    /// See `Order.mayBeMarket`.
    package var mayBeMarket = false
    package var reduceOnly = false
    /// What was asked for, or what a snapshot says that remains.
    package var quantity = FixedPoint.zero
    /// Zero where the order has none, or none that is known.
    package var price = FixedPoint.zero
    package var stopPrice = FixedPoint.zero

    package init() {}
}

extension OrderTerms {
    init(_ order: Order) {
        strategy = order.strategy
        timeInForce = order.timeInForce
        type = order.type
        mayBeMarket = order.mayBeMarket
        reduceOnly = order.reduceOnly
        quantity = order.quantity
        price = order.price
        stopPrice = order.stopPrice
    }
}

extension RiskEngine {
    /// What the ledger knows of an order, in its latest version, or else the account's snapshot; nil where neither knows it.
    /// A snapshot does not say what type an order has: one with a price is taken for a limit order.
    /// - Parameter account: `.none` where the replace names none: only the ledger can then know the order, by the endpoint's
    ///   id.
    package func original(_ ids: OrderReference, of account: NameID) -> OriginalOrder? {
        let found = account == .none ? ledger.find(orderID: ids.orderID) : ledger.find(ids, of: account)
        if let found, let reservation = ledger.find(ledger.latest(found))?.pointee {
            return OriginalOrder(
                account: reservation.account, symbol: reservation.symbol, side: reservation.side,
                clientOrderID: reservation.clientOrderID, terms: reservation.terms)
        }
        guard account != .none, let shown = ledger.shown(ids, of: account) else { return nil }
        var terms = OrderTerms()
        terms.type = shown.price > .zero ? .limit : nil
        terms.quantity = FixedPoint(units: shown.sums.quantity)
        terms.price = shown.price
        return OriginalOrder(
            account: account, symbol: shown.symbol, side: shown.side, clientOrderID: shown.ids.clientOrderID,
            terms: terms)
    }
}
