import RiskRules
import Testing

struct PriceChecksTests {
    private static func notional(_ bound: String, _ more: String...) -> [String] {
        ["id: notional", "metric: order_notional", bound] + more
    }

    @Test(arguments: [("100", nil), ("100.0000000001", .orderNotionalExceeded), ("99", nil)] as [(String, Reason?)])
    func `order_notional of a limit buy is its own price, and passes at the bound`(price: String, reason: Reason?)
        throws
    {
        let desk = try Desk([Self.notional("max: 200")])
        #expect(desk.decide(try desk.order(.buy, "2", at: price)).reason == reason)
    }

    @Test func `order_notional at its minimum passes, below it does not`() throws {
        let desk = try Desk([Self.notional("min: 10")])
        #expect(desk.decide(try desk.order(.buy, "0.1", at: "100")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "0.0999999999", at: "100")).reason == .notionalBelowMinimum)
    }

    @Test func `0.1 and 0.2 together are not above 0.3`() throws {
        let desk = try Desk([Self.notional("max: 0.3")])
        let sum = try #require(try desk.decimal("0.1").adding(try desk.decimal("0.2")))
        #expect(desk.decide(try desk.order(.buy, sum.description, at: "1")).reason == nil)
    }

    @Test(
        arguments: [
            (.buy, .market, nil, nil, "101"), (.sell, .market, nil, nil, "99"), (.buy, .limit, "50", nil, "50"),
            (.sell, .limit, "50", nil, "99"), (.sell, .limit, "120", nil, "120"), (.sell, .postOnly, "98", nil, "99"),
            (.buy, .stopMarket, nil, "130", "130"), (.buy, .stopMarket, nil, "90", "100"),
            (.sell, .stopMarket, nil, "90", "100"), (.buy, .stopLimit, "140", "130", "140"),
            (.sell, .stopLimit, "80", "90", "99"),
        ] as [(Side, OrderType, String?, String?, String)])
    func `an order is valued at what it may cost`(
        side: Side, type: OrderType, price: String?, stop: String?, cost: String
    ) throws {
        for (bound, reason) in [
            (cost, nil),
            (
                "\(try FixedPoint(parsing: cost).subtracting(FixedPoint(units: 1)) ?? .zero)",
                Reason.orderNotionalExceeded
            ),
        ] {
            let desk = try Desk([Self.notional("max: \(bound)")])
            try desk.price(bid: "99", ask: "101")
            #expect(desk.decide(try desk.order(side, "1", at: price, type: type, stop: stop)).reason == reason)
        }
    }

    @Test func `without bid and ask the mark stands for both`() throws {
        let desk = try Desk([Self.notional("max: 100")])
        try desk.price("BTC", "100")
        #expect(desk.decide(try desk.order(.buy)).reason == nil)
        #expect(desk.decide(try desk.order(.sell)).reason == nil)
        try desk.price("BTC", "100.0000000001")
        #expect(desk.decide(try desk.order(.buy)).reason == .orderNotionalExceeded)
    }

    @Test func `a contract multiplier counts`() throws {
        let desk = try Desk([Self.notional("max: 100")], instruments: [["symbol: BTC", "contract_multiplier: 0.01"]])
        #expect(desk.decide(try desk.order(.buy, "10", at: "1000")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "10.0000001", at: "1000")).reason == .orderNotionalExceeded)
    }

    @Test func `a notional of 10 to the 18th is judged, a larger one is out of range`() throws {
        let desk = try Desk([Self.notional("max: 1000000000000000000")])
        #expect(desk.decide(try desk.order(.buy, "1000000000", at: "1000000000")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "1000000000", at: "1000000000.0000000001")).reason == .orderOutOfRange)
        #expect(desk.decide(try desk.order(.buy, "1000000000000", at: "0.00000001")).reason == nil)
    }

    @Test(
        arguments: [
            ("110", nil), ("110.0000000001", .priceCollarBreached), ("90", nil),
            ("89.9999999999", .priceCollarBreached),
        ] as [(String, Reason?)])
    func `price_deviation passes at its bound on both sides of the mark`(price: String, reason: Reason?) throws {
        let desk = try Desk([["id: a", "metric: price_deviation", "max: 0.1"]])
        try desk.price("BTC", "100")
        #expect(desk.decide(try desk.order(.buy, "1", at: price)).reason == reason)
        #expect(desk.decide(try desk.order(.sell, "1", at: price)).reason == reason)
    }

    @Test(
        arguments: [
            (.buy, "111.1", nil), (.buy, "111.1000000001", .priceCollarBreached), (.buy, "1", nil),
            (.sell, "89.1", nil), (.sell, "89.0999999999", .priceCollarBreached), (.sell, "1000", nil),
        ] as [(Side, String, Reason?)])
    func `price_aggression looks only through the market`(side: Side, price: String, reason: Reason?) throws {
        let desk = try Desk([["id: a", "metric: price_aggression", "max: 0.1"]])
        try desk.price(bid: "99", ask: "101")
        #expect(desk.decide(try desk.order(side, "1", at: price)).reason == reason)
    }

    @Test func `collars leave orders without a limit price to other rules`() throws {
        let desk = try Desk([
            ["id: a", "metric: price_deviation", "max: 0.1"], ["id: b", "metric: price_aggression", "max: 0.1"],
        ])
        try desk.noPrice()
        #expect(desk.decide(try desk.order(.buy)).reasons == [.noRuleApplies])
    }

