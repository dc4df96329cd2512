import RiskRules
import Testing

struct NotionalSumTests {
    private static let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]

    private static func sum(_ max: String, _ more: String...) -> [String] {
        ["id: sum", "metric: notional_sum", "window: 10s", "max: \(max)"] + more
    }

    @Test func `approved orders add up to the bound, and no further`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")])
        try desk.send(try desk.order(.buy, "6", at: "10"))
        #expect(desk.decide(try desk.order(.buy, "4.0000000001", at: "10")).reason == .windowNotionalExceeded)
        #expect(desk.decide(try desk.order(.buy, "4", at: "10")).reason == nil)
        let refused = desk.decide(try desk.order(.buy, "5", at: "10")).violations[0]
        #expect(refused.value.description == "110")
        #expect(refused.bound.description == "100")
    }

    @Test func `an order is out of the window when its length has passed, and in it a nanosecond before`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")])
        try desk.send(try desk.order(.buy, "10", at: "10"))
        let next = try desk.order(.buy, "1", at: "10")
        desk.now += 10 * Desk.second - 1
        #expect(desk.decide(next).reason == .windowNotionalExceeded)
        desk.now += 1
        #expect(desk.decide(next).reason == nil)
    }

    @Test func `tenths add up exactly`() throws {
        let desk = try Desk([Self.wide, Self.sum("0.3")])
        try desk.send(try desk.order(.buy, "0.1", at: "1"))
        try desk.send(try desk.order(.buy, "0.2", at: "1"))
        #expect(desk.decide(try desk.order(.buy, "0.0000000001", at: "1")).reason == .windowNotionalExceeded)
    }

    @Test func `a refused order adds nothing, nor does a check`() throws {
        let desk = try Desk([Self.wide, ["id: q", "metric: order_quantity", "max: 5"], Self.sum("50")])
        #expect(desk.decide(try desk.order(.buy, "6", at: "5")).reason == .orderQuantityExceeded)
        let order = try desk.order(.buy, "5", at: "10")
        #expect(desk.engine.check(order, connection: 1, now: desk.now).approved)
        #expect(desk.engine.check(order, connection: 1, now: desk.now).approved)
        try desk.send(order)
        #expect(desk.engine.check(order, connection: 1, now: desk.now).reason == .windowNotionalExceeded)
    }

    @Test func `what the endpoint rejects later stays, what was never sent is taken back`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")])
        let order = try desk.order(.buy, "10", at: "10")
        desk.engine.undo(try desk.send(order))
        desk.engine.undo(try desk.send(order))
        desk.engine.release(try desk.send(order))
        #expect(desk.decide(try desk.order(.buy, "0.1", at: "10")).reason == .windowNotionalExceeded)
    }

    @Test func `an order that is sent again counts once`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")])
        let order = try desk.order(.buy, "10", at: "10")
        desk.engine.undo(try desk.send(order))
        desk.advance(1)
        #expect(desk.engine.decideAgain(order, connection: 1, now: desk.now).approved)
        _ = try #require(desk.reserve(order))
        desk.now += 10 * Desk.second - 1
        #expect(desk.decide(try desk.order(.buy, "1", at: "10")).reason == .windowNotionalExceeded)
        desk.now += 1
        #expect(desk.decide(try desk.order(.buy, "1", at: "10")).reason == nil)
    }

    @Test func `an order undone under another rule set than its own stays in the window`() throws {
        let rules = [Self.wide, Self.sum("100")]
        let desk = try Desk(rules)
        let id = try desk.send(try desk.order(.buy, "10", at: "10"))
        desk.engine.install(try RuleLines.compile(rules))
        desk.engine.undo(id)
        #expect(desk.decide(try desk.order(.buy, "1", at: "10")).reason == .windowNotionalExceeded)
    }

    @Test func `an order undone after its window takes nothing from later ones`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")])
        let id = try desk.send(try desk.order(.buy, "10", at: "10"))
        desk.advance(10)
        try desk.send(try desk.order(.buy, "10", at: "10"))
        desk.engine.undo(id)
        #expect(desk.decide(try desk.order(.buy, "1", at: "10")).reason == .windowNotionalExceeded)
    }

    @Test func `what reduces risk is not judged, and adds up`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")])
        try desk.price("BTC", "10")
        try desk.snapshot(positions: [("BTC", "20", nil)])
        try desk.send(try desk.order(.sell, "15"))
        #expect(desk.decide(try desk.order(.sell, "5")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "1", at: "10", symbol: "ETH")).reason == .windowNotionalExceeded)
    }

    @Test func `what reduces risk is judged where the rule says so`() throws {
        let desk = try Desk([Self.wide, Self.sum("100", "exempt_reducing: false")])
        try desk.price("BTC", "10")
        try desk.snapshot(positions: [("BTC", "20", nil)])
        #expect(desk.decide(try desk.order(.sell, "10")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "10.1")).reason == .windowNotionalExceeded)
    }

    @Test func `an exit by a price that is too old adds up by that price`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")])
        try desk.price("BTC", "10")
        desk.snapshotAge = 100 * Desk.second
        try desk.snapshot(positions: [("BTC", "20", nil)])
        desk.advance(2)
        try desk.send(try desk.order(.sell, "10"))
        #expect(desk.decide(try desk.order(.buy, "1", at: "10")).reason == .windowNotionalExceeded)
    }

    @Test func `without a price the sum is not known, or the rule is skipped`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")])
        try desk.noPrice()
        #expect(desk.decide(try desk.order()).reason == .priceUnavailable)
        #expect(desk.decide(try desk.order(at: "10")).reason == nil)
        desk.engine.install(try RuleLines.compile([Self.wide, Self.sum("100", "on_missing: skip")]))
        #expect(desk.decide(try desk.order()).reason == nil)
    }

    @Test(arguments: ["account", "strategy", "symbol", "connection"])
    func `a sum is kept per key`(per: String) throws {
        let desk = try Desk([Self.wide, Self.sum("10", "per: \(per)")])
        func reason(
            account: String = "A", strategy: String = "s", symbol: String = "BTC", connection: UInt32 = 1
        ) throws -> Reason? {
            let order = try desk.order(.buy, "1", at: "1", symbol: symbol, account: account, strategy: strategy)
            return desk.decide(order, connection: connection).reason
        }
        try desk.send(try desk.order(.buy, "1", at: "10", strategy: "s"))
        let others: [(String, Reason?)] = [
            ("account", try reason(account: "B")), ("strategy", try reason(strategy: "t")),
            ("symbol", try reason(symbol: "ETH")), ("connection", try reason(connection: 2)),
        ]
        for (kind, reason) in others { #expect(reason == (kind == per ? nil : .windowNotionalExceeded), "\(kind)") }
        #expect(try reason() == .windowNotionalExceeded)
    }

    @Test func `a sum counts only the orders that its rule applies to`() throws {
        let desk = try Desk([Self.wide, Self.sum("10", "symbols: [BTC]", "sides: [buy]", "types: [limit]")])
        try desk.price("BTC", "10")
        try desk.send(try desk.order(.sell, "1"))
        try desk.send(try desk.order(.buy, "1", at: "10", symbol: "ETH"))
        try desk.send(try desk.order(.buy, "1"))
        #expect(desk.decide(try desk.order(.buy, "1", at: "10")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "1", at: "10.1")).reason == .windowNotionalExceeded)
    }

    @Test func `a window goes on over a reload, and starts anew under another id`() throws {
        for (id, reason) in [("sum", Reason.windowNotionalExceeded), ("other", nil)] {
            let desk = try Desk([Self.wide, Self.sum("100")])
            try desk.send(try desk.order(.buy, "10", at: "10"))
            desk.engine.install(
                try RuleLines.compile([
                    ["id: first", "metric: notional_sum", "window: 20s", "max: 500"],
                    ["id: \(id)", "metric: notional_sum", "window: 10s", "max: 105"], Self.wide,
                ]))
            #expect(desk.decide(try desk.order(.buy, "1", at: "10")).reason == reason, "\(id)")
        }
    }

    @Test func `sums of the largest orders are out of range, and refused`() throws {
        let desk = try Desk([Self.wide, Self.sum("1000000000000000000")])
        let largest = try desk.order(.buy, "1000000000000000000", at: "1")
        try desk.send(largest)
        #expect(desk.decide(try desk.order(.buy, "1", at: "1")).reason == .orderOutOfRange)
    }

    @Test func `past 4,096 orders the oldest leave together, and never too early`() throws {
        let desk = try Desk([Self.wide, Self.sum("5000")]) { $0.maxReservations = 8192 }
        let order = try desk.order(.buy, "1", at: "1")
        let start = desk.now
        for place in 0..<5000 {
            desk.now = start + Int64(place) * 1_000_000
            desk.engine.release(try desk.send(order))
        }
        #expect(desk.decide(order).reason == .windowNotionalExceeded)
        // 905 orders share the time of the last of them: the first one alone would have left by now.
        desk.now = start + 10 * Desk.second + 903_000_000
        #expect(desk.decide(order).reason == .windowNotionalExceeded)
        desk.now += 1_000_000
        let free = desk.decide(try desk.order(.buy, "905", at: "1")).reason
        #expect(free == nil)
        #expect(desk.decide(try desk.order(.buy, "906", at: "1")).reason == .windowNotionalExceeded)
    }

    @Test func `a key without room is refused until what was lost has left the window`() throws {
        let desk = try Desk([Self.wide, Self.sum("100")]) { $0.maxWindowKeys = 2 }
        for account in ["A", "B"] { try desk.send(try desk.order(.buy, "1", at: "1", account: account)) }
        #expect(desk.decide(try desk.order(.buy, "1", at: "1", account: "C")).reason == .windowNotionalExceeded)
        #expect(desk.decide(try desk.order(.buy, "1", at: "1", account: "A")).reason == nil)
        // Let through for another reason, and not counted: nobody knows C's sum now.
        _ = try #require(
            desk.reserve(try desk.order(.buy, "1", at: "1", account: "C")))
        desk.advance(9)
        #expect(desk.decide(try desk.order(.buy, "1", at: "1", account: "C")).reason == .windowNotionalExceeded)
        desk.advance(1)
        #expect(desk.decide(try desk.order(.buy, "1", at: "1", account: "C")).reason == nil)
    }

    @Test func `summing agrees with a list of orders`() throws {
        var random = SplitMix(seed: 5)
        let desk = try Desk([Self.wide, Self.sum("500")])
        var sent: [(at: Int64, amount: Int)] = []
        var undone = 0
        for _ in 0..<20_000 {
            desk.now += random.pick([0, 1, 10_000_000, 300_000_000, 10 * Desk.second - 1])
            sent.removeAll { $0.at <= desk.now - 10 * Desk.second }
            let amount = random.pick([1, 7, 60, 250])
            let order = try desk.order(.buy, "\(amount)", at: "1")
            let isOver = sent.map(\.amount).reduce(amount, +) > 500
            #expect((desk.decide(order).reason != nil) == isOver)
            guard !isOver else { continue }
            let id = try #require(desk.reserve(order))
            if random.pick([true, false, false]) {
                desk.engine.undo(id)
                undone += 1
            } else {
                desk.engine.release(id)
                sent.append((desk.now, amount))
            }
        }
        #expect(undone > 1000)
    }
}
