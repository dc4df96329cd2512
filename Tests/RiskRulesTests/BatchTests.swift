import RiskRules
import Testing

/// A batch is decided order by order, each against the exposure of those before it, and undone whole.
struct BatchTests {
    private static let rules = [
        ["id: position", "metric: position_quantity", "max: 10"], ["id: gross", "metric: gross_exposure", "max: 2000"],
        ["id: open", "metric: open_orders", "max: 5"], ["id: margin", "metric: available_margin", "min: 0"],
        ["id: notional", "metric: open_order_notional", "max: 2000"],
    ]

    /// What an order that breaks every bound is told of the account.
    private func values(_ desk: Desk) throws -> [String] {
        let order = try desk.order(.buy, "100000000", at: "99")
        return Desk.Outcome(desk.engine.check(order, connection: 1, now: desk.now)).violations.map {
            "\($0.reason) \($0.value)"
        }
    }

    @Test func `each order of a batch is judged with those before it, and a refused one undoes them all`() throws {
        let desk = try Desk(Self.rules) { $0.clientOrderIDsPerAccount = 4 }
        try desk.price("BTC", "100")
        try desk.snapshot(positions: [("BTC", "1", nil)], pending: [("BTC", .sell, "1", "101", "p-1", "p-2")])
        for number in 1...4 {
            desk.engine.release(try desk.send(try desk.order(.buy, "0.1", at: "99", clientID: "old-\(number)")))
        }
        let before = try values(desk)
        var ids: [ReservationID] = []
        for number in 1...3 {
            ids.append(try desk.send(try desk.order(.buy, "3", at: "99", clientID: "b-\(number)")))
        }
        #expect(desk.decide(try desk.order(.buy, "3", at: "99", clientID: "b-4")).reason == .positionLimitExceeded)
        #expect(desk.decide(try desk.order(.sell, "0.1", at: "99", clientID: "old-1")).reason == nil)
        for id in ids.reversed() { desk.engine.undo(id) }
        #expect(try values(desk) == before)
        for state in ReservationState.allCases { #expect(desk.engine.reservationCount(state) == 0) }
        for number in 1...3 {
            #expect(desk.decide(try desk.order(.buy, "0.1", at: "99", clientID: "b-\(number)")).reason == nil)
        }
        // Those that the batch would have pushed out of the memory are in it again.
        for number in 1...4 {
            let order = try desk.order(.buy, "0.1", at: "99", clientID: "old-\(number)")
            #expect(desk.decide(order).reason == .duplicateClientOrderID)
        }
    }

    @Test func `two orders of a batch may not share a client order id`() throws {
        let desk = try Desk()
        let first = try desk.send(try desk.order(clientID: "b-1"))
        #expect(desk.decide(try desk.order(clientID: "b-1")).reason == .duplicateClientOrderID)
        desk.engine.undo(first)
        #expect(desk.decide(try desk.order(clientID: "b-1")).reason == nil)
    }

    @Test func `a batch costs as many rate tokens as it has orders, undone or not`() throws {
        let desk = try Desk([
            ["id: rate", "metric: order_count", "window: 1s", "max: 4"],
            ["id: wide", "metric: order_quantity", "max: 9"],
        ])
        let ids = try (0..<3).map { _ in try desk.send(try desk.order()) }
        for id in ids.reversed() { desk.engine.undo(id) }
        #expect(desk.decide(try desk.order()).reason == nil)
        #expect(desk.decide(try desk.order()).reason == .orderRateExceeded)
    }

    @Test func `undoing a batch of replaces leaves their orders as they were`() throws {
        let desk = try Desk(Self.rules)
        try desk.price("BTC", "100")
        try desk.snapshot(pending: [("BTC", .buy, "2", "98", "p-1", "p-2")])
        desk.accept(try desk.send(try desk.order(.buy, "2", at: "99", clientID: "c-1")), orderID: "o-1")
        let before = try values(desk)
        var random = SplitMix(seed: 3)
        for _ in 0..<100 {
            var ids: [ReservationID] = []
            for number in 0..<random.pick([1, 2, 5]) {
                let original = OrderReference(
                    orderID: desk.digest(random.pick(["o-1", "p-2", "none"])),
                    clientOrderID: desk.digest(random.pick(["", "r-0", "r-1"])))
                let order = try desk.order(
                    .buy, random.pick(["1", "2.5", "4"]), at: random.pick(["97", "99"]), clientID: "r-\(number)")
                ids.append(try #require(desk.reserve(order, replacing: original)))
            }
            for id in ids.reversed() { desk.engine.undo(id) }
            #expect(try values(desk) == before)
        }
        #expect(desk.engine.counters.doubleResolves == 0)
        #expect(desk.decide(try desk.order(.buy, "0.1", at: "99", clientID: "r-0")).reason == nil)
    }
}
