package import Foundation

/// Which way an order trades.
package enum Side: String, Sendable {
    case buy = "BUY"
    case sell = "SELL"

    /// +1 for a buy, -1 for a sell.
    package var sign: Decimal { self == .buy ? 1 : -1 }
}

/// What a client asks for, read from the wire, not yet judged.
package struct OrderTicket: Sendable {
    /// The kinds of orders. Post-only is a property of a limit order.
    package enum Kind: Sendable { case market, limit, stopMarket, stopLimit }
    package enum TimeInForce: Sendable { case goodTillCanceled, immediateOrCancel, fillOrKill }

    package var account: String
    package var clientOrderID: String
    package var symbol: String
    package var side: Side
    package var kind: Kind
    package var quantity: Decimal
    /// The limit; nil for market and stop-market orders.
    package var price: Decimal?
    package var stopPrice: Decimal?
    package var timeInForce: TimeInForce
    package var postOnly: Bool
    package var reduceOnly: Bool

    package init(
        account: String, clientOrderID: String = "", symbol: String, side: Side, kind: Kind, quantity: Decimal,
        price: Decimal? = nil, stopPrice: Decimal? = nil, timeInForce: TimeInForce = .goodTillCanceled,
        postOnly: Bool = false, reduceOnly: Bool = false
    ) {
        self.account = account
        self.clientOrderID = clientOrderID
        self.symbol = symbol
        self.side = side
        self.kind = kind
        self.quantity = quantity
        self.price = price
        self.stopPrice = stopPrice
        self.timeInForce = timeInForce
        self.postOnly = postOnly
        self.reduceOnly = reduceOnly
    }
}

/// An order as the exchange knows it.
package struct ExchangeOrder: Sendable {
    package enum State: String, Sendable {
        case new = "NEW"
        case partiallyFilled = "PARTIALLY_FILLED"
        case filled = "FILLED"
        case canceled = "CANCELED"
        case rejected = "REJECTED"
        case expired = "EXPIRED"

        package var isOpen: Bool { self == .new || self == .partiallyFilled }
    }

    package let id: String
    package let ticket: OrderTicket
    /// Unix nanoseconds.
    package let createdAt: Int64
    package internal(set) var updatedAt: Int64
    package internal(set) var state: State
    package internal(set) var filled: Decimal = 0
    /// Sum of quantity times price over the fills.
    package internal(set) var filledNotional: Decimal = 0
    package internal(set) var fee: Decimal = 0
    /// A stop whose price was reached; what has no stop price is triggered from the start.
    package internal(set) var isTriggered: Bool
    /// Why the exchange refused or ended it; empty if it did not.
    package internal(set) var message = ""

    package init(id: String, ticket: OrderTicket, at now: Int64) {
        self.id = id
        self.ticket = ticket
        createdAt = now
        updatedAt = now
        state = .new
        isTriggered = ticket.stopPrice == nil
    }

    package var remaining: Decimal { ticket.quantity - filled }
    package var averagePrice: Decimal { filled > 0 ? (filledNotional / filled).rounded(scale: 10) : 0 }
}

/// One execution.
package struct Fill: Sendable {
    package let account: String
    package let symbol: String
    package let side: Side
    package let quantity: Decimal
    package let price: Decimal
    package let fee: Decimal

    package init(account: String, symbol: String, side: Side, quantity: Decimal, price: Decimal, fee: Decimal) {
        self.account = account
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.price = price
        self.fee = fee
    }
}
