import Gate
import RiskRules
import SwiftProtobuf
import Testing

/// Where a role's value may come from besides one field: several fields, and integers that are counted in something.
@Suite struct FieldSourceTests {
    private func decode(
        _ fields: String, _ change: (inout Wire_Request) -> Void
    ) throws -> Result<OrderSeen, Refusal> {
        try OrderMappingFixture.plan(OrderMappingFixture.create(fields)).order(validRequest(change))
    }

    private func quantity(_ source: String, _ change: (inout Wire_Request) -> Void) throws -> String {
        let result = try decode("quantity: \(source)") {
            $0.quantity = Wire_Numbers()
            change(&$0)
        }
        return switch result {
        case .success(let order): order.quantity
        case .failure(let refusal): refusal.reason.code.description
        }
    }

    // MARK: Scales

    @Test func `an integer with a scale is exact at the ends of the range and refused beyond`() throws {
        let table: [(scale: String, count: Int64, expected: String)] = [
            ("1e-8", 1, "0.00000001"), ("1e-8", 5_000_000_000_000, "50000"), ("0.00000001", 150_000_000, "1.5"),
            ("1e-10", 1, "0.0000000001"), ("1e-11", 10, "0.0000000001"), ("1e-11", 11, "ORDER_OUT_OF_RANGE"),
            ("1e-18", 1_500_000_000_000_000_000, "1.5"), ("1e-18", 1, "ORDER_OUT_OF_RANGE"), ("0.25", 3, "0.75"),
            ("2.5e-1", 3, "0.75"), ("100", 7, "700"), ("1e0", 7, "7"), ("1e18", 1, "1000000000000000000"),
            ("1e18", 2, "ORDER_OUT_OF_RANGE"), ("1e2", .max, "ORDER_OUT_OF_RANGE"),
            ("1e-8", .max, "92233720368.54775807"),
            ("999999999999999999", .max, "ORDER_OUT_OF_RANGE"), ("1e-8", -1, "ORDER_MALFORMED"),
            ("1e-8", 0, "ORDER_MALFORMED"),
        ]
        for (scale, count, expected) in table {
            let seen = try quantity("{field: quantity.int64, scale: \(scale)}") { $0.quantity.int64 = count }
            #expect(seen == expected, "\(count) x \(scale)")
        }
    }

    @Test func `every integer type takes a scale`() throws {
        func seen(_ path: String, _ change: (inout Wire_Numbers) -> Void) throws -> String {
            try quantity("{field: quantity.\(path), scale: 1e-2}") { change(&$0.quantity) }
        }
        #expect(try seen("int32") { $0.int32 = 125 } == "1.25")
        #expect(try seen("uint32") { $0.uint32 = .max } == "42949672.95")
        #expect(try seen("uint64") { $0.uint64 = .max } == "184467440737095516.15")
        #expect(try seen("sint32") { $0.sint32 = 125 } == "1.25")
        #expect(try seen("sint64") { $0.sint64 = -125 } == "ORDER_MALFORMED")
        #expect(try seen("fixed32") { $0.fixed32 = 125 } == "1.25")
        #expect(try seen("fixed64") { $0.fixed64 = 125 } == "1.25")
        #expect(try seen("sfixed32") { $0.sfixed32 = 125 } == "1.25")
        #expect(try seen("sfixed64") { $0.sfixed64 = .min } == "ORDER_MALFORMED")
    }

    @Test(
        "a scale that is none is refused",
        arguments: ["0", "-1", "+1", "1e", "e-8", "1e-19", "1e19", "1.", ".1", "1e-8 ", "abc", "0.0", "1e1.5", "0x10"])
    func refusesScale(_ text: String) {
        #expect(DecimalScale(text) == nil)
    }

    @Test func `a scale has one meaning however it is written`() {
        #expect(DecimalScale("1e-8") == DecimalScale("0.00000001"))
        #expect(DecimalScale("1E-08") == DecimalScale("10e-9"))
        #expect(DecimalScale("0.000000000000000001") == DecimalScale("1e-18"))
        #expect(DecimalScale("1e-8") != DecimalScale("1e-7"))
    }

    // MARK: Lists

    @Test func `the first field that is given counts`() throws {
        let list = "[quantity.text, quantity.maybe, {field: quantity.int64, scale: 1e-8}]"
        #expect(try quantity(list) { ($0.quantity.text, $0.quantity.maybe) = ("2", 3) } == "2")
        #expect(try quantity(list) { ($0.quantity.maybe, $0.quantity.int64) = (3, 4) } == "3")
        #expect(try quantity(list) { $0.quantity.int64 = 400_000_000 } == "4")
        #expect(try quantity(list) { _ in } == "ORDER_MALFORMED")
        // A zero that its field can tell from nothing is an answer, and no later field is asked.
        #expect(try quantity(list) { ($0.quantity.maybe, $0.quantity.int64) = (0, 4) } == "ORDER_MALFORMED")
        // What is given and cannot be read is not passed over.
        #expect(try quantity(list) { ($0.quantity.text, $0.quantity.maybe) = ("x", 3) } == "ORDER_MALFORMED")
    }

    @Test func `names and ids may come from several fields`() throws {
        let fields = "account: [note, account]\nclient_order_id: [far, tif]"
        let first = try decode(fields) { ($0.note, $0.far, $0.tif) = ("sub-1", "f", "t") }.get()
        #expect(first.account == "sub-1" && first.clientOrderID == "f")
        let second = try decode(fields) { $0.tif = "t" }.get()
        #expect(second.account == "acc-1" && second.clientOrderID == "t")
    }

    @Test func `each field of a list has its own values`() throws {
        let fields = "side: [side_text, side]"
        #expect(try decode(fields) { $0.sideText = "sell" }.get().side == .sell)
        #expect(try decode(fields) { $0.side = .sell }.get().side == .sell)
        #expect(try decode(fields) { ($0.sideText, $0.side) = ("buy", .sell) }.get().side == .buy)
    }

    @Test func `of a oneof's members the last on the wire counts, in whatever order they are listed`() throws {
        let units = Wire.double(17, 9)
        let lots = Wire.bytes(18, Array("8".utf8))
        let exact = Wire.bytes(19, Wire.double(1, 7))
        let valid = try validRequest().serializedBytes() as [UInt8]
        for list in ["[units, lots, exact.double]", "[exact.double, lots, units]"] {
            let plan = try OrderMappingFixture.plan(OrderMappingFixture.create("quantity: \(list)"))
            #expect(try plan.order(valid + units + lots).get().quantity == "8")
            #expect(try plan.order(valid + lots + units).get().quantity == "9")
            #expect(try plan.order(valid + exact + units).get().quantity == "9")
            #expect(try plan.order(valid + units + exact).get().quantity == "7")
            #expect(plan.order(valid + units + Wire.bytes(19, [])).isRefused(for: .orderMalformed))
        }
    }
}
