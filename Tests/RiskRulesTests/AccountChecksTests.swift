import RiskRules
import Testing

struct AccountChecksTests {
    private static let rules = [
        ["id: position", "metric: position_quantity", "max: 100"], ["id: loss", "metric: equity", "min: 1"],
    ]

    @Test func `an account that does not count refuses with the reason why, once per rule`() throws {
        let desk = try Desk(Self.rules)
        let order = try desk.order()
        let account = try desk.account("A")
        #expect(desk.decide(order).reasons == [.stateUnavailable, .stateUnavailable])
        #expect(desk.engine.unfetchedInputs(order).account)
        desk.engine.accountAbsent(account)
        #expect(!desk.engine.unfetchedInputs(order).account)
        #expect(desk.decide(order).reasons == [.accountUnknown, .accountUnknown])
        try desk.snapshot()
        #expect(desk.decide(order).reason == nil)
        desk.engine.accountRefused(account)
        #expect(desk.decide(order).reason == .accountStale)
        try desk.snapshot()
        desk.now += 2 * Desk.second - 1
        #expect(desk.decide(order).reason == nil)
        #expect(desk.decide(order).accountAge == 2 * Desk.second - 1)
        desk.now += 1
        #expect(desk.decide(order).reason == .accountStale)
        desk.engine.accountsLinkUntil = desk.now
        #expect(desk.decide(order).reason == .stateUnavailable)
        desk.engine.accountsLinkUntil = desk.now + 1
        #expect(desk.decide(order).reason == .accountStale)
    }

    @Test func `an expired key is an unknown account`() throws {
        let desk = try Desk(Self.rules)
        var values = AccountSnapshot.Values()
        values.equity = try desk.decimal("5")
        values.positions = []
        values.pendingOrders = []
        desk.engine.update(
            account: AccountSnapshot(
                values: values, readAt: desk.now, since: desk.now, freshUntil: .max, expiresAt: desk.now + 5),
            of: try desk.account("A"), now: desk.now)
        desk.now += 4
        #expect(desk.decide(try desk.order()).reason == nil)
        desk.now += 1
        #expect(desk.decide(try desk.order()).reason == .accountUnknown)
    }

    @Test func `a refused value is stale, with a snapshot before it and without`() throws {
        let desk = try Desk(Self.rules)
        let account = try desk.account("A")
        desk.engine.accountRefused(account)
        #expect(desk.decide(try desk.order()).reason == .accountStale)
        desk.engine.accountAbsent(account)
        #expect(desk.decide(try desk.order()).reason == .accountUnknown)
        desk.engine.accountRefused(account)
        #expect(desk.decide(try desk.order()).reason == .accountStale)
        desk.engine.accountsLinkUntil = 0
        #expect(desk.decide(try desk.order()).reason == .stateUnavailable)
    }

    @Test func `an account that no rule needs is not asked for`() throws {
        let desk = try Desk()
        #expect(desk.decide(try desk.order()).reason == nil)
        #expect(!desk.engine.unfetchedInputs(try desk.order()).account)
        #expect(desk.engine.unfetchedInputs(try desk.order(reduceOnly: true)).account)
    }

    @Test func `a link that is down comes before a price and an account that are gone`() throws {
        let desk = try Desk([["id: gross", "metric: gross_exposure", "max: 100"]])
        desk.engine.accountAbsent(try desk.account("A"))
        try desk.noPrice()
        #expect(desk.decide(try desk.order()).reason == .accountUnknown)
        desk.engine.pricesLinkUntil = 0
        #expect(desk.decide(try desk.order()).reason == .stateUnavailable)
        desk.engine.pricesLinkUntil = .max
        try desk.snapshot()
        #expect(desk.decide(try desk.order()).reason == .priceUnavailable)
    }

