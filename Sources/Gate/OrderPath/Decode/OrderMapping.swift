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
        /// The path of the repeated message that holds a batch's orders; nil: the message is the order.
        package var each: Located<String>?
        package var fields: [Field<OrderRole>] = []
        package var values: [Value] = []
        package var response: Response?
        /// Of a method that passes: how its answers tell what became of orders; nil: they are not read.
        package var observe: Response?
        package var defaultType: Located<DefaultType>?
        package var foldsSymbol = false
        /// How a refused call is answered; nil: as a gRPC status.
        package var reject: Located<RejectForm>?
    }

    /// Where one role's value is found.
    package struct Field<Role: Sendable>: Sendable {
        package var role: Role
        package var source: Located<Source>
    }

    package enum Source: Sendable {
        /// Fields of the message; the first that is given counts.
        case fields([FieldPath])
        case header(String)
        /// The same for every order.
        case constant(String)
    }

    /// One field of the message.
    package struct FieldPath: Sendable {
        /// `a.b.c`.
        package var path: Located<String>
        /// What an integer there is counted in; nil: it stands for itself.
        package var scale: Located<DecimalScale>?
        /// Of a batch: the path starts at the message, not at one of its orders.
        package var isOuter = false
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
        /// The path of the repeated message that answers a batch, item for item, or that holds the orders of a passing answer.
        package var each: Located<String>?
        package var fields: [Field<AnswerRole>] = []
        package var rejected: [Located<String>] = []
        package var ended: [Located<String>] = []
        /// gRPC statuses that say that the order was not accepted; without meaning for what passes.
        package var definitive: [Int] = Self.definitiveByDefault

        /// Whether it says what any status means.
        var listsStatuses: Bool { !rejected.isEmpty || !ended.isEmpty }

        /// The statuses that no server of sense gives to an order it has accepted.
        package static let definitiveByDefault = [3, 5, 6, 7, 8, 9, 11, 12, 16]
    }
}

/// How a refused call is answered.
package enum RejectForm: String, CaseIterable, Sendable {
    /// By a gRPC status and its details.
    case status
    /// By a message of the API's own, with the gRPC status 0.
    case message
}

/// What a message may say of an order.
package enum OrderRole: String, CaseIterable, Sendable {
    case account, strategy, symbol, side, type, quantity, price
    case stopPrice = "stop_price"
    case timeInForce = "time_in_force"
    case reduceOnly = "reduce_only"
    case clientOrderID = "client_order_id"
    case orderID = "order_id"
    /// The endpoint's id of the order that a replace changes.
    case replaces
    /// The client's id of the order that a replace changes.
    case replacesClientOrderID = "replaces_client_order_id"

    /// What is read of an order.
    static let ofCreate: [OrderRole] = ofReplace.filter { $0 != .replaces && $0 != .replacesClientOrderID }
    /// What is read of a replace.
    static let ofReplace: [OrderRole] = allCases.filter { $0 != .orderID }
    /// What is read of a cancel.
    static let ofCancel: [OrderRole] = [.orderID, .clientOrderID, .symbol, .account, .strategy]
    /// Without these there is no order.
    static let needed: [OrderRole] = [.account, .symbol, .side, .quantity]
}

/// What an answer may say of an order.
package enum AnswerRole: String, CaseIterable, Sendable {
    case orderID = "order_id"
    case clientOrderID = "client_order_id"
    case status, filled, error, account

    /// What is read of the answer to an order.
    static let ofResponse: [AnswerRole] = [.orderID, .clientOrderID, .status, .filled, .error]
    /// What is read of an answer in passing.
    static let ofObserve: [AnswerRole] = [.orderID, .clientOrderID, .account, .status, .filled]
}
