import RiskRules
import Testing

struct PayloadChecksTests {
    private static let instrument = [
        "symbol: BTC", "tick_size: 0.1", "lot_size: 0.001", "min_quantity: 0.01", "max_quantity: 5",
    ]
    private static let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]

    @Test(
        arguments: [("1.5", nil), ("1.5000000001", .orderQuantityExceeded), ("1.4999999999", nil)]
            as [(String, Reason?)])
    func `order_quantity passes at its bound and not above`(quantity: String, reason: Reason?) throws {
        let desk = try Desk([["id: a", "metric: order_quantity", "max: 1.5"]])
        #expect(desk.decide(try desk.order(.buy, quantity)).reason == reason)
    }

    @Test func `a violation carries the rule, the value and the bound`() throws {
        let desk = try Desk([Self.wide, ["id: clip", "metric: order_quantity", "max: 1.5"]])
        let violation = try #require(desk.decide(try desk.order(.buy, "2")).violations.first)
        #expect(violation.reason == .orderQuantityExceeded)
        #expect(desk.engine.ruleSet?.texts[Int(violation.rule)].id == "clip")
        #expect(violation.value.description == "2")
        #expect(violation.bound.description == "1.5")
        #expect(violation.hasValue && violation.hasBound && violation.boundIsMax && violation.blocks)
    }

    @Test(
        arguments: [
            ("100.1", nil), ("100.15", .priceTickInvalid), ("0.1", nil), ("100.1000000001", .priceTickInvalid),
        ] as [(String, Reason?)])
    func `a limit price is a multiple of the tick`(price: String, reason: Reason?) throws {
        let desk = try Desk([Self.wide], instruments: [Self.instrument])
        #expect(desk.decide(try desk.order(at: price)).reason == reason)
    }

    @Test func `a stop price is a multiple of the tick, and a market order has no price to check`() throws {
        let desk = try Desk([Self.wide], instruments: [Self.instrument])
        #expect(desk.decide(try desk.order(at: "100.1", type: .stopLimit, stop: "100.2")).reason == nil)
        #expect(desk.decide(try desk.order(at: "100.1", type: .stopLimit, stop: "100.25")).reason == .priceTickInvalid)
        #expect(desk.decide(try desk.order(at: "100.15", type: .stopMarket, stop: "100.2")).reason == nil)
        #expect(desk.decide(try desk.order(at: "100.15", type: .market)).reason == nil)
    }

    @Test(
        arguments: [
            ("0.01", nil), ("0.009", .quantityBelowMinimum), ("5", nil), ("5.001", .quantityAboveMaximum),
            ("0.0105", .quantityLotInvalid), ("0.011", nil), ("0.0110000001", .quantityLotInvalid),
        ] as [(String, Reason?)])
    func `a quantity is a multiple of the lot, and within the instrument's bounds`(quantity: String, reason: Reason?)
        throws
    {
        let desk = try Desk([Self.wide], instruments: [Self.instrument])
        #expect(desk.decide(try desk.order(.buy, quantity)).reason == reason)
    }

    @Test func `where instruments are given the symbol is one of them`() throws {
        let desk = try Desk([Self.wide], instruments: [Self.instrument])
        #expect(desk.decide(try desk.order(symbol: "DOGE")).reason == .instrumentUnknown)
        #expect(desk.decide(try desk.order(symbol: "BTC")).reason == nil)
        let without = try Desk([Self.wide])
        #expect(without.decide(try without.order(symbol: "DOGE")).reason == nil)
    }

    @Test(
        arguments: [
            (["metric: symbol", "allow: [BTC, ETH*]"], .symbolNotPermitted, "symbol"),
            (["metric: symbol", "deny: [LUNA*]"], .symbolNotPermitted, "symbol-deny"),
            (["metric: account", "allow: [mm-*]"], .accountNotPermitted, "account"),
            (["metric: strategy", "allow: [grid-*]"], .strategyNotPermitted, "strategy"),
            (["metric: side", "deny: [sell]"], .sideNotPermitted, "side"),
            (["metric: type", "allow: [limit, post_only]"], .orderTypeNotPermitted, "type"),
            (["metric: time_in_force", "allow: [GTC, IOC]"], .timeInForceNotPermitted, "tif"),
        ] as [([String], Reason, String)])
    func `a membership rule refuses what it does not permit`(rule: [String], reason: Reason, kind: String) throws {
        let desk = try Desk([Self.wide, ["id: members"] + rule])
        func order(good: Bool) throws -> Order {
            try desk.order(
                kind == "side" && !good ? .sell : .buy, "1", at: "10",
                symbol: kind == "symbol" && !good ? "XRP" : kind == "symbol-deny" && !good ? "LUNA2" : "ETHUSD",
                account: kind == "account" && !good ? "other" : "mm-1",
                strategy: kind == "strategy" && !good ? "hand" : "grid-7",
                type: kind == "type" && !good ? .stopLimit : .limit, stop: "9",
                timeInForce: kind == "tif" && !good ? "FOK" : "IOC")
        }
        #expect(desk.decide(try order(good: true)).reason == nil)
        #expect(desk.decide(try order(good: false)).reasons == [reason])
    }

    @Test func `an order that names no strategy or time in force is none of those allowed`() throws {
        let desk = try Desk([
            ["id: a", "metric: strategy", "allow: [grid-*]"], ["id: b", "metric: time_in_force", "allow: [GTC]"],
        ])
        #expect(desk.decide(try desk.order()).reasons == [.strategyNotPermitted, .timeInForceNotPermitted])
        #expect(desk.decide(try desk.order(strategy: "grid-1", timeInForce: "GTC")).reason == nil)
    }

    @Test func `a time in force seen before its rule was installed is judged by it`() throws {
        let desk = try Desk()
        let order = try desk.order(timeInForce: "FOK")
        desk.engine.install(try RuleLines.compile([["id: a", "metric: time_in_force", "deny: [fok]"]]))
        #expect(desk.decide(order).reason == .timeInForceNotPermitted)
        #expect(desk.decide(try desk.order(timeInForce: "GTC")).reason == nil)
    }

    @Test func `a rule binds only the accounts, strategies, symbols, sides and types that it names`() throws {
        let desk = try Desk([
            Self.wide,
            [
                "id: narrow", "metric: order_quantity", "max: 1", "accounts: [mm-*]", "strategies: [grid]",
                "symbols: [BTC]", "sides: [sell]", "types: [limit]",
            ],
        ])
        func reason(
            _ side: Side = .sell, symbol: String = "BTC", account: String = "mm-1", strategy: String = "grid",
            type: OrderType = .limit
        ) throws -> Reason? {
            desk.decide(
                try desk.order(side, "2", at: "10", symbol: symbol, account: account, strategy: strategy, type: type)
            ).reason
        }
        #expect(try reason() == .orderQuantityExceeded)
        #expect(try reason(.buy) == nil)
        #expect(try reason(symbol: "ETH") == nil)
        #expect(try reason(account: "desk") == nil)
        #expect(try reason(strategy: "") == nil)
        #expect(try reason(type: .postOnly) == nil)
    }
}
