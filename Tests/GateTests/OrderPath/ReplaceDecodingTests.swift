import Gate
import RiskRules
import SwiftProtobuf
import Testing

/// What a replace says, and what it leaves to its original.
@Suite struct ReplaceDecodingTests {
    private static let mapping = """
        descriptors: wire.binpb
        methods:
          - path: /wire.Wire/Replace
            action: replace
            fields:
              account: account
              replaces: order_id
              replaces_client_order_id: original
              client_order_id: client_order_id
              symbol: symbol
              side: side
              type: kind
              quantity: quantity
              price: price
              reduce_only: reduce
          - path: /wire.Wire/Create
            action: create
            fields: {account: account, symbol: symbol, side: side, type: kind, quantity: quantity.double}
        """
    private let plan: DecodePlan
    init() throws { plan = try OrderMappingFixture.plan(Self.mapping) }

    private func read(_ change: (inout Wire_Change) -> Void) throws -> Result<ReplaceSeen, Refusal> {
        plan.replace(try Wire_Change.with { change(&$0) }.serializedBytes())
    }

    @Test func `leaves open what the message does not say`() throws {
        var expected = ReplaceSeen()
        expected.replaces = "o-1"
        #expect(try read { $0.orderID = "o-1" }.get() == expected)
        expected.replaces = ""
        expected.replacesClientOrderID = "c-1"
        #expect(try read { $0.original = "c-1" }.get() == expected)
    }

    @Test func `reads all that the message says`() throws {
        let replace = try read {
            ($0.account, $0.orderID, $0.original, $0.clientOrderID) = ("acc-1", "o-1", "c-1", "c-2")
            ($0.symbol, $0.side, $0.kind, $0.quantity, $0.price, $0.reduce) = ("BTC", .sell, .postOnly, 1.5, 2.5, true)
        }.get()
        var expected = ReplaceSeen()
        (expected.replaces, expected.replacesClientOrderID, expected.clientOrderID) = ("o-1", "c-1", "c-2")
        (expected.account, expected.symbol, expected.side, expected.type) = ("acc-1", "BTC", .sell, .postOnly)
        (expected.quantity, expected.price, expected.reduceOnly) = ("1.5", "2.5", true)
        #expect(replace == expected)
    }

    @Test func `refuses one that names no original, or a number that is none`() throws {
        #expect(try read { $0.symbol = "BTC" }.isRefused(for: .orderMalformed))
        #expect(try read { ($0.orderID, $0.quantity) = ("o-1", -1) }.isRefused(for: .orderMalformed))
        #expect(try read { ($0.orderID, $0.quantity) = ("o-1", 1e19) }.isRefused(for: .orderOutOfRange))
        #expect(try read { ($0.orderID, $0.side) = ("o-1", .cross) }.isRefused(for: .orderMalformed))
        // This field can tell a zero from nothing.
        #expect(try read { ($0.orderID, $0.price) = ("o-1", 0) }.isRefused(for: .orderMalformed))
        #expect(try read { ($0.orderID, $0.price) = ("o-1", 1) }.get().price == "1")
    }
}
