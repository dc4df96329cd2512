import RiskRules

/// An exchange that fills, answers and tells as it pleases, but never lies: what Gate's ledger is about.
struct LedgerExchange {
    final class Order: CustomStringConvertible {
        let account: Int
        let symbol: Int
        let side: Side
        var price: Int
        var quantity: Int
        var filled = 0
        /// nil: not taken yet.
        var isAlive: Bool?
        var wasReplaced = false
        var clientID: Int
        var orderID = 0

        var description: String {
            "client \(clientID) order \(orderID) filled \(filled) of \(quantity), "
                + (isAlive.map { $0 ? "alive" : "dead" } ?? "not taken")
        }

        init(account: Int, symbol: Int, side: Side, quantity: Int, price: Int, clientID: Int) {
            self.account = account
            self.symbol = symbol
            self.side = side
            self.quantity = quantity
            self.price = price
            self.clientID = clientID
        }
    }

    /// What is on its way to the exchange.
    struct Request {
        enum Kind { case create, replace, cancel }
        var key: Int
        var kind: Kind
        var order: Order
        var quantity: Int
        var price: Int
        var clientID: Int
        /// Since when nobody waits for its answer.
        var lostAt: Int64?
    }

    /// What is on its way back.
    struct Answer {
        var key: Int
        var order: Order
        var status: OrderStatus
        var orderID = 0
        var filled: Int?
        var isOfCancel = false
    }
    struct Update {
        var account: Int
        var symbol: Int
        var status: OrderStatus
        var clientID: Int
        var orderID: Int
        var filled: Int?
    }

    private(set) var orders: [Order] = []
    var requests: [Request] = []
    var answers: [Answer] = []
    var updates: [Update] = []
    private(set) var positions: [[Int]]
    private var nextOrderID = 1

    init(accounts: Int, symbols: Int) {
        positions = Array(repeating: Array(repeating: 0, count: symbols), count: accounts)
    }

    /// The most that can come to be bought or sold of a symbol, beyond what is held.
    func worst(_ account: Int, _ symbol: Int, _ side: Side) -> Int {
        var worst = 0
        for order in orders where order.account == account && order.symbol == symbol && order.side == side {
            guard order.isAlive != false else { continue }
            var most = order.isAlive == true ? order.quantity : order.filled
            for request in requests where request.order === order && request.kind != .cancel {
                most = max(most, request.quantity)
            }
            worst += most - order.filled
        }
        return worst
    }

    mutating func send(_ request: Request) {
        if request.kind == .create { orders.append(request.order) }
        requests.append(request)
    }

    /// A request of which nothing is ever heard again.
    mutating func drop(where isDropped: (Request) -> Bool) {
        for request in requests where request.kind == .create && isDropped(request) { request.order.isAlive = false }
        requests.removeAll(where: isDropped)
    }

    /// Takes one request, whichever it is, and returns it.
    mutating func process(_ random: inout SplitMix) -> Request? {
        guard !requests.isEmpty else { return nil }
        let request = requests.remove(at: Int.random(in: requests.indices, using: &random))
        take(request, &random)
        return request
    }

    private mutating func take(_ request: Request, _ random: inout SplitMix) {
        let order = request.order
        switch request.kind {
        case .create:
            order.isAlive = Int.random(in: 0..<6, using: &random) > 0
            guard order.isAlive == true else { return answer(request, .rejected) }
            name(order)
            fill(order, &random)
            answer(request, order.isAlive == true ? .accepted : .ended, &random)
            tell(order, &random)
        case .replace:
            guard order.isAlive == true else { return answer(request, .rejected) }
            order.wasReplaced = true
            order.clientID = request.clientID
            order.price = request.price
            if Bool.random(using: &random) { name(order) }
            order.quantity = max(request.quantity, order.filled)
            if order.quantity == order.filled { order.isAlive = false }
            answer(request, order.isAlive == true ? .accepted : .ended, &random)
            tell(order, &random)
        case .cancel:
            guard order.isAlive == true else { return }
            order.isAlive = false
            let filled = Bool.random(using: &random) ? order.filled : nil
            answers.append(
                Answer(
                    key: request.key, order: order, status: .ended, orderID: order.orderID, filled: filled,
                    isOfCancel: true))
            tell(order, &random)
        }
    }

    /// Fills, expires or refuses one of the orders that it works, and returns it.
    mutating func work(_ random: inout SplitMix) -> Order? {
        let alive = orders.filter { $0.isAlive == true }
        guard !alive.isEmpty else { return nil }
        let order = random.pick(alive)
        switch Int.random(in: 0..<8, using: &random) {
        case 0: order.isAlive = false
        case 1 where order.filled == 0 && !order.wasReplaced:
            order.isAlive = false
            updates.append(update(order, .rejected, filled: nil))
            return order
        default: fill(order, &random)
        }
        tell(order, &random)
        if orders.count > 24 { orders = orders.filter { $0.isAlive != false || isAskedFor($0) } }
        return order
    }

    private func isAskedFor(_ order: Order) -> Bool { requests.contains { $0.order === order } }

    private mutating func fill(_ order: Order, _ random: inout SplitMix) {
        let part = Int.random(in: 0...(order.quantity - order.filled), using: &random)
        order.filled += part
        positions[order.account][order.symbol] += order.side == .buy ? part : -part
        if order.filled == order.quantity { order.isAlive = false }
    }

    private mutating func name(_ order: Order) {
        order.orderID = nextOrderID
        nextOrderID += 1
    }

    private mutating func answer(_ request: Request, _ status: OrderStatus) {
        answers.append(Answer(key: request.key, order: request.order, status: status))
    }

    private mutating func answer(_ request: Request, _ status: OrderStatus, _ random: inout SplitMix) {
        answers.append(
            Answer(
                key: request.key, order: request.order, status: status,
                orderID: Int.random(in: 0..<8, using: &random) > 0 ? request.order.orderID : 0,
                filled: Bool.random(using: &random) ? request.order.filled : nil))
    }

    private mutating func tell(_ order: Order, _ random: inout SplitMix) {
        let status: OrderStatus = order.isAlive == true ? .accepted : .ended
        let saysFilled = Int.random(in: 0..<4, using: &random) > 0
        updates.append(update(order, status, filled: saysFilled ? order.filled : nil))
        if updates.count > 16 { updates.removeFirst() }
    }

    private func update(_ order: Order, _ status: OrderStatus, filled: Int?) -> Update {
        Update(
            account: order.account, symbol: order.symbol, status: status, clientID: order.clientID,
            orderID: order.orderID, filled: filled)
    }

    /// The account as it is now, each order by both ids, one of them, or none.
    func snapshot(_ account: Int, seq: Int64?, asOf: Int64?, _ random: inout SplitMix) -> LedgerSnapshot {
        let pending = orders.filter { $0.account == account && $0.isAlive == true }.map { order in
            let ids = Int.random(in: 0..<8, using: &random)
            return LedgerSnapshot.Pending(
                symbol: order.symbol, side: order.side, remaining: order.quantity - order.filled, price: order.price,
                clientID: ids & 1 == 0 || ids == 3 ? order.clientID : 0,
                orderID: ids != 7 && ids != 2 ? order.orderID : 0)
        }
        return LedgerSnapshot(positions: positions[account], pending: pending, seq: seq, asOf: asOf)
    }
}
