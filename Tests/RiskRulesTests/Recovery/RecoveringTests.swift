import RiskRules
import Testing

/// After a restart an account's orders wait for a snapshot that was taken after it, except those that reduce risk.
struct RecoveringTests {
    private static let bound = [["id: limit", "metric: position_quantity", "max: 10"]]

    /// An engine that came up a second ago with a long position of 4, and of which the mirror has read what was there.
    private func desk(
        _ rules: [[String]] = bound, asOf: Int64? = -Desk.second, isRead: Bool = true
    ) throws -> Desk {
        let desk = try Desk(rules)
        try desk.price("BTC", "10")
        let asOf = asOf.map { desk.wallNow + $0 }
        try desk.snapshot(positions: [("BTC", "4", nil)], asOf: asOf)
        desk.engine.beginRecovery(of: try desk.account("A"), startedAtWall: desk.wallNow, now: desk.now)
        desk.advance(1)
        if isRead { try desk.snapshot(positions: [("BTC", "4", nil)], asOf: asOf ?? desk.wallNow - 9 * Desk.second) }
        return desk
    }

    @Test func `an order that may raise risk is refused, and one that reduces it is judged`() throws {
        let desk = try desk()
        #expect(desk.engine.isRecovering(try desk.account("A")))
        #expect(desk.decide(try desk.order(.buy, "1")).reasons == [.recovering, .recovering])
        #expect(desk.decide(try desk.order(.sell, "4")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "4.0000000001")).reason == .recovering)
        #expect(desk.decide(try desk.order(.buy, "1", account: "B")).reasons == [.stateUnavailable])
    }

    @Test func `what is restored of the ledger counts for what reduces risk`() throws {
        let desk = try desk()
        try desk.send(try desk.order(.sell, "3"))
        #expect(desk.decide(try desk.order(.sell, "1")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "1.0000000001")).reason == .recovering)
    }

    @Test func `the snapshot that ends it is later than the start, by as_of`() throws {
        for (asOf, expected) in [(-1, Reason.recovering), (0, .recovering), (1, nil)] as [(Int64, Reason?)] {
            let desk = try desk()
            let start = desk.wallNow - Desk.second
            try desk.snapshot(positions: [("BTC", "4", nil)], asOf: start + asOf)
            #expect(desk.engine.isRecovering(try desk.account("A")) == (expected != nil))
            #expect(desk.decide(try desk.order(.buy, "1")).reason == expected)
        }
    }

    @Test func `a snapshot without as_of ends it where it was read after the start`() throws {
        for (read, expected) in [(-1, Reason.recovering), (0, .recovering), (1, nil)] as [(Int64, Reason?)] {
            let desk = try desk(asOf: nil, isRead: false)
            let start = desk.now - Desk.second
            var values = AccountSnapshot.Values()
            values.positions = []
            values.pendingOrders = []
            desk.engine.beginRecovery(of: try desk.account("A"), startedAtWall: desk.wallNow, now: start + 100)
            desk.engine.update(
                account: AccountSnapshot(
                    values: values, readAt: start + 100 + read, since: desk.now, freshUntil: .max, expiresAt: .max),
                of: try desk.account("A"), now: desk.now)
            #expect(desk.decide(try desk.order(.buy, "1")).reason == expected)
        }
    }

    @Test func `the same snapshot read again ends it where it says no time, and not where it says one`() throws {
        for (asOf, expected) in [(nil, nil), (-Desk.second, Reason.recovering)] as [(Int64?, Reason?)] {
            let desk = try Desk(Self.bound)
            let time = asOf.map { desk.wallNow + $0 }
            try desk.snapshot(seq: 4, asOf: time)
            desk.engine.beginRecovery(of: try desk.account("A"), startedAtWall: desk.wallNow, now: desk.now + 1)
            desk.advance(1)
            try desk.snapshot(seq: 4, asOf: time)
            #expect(desk.engine.counters.ignoredSnapshots == 0)
            #expect(desk.decide(try desk.order()).reason == expected)
        }
    }

    @Test func `a snapshot from before the start settles what it settles`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.sell, "1"))
        desk.accept(id, orderID: "o")
        try desk.snapshot(
            positions: [("BTC", "4", nil)], pending: [("BTC", .sell, "1", "10", nil, "o")],
            asOf: desk.wallNow - Desk.second)
        #expect(desk.engine.reservation(id) == nil)
        #expect(desk.decide(try desk.order(.buy, "1")).reason == .recovering)
    }

    @Test func `what the link or the first read is still to bring comes before it, and it before age and absence`()
        throws
    {
        let desk = try desk(isRead: false)
        #expect(desk.decide(try desk.order()).reason == .stateUnavailable)
        #expect(desk.engine.unfetchedInputs(try desk.order()).account)
        #expect(!desk.engine.unfetchedInputs(try desk.order(.sell, "4")).account)
        try desk.snapshot(positions: [("BTC", "4", nil)], asOf: desk.wallNow - 2 * Desk.second)
        #expect(desk.decide(try desk.order()).reason == .recovering)
        #expect(!desk.engine.unfetchedInputs(try desk.order()).account)
        desk.advance(60)
        #expect(desk.decide(try desk.order()).reason == .recovering)
        desk.engine.accountsLinkUntil = desk.now
        #expect(desk.decide(try desk.order()).reason == .stateUnavailable)
        #expect(desk.decide(try desk.order(.sell, "4")).reason == nil)
        desk.engine.accountsLinkUntil = .max
        desk.engine.accountRefused(try desk.account("A"))
        #expect(desk.decide(try desk.order()).reason == .recovering)
        desk.engine.accountAbsent(try desk.account("A"))
        #expect(desk.decide(try desk.order(.sell, "4")).reason == .recovering)
        #expect(desk.engine.isRecovering(try desk.account("A")))
        try desk.snapshot(asOf: desk.wallNow)
        #expect(desk.decide(try desk.order()).reason == nil)
    }

    @Test func `it refuses also where no rule asks for the account`() throws {
        let desk = try desk([["id: clip", "metric: order_quantity", "max: 5"]])
        #expect(desk.decide(try desk.order(.buy, "1")).reasons == [.recovering])
        #expect(desk.decide(try desk.order(.buy, "6")).reasons == [.orderQuantityExceeded, .recovering])
        #expect(desk.engine.unfetchedInputs(try desk.order()).account == false)
        #expect(desk.decide(try desk.order(.sell, "4")).reason == nil)
        let unread = try self.desk([["id: clip", "metric: order_quantity", "max: 5"]], isRead: false)
        #expect(unread.engine.unfetchedInputs(try unread.order()).account)
        #expect(unread.decide(try unread.order()).reasons == [.stateUnavailable])
    }

    @Test func `a rule that skips what is missing does not let the order through`() throws {
        let desk = try desk([Self.bound[0] + ["on_missing: skip"]])
        #expect(desk.decide(try desk.order(.buy, "1")).reasons == [.recovering])
    }

    @Test func `an order that asks to be taken as reducing and is not is refused for both`() throws {
        let desk = try desk()
        let reasons = desk.decide(try desk.order(.buy, "1", reduceOnly: true)).reasons
        #expect(reasons == [.recovering, .recovering, .reduceOnlyWouldIncrease])
        #expect(desk.decide(try desk.order(.sell, "1", reduceOnly: true)).reason == nil)
    }
}
