import RiskRules
import Testing

/// An operator's word on an unknown outcome.
struct SettleTests {
    private func settle(_ desk: Desk, _ clientID: String, _ outcome: OperatorOutcome, account: String = "A") throws {
        try desk.engine.settle(
            clientOrderID: desk.digest(clientID), of: try desk.account(account), outcome: outcome, now: desk.now,
            wallNow: desk.wallNow)
    }

    private func unknown(_ desk: Desk) throws -> ReservationID {
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow)
        return id
    }

    @Test func `an order that is said to be released counts no more, and one that is said to be open counts on`() throws
    {
        for outcome in OperatorOutcome.allCases {
            let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
            try desk.snapshot(asOf: desk.wallNow)
            let id = try unknown(desk)
            desk.advance(1)
            try settle(desk, "c-1", outcome)
            #expect(desk.engine.reservation(id)?.state == (outcome == .open ? .open : nil))
            let room = outcome == .open ? "6" : "10"
            #expect(try desk.decide(desk.order(.buy, room)).reason == nil)
            #expect(try desk.decide(desk.order(.buy, room + ".1")).reason == .positionLimitExceeded)
            #expect(desk.engine.counters.unknownsSettledByOperator == 1 && desk.engine.counters.doubleResolves == 0)
            // As if it had been answered now.
            try desk.snapshot(asOf: desk.wallNow + Desk.second)
            #expect((desk.engine.reservation(id) != nil) == (outcome == .open))
            try desk.snapshot(asOf: desk.wallNow + Desk.second + 1)
            #expect(desk.engine.reservation(id) == nil)
        }
    }

    @Test func `a word on what is not unknown is refused and changes nothing`() throws {
        let desk = try Desk()
        try desk.snapshot(asOf: desk.wallNow)
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        #expect(throws: SettleProblem.notUnknown(.inFlight)) { try settle(desk, "c-1", .released) }
        desk.accept(id)
        #expect(throws: SettleProblem.notUnknown(.open)) { try settle(desk, "c-1", .released) }
        #expect(throws: SettleProblem.notFound) { try settle(desk, "c-2", .released) }
        #expect(throws: SettleProblem.notFound) { try settle(desk, "c-1", .released, account: "B") }
        #expect(throws: SettleProblem.notFound) { try settle(desk, "", .released) }
        #expect(desk.engine.reservation(id)?.state == .open)
        #expect(desk.engine.counters.unknownsSettledByOperator == 0)
    }

    @Test func `a second word is refused`() throws {
        for outcome in OperatorOutcome.allCases {
            let desk = try Desk()
            try desk.snapshot(asOf: desk.wallNow)
            _ = try unknown(desk)
            try settle(desk, "c-1", outcome)
            let problem: SettleProblem = outcome == .open ? .notUnknown(.open) : .notFound
            #expect(throws: problem) { try settle(desk, "c-1", .released) }
            #expect(desk.engine.counters.unknownsSettledByOperator == 1)
        }
    }

    @Test func `of versions that share an id the one whose outcome is unknown is meant`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot(asOf: desk.wallNow)
        let first = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.accept(first, orderID: "o-1")
        let original = OrderReference(orderID: desk.digest("o-1"), clientOrderID: .none)
        let second = try #require(desk.reserve(try desk.order(.buy, "6", clientID: "c-1"), replacing: original))
        desk.engine.unknown(second, now: desk.now, wallNow: desk.wallNow)
        try settle(desk, "c-1", .released)
        #expect(desk.engine.reservation(first)?.state == .open && desk.engine.reservation(second) == nil)
    }
}
