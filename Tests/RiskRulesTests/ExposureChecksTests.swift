import RiskRules
import Testing

/// Each bound from both sides: one unit of quantity more than what reaches it is refused.
struct ExposureChecksTests {
    private static let unit = "0.0000000001"

    private static func desk(_ lines: String...) throws -> Desk { try Desk([["id: rule"] + lines]) }

    /// Checks that `quantity` passes and that one unit more does not.
    private func bound(
        _ desk: Desk, _ side: Side = .buy, _ quantity: String, symbol: String = "BTC", _ reason: Reason,
        sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        let at = desk.decide(try desk.order(side, quantity, symbol: symbol))
        #expect(at.reason == nil, sourceLocation: sourceLocation)
        let one = try desk.decimal(Self.unit)
        let above = try #require(try desk.decimal(quantity).adding(one)).description
        #expect(
            desk.decide(try desk.order(side, above, symbol: symbol)).reason == reason, sourceLocation: sourceLocation)
    }

    @Test func `position_quantity counts position, pending and in-flight orders of the side`() throws {
        let desk = try Self.desk("metric: position_quantity", "max: 10")
        try desk.snapshot(positions: [("BTC", "3", nil)], pending: [("BTC", .buy, "2", "100", "x", "y")])
        try desk.send(try desk.order(.buy, "1"))
        try bound(desk, .buy, "4", .positionLimitExceeded)
    }

    @Test func `position_quantity judges the worse of long and short`() throws {
        let desk = try Self.desk("metric: position_quantity", "max: 10")
        try desk.snapshot(positions: [("BTC", "3", nil)], pending: [("BTC", .sell, "4", "100", "x", "y")])
        try bound(desk, .sell, "9", .positionLimitExceeded)
    }

    @Test func `working sells do not make room for buys`() throws {
        let desk = try Self.desk("metric: position_quantity", "max: 10")
        try desk.snapshot(pending: [("BTC", .sell, "5", "100", "x", "y")])
        try bound(desk, .buy, "10", .positionLimitExceeded)
    }

    @Test func `a position beyond the range is refused, not wrapped`() throws {
        let desk = try Self.desk("metric: position_quantity", "max: 1000000000000000000")
        try desk.snapshot(positions: [("BTC", "1000000000000000000", nil)])
        #expect(desk.decide(try desk.order(.buy, Self.unit)).reason == .orderOutOfRange)
    }

    @Test func `position_notional is the position at the mark`() throws {
        let desk = try Self.desk("metric: position_notional", "max: 1000")
        try desk.snapshot(positions: [("BTC", "-3", nil)])
        try desk.price("BTC", "100")
        try bound(desk, .sell, "7", .positionLimitExceeded)
        #expect(desk.decide(try desk.order(.buy, "1", symbol: "ETH")).reason == .stateUnavailable)
    }

    @Test func `gross_exposure sums all symbols of the account`() throws {
        let desk = try Self.desk("metric: gross_exposure", "max: 1000")
        try desk.snapshot(
            positions: [("BTC", "2", nil), ("ETH", "-10", nil)], pending: [("SOL", .buy, "5", "9", "x", "y")])
        try desk.price("BTC", "100")
        try desk.price("ETH", "20")
        try desk.price("SOL", "10")
        // 200 + 200 + 50, and 550 to go.
        try bound(desk, .buy, "5.5", .grossExposureExceeded)
        try bound(desk, .sell, "27.5", symbol: "ETH", .grossExposureExceeded)
        // The worse of 5 long and 60 short.
        try bound(desk, .sell, "60", symbol: "SOL", .grossExposureExceeded)
        try desk.price("XRP", "1")
        try bound(desk, .sell, "550", symbol: "XRP", .grossExposureExceeded)
    }

    @Test func `net_exposure nets longs and shorts, each side at its worst`() throws {
        let desk = try Self.desk("metric: net_exposure", "max: 1000")
        try desk.snapshot(positions: [("BTC", "12", nil), ("ETH", "-20", nil)])
        try desk.price("BTC", "100")
        try desk.price("ETH", "20")
        // 1200 - 400 = 800.
        try bound(desk, .buy, "2", .netExposureExceeded)
        // A sell of ETH does not take from the worst case long; it adds to that of short.
        try bound(desk, .sell, "90", symbol: "ETH", .netExposureExceeded)
    }

    @Test func `leverage is gross exposure over equity`() throws {
        let desk = try Self.desk("metric: leverage", "max: 10")
        try desk.snapshot(equity: "1000", positions: [("BTC", "0.1", nil)])
        try desk.price("BTC", "50000")
        try bound(desk, .buy, "0.1", .leverageExceeded)
        let violation = try #require(desk.decide(try desk.order(.buy, "0.12")).violations.first)
        #expect(violation.value.description == "11")
        #expect(violation.bound.description == "10")
    }

    @Test(arguments: ["leverage", "concentration"])
    func `equity at or below zero violates, and a missing one is missing`(metric: String) throws {
        let desk = try Self.desk("metric: \(metric)", "max: 10")
        try desk.price("BTC", "1")
        for (equity, reason) in [
            ("0", metric == "leverage" ? Reason.leverageExceeded : .concentrationExceeded),
            ("-5", metric == "leverage" ? .leverageExceeded : .concentrationExceeded), (nil, .inputMissing),
            (Self.unit, metric == "leverage" ? .leverageExceeded : .concentrationExceeded), ("1", nil),
        ] as [(String?, Reason?)] {
            try desk.snapshot(equity: equity)
            #expect(desk.decide(try desk.order()).reason == reason, "\(equity ?? "none")")
        }
    }

    @Test func `concentration is the symbol's part of equity`() throws {
        let desk = try Self.desk("metric: concentration", "max: 0.5")
        try desk.snapshot(equity: "1000", positions: [("BTC", "1", nil), ("ETH", "1000", nil)])
        try desk.price("BTC", "100")
        try bound(desk, .buy, "4", .concentrationExceeded)
    }

    @Test func `open_orders counts pending, in-flight and this order, per account or symbol`() throws {
        for (per, room) in [("account", 1), ("symbol", 2)] {
            let desk = try Self.desk("metric: open_orders", "max: 4", "per: \(per)")
            try desk.snapshot(pending: [("BTC", .buy, "1", "9", "x", nil), ("ETH", .buy, "1", "9", "y", nil)])
            desk.accept(try desk.send(try desk.order()))
            for _ in 0..<room { try desk.send(try desk.order(.sell)) }
            #expect(desk.decide(try desk.order()).reason == .openOrdersExceeded)
            #expect(desk.decide(try desk.order(account: "A", clientID: "z")).violations[0].value.description == "5")
        }
    }

    @Test func `an order that has ended is not open, one of unknown outcome is`() throws {
        let desk = try Self.desk("metric: open_orders", "max: 1")
        try desk.snapshot()
        let id = try desk.send(try desk.order())
        #expect(desk.decide(try desk.order()).reason == .openOrdersExceeded)
        desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow)
        #expect(desk.decide(try desk.order()).reason == .openOrdersExceeded)
        try desk.end(id)
        #expect(desk.decide(try desk.order()).reason == nil)
    }

    @Test func `open_order_notional sums what is pending, in flight and asked for`() throws {
        let desk = try Self.desk("metric: open_order_notional", "max: 1000")
        try desk.snapshot(
            positions: [("BTC", "100", "100")],
            pending: [("BTC", .buy, "2", "90", "x", nil), ("BTC", .sell, "1", nil, "y", nil)])
        try desk.price("BTC", "100")
        try desk.send(try desk.order(.buy, "3", at: "80"))
        // 180 + 100 + 240, and 480 to go.
        try bound(desk, .buy, "4.8", .openOrderNotionalExceeded)
        #expect(desk.decide(try desk.order(.buy, "6", at: "80")).reason == nil)
        try desk.noPrice()
        #expect(desk.decide(try desk.order(.buy, "1", at: "80")).reason == .priceUnavailable)
    }

    @Test func `among what open orders miss a link that is down comes first`() throws {
        let desk = try Self.desk("metric: open_order_notional", "max: 1000")
        try desk.snapshot(pending: [("BTC", .buy, "1", nil, "x", nil)])
        try desk.noPrice("ETH")
        // ETH has no price; whether BTC has one is not known yet.
        #expect(desk.decide(try desk.order(.sell, symbol: "ETH")).reason == .stateUnavailable)
        try desk.price("BTC", "100")
        #expect(desk.decide(try desk.order(.sell, symbol: "ETH")).reason == .priceUnavailable)
        try desk.price("ETH", "100")
        #expect(desk.decide(try desk.order(.sell, symbol: "ETH")).reason == nil)
    }

    @Test func `an order that was let through without a price is valued at the mark`() throws {
        let desk = try Self.desk("metric: open_order_notional", "max: 1000", "on_missing: skip")
        try desk.snapshot()
        try desk.noPrice()
        try desk.send(try desk.order(.sell, "5"))
        try desk.price("BTC", "100")
        try bound(desk, .buy, "5", .openOrderNotionalExceeded)
    }

    @Test func `an open order keeps the value of its approval`() throws {
        let desk = try Self.desk("metric: open_order_notional", "max: 1000")
        try desk.snapshot()
        try desk.price("BTC", "100")
        try desk.send(try desk.order(.buy, "5"))
        try desk.price("BTC", "200")
        try bound(desk, .buy, "2.5", .openOrderNotionalExceeded)
    }

    @Test func `a position is valued at its own price where none is mirrored`() throws {
        let desk = try Self.desk("metric: gross_exposure", "max: 1000")
        try desk.snapshot(positions: [("BTC", "2", "100"), ("ETH", "1", nil)])
        try desk.price("SOL", "1")
        let order = try desk.order(.buy, "600", symbol: "SOL")
        #expect(desk.decide(order).reason == .stateUnavailable)
        try desk.noPrice("ETH")
        #expect(desk.decide(order).reason == .priceUnavailable)
        try desk.price("ETH", "200")
        try bound(desk, .buy, "600", symbol: "SOL", .grossExposureExceeded)
        // The mirrored price comes first.
        try desk.price("BTC", "50")
        try bound(desk, .buy, "700", symbol: "SOL", .grossExposureExceeded)
    }

    @Test func `what is worth nothing needs no price`() throws {
        let desk = try Self.desk("metric: gross_exposure", "max: 1000")
        try desk.snapshot(positions: [("ETH", "0", nil)])
        try desk.price("BTC", "1")
        #expect(desk.decide(try desk.order(.buy, "1000")).reason == nil)
    }

    @Test(arguments: [
        "position_quantity", "position_notional", "gross_exposure", "net_exposure", "open_orders",
        "open_order_notional", "leverage", "concentration",
    ])
    func `positions or pending orders that a snapshot leaves out are missing`(metric: String) throws {
        let desk = try Self.desk("metric: \(metric)", "max: 100")
        try desk.price("BTC", "1")
        let order = try desk.order()
        try desk.snapshot()
        #expect(desk.decide(order).reason == nil)
        try desk.snapshot(positions: nil)
        #expect(desk.decide(order).reason == .inputMissing)
        try desk.snapshot(pending: nil)
        #expect(desk.decide(order).reason == .inputMissing)
    }

    @Test func `a multiplier that a reload changes counts for positions, pending orders and new ones`() throws {
        let rules = [
            ["id: rule", "metric: open_order_notional", "max: 1000"],
            ["id: gross", "metric: gross_exposure", "max: 2000"],
        ]
        let desk = try Desk(rules, instruments: [["symbol: BTC"]])
        try desk.snapshot(positions: [("BTC", "1", nil)], pending: [("BTC", .buy, "2", "100", "x", nil)])
        try desk.price("BTC", "100")
        try bound(desk, .buy, "8", .openOrderNotionalExceeded)
        desk.engine.install(try RuleLines.compile(rules, instruments: [["symbol: BTC", "contract_multiplier: 2"]]))
        try bound(desk, .buy, "3", .openOrderNotionalExceeded)
        desk.engine.install(try RuleLines.compile(rules, instruments: [["symbol: BTC", "contract_multiplier: 0.1"]]))
        try bound(desk, .buy, "98", .openOrderNotionalExceeded)
    }
}
