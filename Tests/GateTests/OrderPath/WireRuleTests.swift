import Gate
import RiskRules
import SwiftProtobuf
import Testing

/// Each rule of the wire format: what is refused beside what is allowed. The message is the usual one plus some bytes.
@Suite struct WireRuleTests {
    private let plan: DecodePlan
    private let valid: [UInt8]

    init() throws {
        plan = try OrderMappingFixture.plan(OrderMappingFixture.create("strategy: far"))
        valid = try validRequest().serializedBytes()
    }

    private func result(_ bytes: [UInt8]...) -> Result<OrderSeen, Refusal> { plan.order(valid + bytes.flatMap { $0 }) }

    private func isTaken(_ bytes: [UInt8]...) -> Bool {
        if case .success = plan.order(valid + bytes.flatMap { $0 }) { true } else { false }
    }

    private func isMalformed(_ bytes: [UInt8]...) -> Bool {
        plan.order(valid + bytes.flatMap { $0 }).isRefused(for: .orderMalformed)
    }

    @Test func `takes the last of a field given twice`() throws {
        let order = try result(Wire.bytes(2, Array("ETHUSDT".utf8)), Wire.varint(3, 2)).get()
        #expect(order.symbol == "ETHUSDT")
        #expect(order.side == .sell)
    }

    @Test func `merges a sub-message given twice`() throws {
        // quantity.float beside quantity.double, then another double.
        let merged = result(Wire.bytes(5, Wire.fixed32(2, 0)), Wire.bytes(5, []), Wire.bytes(6, Wire.double(1, 7)))
        #expect(try merged.get().quantity == "0.5")
        #expect(try merged.get().price == "7")
        #expect(try result(Wire.bytes(5, Wire.double(1, 2.5))).get().quantity == "2.5")
    }

    @Test func `empties the other members of a oneof`() throws {
        let plan = try OrderMappingFixture.plan(OrderMappingFixture.create("quantity: exact.double"))
        let exact = Wire.bytes(19, Wire.double(1, 3))
        #expect(try plan.order(valid + exact).get().quantity == "3")
        #expect(plan.order(valid + exact + Wire.double(17, 9)).isRefused(for: .orderMalformed))
        #expect(plan.order(valid + exact + Wire.bytes(18, Array("9".utf8))).isRefused(for: .orderMalformed))
        #expect(try plan.order(valid + Wire.double(17, 9) + exact).get().quantity == "3")
        // What comes back begins anew: 4 in `maybe` is all that is left, and `double` is gone.
        let again = exact + Wire.double(17, 9) + Wire.bytes(19, Wire.double(16, 4))
        #expect(plan.order(valid + again).isRefused(for: .orderMalformed))
    }

    @Test func `passes over unknown fields of every wire type`() {
        #expect(isTaken(Wire.varint(500, .max)))
        #expect(isTaken(Wire.fixed64(500, .max), Wire.fixed32(501, .max)))
        #expect(isTaken(Wire.bytes(500, [0xFF, 0xFE])))
        #expect(isTaken(Wire.varint(536_870_911, 1)))
    }

    @Test func `refuses wrong wire types of declared fields`() {
        for type: UInt64 in [0, 1, 5] {
            let payload: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
            #expect(isMalformed(Wire.tag(2, type), type == 0 ? [1] : Array(payload.prefix(type == 1 ? 8 : 4))))
        }
        #expect(isMalformed(Wire.bytes(3, [1])))
        #expect(isMalformed(Wire.fixed32(3, 1)))
        #expect(isMalformed(Wire.varint(5, 1)))
        #expect(isMalformed(Wire.bytes(5, Wire.varint(1, 1))))
        #expect(isMalformed(Wire.varint(24, 1)), "a field that is declared and not mapped")
    }

    @Test func `refuses groups, field number 0 and unknown wire types`() {
        #expect(isMalformed(Wire.tag(500, 3), Wire.tag(500, 4)))
        #expect(isMalformed(Wire.tag(500, 4)))
        #expect(isMalformed(Wire.tag(0, 0), [1]))
        #expect(isMalformed(Wire.tag(500, 6)))
        #expect(isMalformed(Wire.tag(500, 7)))
    }

