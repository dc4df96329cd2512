/// The order that a replace names: by the endpoint's id, the client's, or both; `Digest.none` for one that it does not give.
package struct OrderReference: Hashable, Sendable, BitwiseCopyable {
    package var orderID: Digest
    package var clientOrderID: Digest

    package init(orderID: Digest, clientOrderID: Digest) {
        self.orderID = orderID
        self.clientOrderID = clientOrderID
    }
    static let none = OrderReference(orderID: .none, clientOrderID: .none)
}

/// What orders that can still be filled add to the sums of their account and symbol.
struct OrderSums: BitwiseCopyable {
    /// What of them may have been filled, or still be.
    var quantity: Int128 = 0
    /// How many count as open orders.
    var orders = 0
    /// The notional of those that could be valued at approval.
    var notional: Int128 = 0
    /// The others: their quantity, and how many they are.
    var unpricedQuantity: Int128 = 0
    var unpricedOrders = 0
    /// Margin that they were taken to need, and how many of them could not be valued.
    var margin: Int128 = 0
    var unknownMargins = 0

    static func + (left: OrderSums, right: OrderSums) -> OrderSums {
        OrderSums(
            quantity: left.quantity &+ right.quantity, orders: left.orders &+ right.orders,
            notional: left.notional &+ right.notional,
            unpricedQuantity: left.unpricedQuantity &+ right.unpricedQuantity,
            unpricedOrders: left.unpricedOrders &+ right.unpricedOrders, margin: left.margin &+ right.margin,
            unknownMargins: left.unknownMargins &+ right.unknownMargins)
    }
}

/// What a replace takes the place of, as far as it is counted; all zero where nothing of it is, and the replace counts as
/// a new order.
struct ReplacedOrder: BitwiseCopyable {
    /// What the original adds to the account's sums.
    var sums = OrderSums()
    /// Margin that the snapshot is taken to contain for it.
    var shownMargin: Int128 = 0
    /// The ledger's reservation that it stands for, or is the latest replacement of.
    var predecessor: ReservationID?
    /// Its ids, as far as they are known.
    var ids = OrderReference.none
}
