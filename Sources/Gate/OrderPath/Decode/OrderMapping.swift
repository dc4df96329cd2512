package import RiskRules

/// What a mapping says of the endpoint's order API, read but not judged against its descriptors: `OrderMappingCompiler`
/// gives it meaning.
package struct OrderMapping: Sendable {
    /// The path of the descriptor set, relative to the mapping.
    package var descriptors: Located<String>
    package var methods: [Method]

    /// One method of the API.
    package struct Method: Sendable {
        package var location: SourceLocation
        package var path: Located<String>
        package var action: MethodAction
        package var fields: [Field<OrderRole>] = []
        package var values: [Value] = []
        package var response: Response?
        package var defaultType: Located<DefaultType>?
        package var foldsSymbol = false
    }

    /// Where one role's value is found.
    package struct Field<Role: Sendable>: Sendable {
        package var role: Role
        package var source: Located<Source>
    }

    package enum Source: Equatable, Sendable {
        /// `a.b.c` in the message.
        case path(String)
        case header(String)
        /// The same for every order.
        case constant(String)
    }

    /// What one value on the wire means, where its name does not say it.
    package struct Value: Sendable {
        package var role: OrderRole
        package var wire: Located<String>
        package var meaning: Located<String>
    }

    /// How an answer tells what became of the order.
    package struct Response: Sendable {
        package var location: SourceLocation
        package var fields: [Field<AnswerRole>] = []
        package var rejected: [Located<String>] = []
        package var ended: [Located<String>] = []
        /// gRPC statuses that say that the order was not accepted.
        package var definitive: [Int] = Self.definitiveByDefault

        /// The statuses that no server of sense gives to an order it has accepted.
        package static let definitiveByDefault = [3, 5, 6, 7, 8, 9, 11, 12, 16]
    }
}

/// What a message may say of an order.
package enum OrderRole: String, CaseIterable, Sendable {
    case account, strategy, symbol, side, type, quantity, price
    case stopPrice = "stop_price"
    case timeInForce = "time_in_force"
    case reduceOnly = "reduce_only"
    case clientOrderID = "client_order_id"
    case orderID = "order_id"

    /// What is read of an order.
    static let ofCreate: [OrderRole] = allCases.filter { $0 != .orderID }
    /// What is read of a cancel.
    static let ofCancel: [OrderRole] = [.orderID, .clientOrderID, .symbol, .account, .strategy]
    /// Without these there is no order.
    static let needed: [OrderRole] = [.account, .symbol, .side, .quantity]
}

/// What an answer may say of an order.
package enum AnswerRole: String, CaseIterable, Sendable {
    case orderID = "order_id"
    case clientOrderID = "client_order_id"
    case status, filled, error
}
