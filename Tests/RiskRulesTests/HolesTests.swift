import RiskRules
import Testing

/// Holes found in other engines, by their number in the reference of the controls.
struct HolesTests {
    private static let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]

    @Test func `hole 1: reduce-only does not open from flat, and does not flip`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 1"]])
        try desk.snapshot()
        #expect(desk.decide(try desk.order(.sell, "2", reduceOnly: true)).reason == .reduceOnlyWouldIncrease)
        try desk.snapshot(positions: [("BTC", "3", nil)])
        #expect(desk.decide(try desk.order(.sell, "7", reduceOnly: true)).reason == .reduceOnlyWouldIncrease)
        #expect(desk.decide(try desk.order(.sell, "3", reduceOnly: true)).reason == nil)
    }

    @Test func `hole 1: without being asked, an exit is told from a flip by its size alone`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 1"]])
        try desk.snapshot(positions: [("BTC", "3", nil)])
        #expect(desk.decide(try desk.order(.sell, "3")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "3.0000000001")).reason == .positionLimitExceeded)
        #expect(desk.decide(try desk.order(.sell, "4.0000000001")).reason == .positionLimitExceeded)
    }

    @Test func `hole 2: a sell limit is valued at what the market gives`() throws {
        let desk = try Desk([["id: clip", "metric: order_notional", "max: 1000"]])
        try desk.price(bid: "99", ask: "101")
        #expect(desk.decide(try desk.order(.sell, "1000", at: "0.01")).reason == .orderNotionalExceeded)
        #expect(desk.decide(try desk.order(.sell, "10", at: "0.01")).reason == nil)
    }

    @Test func `an order that the endpoint may take for a market order is valued at the worse of the two`() throws {
        let desk = try Desk([["id: clip", "metric: order_notional", "max: 1010"]])
        try desk.price(bid: "99", ask: "101")
        var order = try desk.order(.buy, "1000", at: "0.01")
        #expect(desk.decide(order).reason == nil)
        order.mayBeMarket = true
        #expect(desk.decide(order).reason == .orderNotionalExceeded)
        order.quantity = try FixedPoint(parsing: "10")
        #expect(desk.decide(order).reason == nil)
    }

    @Test func `hole 3: nothing that is missing means allow`() throws {
        let rules: [[String]] = [
            ["metric: order_notional", "max: 1000"], ["metric: price_aggression", "max: 1"],
            ["metric: price_deviation", "max: 1"], ["metric: position_quantity", "max: 1000"],
            ["metric: position_notional", "max: 1000"], ["metric: gross_exposure", "max: 1000"],
            ["metric: net_exposure", "max: 1000"], ["metric: leverage", "max: 10"],
            ["metric: concentration", "max: 10"], ["metric: open_orders", "max: 10"],
            ["metric: open_order_notional", "max: 1000"], ["metric: margin_ratio", "min: 1"],
            ["metric: available_margin", "min: 1"], ["metric: drawdown_daily", "max: 0.5"],
            ["metric: drawdown_max", "max: 0.5"], ["metric: daily_loss", "max: 10"], ["metric: equity", "min: 1"],
        ]
        for rule in rules {
            let desk = try Desk([Self.wide, ["id: rule"] + rule])
            let order = try desk.order(.sell, "1", at: "1")
            #expect(desk.decide(order).reason == .stateUnavailable, "\(rule)")
            desk.engine.accountAbsent(order.account)
            try desk.noPrice()
            let reason = try #require(desk.decide(order).reason, "\(rule)")
            #expect([.accountUnknown, .priceUnavailable].contains(reason), "\(rule)")
            try desk.snapshot()
            try desk.price("BTC", "1")
            #expect(desk.decide(order).reason == nil, "\(rule)")
        }
    }

    @Test func `hole 4: a replace is judged by value like a new order`() throws {
        let desk = try Desk([
            ["id: clip", "metric: order_notional", "max: 1000"], ["id: collar", "metric: price_deviation", "max: 0.1"],
            ["id: size", "metric: order_quantity", "max: 10"],
        ])
        try desk.price("BTC", "100")
        try desk.snapshot()
        desk.accept(try desk.send(try desk.order(.buy, "1", at: "100", clientID: "c-1")), orderID: "o-1")
        let original = OrderReference(orderID: desk.digest("o-1"), clientOrderID: .none)
        func reasons(_ quantity: String, at price: String) throws -> [Reason] {
            let order = try desk.order(.buy, quantity, at: price, clientID: "c-2")
            return desk.engine.decide(order, replacing: original, connection: 1, now: desk.now).violations.map(\.reason)
        }
        #expect(try reasons("10", at: "100") == [])
        #expect(try reasons("10", at: "100.0000000001") == [.orderNotionalExceeded])
        #expect(try reasons("1", at: "110.0000000001") == [.priceCollarBreached])
        #expect(try reasons("10.0000000001", at: "90") == [.orderQuantityExceeded])
    }

    @Test func `hole 5: a price of few decimals is still no multiple of its tick, nor a quantity of its lot`() throws {
        let desk = try Desk([Self.wide], instruments: [["symbol: BTC", "tick_size: 0.25", "lot_size: 0.3"]])
        #expect(desk.decide(try desk.order(.buy, "0.9", at: "100.75")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "0.9", at: "100.7")).reasons == [.priceTickInvalid])
        #expect(desk.decide(try desk.order(.buy, "1", at: "100.75")).reasons == [.quantityLotInvalid])
    }

    @Test func `hole 6: each order of a batch counts`() throws {
        let desk = try Desk([Self.wide, ["id: rate", "metric: order_count", "window: 1s", "max: 3"]])
        let batch = [try desk.order(), try desk.order(.sell), try desk.order(symbol: "ETH"), try desk.order()]
        #expect(batch.map { desk.decide($0).reason } == [nil, nil, nil, .orderRateExceeded])
    }

    @Test func `hole 7: a burst is judged against what is left after each of its orders`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot()
        let order = try desk.order(.buy, "3")
        for _ in 0..<3 { try desk.send(order) }
        #expect(desk.decide(order).reason == .positionLimitExceeded)
        #expect(desk.decide(try desk.order(.buy, "1")).reason == nil)
    }

    @Test func `hole 8: an exit passes balance, margin and minimum notional`() throws {
        let desk = try Desk(
            [
                Self.wide, ["id: margin", "metric: available_margin", "min: 0"],
                ["id: ratio", "metric: margin_ratio", "min: 2"], ["id: equity", "metric: equity", "min: 100"],
            ], instruments: [["symbol: BTC", "min_notional: 100"]])
        try desk.price("BTC", "10")
        try desk.snapshot(
            equity: "1", marginUsed: "1000", availableMargin: "-50", positions: [("BTC", "-5", nil)])
        #expect(desk.decide(try desk.order(.buy, "5")).reason == nil)
        #expect(
            desk.decide(try desk.order(.buy, "6")).reasons == [
                .notionalBelowMinimum, .insufficientMargin, .marginRatioBelowMinimum, .equityBelowMinimum,
            ])
    }

    @Test func `hole 9: a bound says what must hold, so that a healthy order passes it`() throws {
        let desk = try Desk([
            Self.wide, ["id: margin", "metric: margin_ratio", "min: 1"],
            ["id: leverage", "metric: leverage", "max: 10"], ["id: drawdown", "metric: drawdown_max", "max: 0.2"],
        ])
        try desk.price("BTC", "100")
        try desk.snapshot(equity: "100000", marginUsed: "10000", peak: "105000")
        #expect(desk.decide(try desk.order(.buy, "1")).reasons.isEmpty)
    }

    @Test func `hole 10: a set with a metric that there is not is no set`() throws {
        let misspelt = ["id: leverage", "metric: leverrage", "max: 10"]
        let problems = RuleLines.problems(of: [RuleLines(rules: [Self.wide, misspelt]).document])
        #expect(problems.count == 1)
        #expect(problems.first?.contains("did you mean \"leverage\"?") == true)
        let rightly = ["id: leverage", "metric: leverage", "max: 10"]
        #expect(RuleLines.problems(of: [RuleLines(rules: [Self.wide, rightly]).document]).isEmpty)
    }

    @Test func `hole 11: no time that passes releases a reservation`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot()
        let silent = try desk.send(try desk.order(.buy, "4"))
        let timedOut = try desk.send(try desk.order(.buy, "4"))
        desk.engine.unknown(timedOut, now: desk.now, wallNow: desk.wallNow)
        for _ in 0..<5 {
            desk.advance(86_400)
            try desk.snapshot()
        }
        #expect(desk.decide(try desk.order(.buy, "3")).reason == .positionLimitExceeded)
        #expect(desk.decide(try desk.order(.buy, "2")).reason == nil)
        #expect(desk.engine.reservation(silent)?.state == .inFlight)
        #expect(desk.engine.reservation(timedOut)?.state == .unknown)
    }

    @Test func `hole 12: a stop holds over time and reloads until it is lifted, and can be lifted`() throws {
        let desk = try Desk([["id: clip", "metric: order_quantity", "max: 1", "severity: emergency", "stop: account"]])
        let order = try desk.order()
        let outcome = desk.decide(try desk.order(.buy, "2"))
        #expect(outcome.tripped.map(\.scope) == [.account])
        desk.advance(1_000_000)
        desk.engine.install(try RuleLines.compile([Self.wide]))
        #expect(desk.decide(order).reason == .emergencyStopActive)
        desk.engine.setStop(.account, name: order.account, active: false)
        #expect(desk.decide(order).reason == nil)
    }
}
