import RiskRules
import Testing

/// What other Gates let through on an account counts like one's own.
struct ForeignReservationsTests {
    private static let other = Digest(low: 1, high: 1)
    private static let third = Digest(low: 2, high: 1)

    private func publish(
        _ desk: Desk, _ sums: [(String, ReservedSums)], margin: String = "0", unknown: Int = 0,
        instance: Digest = other, expiresAt: Int64 = .max
    ) throws -> Bool {
        desk.engine.setForeign(
            ForeignReservations(
                symbols: sums.map { (symbol: $0.0, sums: $0.1) },
                margin: ReservedMargin(amount: try desk.decimal(margin), unknown: unknown)),
            of: try desk.account("A"), instance: instance, expiresAt: expiresAt)
    }

    private func sums(
        _ desk: Desk, buys: String = "0", sells: String = "0", orders: Int = 0, notional: String = "0",
        unpriced: String = "0"
    ) throws -> ReservedSums {
        ReservedSums(
            buys: try desk.decimal(buys), sells: try desk.decimal(sells), orders: orders,
            notional: try desk.decimal(notional), unpriced: try desk.decimal(unpriced))
    }

    private func own(_ desk: Desk, _ account: String = "A") throws -> (sums: [String: ReservedSums], ReservedMargin) {
        var sums: [String: ReservedSums] = [:]
        let margin = desk.engine.ownReservations(of: try desk.account(account)) { symbol, told in
            sums[String(decoding: desk.engine.symbolName(symbol), as: UTF8.self)] = told
        }
        return (sums, margin)
    }

    /// A rule, what another Gate published, and the largest order that still passes, at a price of 100.
    static let metrics: [(String, ReservedSums, String)] = [
        ("metric: position_quantity, max: 10", reserved(buys: 4), "6"),
        ("metric: position_notional, max: 1000", reserved(buys: 4), "6"),
        ("metric: gross_exposure, max: 1000", reserved(buys: 4), "6"),
        ("metric: net_exposure, max: 1000", reserved(buys: 4), "6"),
        ("metric: open_order_notional, max: 1000", reserved(orders: 1, notional: 400), "6"),
        ("metric: open_order_notional, max: 1000", reserved(orders: 1, unpriced: 4), "6"),
    ]

    static func reserved(buys: Int = 0, orders: Int = 0, notional: Int = 0, unpriced: Int = 0) -> ReservedSums {
        func amount(_ number: Int) -> FixedPoint { FixedPoint(whole: Int128(number)) ?? .zero }
        return ReservedSums(
            buys: amount(buys), orders: orders, notional: amount(notional), unpriced: amount(unpriced))
    }

    @Test(arguments: metrics)
    func `others' orders count in every metric of exposure, and no more once they are taken out`(
        rule: String, sums: ReservedSums, room: String
    ) throws {
        let desk = try Desk([["id: limit"] + rule.split(separator: ", ").map(String.init)])
        try desk.price("BTC", "100")
        try desk.snapshot()
        func expectRoom(_ room: String) throws {
            #expect(try desk.decide(desk.order(.buy, room, at: "100")).reason == nil)
            let above = try #require(try desk.decimal(room).adding(try desk.decimal("0.001"))).description
            #expect(try desk.decide(desk.order(.buy, above, at: "100")).reason != nil)
        }
        #expect(try publish(desk, [("BTC", sums)]))
        try expectRoom(room)
        #expect(try publish(desk, [("BTC", sums)], instance: Self.third))
        try expectRoom("2")
        #expect(try publish(desk, [("ETH", sums)], instance: Self.third) == true)
        #expect(try desk.engine.setForeign(nil, of: desk.account("A"), instance: Self.third))
        try expectRoom(room)
        #expect(try desk.engine.setForeign(nil, of: desk.account("A"), instance: Self.other))
        try expectRoom("10")
    }

    @Test func `others' orders and margin count in the limits on them`() throws {
        let desk = try Desk([
            ["id: open", "metric: open_orders", "max: 3"], ["id: margin", "metric: available_margin", "min: 50"],
        ])
        try desk.price("BTC", "100")
        try desk.snapshot(availableMargin: "100")
        #expect(try publish(desk, [("BTC", sums(desk, orders: 2))], margin: "40"))
        #expect(try desk.decide(desk.order(.buy, "1", at: "100")).reason == nil)
        #expect(try desk.decide(desk.order(.buy, "1.01", at: "100")).reason == .insufficientMargin)
        #expect(try publish(desk, [("BTC", sums(desk, orders: 3))]))
        #expect(try desk.decide(desk.order(.buy, "1", at: "100")).reason == .openOrdersExceeded)
        #expect(try publish(desk, [], unknown: 1))
        #expect(try desk.decide(desk.order(.buy, "1", at: "100")).reason == .priceUnavailable)
        #expect(try publish(desk, []))
        #expect(try desk.decide(desk.order(.buy, "1", at: "100")).reason == nil)
    }

