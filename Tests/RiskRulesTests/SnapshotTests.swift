import RiskRules
import Testing

struct SnapshotTests {
    private func desk() throws -> Desk {
        try Desk([["id: equity", "metric: equity", "min: 0"], ["id: limit", "metric: position_quantity", "max: 10"]])
    }

    private func equity(_ desk: Desk) throws -> String? {
        // An order no snapshot allows shows the equity through a rule that nothing satisfies.
        desk.engine.install(
            try RuleLines.compile([
                ["id: show", "metric: equity", "min: 1000000000000"], ["id: w", "metric: symbol", "deny: [X]"],
            ]))
        return desk.decide(try desk.order()).violations.first?.value.description
    }

    @Test(
        arguments: [
            (1, 100, 2, 101, true), (1, 100, 2, 99, false), (5, 100, 4, 100, false), (5, 100, 5, 100, false),
            (5, 100, 4, 101, true), (5, 100, 6, 100, true), (5, nil, 4, nil, false), (5, nil, 6, nil, true),
            (nil, 100, nil, 99, false), (nil, 100, nil, 100, true), (nil, nil, nil, nil, true),
            (5, 100, nil, nil, true),
            (5, 100, 6, nil, true), (5, 100, 4, nil, false), (5, nil, 4, 1, false),
        ] as [(Int64?, Int64?, Int64?, Int64?, Bool)])
    func `an older snapshot is ignored and counted`(
        seq: Int64?, asOf: Int64?, nextSeq: Int64?, nextAsOf: Int64?, isTaken: Bool
    ) throws {
        let desk = try desk()
        try desk.snapshot(equity: "1", seq: seq, asOf: asOf)
        try desk.snapshot(equity: "2", seq: nextSeq, asOf: nextAsOf)
        #expect(try equity(desk) == (isTaken ? "2" : "1"))
        #expect(desk.engine.counters.ignoredSnapshots == (isTaken ? 0 : 1))
    }

    @Test func `a keeper that leaves as_of out once brings no older state back`() throws {
        let desk = try desk()
        try desk.snapshot(equity: "1", asOf: 100)
        try desk.snapshot(equity: "2")
        try desk.snapshot(equity: "3", asOf: 99)
        #expect(try equity(desk) == "2")
    }

    @Test func `the snapshot in hand, read again, only gets its new times`() throws {
        let desk = try desk()
        try desk.snapshot(equity: "1", seq: 5)
        let id = try desk.send(try desk.order())
        desk.accept(id)
        desk.advance(10)
        #expect(desk.decide(try desk.order()).reason == .accountStale)
        try desk.snapshot(equity: "1", seq: 5)
        #expect(desk.decide(try desk.order()).reason == nil)
        #expect(desk.engine.reservation(id) != nil)
        #expect(desk.engine.counters.ignoredSnapshots == 0)
        desk.advance(10)
        try desk.snapshot(equity: "2", seq: 5)
        #expect(desk.decide(try desk.order()).reason == .accountStale)
        #expect(desk.engine.counters.ignoredSnapshots == 1)
    }

    @Test func `a snapshot replaces the one before whole`() throws {
        let desk = try desk()
        try desk.snapshot(
            positions: [("BTC", "9", nil), ("ETH", "9", nil)], pending: [("BTC", .buy, "1", "5", "x", "y")])
        #expect(desk.decide(try desk.order(.buy, "1")).reason == .positionLimitExceeded)
        try desk.snapshot(positions: [("ETH", "2", nil)])
        #expect(desk.decide(try desk.order(.buy, "10")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "8", symbol: "ETH")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "9", symbol: "ETH")).reason == .positionLimitExceeded)
    }

    @Test func `a key that is gone and comes back is taken, its exposure in flight kept`() throws {
        let desk = try desk()
        try desk.snapshot(seq: 5)
        try desk.send(try desk.order(.buy, "4"))
        desk.engine.accountAbsent(try desk.account("A"))
        #expect(desk.decide(try desk.order()).reason == .accountUnknown)
        try desk.snapshot(seq: 5)
        #expect(desk.decide(try desk.order(.buy, "6")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "7")).reason == .positionLimitExceeded)
    }

    @Test func `a snapshot that does not fit is refused, and one that fits is taken again`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]]) { $0.maxExposures = 2 }
        try desk.snapshot(positions: [("S1", "1", nil), ("S2", "1", nil), ("S3", "1", nil)])
        #expect(desk.decide(try desk.order()).reason == .accountStale)
        #expect(desk.engine.counters.oversizedSnapshots == 1)
        try desk.snapshot(positions: [("S4", "1", nil), ("S5", "1", nil)])
        #expect(desk.decide(try desk.order(symbol: "S4")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "10", symbol: "S4")).reason == .positionLimitExceeded)
    }

    @Test func `positions come and go without end in tables of fixed size`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]]) {
            $0.maxExposures = 4
            $0.maxSymbols = 200
        }
        for round in 0..<150 {
            try desk.snapshot(positions: [("S\(round)", "3", nil), ("S\(round + 1)", "4", nil)])
            #expect(desk.decide(try desk.order(.buy, "7", symbol: "S\(round)")).reason == nil)
            #expect(desk.decide(try desk.order(.buy, "7", symbol: "S\(round + 1)")).reason == .positionLimitExceeded)
        }
        #expect(desk.engine.counters.oversizedSnapshots == 0)
    }
}
