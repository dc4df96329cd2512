import Gate
import RiskRules
import SwiftProtobuf
import Testing

/// Several orders in one call.
@Suite struct BatchDecodingTests {
    static let mapping = """
        descriptors: wire.binpb
        methods:
          - path: /wire.Wire/CreateBatch
            action: create
            each: items
            default_type: by_price
            fields:
              account: [account, {outer: account}]
              strategy: {header: x-strategy}
              symbol: symbol
              side: side
              quantity: {field: quantity, scale: 1e-8}
              price: [{field: price, scale: 1e-2}, price_double]
              client_order_id: client_order_id
            response:
              each: replies
              order_id: order_id
              client_order_id: client_order_id
              status: status
              rejected: ["no"]
              ended: [done]
              filled: {field: filled, scale: 1e-8}
          - path: /wire.Wire/Create
            action: create
            fields: {account: account, symbol: symbol, side: side, type: kind, quantity: quantity.double}
        """

    private let plan: DecodePlan
    init() throws { plan = try OrderMappingFixture.plan(Self.mapping) }

    static func item(_ id: String, _ change: (inout Wire_Item) -> Void = { _ in }) -> Wire_Item {
        var item = Wire_Item()
        (item.symbol, item.side, item.quantity, item.price, item.clientOrderID) = ("BTCUSDT", .buy, 50_000_000, 100, id)
        change(&item)
        return item
    }

    private func read(_ items: [Wire_Item], account: String = "acc-1") throws -> [Result<OrderSeen, Refusal>] {
        try plan.batch(
            try Wire_Batch.with { ($0.account, $0.items) = (account, items) }.serializedBytes(),
            headers: [("x-strategy", Array("mm".utf8))]
        ).get()
    }

    @Test func `reads each order with what stands outside of them`() throws {
        let orders = try read([
            Self.item("a"), Self.item("b") { ($0.side, $0.price, $0.priceDouble) = (.sell, 0, 2.5) },
            Self.item("c") { ($0.account, $0.price) = ("sub-1", 0) },
        ]).map { try $0.get() }
        #expect(orders.map(\.clientOrderID) == ["a", "b", "c"])
        #expect(orders.map(\.account) == ["acc-1", "acc-1", "sub-1"])
        #expect(orders.map(\.strategy) == ["mm", "mm", "mm"])
        #expect(orders.map(\.side) == [.buy, .sell, .buy])
        #expect(orders.map(\.type) == [.limit, .limit, .market])
        #expect(orders.map(\.price) == ["1", "2.5", "0"])
        #expect(orders.map(\.quantity) == ["0.5", "0.5", "0.5"])
    }

    @Test func `says of each order what is wrong with it`() throws {
        let orders = try read([Self.item("a"), Self.item("b") { $0.symbol = "" }, Self.item("c") { $0.quantity = -1 }])
        #expect(orders.count == 3)
        #expect(try orders[0].get().clientOrderID == "a")
        #expect(orders[1] == .failure(Refusal(DecodeFailure(.orderMalformed, "no symbol"), field: "symbol")))
        #expect(orders[2].isRefused(for: .orderMalformed))
        #expect(try read([Self.item("a")], account: "")[0].isRefused(for: .orderMalformed))
    }

    @Test func `refuses an empty batch and one above the bound, takes one at it`() throws {
        func count(_ count: Int) throws -> Result<Int, Refusal> {
            let items = (0..<count).map { Self.item("c-\($0)") }
            return plan.batch(try Wire_Batch.with { ($0.account, $0.items) = ("a", items) }.serializedBytes())
                .map(\.count)
        }
        #expect(OrderDecoder.maximumBatch == 128)
        #expect(try count(0).isRefused(for: .orderCardinality))
        #expect(try count(1).get() == 1)
        #expect(try count(128).get() == 128)
        #expect(try count(129).isRefused(for: .orderTooLarge))
    }

    @Test func `takes orders that stand among other fields, in their order`() throws {
        let first = Wire.bytes(2, try Self.item("a").serializedBytes())
        let second = Wire.bytes(2, try Self.item("b").serializedBytes())
        let account = Wire.bytes(1, Array("acc-1".utf8))
        let orders = try plan.batch(first + account + Wire.varint(99, 1) + second).get().map { try $0.get() }
        #expect(orders.map(\.clientOrderID) == ["a", "b"])
        #expect(orders.map(\.account) == ["acc-1", "acc-1"])
    }

