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
}
