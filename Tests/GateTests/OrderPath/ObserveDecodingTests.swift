import Gate
import OrderAPI
import RiskRules
import SwiftProtobuf
import Testing

/// What answers that pass are mapped to say.
@Suite struct ObserveDecodingTests {
    private struct Seen: Equatable {
        var outcome: OrderAnswer.Outcome
        var orderID = ""
        var clientOrderID = ""
        var account = ""
        var filled: String?

        init(_ answer: OrderAnswer) {
            (outcome, orderID, clientOrderID) = (answer.outcome, text(answer.orderID), text(answer.clientOrderID))
            (account, filled) = (text(answer.account), answer.filled?.description)
        }
        init(
            _ outcome: OrderAnswer.Outcome, _ orderID: String = "", _ clientOrderID: String = "", account: String = "",
            filled: String? = nil
        ) {
            (self.outcome, self.orderID, self.clientOrderID) = (outcome, orderID, clientOrderID)
            (self.account, self.filled) = (account, filled)
        }
    }

    /// A mapping with a method that passes and is read so.
    private func mapping(_ path: String, _ observe: String, response: String = "") -> String {
        OrderMappingFixture.create(rest: response.isEmpty ? "" : "response: {\(response)}")
            + "  - path: \(path)\n    action: pass\n    observe: {\(observe)}\n"
    }

    private func decode(_ plan: DecodePlan, method: Int, _ message: some SwiftProtobuf.Message) throws -> Seen {
        let bytes: [UInt8] = try message.serializedBytes()
        return bytes.withUnsafeBytes { Seen(ResponseDecoder(plan: plan).decode(method: method, message: $0)) }
    }

    /// nil: more items than there is room for, or none that can be read.
    private func items(
        _ plan: DecodePlan, method: Int, _ message: some SwiftProtobuf.Message, capacity: Int = 4096
    ) throws -> [Seen]? {
        let decoder = ResponseDecoder(plan: plan, itemCapacity: capacity)
        let bytes: [UInt8] = try message.serializedBytes()
        return bytes.withUnsafeBytes { bytes in
            decoder.decodeEach(method: method, message: bytes).map { count in
                (0..<count).map { Seen(decoder.item($0, method: method)) }
            }
        }
    }

    @Test func `reads what the shipped API says of an order in every state`() throws {
        let plan = try OrderMappingFixture.shipped()
        let table: [(Order_OrderState, OrderAnswer.Outcome)] = [
            (.stateUnspecified, .accepted), (.new, .accepted), (.submitted, .accepted), (.partiallyFilled, .accepted),
            (.filled, .ended), (.canceled, .ended), (.expired, .ended), (.rejected, .rejected),
            (.UNRECOGNIZED(99), .accepted),
        ]
        for (state, outcome) in table {
            let order = Order_Order.with {
                ($0.orderID, $0.clientOrderID, $0.userID) = ("o-1", "c-1", "acc-1")
                ($0.state, $0.filledQuantity) = (state, 0.25)
            }
            let expected = Seen(outcome, "o-1", "c-1", account: "acc-1", filled: "0.25")
            #expect(try decode(plan, method: 2, Order_GetOrderResponse.with { $0.order = order }) == expected)
            #expect(
                try items(plan, method: 3, Order_GetOrdersResponse.with { $0.orders = [order, order] })
                    == [expected, expected])
            #expect(try decode(plan, method: 4, Order_OrderUpdate.with { $0.order = order }) == expected)
        }
        #expect((2...4).allSatisfy { plan.method($0).observes && plan.method($0).action == .pass })
        #expect((2...4).map { plan.method($0).answersEach } == [false, true, false])
        #expect(!plan.method(0).observes && !plan.method(1).observes)
    }

    @Test func `takes its statuses from a create where it lists none, and its own where it lists any`() throws {
        let response = "status: status_text, rejected: [no], ended: [done]"
        let usual = try OrderMappingFixture.plan(
            mapping("/wire.Wire/Watch", "order_id: order_id, status: status_text", response: response))
        let own = try OrderMappingFixture.plan(
            mapping("/wire.Wire/Watch", "order_id: order_id, status: status_text, ended: [gone]", response: response))
        func outcome(_ plan: DecodePlan, _ status: String) throws -> OrderAnswer.Outcome {
            try decode(plan, method: 1, Wire_Response.with { $0.statusText = status }).outcome
        }
        #expect(try ["no", "done", "gone"].map { try outcome(usual, $0) } == [.rejected, .ended, .accepted])
        #expect(try ["no", "done", "gone"].map { try outcome(own, $0) } == [.accepted, .accepted, .ended])
    }

    @Test func `a state that nobody gives a meaning to is a problem`() throws {
        let unlisted = mapping("/wire.Wire/Watch", "order_id: order_id, status: status_text")
        #expect(
            try OrderMappingFixture.problems(unlisted)
                == ["m.yaml:14:14: observe.status: says nothing without rejected or ended"])
        let strange = mapping(
            "/wire.Wire/Watch", "order_id: order_id, status: status",
            response: "status: status_text, rejected: [no]")
        let problems = try OrderMappingFixture.problems(strange)
        #expect(
            problems.count == 1 && problems[0].contains("observe.status: the enum Side has no value \"no\""),
            "\(problems)")
    }

    @Test func `reads as many items as there is room for, and none of more`() throws {
        let plan = try OrderMappingFixture.plan(
            mapping(
                "/wire.Wire/CreateBatch",
                "each: replies, order_id: order_id, account: {outer: status}, filled: {field: filled, scale: 1e-8}"))
        func read(_ count: Int) throws -> [Seen]? {
            let reply = Wire_BatchReply.with {
                $0.status = "acc-1"
                $0.replies = (0..<count).map { number in
                    .with { ($0.orderID, $0.filled) = ("o-\(number)", 150_000_000) }
                }
            }
            return try items(plan, method: 1, reply, capacity: 300)
        }
        #expect(try read(0) == [])
        #expect(try read(300)?.count == 300)
        #expect(try read(300)?.last == Seen(.accepted, "o-299", account: "acc-1", filled: "1.5"))
        #expect(try read(301) == nil)
    }

    @Test func `a stream in both directions may be read, by either id, for a fill or a state`() throws {
        for observe in [
            "order_id: order_id, filled: filled.double", "client_order_id: client_order_id, filled: filled.text",
            "order_id: order_id, status: status, ended: [SIDE_SELL]",
            "each: \"\", order_id: order_id, filled: filled.int64",
        ] {
            for path in ["/wire.Wire/Watch", "/wire.Wire/Upload", "/wire.Wire/Cancel"] {
                #expect(try OrderMappingFixture.problems(mapping(path, observe)) == [])
            }
        }
    }
}