    @Test func `refuses varints that overflow and takes long ones that do not`() {
        let nines = [UInt8](repeating: 0xFF, count: 9)
        #expect(isTaken(Wire.tag(500, 0), nines, [0x01]))
        #expect(isMalformed(Wire.tag(500, 0), nines, [0x02]))
        #expect(isMalformed(Wire.tag(500, 0), nines, [0x81, 0x00]))
        #expect(isTaken(Wire.tag(3, 0), [0x82, 0x80, 0x00]), "a 2 in three bytes")
        #expect(isMalformed([0x80, 0x80, 0x80, 0x80, 0x80, 0x01]), "a tag of six bytes")
        #expect(isMalformed([0xF8, 0xFF, 0xFF, 0xFF, 0x1F], [1]), "a field number above 2^29 - 1")
        #expect(isMalformed(Wire.tag(500, 2), [0x80, 0x80, 0x80, 0x80, 0x80, 0x00]), "a length of six bytes")
    }

    @Test func `refuses numbers that overflow their type and takes the largest that do not`() {
        let cases: [(number: UInt64, taken: [UInt64], refused: [UInt64])] = [
            (
                3, [UInt64(bitPattern: -1), UInt64(Int32.max)],
                [1 << 31, 0xFFFF_FFFF, UInt64(bitPattern: -1 - (1 << 31))]
            ),
            (5, [UInt64(UInt32.max)], [1 << 32]),
            (7, [UInt64(UInt32.max)], [1 << 32]),
            (14, [0, 1], [2]),
            (6, [.max], []),
            (8, [.max], []),
        ]
        for (number, taken, refused) in cases {
            // Inside `quantity`, where they are declared and not mapped.
            for value in taken { #expect(isTaken(Wire.bytes(5, Wire.varint(number, value))), "\(number) \(value)") }
            for value in refused {
                #expect(isMalformed(Wire.bytes(5, Wire.varint(number, value))), "\(number) \(value)")
            }
        }
        #expect(isMalformed(Wire.varint(3, 1 << 32 | 1)), "an enum that other parsers cut to BUY")
        #expect(isMalformed(Wire.varint(3, UInt64(bitPattern: -1))), "an enum value that has no meaning")
    }

    @Test func `refuses text that is not UTF-8 in every declared string`() {
        let wrong: [[UInt8]] = [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]]
        for text in wrong {
            #expect(isMalformed(Wire.bytes(2, text)))
            #expect(isMalformed(Wire.bytes(24, text)), "not mapped")
            #expect(isMalformed(Wire.bytes(20, text)), "repeated")
            #expect(isMalformed(Wire.bytes(22, Wire.bytes(1, text))), "a map's key")
            #expect(isTaken(Wire.bytes(5, Wire.bytes(15, text))), "bytes")
        }
        #expect(isTaken(Wire.bytes(24, Array("zażółć 🙂".utf8))))
    }

    @Test func `reads lists packed and not, and refuses broken ones`() {
        #expect(isTaken(Wire.varint(21, 5), Wire.bytes(21, [1, 2, 0x80, 0x01])))
        #expect(isTaken(Wire.bytes(21, [])))
        #expect(isMalformed(Wire.bytes(21, [0x80])))
        #expect(isMalformed(Wire.bytes(21, Wire.varint(1 << 40))))
    }

    @Test func `refuses every truncation of a message`() throws {
        let message = valid + Wire.bytes(1000, Array("s-1".utf8))
        #expect(try plan.order(message).get().strategy == "s-1")
        for end in 0..<message.count {
            // A cut between fields leaves a message that is whole and lacks something, or is the usual one.
            let result = plan.order(Array(message[..<end]))
            if end == valid.count {
                #expect(try result.get().strategy.isEmpty)
            } else {
                #expect(result.isRefused(for: .orderMalformed))
            }
        }
    }

    @Test func `checks messages within messages as deep as other parsers go`() throws {
        func nested(_ depth: Int) -> [UInt8] {
            var bytes: [UInt8] = Wire.bytes(1, [0x41])
            for _ in 0..<depth { bytes = Wire.bytes(23, bytes) }
            return bytes
        }
        #expect(isTaken(nested(90)))
        #expect(throws: Never.self) { try Wire_Request(serializedBytes: nested(90)) }
        #expect(isMalformed(nested(100)))
        #expect(isMalformed(nested(10_000)))
        #expect(isMalformed(Wire.bytes(23, Wire.bytes(23, Wire.bytes(1, [0xFF])))))
    }

    @Test func `names the field that is to blame`() {
        #expect(
            plan.order(valid + Wire.bytes(5, Wire.varint(1, 1)))
                == .failure(refusal("wrong wire type", "quantity.double")))
        #expect(plan.order(valid + Wire.bytes(2, [0xFF])) == .failure(refusal("text that is not UTF-8", "symbol")))
        #expect(plan.order([0x80]) == .failure(refusal("truncated message", "")))
    }

    private func refusal(_ detail: StaticString, _ field: String) -> Refusal {
        var refusal = Refusal(DecodeFailure(.orderMalformed, detail))
        refusal.field = field
        return refusal
    }
}
