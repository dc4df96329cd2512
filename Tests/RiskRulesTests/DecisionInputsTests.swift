import RiskRules
import Testing

/// What a decision was made from, as its record shows it.
struct DecisionInputsTests {
    @Test func `an order of an account and a symbol that nothing is known of was judged by nothing`() throws {
        let desk = try Desk()
        let order = try desk.order(.buy, "1")
        _ = desk.decide(order)
        let inputs = desk.engine.inputs(of: order, now: desk.now)
        #expect(!inputs.hasPrice)
        #expect(!inputs.hasAccount)
        #expect(inputs.sequence == -1)
        #expect(inputs.equity == nil)
        #expect([inputs.position, inputs.openBuys, inputs.openSells, inputs.reservedMargin].allSatisfy { $0 == .zero })
    }

    @Test func `an order's inputs hold what the snapshot shows and what was let through since, without the order`()
        throws
    {
        let desk = try Desk()
        try desk.price(bid: "99", ask: "101")
        try desk.snapshot(
            equity: "5000", marginUsed: "7", availableMargin: nil, positions: [("BTC", "-2", nil)],
            pending: [("BTC", .buy, "0.5", "90", "c-1", nil), ("ETH", .buy, "9", "1", nil, nil)], seq: 41,
            asOf: desk.wallNow)
        desk.advance(0.25)
        try desk.send(try desk.order(.buy, "1", at: "100"))
        try desk.send(try desk.order(.sell, "3", at: "100"))
        let order = try desk.order(.buy, "1", at: "100")
        _ = desk.decide(order)
        let inputs = desk.engine.inputs(of: order, now: desk.now)
        #expect(inputs.position == (try desk.decimal("-2")))
        #expect(inputs.openBuys == (try desk.decimal("1.5")))
        #expect(inputs.openSells == (try desk.decimal("3")))
        #expect(inputs.hasPrice && inputs.hasBidAsk)
        #expect([inputs.bid, inputs.mark, inputs.ask] == (try ["99", "100", "101"].map(desk.decimal)))
        #expect(inputs.priceAge == Desk.second / 4)
        #expect(inputs.hasAccount)
        #expect(inputs.accountAge == Desk.second / 4)
        #expect(inputs.sequence == 41)
        #expect(inputs.asOf == desk.wallNow - Desk.second / 4)
        #expect(inputs.equity == (try desk.decimal("5000")))
        #expect(inputs.marginUsed == (try desk.decimal("7")))
        #expect(inputs.availableMargin == nil)
        #expect(inputs.reservedMargin > .zero)
    }
}
