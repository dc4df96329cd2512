import RiskRules

/// One thing that happens to an engine, said so that it can be told to the model as well and be done again.
enum ScenarioStep {
    case order(ModelOrder, number: Int, connection: UInt32)
    /// An order that was counted before, decided again.
    case again(ModelOrder, connection: UInt32)
    case accept(Int, orderID: String?)
    case end(Int, filled: Exact?)
    case loseAnswer(Int)
    case release(Int)
    case undo(Int)
    /// The endpoint acknowledged a cancel.
    case cancelled(orderID: String?, clientID: String?, account: String?, filled: Exact?)
    /// A client asked for a cancel.
    case cancel(account: String?, strategy: String, symbol: String, connection: UInt32)
    case lateReject(ModelOrder, connection: UInt32)
    /// nil: the key is gone.
    case price(String, ModelPrice?)
    case snapshot(String, ModelSnapshot, freshUntil: Int64, expiresAt: Int64)
    /// The snapshot in hand is read again.
    case reread(String, freshUntil: Int64)
    case loseAccount(String)
    case refuseAccount(String)
    case links(pricesUntil: Int64, accountsUntil: Int64)
    case stop(ReferenceModel.Stop, isActive: Bool)
    case install(ModelRuleSet)
    case pass(Int64)
}

extension ScenarioStep: CustomStringConvertible {
    var description: String {
        switch self {
        case .order(let order, let number, let connection): "order \(number): \(order), connection \(connection)"
        case .again(let order, let connection): "again: \(order), connection \(connection)"
        case .accept(let number, let orderID): "order \(number) accepted as \(orderID ?? "-")"
        case .end(let number, let filled): "order \(number) ended, filled \(filled?.text ?? "?")"
        case .loseAnswer(let number): "order \(number) unknown"
        case .release(let number): "order \(number) released"
        case .undo(let number): "order \(number) undone"
        case .cancelled(let orderID, let clientID, let account, let filled):
            "cancelled \(orderID ?? "-") \(clientID ?? "-") of \(account ?? "-"), filled \(filled?.text ?? "?")"
        case .cancel(let account, let strategy, let symbol, let connection):
            "cancel of \(account ?? "-") \(strategy) \(symbol), connection \(connection)"
        case .lateReject(let order, let connection): "late reject of \(order), connection \(connection)"
        case .price(let symbol, let price): "price of \(symbol): \(price.map { "\($0)" } ?? "gone")"
        case .snapshot(let account, let snapshot, let freshUntil, let expiresAt):
            "snapshot of \(account), fresh until \(freshUntil), expires \(expiresAt): \(snapshot)"
        case .reread(let account, let freshUntil): "snapshot of \(account) read again, fresh until \(freshUntil)"
        case .loseAccount(let account): "account \(account) gone"
        case .refuseAccount(let account): "account \(account) refused"
        case .links(let pricesUntil, let accountsUntil): "links: prices \(pricesUntil), accounts \(accountsUntil)"
        case .stop(let stop, let isActive): "\(isActive ? "stop" : "resume") \(stop)"
        case .install(let ruleSet):
            (["rules"] + ruleSet.rules.map { "    \($0.lines.joined(separator: ", "))" }
                + ruleSet.instruments.sorted { $0.key < $1.key }.map {
                    "    \($0.value.lines($0.key).joined(separator: ", "))"
                }).joined(separator: "\n")
        case .pass(let nanoseconds): "\(nanoseconds) ns pass"
        }
    }
}

extension Exact: CustomStringConvertible {
    var description: String { text }
}

extension ModelOrder: CustomStringConvertible {
    var description: String {
        var words = ["\(account)/\(strategy) \(side) \(quantity) \(symbol) \(type.ruleName)"]
        if hasLimitPrice { words.append("at \(price)") }
        if hasStopPrice { words.append("stop \(stopPrice)") }
        if !timeInForce.isEmpty { words.append(timeInForce) }
        if reduceOnly { words.append("reduce-only") }
        if mayBeMarket { words.append("by price") }
        if let clientID { words.append("id \(clientID)") }
        return words.joined(separator: " ")
    }
}

extension ModelSnapshot: CustomStringConvertible {
    var description: String {
        func text(_ value: Exact?) -> String { value?.text ?? "-" }
        let amounts = [equity, marginUsed, availableMargin, peakEquity, dailyStartEquity].map(text)
        let positions = positions?.map { "\($0.quantity) \($0.symbol) at \(text($0.currentPrice))" }
        let pending = pending?.map {
            "\($0.side) \($0.quantity) \($0.symbol) at \(text($0.price)) (\($0.clientID ?? "-") \($0.orderID ?? "-"))"
        }
        return "seq \(seq.map(String.init) ?? "-") as_of \(asOf.map(String.init) ?? "-") "
            + "equity, used, available, peak, start \(amounts.joined(separator: " ")); "
            + "positions \(positions?.description ?? "-"); pending \(pending?.description ?? "-")"
    }
}

extension ModelPrice: CustomStringConvertible {
    var description: String {
        let price = bid.flatMap { bid in ask.map { "\(bid) / \($0)" } } ?? last?.text ?? "-"
        return "\(price), fresh until \(freshUntil), expires \(expiresAt)"
    }
}