    @Test func `no order takes a value from the one before it`() throws {
        let bare = Wire.bytes(2, [])
        let orders = try plan.batch(
            Wire.bytes(1, Array("acc-1".utf8)) + Wire.bytes(2, try Self.item("a").serializedBytes()) + bare
        ).get()
        #expect(orders.count == 2 && orders[1].isRefused(for: .orderMalformed))
    }

    @Test func `refuses a batch with an order that no parser would read`() {
        for item: [UInt8] in [[0x0A, 0x05], Wire.bytes(1, [0xFF]), Wire.varint(1, 1), [0x0B]] {
            #expect(plan.batch(Wire.bytes(2, item)).isRefused(for: .orderMalformed), "\(item)")
        }
    }

    @Test func `finds orders inside of a message, and none in one that a oneof has emptied`() throws {
        let plan = try OrderMappingFixture.plan(
            Self.mapping.replacing("each: items", with: "each: list.items"))
        let list = Wire.bytes(3, Wire.bytes(1, try Self.item("a").serializedBytes()))
        let account = Wire.bytes(1, Array("acc-1".utf8))
        #expect(try plan.batch(account + list).get().count == 1)
        #expect(try plan.batch(account + list + list).get().count == 2, "sub-messages given twice merge")
        #expect(plan.batch(account + list + Wire.bytes(4, Array("x".utf8))).isRefused(for: .orderCardinality))
        #expect(try plan.batch(account + list + Wire.bytes(4, Array("x".utf8)) + list).get().count == 1)
    }

    @Test func `finds the id of an order that cannot be read otherwise`() throws {
        let decoder = OrderDecoder(plan: plan)
        let message =
            try Wire_Batch.with { $0.items = [Self.item("a"), Self.item("b") { $0.side = .unspecified }] }
            .serializedBytes() as [UInt8]
        message.withUnsafeBytes { bytes in
            func id(_ item: Int?) -> String {
                text(decoder.clientOrderID(method: 0, item: item, message: bytes, headers: .none))
            }
            #expect(id(0) == "a" && id(1) == "b")
            #expect(id(2) == "" && id(-1) == "" && id(nil) == "")
        }
    }

    // MARK: Answers

    @Test func `reads an answer item for item`() throws {
        let decoder = ResponseDecoder(plan: plan)
        var reply = Wire_BatchReply()
        reply.replies = [("NO", 0), ("done", 50_000_000), ("new", 0)].enumerated().map { index, value in
            .with {
                ($0.orderID, $0.clientOrderID, $0.status, $0.filled) = ("o-\(index)", "c-\(index)", value.0, value.1)
            }
        }
        let message = try reply.serializedBytes() as [UInt8]
        message.withUnsafeBytes { bytes in
            #expect(decoder.decodeEach(method: 0, message: bytes) == 3)
            let answers = (0..<3).map { decoder.item($0, method: 0) }
            #expect(answers.map(\.outcome) == [.rejected, .ended, .accepted])
            #expect(answers.map { text($0.orderID) } == ["o-0", "o-1", "o-2"])
            #expect(answers.map { text($0.clientOrderID) } == ["c-0", "c-1", "c-2"])
            #expect(answers[1].filled?.description == "0.5")
        }
    }

    @Test func `says nothing of an answer that it cannot read`() throws {
        let decoder = ResponseDecoder(plan: plan)
        let many =
            try Wire_BatchReply.with { $0.replies = Array(repeating: Wire_ItemReply(), count: 129) }
            .serializedBytes() as [UInt8]
        many.withUnsafeBytes { #expect(decoder.decodeEach(method: 0, message: $0) == nil) }
        Wire.bytes(2, [0x0A, 0x05]).withUnsafeBytes { #expect(decoder.decodeEach(method: 0, message: $0) == nil) }
        let none: [UInt8] = []
        none.withUnsafeBytes { #expect(decoder.decodeEach(method: 0, message: $0) == 0) }
    }
}

extension Refusal {
    fileprivate init(_ failure: DecodeFailure, field: String) {
        self.init(failure)
        self.field = field
    }
}
