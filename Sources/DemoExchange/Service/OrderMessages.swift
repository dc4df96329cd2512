import Foundation
import OrderAPI

/// Between the wire's messages and the exchange's values.
extension OrderTicket {
    /// - Throws: `InvalidOrder` for what is not an order at all, whatever the exchange's rules.
    init(_ request: Order_CreateOrderRequest) throws(InvalidOrder) {
        let side: Side
        switch request.side {
        case .buy: side = .buy
        case .sell: side = .sell
        case .sideUnspecified, .UNRECOGNIZED: throw InvalidOrder(message: "side is neither BUY nor SELL")
        }
        let kind: Kind
        switch request.type {
        case .market: kind = .market
        case .limit, .postOnly: kind = .limit
        case .stopMarket: kind = .stopMarket
        case .stopLimit: kind = .stopLimit
        case .typeUnspecified, .UNRECOGNIZED: throw InvalidOrder(message: "type is not an order type")
        }
        let timeInForce: TimeInForce
        switch request.timeInForce {
        case .tifUnspecified where kind == .market || kind == .stopMarket: timeInForce = .immediateOrCancel
        case .tifUnspecified, .gtc, .gtx: timeInForce = .goodTillCanceled
        case .ioc: timeInForce = .immediateOrCancel
        case .fok: timeInForce = .fillOrKill
        case .UNRECOGNIZED: throw InvalidOrder(message: "time_in_force is not one")
        }
        let needsPrice = kind == .limit || kind == .stopLimit
        let needsStop = kind == .stopMarket || kind == .stopLimit
        self.init(
            account: request.userID, clientOrderID: request.clientOrderID, symbol: request.symbol, side: side,
            kind: kind, quantity: try Self.positive(request.quantity, "quantity"),
            price: needsPrice ? try Self.positive(request.price, "price") : nil,
            stopPrice: needsStop ? try Self.positive(request.stopPrice, "stop_price") : nil,
            timeInForce: timeInForce,
            postOnly: request.postOnly || request.type == .postOnly || request.timeInForce == .gtx,
            reduceOnly: request.reduceOnly)
    }

    private static func positive(_ value: Double, _ field: String) throws(InvalidOrder) -> Decimal {
        guard let decimal = Decimal(wire: value), decimal > 0 else {
            throw InvalidOrder(message: "\(field) \(value) is not a number above zero")
        }
        return decimal
    }
}

extension Order_CreateOrderResponse {
    init(_ order: ExchangeOrder) {
        self.init()
        orderID = order.id
        clientOrderID = order.ticket.clientOrderID
        state = Order_OrderState(order.state)
        timestamp = order.updatedAt.milliseconds
        errorMessage = order.state == .rejected ? order.message : ""
    }
}

extension Order_CancelOrderResponse {
    init(_ order: ExchangeOrder) {
        self.init()
        orderID = order.id
        state = Order_OrderState(order.state)
        timestamp = order.updatedAt.milliseconds
        errorMessage = order.state == .canceled ? "" : "the order is \(order.state.rawValue)"
    }
}

extension Order_Order {
    init(_ order: ExchangeOrder) {
        self.init()
        let ticket = order.ticket
        orderID = order.id
        exchangeOrderID = order.id
        clientOrderID = ticket.clientOrderID
        symbol = ticket.symbol
        side = ticket.side == .buy ? .buy : .sell
        switch ticket.kind {
        case .market: type = .market
        case .limit: type = ticket.postOnly ? .postOnly : .limit
        case .stopMarket: type = .stopMarket
        case .stopLimit: type = .stopLimit
        }
        switch ticket.timeInForce {
        case .goodTillCanceled: timeInForce = ticket.postOnly ? .gtx : .gtc
        case .immediateOrCancel: timeInForce = .ioc
        case .fillOrKill: timeInForce = .fok
        }
        state = Order_OrderState(order.state)
        quantity = ticket.quantity.wire
        price = ticket.price?.wire ?? 0
        stopPrice = ticket.stopPrice?.wire ?? 0
        filledQuantity = order.filled.wire
        averagePrice = order.averagePrice.wire
        fee = order.fee.wire
        feeAsset = "USDT"
        createdAt = order.createdAt.milliseconds
        updatedAt = order.updatedAt.milliseconds
        userID = ticket.account
        reduceOnly = ticket.reduceOnly
        postOnly = ticket.postOnly
    }
}

extension Order_OrderUpdate {
    init(_ event: OrderEvent) {
        self.init()
        order = Order_Order(event.order)
        updateType = event.kind.rawValue
        timestamp = event.order.updatedAt.milliseconds
    }
}

extension Order_OrderState {
    init(_ state: ExchangeOrder.State) {
        switch state {
        case .new: self = .new
        case .partiallyFilled: self = .partiallyFilled
        case .filled: self = .filled
        case .canceled: self = .canceled
        case .rejected: self = .rejected
        case .expired: self = .expired
        }
    }
}

extension ExchangeOrder.State {
    /// Nil where the wire names no state that orders here can have.
    init?(_ state: Order_OrderState) {
        switch state {
        case .new, .submitted: self = .new
        case .partiallyFilled: self = .partiallyFilled
        case .filled: self = .filled
        case .canceled: self = .canceled
        case .rejected: self = .rejected
        case .expired: self = .expired
        case .stateUnspecified, .UNRECOGNIZED: return nil
        }
    }
}

extension Int64 {
    /// Of Unix nanoseconds, the milliseconds that the wire carries.
    fileprivate var milliseconds: Int64 { self / 1_000_000 }
}
