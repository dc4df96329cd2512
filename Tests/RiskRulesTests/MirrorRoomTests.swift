import RiskRules
import Testing

/// What the mirror may let go of, and what an engine knows of it afterwards.
struct MirrorRoomTests {
    private func desk() throws -> Desk {
        try Desk([
            ["id: gross", "metric: gross_exposure", "max: 1000"],
            ["id: collar", "metric: price_deviation", "max: 0.5"],
        ])
    }

    @Test func `a symbol is held while anybody has a position in it or an order working`() throws {
        let desk = try desk()
        let (account, symbol) = (try desk.account("A"), try desk.symbol("BTC"))
        try desk.price("BTC", "10")
        try desk.snapshot(asOf: desk.wallNow)
        #expect(!desk.engine.isHeld(symbol: symbol) && !desk.engine.isHeld(account: account))
        let id = try desk.send(try desk.order(.buy, "1", at: "10"))
        #expect(desk.engine.isHeld(symbol: symbol) && desk.engine.isHeld(account: account))
        desk.accept(id)
        desk.advance(10)
        try desk.snapshot(positions: [("BTC", "1", nil)], asOf: desk.wallNow)
        #expect(desk.engine.reservation(id) == nil)
        #expect(desk.engine.isHeld(symbol: symbol) && desk.engine.isHeld(account: account))
        var held: [NameID] = []
        desk.engine.forEachSymbol(heldBy: account) { held.append($0) }
        #expect(held == [symbol])
        desk.advance(1)
        try desk.snapshot(asOf: desk.wallNow)
        #expect(!desk.engine.isHeld(symbol: symbol) && !desk.engine.isHeld(account: account))
    }

    @Test func `a price that is mirrored no more is waited for like one that was never fetched`() throws {
        let desk = try desk()
        try desk.price("BTC", "10")
        try desk.snapshot()
        let order = try desk.order(.buy, "1", at: "10")
        #expect(desk.decide(order).reason == nil)
        desk.engine.forgetPrice(of: try desk.symbol("BTC"))
        #expect(desk.engine.unfetchedInputs(order).price)
        #expect(desk.decide(order).reason == .stateUnavailable)
        try desk.price("BTC", "10")
        #expect(desk.decide(order).reason == nil)
    }

    @Test func `an account that is mirrored no more is waited for, and read again as it was`() throws {
        let desk = try desk()
        try desk.price("BTC", "10")
        try desk.snapshot(seq: 5, asOf: 100)
        let order = try desk.order(.buy, "1", at: "10")
        #expect(desk.decide(order).reason == nil)
        desk.engine.forgetAccount(try desk.account("A"))
        #expect(desk.engine.unfetchedInputs(order).account)
        #expect(desk.decide(order).reason == .stateUnavailable)
        // The very same snapshot is news again, an older one is not.
        try desk.snapshot(seq: 4, asOf: 99)
        #expect(desk.decide(order).reason == .stateUnavailable)
        try desk.snapshot(seq: 5, asOf: 100)
        #expect(desk.decide(order).reason == nil)
    }
}
