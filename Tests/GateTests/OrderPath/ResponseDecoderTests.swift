import Gate
import OrderAPI
import RiskRules
import SwiftProtobuf
import Testing

@Suite struct ResponseDecoderTests {
    private struct Seen: Equatable {
        var outcome: OrderAnswer.Outcome
        var orderID = ""
        var clientOrderID = ""
        var error = ""
        var filled: String?
    }

    private func decode(_ plan: DecodePlan, _ message: [UInt8]) -> Seen {
        let decoder = ResponseDecoder(plan: plan)
        return message.withUnsafeBytes { bytes in
            let answer = decoder.decode(method: 0, message: bytes)
            return Seen(
                outcome: answer.outcome, orderID: text(answer.orderID), clientOrderID: text(answer.clientOrderID),
                error: text(answer.error), filled: answer.filled?.description)
        }
    }

    private func plan(_ response: String) throws -> DecodePlan {
        try OrderMappingFixture.plan(OrderMappingFixture.create(rest: "response: {\(response)}"))
    }

    @Test func `reads the outcome of the shipped API from every state`() throws {
        let plan = try OrderMappingFixture.shipped()
        let table: [(Order_OrderState, OrderAnswer.Outcome)] = [
            (.stateUnspecified, .accepted), (.new, .accepted), (.submitted, .accepted), (.partiallyFilled, .accepted),
            (.filled, .ended), (.canceled, .ended), (.expired, .ended), (.rejected, .rejected),
            (.UNRECOGNIZED(99), .accepted),
        ]
        for (state, outcome) in table {
            let message = Order_CreateOrderResponse.with {
                ($0.orderID, $0.clientOrderID, $0.state, $0.errorMessage) = ("o-1", "c-1", state, "why")
            }
            let seen = decode(plan, try message.serializedBytes())
            #expect(seen == Seen(outcome: outcome, orderID: "o-1", clientOrderID: "c-1", error: "why"))
        }
    }

    @Test func `reads string states in any case and how much was filled`() throws {
        let plan = try plan("status: status_text, rejected: [no], ended: [done], filled: filled.text")
        func seen(_ status: String, _ filled: String) throws -> Seen {
            decode(
                plan, try Wire_Response.with { ($0.statusText, $0.filled.text) = (status, filled) }.serializedBytes())
        }
        #expect(try seen("NO", "0") == Seen(outcome: .rejected, filled: "0"))
        #expect(try seen("Done", "1.5") == Seen(outcome: .ended, filled: "1.5"))
        #expect(try seen("other", "") == Seen(outcome: .accepted))
        #expect(try seen("done", "-1") == Seen(outcome: .ended), "a fill that cannot be read is not told")
    }

    @Test func `takes a plain zero as nothing filled and an absent optional as not told`() throws {
        let empty = try Wire_Response().serializedBytes() as [UInt8]
        #expect(decode(try plan("filled: filled.double"), empty).filled == "0")
        #expect(decode(try plan("filled: filled.maybe"), empty).filled == nil)
    }

    @Test func `calls a broken answer unreadable`() throws {
        let plan = try plan("order_id: order_id")
        #expect(decode(plan, [0x0A, 0x05]).outcome == .unreadable)
        #expect(decode(plan, Wire.bytes(1, [0xFF])).outcome == .unreadable)
        #expect(decode(plan, Wire.bytes(1, [0x41])) == Seen(outcome: .accepted, orderID: "A"))
    }

    @Test func `takes every answer as accepted where the mapping has no response`() throws {
        #expect(decode(try OrderMappingFixture.plan(OrderMappingFixture.create()), [0xFF]) == Seen(outcome: .accepted))
    }

    @Test func `knows definitive statuses, the usual ones and the mapping's`() throws {
        let usual = try OrderMappingFixture.shipped().method(0)
        let listed = try plan("definitive: [3, 14]").method(0)
        for status in UInt32(0)...40 {
            #expect(usual.isDefinitive(status: status) == [3, 5, 6, 7, 8, 9, 11, 12, 16].contains(status))
            #expect(listed.isDefinitive(status: status) == [3, 14].contains(status))
        }
    }
}