    @Test(
        arguments: [("99", "101", nil), ("99", "101.0000000002", .priceCollarBreached)] as [(String, String, Reason?)])
    func `spread passes at its bound, of market and stop orders only`(bid: String, ask: String, reason: Reason?) throws
    {
        let desk = try Desk([
            ["id: a", "metric: spread", "max: 0.02"], ["id: b", "metric: order_quantity", "max: 10"],
        ])
        try desk.price(bid: bid, ask: ask)
        #expect(desk.decide(try desk.order(.buy)).reason == reason)
        #expect(desk.decide(try desk.order(.buy, type: .stopMarket, stop: "100")).reason == reason)
        #expect(desk.decide(try desk.order(.buy, at: "100")).reason == nil)
    }

    @Test func `spread without bid and ask has no price`() throws {
        let desk = try Desk([["id: a", "metric: spread", "max: 0.02"]])
        try desk.price("BTC", "100")
        #expect(desk.decide(try desk.order(.buy)).reason == .priceUnavailable)
    }

    @Test func `a minimum notional holds at its bound, and not for what reduces risk`() throws {
        let desk = try Desk(instruments: [["symbol: BTC", "min_notional: 10"]])
        try desk.snapshot(positions: [("BTC", "1", nil)])
        #expect(desk.decide(try desk.order(.buy, "0.1", at: "100")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "0.1", at: "99.9999999999")).reason == .notionalBelowMinimum)
        try desk.noPrice()
        #expect(desk.decide(try desk.order(.buy, "0.1")).reason == .priceUnavailable)
        #expect(desk.decide(try desk.order(.sell, "0.1")).reason == nil)
    }

    @Test func `a price that does not count refuses with the reason why`() throws {
        let desk = try Desk([Self.notional("max: 200")])
        let order = try desk.order(.sell, "1", at: "50")
        #expect(desk.decide(order).reason == .stateUnavailable)
        #expect(desk.engine.unfetchedInputs(order).price)
        try desk.noPrice()
        #expect(desk.decide(order).reason == .priceUnavailable)
        #expect(!desk.engine.unfetchedInputs(order).price)
        try desk.price("BTC", "100")
        #expect(desk.decide(order).reason == nil)
        desk.now += Desk.second - 1
        #expect(desk.decide(order).reason == nil)
        #expect(desk.decide(order).priceAge == Desk.second - 1)
        desk.now += 1
        #expect(desk.decide(order).reason == .priceStale)
        desk.engine.pricesLinkUntil = desk.now
        #expect(desk.decide(order).reason == .stateUnavailable)
        desk.engine.pricesLinkUntil = desk.now + 1
        #expect(desk.decide(order).reason == .priceStale)
    }

    @Test func `an expired price is unavailable, not stale`() throws {
        let desk = try Desk([Self.notional("max: 200")])
        let price = try desk.decimal("100")
        desk.engine.update(
            price: PriceQuote(
                availability: .present, hasBidAsk: false, mark: price, bid: .zero, ask: .zero, since: desk.now,
                freshUntil: desk.now + 5, expiresAt: desk.now + 3),
            symbol: try desk.symbol("BTC"))
        desk.now += 2
        #expect(desk.decide(try desk.order(.buy)).reason == nil)
        desk.now += 1
        #expect(desk.decide(try desk.order(.buy)).reason == .priceUnavailable)
        desk.now += 5
        #expect(desk.decide(try desk.order(.buy)).reason == .priceUnavailable)
    }

    @Test func `a price that no rule needs is not asked for`() throws {
        let desk = try Desk([Self.notional("max: 200"), ["id: q", "metric: order_quantity", "max: 5"]])
        let order = try desk.order(.buy, "1", at: "50")
        #expect(desk.decide(order).reason == nil)
        #expect(desk.decide(order).priceAge == -1)
        #expect(!desk.engine.unfetchedInputs(order).price)
    }

    @Test func `a rule that skips what is missing leaves the order to the others`() throws {
        let desk = try Desk([
            Self.notional("max: 200", "on_missing: skip"), ["id: q", "metric: order_quantity", "max: 5"],
        ])
        #expect(desk.decide(try desk.order(.buy)).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "6")).reason == .orderQuantityExceeded)
        try desk.price("BTC", "201")
        #expect(desk.decide(try desk.order(.buy)).reason == .orderNotionalExceeded)
    }

    @Test func `what reduces risk is judged by a price that is there, and passes one that is not`() throws {
        for (exempt, withoutPrice) in [("", nil), ("exempt_reducing: false", Reason.priceUnavailable)] {
            let desk = try Desk([Self.notional("max: 200", exempt).filter { !$0.isEmpty }])
            try desk.snapshot(positions: [("BTC", "5", nil)])
            try desk.price("BTC", "100")
            #expect(desk.decide(try desk.order(.sell, "2")).reason == nil)
            #expect(desk.decide(try desk.order(.sell, "3")).reason == .orderNotionalExceeded)
            try desk.noPrice()
            #expect(desk.decide(try desk.order(.sell, "3")).reason == withoutPrice)
        }
    }
}