    @Test(arguments: [("6", true), ("6.0000000001", false)])
    func `what works elsewhere to reduce a position leaves less of it to be reduced`(quantity: String, reduces: Bool)
        throws
    {
        let desk = try Desk()
        try desk.snapshot(positions: [("BTC", "10", nil)])
        #expect(try publish(desk, [("BTC", sums(desk, sells: "4", orders: 1))]))
        #expect(try desk.decide(desk.order(.sell, quantity, reduceOnly: true)).isReducing == reduces)
    }

    @Test func `what is not published again in time counts no more`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot()
        desk.snapshotAge = .max / 2
        try desk.snapshot()
        #expect(try publish(desk, [("BTC", sums(desk, buys: "4"))], expiresAt: desk.now + Desk.second))
        desk.now += Desk.second - 1
        #expect(try desk.decide(desk.order(.buy, "6.1")).reason == .positionLimitExceeded)
        desk.now += 1
        #expect(try desk.decide(desk.order(.buy, "10")).reason == nil)
        #expect(try publish(desk, [("BTC", sums(desk, buys: "4"))], expiresAt: desk.now + Desk.second))
        #expect(try publish(desk, [("BTC", sums(desk, buys: "4"))], expiresAt: desk.now + 3 * Desk.second))
        desk.now += 2 * Desk.second
        #expect(try desk.decide(desk.order(.buy, "6.1")).reason == .positionLimitExceeded)
        desk.now += Desk.second
        #expect(try desk.decide(desk.order(.buy, "10")).reason == nil)
    }

    @Test func `what no Gate can have, or does not fit, is refused, and what was there stays`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]]) {
            $0.maxForeignSources = 1
            $0.maxForeignParts = 2
        }
        try desk.snapshot()
        let four = try sums(desk, buys: "4")
        #expect(try publish(desk, [("BTC", four)]))
        let negative = try sums(desk, buys: "-1")
        #expect(try !publish(desk, [("BTC", negative)]))
        #expect(try !publish(desk, [("BTC", sums(desk, orders: -1))]))
        #expect(try !publish(desk, [], margin: "-1"))
        #expect(try !publish(desk, [("BTC", four), ("ETH", four), ("SOL", four)]))
        #expect(try !publish(desk, [("BTC", four)], instance: Self.third))
        #expect(desk.engine.counters.refusedForeign == 5)
        #expect(try desk.decide(desk.order(.buy, "6")).reason == nil)
        #expect(try desk.decide(desk.order(.buy, "6.1")).reason == .positionLimitExceeded)
        #expect(try publish(desk, [("BTC", four), ("ETH", four)]))
        desk.engine.setForeign(nil, of: try desk.account("A"), instance: Self.other)
        #expect(try publish(desk, [("SOL", four)], instance: Self.third))
    }

    @Test func `what is published is this Gate's own alone, and its revision tells when it changes`() throws {
        let desk = try Desk()
        try desk.price("BTC", "100")
        try desk.snapshot()
        let account = try desk.account("A")
        let before = desk.engine.ownRevision(of: account)
        #expect(try publish(desk, [("BTC", sums(desk, buys: "4", orders: 1, notional: "400"))], margin: "40"))
        #expect(desk.engine.ownRevision(of: account) == before)
        #expect(try own(desk).sums.isEmpty)
        let id = try desk.send(try desk.order(.sell, "2", at: "110"))
        try desk.send(try desk.order(.buy, "1", symbol: "ETH"))
        #expect(desk.engine.ownRevision(of: account) > before)
        let (told, margin) = try own(desk)
        #expect(try told["BTC"] == (sums(desk, sells: "2", orders: 1, notional: "220")))
        #expect(try told["ETH"] == (sums(desk, buys: "1", orders: 1, unpriced: "1")))
        #expect(margin == ReservedMargin(amount: .zero, unknown: 1))
        let revision = desk.engine.ownRevision
        try desk.end(id, filled: "0.5")
        #expect(desk.engine.ownRevision > revision)
        #expect(try own(desk).sums["BTC"] == (sums(desk, sells: "0.5")))
        #expect(try own(desk, "B").sums.isEmpty)
    }
}
