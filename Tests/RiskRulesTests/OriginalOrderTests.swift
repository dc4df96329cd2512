import RiskRules
import Testing

/// What is known of an order that a replace names, for what the replace leaves out.
struct OriginalOrderTests {
    private func reference(_ desk: Desk, orderID: String = "", clientID: String = "") -> OrderReference {
        OrderReference(orderID: desk.digest(orderID), clientOrderID: desk.digest(clientID))
    }

    @Test func `the ledger knows all that an order asked for, by either id`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot(asOf: desk.wallNow)
        let order = try desk.order(.sell, "3", at: "101", clientID: "c-1")
        desk.accept(try desk.send(order), orderID: "o-1")
        for ids in [reference(desk, orderID: "o-1"), reference(desk, clientID: "c-1")] {
            let original = try #require(desk.engine.original(ids, of: order.account))
            #expect(original.account == order.account && original.symbol == order.symbol && original.side == .sell)
            #expect(original.terms.type == order.type && original.terms.quantity == order.quantity)
            #expect(original.terms.price == order.price && original.clientOrderID == order.clientOrderID)
        }
        // Without an account only the endpoint's id tells whose it is.
        #expect(desk.engine.original(reference(desk, orderID: "o-1"), of: .none)?.account == order.account)
        #expect(desk.engine.original(reference(desk, clientID: "c-1"), of: .none) == nil)
        #expect(desk.engine.original(reference(desk, orderID: "o-2"), of: order.account) == nil)
    }

    @Test func `a snapshot knows symbol, side, what remains and the price`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot(pending: [("BTC", .buy, "8", "99", "c-1", "o-1")])
        let account = try desk.order(.buy, "1").account
        let original = try #require(desk.engine.original(reference(desk, orderID: "o-1"), of: account))
        #expect(original.side == .buy && original.clientOrderID == desk.digest("c-1"))
        #expect(try original.terms.quantity == desk.decimal("8"))
        #expect(try original.terms.price == desk.decimal("99"))
        #expect(original.terms.type == .limit)
        #expect(desk.engine.original(reference(desk, orderID: "o-1"), of: .none) == nil)
    }
}
