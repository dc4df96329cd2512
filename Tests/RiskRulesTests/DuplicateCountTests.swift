import RiskRules
import Testing

struct DuplicateCountTests {
    private static let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]

    private static func alike(_ max: Int, _ more: String...) -> [String] {
        ["id: alike", "metric: duplicate_count", "window: 1s", "max: \(max)"] + more
    }

    @Test func `as many equal orders as the bound pass, the next is a duplicate`() throws {
        let desk = try Desk([Self.wide, Self.alike(2)])
        let order = try desk.order(.buy, "1", at: "10")
        #expect(desk.decide(order).reason == nil)
        #expect(desk.decide(order).reason == nil)
        let refused = desk.decide(order)
        #expect(refused.reason == .duplicateOrder)
        #expect(refused.violations[0].value.description == "3")
    }

    @Test func `an order is out of the window when its length has passed, and in it a nanosecond before`() throws {
        let desk = try Desk([Self.wide, Self.alike(1)])
        let order = try desk.order(.buy, "1", at: "10")
        let start = desk.now
        #expect(desk.decide(order).reason == nil)
        desk.now = start + Desk.second - 1
        #expect(desk.decide(order).reason == .duplicateOrder)
        desk.now = start + 2 * Desk.second - 2
        #expect(desk.decide(order).reason == .duplicateOrder)
        desk.now += Desk.second
        #expect(desk.decide(order).reason == nil)
    }

    @Test func `what differs in account, symbol, side, type, quantity or price is no duplicate`() throws {
        let desk = try Desk([Self.wide, Self.alike(1, "per: connection")])
        func reason(
            _ side: Side = .buy, _ quantity: String = "1", at price: String? = "10", symbol: String = "BTC",
            account: String = "A", type: OrderType? = nil
        ) throws -> Reason? {
            desk.decide(try desk.order(side, quantity, at: price, symbol: symbol, account: account, type: type)).reason
        }
        #expect(try reason() == nil)
        #expect(try reason(.sell) == nil)
        #expect(try reason(.buy, "1.0000000001") == nil)
        #expect(try reason(at: "10.0000000001") == nil)
        #expect(try reason(symbol: "ETH") == nil)
        #expect(try reason(account: "B") == nil)
        #expect(try reason(type: .postOnly) == nil)
        #expect(try reason() == .duplicateOrder)
    }

    @Test func `what differs in other things only is a duplicate`() throws {
        let desk = try Desk([Self.wide, Self.alike(1)])
        func reason(_ order: Order) -> Reason? { desk.decide(order).reason }
        #expect(reason(try desk.order(.buy, "1", at: "10", strategy: "s", clientID: "1")) == nil)
        #expect(reason(try desk.order(.buy, "1.0", at: "10.00", strategy: "t", clientID: "2")) == .duplicateOrder)
        #expect(reason(try desk.order(.buy, "2")) == nil)
        // The price of a market order is ignored.
        #expect(reason(try desk.order(.buy, "2", at: "7", type: .market)) == .duplicateOrder)
    }

    @Test func `equal orders of different keys are not compared`() throws {
        let desk = try Desk([Self.wide, Self.alike(1, "per: strategy")])
        #expect(desk.decide(try desk.order(strategy: "s")).reason == nil)
        #expect(desk.decide(try desk.order(strategy: "t")).reason == nil)
        #expect(desk.decide(try desk.order(strategy: "s")).reason == .duplicateOrder)
    }

    @Test func `rejected orders count too, checks, cancels and second decisions do not`() throws {
        let desk = try Desk([["id: q", "metric: order_quantity", "max: 5"], Self.alike(2)])
        let order = try desk.order(.buy, "6")
        #expect(desk.decide(order).reasons == [.orderQuantityExceeded])
        desk.engine.countCancel(account: order.account, connection: 1, now: desk.now)
        for _ in 0..<3 {
            #expect(desk.engine.check(order, connection: 1, now: desk.now).reason == .orderQuantityExceeded)
            #expect(desk.engine.decideAgain(order, connection: 1, now: desk.now).reason == .orderQuantityExceeded)
        }
        #expect(desk.decide(order).reasons == [.orderQuantityExceeded])
        #expect(desk.engine.check(order, connection: 1, now: desk.now).reason == .duplicateOrder)
        #expect(desk.decide(order).reasons == [.duplicateOrder, .orderQuantityExceeded])
    }

    @Test func `a flood of different orders is refused where there is no more room, and leaves other counts theirs`()
        throws
    {
        let desk = try Desk([
            Self.wide, Self.alike(1), ["id: rate", "metric: order_count", "window: 1s", "max: 1000", "per: strategy"],
        ]) { $0.maxWindowKeys = 8 }
        for quantity in 1...8 { #expect(desk.decide(try desk.order(.buy, "\(quantity)")).reason == nil) }
        let refused = desk.decide(try desk.order(.buy, "9", strategy: "s"))
        #expect(refused.reasons == [.duplicateOrder])
        #expect(desk.engine.check(try desk.order(.buy, "10"), connection: 1, now: desk.now).reason == .duplicateOrder)
        desk.advance(1)
        for quantity in 11...18 { #expect(desk.decide(try desk.order(.buy, "\(quantity)")).reason == nil) }
    }

    @Test func `counting agrees with a list of orders`() throws {
        var random = SplitMix(seed: 3)
        let desk = try Desk([Self.wide, Self.alike(3)])
        var seen: [(at: Int64, name: String)] = []
        for _ in 0..<20_000 {
            desk.now += random.pick([0, 1, 10_000_000, 200_000_000, Desk.second - 1])
            let side = random.pick([Side.buy, .sell])
            let quantity = random.pick(["1", "2"])
            let price = random.pick(["5", "6"])
            seen.append((desk.now, "\(side) \(quantity) \(price)"))
            seen.removeAll { $0.at <= desk.now - Desk.second }
            let count = seen.filter { $0.name == seen.last?.name }.count
            #expect((desk.decide(try desk.order(side, quantity, at: price)).reason != nil) == (count > 3))
        }
    }

    @Test func `100,000 keys do not make a decision dear`() throws {
        func fastest(of keys: Int) throws -> Duration {
            let desk = try Desk([Self.wide, ["id: alike", "metric: duplicate_count", "window: 1h", "max: 1000000"]]) {
                $0.maxWindowKeys = 131_072
            }
            let orders = try (1...keys).map { try desk.order(.buy, "\($0)") }
            for order in orders { _ = desk.engine.decide(order, connection: 1, now: desk.now) }
            var random = SplitMix(seed: 1)
            return (0..<5).map { _ in
                ContinuousClock().measure {
                    for _ in 0..<5000 {
                        desk.now += 1000
                        _ = desk.engine.decide(random.pick(orders), connection: 1, now: desk.now)
                    }
                }
            }.min() ?? .zero
        }
        // Looked through one by one they would take thousands of times as long; the rest is for the caches.
        #expect(try fastest(of: 100_000) < fastest(of: 100) * 20)
    }
}