    @Test(arguments: [("long", "5", Side.sell, Side.buy), ("short", "-5", .buy, .sell)])
    func `reduce-only is proved`(kind: String, position: String, reduces: Side, increases: Side) throws {
        let desk = try Desk()
        try desk.snapshot(positions: [("BTC", position, nil)])
        let whole = desk.decide(try desk.order(reduces, "5", reduceOnly: true))
        #expect(whole.reason == nil && whole.isReducing)
        #expect(
            desk.decide(try desk.order(reduces, "5.0000000001", reduceOnly: true)).reason == .reduceOnlyWouldIncrease)
        #expect(
            desk.decide(try desk.order(increases, "0.0000000001", reduceOnly: true)).reason == .reduceOnlyWouldIncrease)
        #expect(
            desk.decide(try desk.order(reduces, "5", symbol: "ETH", reduceOnly: true)).reason
                == .reduceOnlyWouldIncrease)
    }

    @Test func `what already works to reduce is taken off, and what increases is not`() throws {
        let desk = try Desk()
        try desk.snapshot(
            positions: [("BTC", "5", nil)],
            pending: [("BTC", .sell, "2", "100", "x", nil), ("BTC", .buy, "4", "90", "y", nil)])
        #expect(desk.decide(try desk.order(.sell, "3", reduceOnly: true)).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "3.0000000001", reduceOnly: true)).reason == .reduceOnlyWouldIncrease)
        try desk.send(try desk.order(.sell, "1"))
        #expect(desk.decide(try desk.order(.sell, "2", reduceOnly: true)).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "2.0000000001", reduceOnly: true)).reason == .reduceOnlyWouldIncrease)
    }

    @Test func `without a snapshot reduce-only is unknown, with a stale one it passes`() throws {
        let desk = try Desk(Self.rules)
        let order = try desk.order(.sell, "5", reduceOnly: true)
        #expect(desk.decide(order).reason == .stateUnavailable)
        desk.engine.accountAbsent(try desk.account("A"))
        #expect(desk.decide(order).reason == .accountUnknown)
        try desk.snapshot(positions: [("BTC", "5", nil)])
        desk.advance(1000)
        #expect(desk.decide(order).reason == nil)
        desk.engine.accountsLinkUntil = 0
        #expect(desk.decide(order).reason == nil)
        #expect(desk.decide(try desk.order(.buy)).reason == .stateUnavailable)
        desk.engine.accountRefused(try desk.account("A"))
        #expect(desk.decide(order).reason == nil)
        desk.engine.accountAbsent(try desk.account("A"))
        #expect(desk.decide(order).reason == .stateUnavailable)
    }

    @Test func `what reduces risk passes exposure and loss rules, unless a rule says otherwise`() throws {
        let tight = [
            ["id: gross", "metric: gross_exposure", "max: 1"], ["id: leverage", "metric: leverage", "max: 0.1"],
            ["id: orders", "metric: open_orders", "max: 0"], ["id: loss", "metric: equity", "min: 1000"],
            ["id: symbol", "metric: symbol", "deny: [BTC]"], ["id: margin", "metric: margin_ratio", "min: 10"],
        ]
        let desk = try Desk(tight)
        try desk.snapshot(equity: "-5", positions: [("BTC", "5", nil)])
        try desk.noPrice()
        #expect(desk.decide(try desk.order(.sell, "5")).reasons.isEmpty)
        #expect(desk.decide(try desk.order(.sell, "6")).reasons.count == 6)
        let strict = try Desk(tight.map { $0 + ["exempt_reducing: false"] })
        try strict.snapshot(equity: "-5", positions: [("BTC", "5", nil)])
        try strict.noPrice()
        #expect(strict.decide(try strict.order(.sell, "5")).reasons.count == 6)
    }

    @Test func `an order that no enforced hard rule binds is refused, unless it may pass`() throws {
        let cases: [([String], Reason?)] = [
            (["metric: order_quantity", "max: 5"], nil),
            (["metric: order_quantity", "max: 5", "severity: soft"], .noRuleApplies),
            (["metric: order_quantity", "max: 5", "mode: shadow"], .noRuleApplies),
            (["metric: order_quantity", "max: 5", "severity: emergency"], nil),
            (["metric: order_quantity", "max: 5", "symbols: [ETH]"], .noRuleApplies),
            (["metric: order_quantity", "max: 5", "sides: [sell]"], .noRuleApplies),
            (["metric: order_count", "max: 5", "window: 1s"], .noRuleApplies),
            (["metric: equity", "min: 1"], .noRuleApplies), (["metric: open_orders", "max: 5"], nil),
        ]
        for (rule, reason) in cases {
            let desk = try Desk([["id: rule"] + rule])
            try desk.snapshot()
            #expect(desk.decide(try desk.order()).reason == reason, "\(rule)")
            let open = try Desk([["id: rule"] + rule]) { $0.refusesUngoverned = false }
            try open.snapshot()
            #expect(open.decide(try open.order()).reason == nil, "\(rule)")
        }
    }
}
