/// What the mirror says of one symbol's price. Times are nanoseconds of the monotonic clock that is passed to decisions.
package struct PriceQuote: Sendable, BitwiseCopyable {
    package enum Availability: UInt8, Sendable, BitwiseCopyable {
        /// Not fetched yet: what needs it is `STATE_UNAVAILABLE`.
        case unfetched
        /// No key, expired, or a refused value: `PRICE_UNAVAILABLE`.
        case absent
        case present
    }
    package var availability: Availability
    package var hasBidAsk: Bool
    /// Mid where bid and ask are given (rounded half-even), else the price. Above zero.
    package var mark: FixedPoint
    package var bid: FixedPoint
    package var ask: FixedPoint
    /// When the value was true (its `as_of`, or when its key was last seen written), for the age metric.
    package var since: Int64
    /// From this instant on the value is too old (`PRICE_STALE`); `Int64.max` where age is not judged.
    package var freshUntil: Int64
    /// From this instant on the key has expired (`PRICE_UNAVAILABLE`); `Int64.max` without a TTL.
    package var expiresAt: Int64

    package init(
        availability: Availability, hasBidAsk: Bool, mark: FixedPoint, bid: FixedPoint, ask: FixedPoint,
        since: Int64, freshUntil: Int64, expiresAt: Int64
    ) {
        self.availability = availability
        self.hasBidAsk = hasBidAsk
        self.mark = mark
        self.bid = bid
        self.ask = ask
        self.since = since
        self.freshUntil = freshUntil
        self.expiresAt = expiresAt
    }
    package static let unfetched = PriceQuote(
        availability: .unfetched, hasBidAsk: false, mark: .zero, bid: .zero, ask: .zero,
        since: 0, freshUntil: 0, expiresAt: 0)
}

/// One account's state as its keeper wrote it: parsed, range-checked, immutable. Absent fields are nil.
package final class AccountSnapshot: Sendable {
    package struct Position: Hashable, Sendable {
        package var symbol: String
        /// Signed: long above zero, short below.
        package var quantity: FixedPoint
        package var currentPrice: FixedPoint?
        package init(symbol: String, quantity: FixedPoint, currentPrice: FixedPoint?) {
            self.symbol = symbol
            self.quantity = quantity
            self.currentPrice = currentPrice
        }
    }
    package struct PendingOrder: Hashable, Sendable {
        package var clientOrderID: String?
        package var orderID: String?
        package var symbol: String
        package var side: Side
        /// What remains to be filled.
        package var quantity: FixedPoint
        package var price: FixedPoint?
        package init(
            clientOrderID: String?, orderID: String?, symbol: String, side: Side, quantity: FixedPoint,
            price: FixedPoint?
        ) {
            self.clientOrderID = clientOrderID
            self.orderID = orderID
            self.symbol = symbol
            self.side = side
            self.quantity = quantity
            self.price = price
        }
    }
    package struct Values: Hashable, Sendable {
        package var seq: Int64?
        /// Unix nanoseconds up to which the keeper has applied the exchange's events.
        package var asOf: Int64?
        package var equity: FixedPoint?
        package var balance: FixedPoint?
        package var unrealizedPnL: FixedPoint?
        package var marginUsed: FixedPoint?
        package var availableMargin: FixedPoint?
        package var peakEquity: FixedPoint?
        package var dailyStartEquity: FixedPoint?
        /// nil: missing (not the same as none).
        package var positions: [Position]?
        package var pendingOrders: [PendingOrder]?
        package var returns: [Double]?
        package init() {}
    }
    package let values: Values
    /// When the bytes were read, monotonic nanoseconds: what a snapshot without `as_of` is ordered by.
    package let readAt: Int64
    /// As in `PriceQuote`, for the age metric and freshness.
    package let since: Int64
    package let freshUntil: Int64
    package let expiresAt: Int64

    package init(values: Values, readAt: Int64, since: Int64, freshUntil: Int64, expiresAt: Int64) {
        self.values = values
        self.readAt = readAt
        self.since = since
        self.freshUntil = freshUntil
        self.expiresAt = expiresAt
    }
}
