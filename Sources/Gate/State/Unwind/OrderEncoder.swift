package import RiskRules

/// A position to be closed, wholly or in part.
package struct PositionClose: Hashable, Sendable {
    package var account: String
    package var symbol: String
    /// Of the closing order: opposite to the position.
    package var side: Side
    /// Above zero.
    package var quantity: FixedPoint
    package var clientOrderID: String

    package init(account: String, symbol: String, side: Side, quantity: FixedPoint, clientOrderID: String) {
        self.account = account
        self.symbol = symbol
        self.side = side
        self.quantity = quantity
        self.clientOrderID = clientOrderID
    }
}

/// An open order to be cancelled, by what ids it has.
package struct OrderCancel: Hashable, Sendable {
    package var account: String
    package var symbol: String
    /// The endpoint's id.
    package var orderID: String?
    package var clientOrderID: String?

    package init(account: String, symbol: String, orderID: String?, clientOrderID: String?) {
        self.account = account
        self.symbol = symbol
        self.orderID = orderID
        self.clientOrderID = clientOrderID
    }
}

/// The order API has no words for it: a sentence about what is missing.
package struct UnexpressibleOrder: Error, Equatable, Sendable {
    package let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Writes cancels and closing orders in the messages of the endpoint's order API: the order mapping, read backwards. What it
/// writes `OrderDecoder` reads as the same order.
package struct OrderEncoder: Sendable {
    /// One call: the message without the gRPC prefix, and the headers that are part of what it says.
    package struct Call: Equatable, Sendable {
        package struct Header: Equatable, Sendable {
            package var name: String
            package var value: String
        }
        /// `/package.Service/Method`.
        package var path: String
        package var headers: [Header]
        package var message: [UInt8]
    }

    /// A method that cancels by one of the ids.
    struct Cancel: Sendable {
        let id: OrderRole
        let method: MethodEncoder
    }

    let create: MethodEncoder
    /// In the order in which they are to be tried.
    let cancels: [Cancel]
    /// What calls name as their strategy; nil: none.
    let strategy: String?

    /// A reduce-only market order. A quantity that the field cannot hold exactly is the largest below it that it can.
    package func close(_ close: PositionClose) throws(UnexpressibleOrder) -> Call {
        try create.call { role in
            switch role {
            case .account: .text(close.account)
            case .strategy: strategy.map(MethodEncoder.Value.text)
            case .symbol: .text(close.symbol)
            case .side: .choice(close.side.rawValue)
            case .type: .choice(OrderType.market.rawValue)
            case .quantity: .quantity(close.quantity)
            case .timeInForce: .choice(MethodEncoder.timeInForce)
            case .reduceOnly: .choice(1)
            case .clientOrderID: .text(close.clientOrderID)
            case .price, .stopPrice, .orderID, .replaces, .replacesClientOrderID: nil
            }
        }
    }

    /// By the endpoint's id where the order has one and a method takes it, else by the client's.
    package func cancel(_ order: OrderCancel) throws(UnexpressibleOrder) -> Call {
        var failure: UnexpressibleOrder?
        for cancel in cancels {
            guard let id = cancel.id == .orderID ? order.orderID : order.clientOrderID, !id.isEmpty else { continue }
            do throws(UnexpressibleOrder) {
                return try cancel.method.call { role in
                    switch role {
                    case .account: .text(order.account)
                    case .strategy: strategy.map(MethodEncoder.Value.text)
                    case .symbol: .text(order.symbol)
                    case cancel.id: .text(id)
                    default: nil
                    }
                }
            } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? UnexpressibleOrder("it has no id that a mapped method cancels by")
    }
}
