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
package struct OrderSums: Hashable, Sendable, BitwiseCopyable {
    /// What of them may have been filled, or still be.
    package var quantity: Int128 = 0
    /// How many count as open orders.
    package var orders = 0
    /// The notional of those that could be valued at approval.
    package var notional: Int128 = 0
    /// The others: their quantity, and how many they are.
    package var unpricedQuantity: Int128 = 0
    package var unpricedOrders = 0
    /// Margin that they were taken to need, and how many of them could not be valued.
    package var margin: Int128 = 0
    package var unknownMargins = 0

    package init() {}

    static func + (left: OrderSums, right: OrderSums) -> OrderSums {
        var sum = left
        sum.quantity &+= right.quantity
        sum.orders &+= right.orders
        sum.notional &+= right.notional
        sum.unpricedQuantity &+= right.unpricedQuantity
        sum.unpricedOrders &+= right.unpricedOrders
        sum.margin &+= right.margin
        sum.unknownMargins &+= right.unknownMargins
        return sum
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
    /// Whether it has ended, so that nothing that a snapshot shows of it is left out either.
    var isOver = false
}
