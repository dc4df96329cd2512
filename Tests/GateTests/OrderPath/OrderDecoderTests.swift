import Foundation
import Gate
import OrderAPI
import RiskRules
import SwiftProtobuf
import Testing

/// What an order may say, and what it may leave out.
@Suite struct OrderDecoderTests {
    private func decode(
        _ fields: String = "", rest: String = "", headers: [(String, String)] = [],
        _ change: (inout Wire_Request) -> Void = { _ in }
    ) throws -> Result<OrderSeen, Refusal> {
        let plan = try OrderMappingFixture.plan(OrderMappingFixture.create(fields, rest: rest))
        return try plan.order(validRequest(change), headers: headers.map { ($0, Array($1.utf8)) })
    }

    private func quantity(_ path: String, _ change: (inout Wire_Numbers) -> Void) throws -> String {
        let result = try decode("quantity: quantity.\(path)") { request in
            request.quantity = Wire_Numbers()
            change(&request.quantity)
        }
        return switch result {
        case .success(let order): order.quantity
        case .failure(let refusal): refusal.reason.code.description
        }
    }

    // MARK: Numbers

    @Test func `reads doubles and floats as their shortest decimal`() throws {
        let doubles: [(Double, String)] = [
            (0.1 + 0.2, "0.3"), (0.1, "0.1"), (1e-10, "0.0000000001"), (0.1 + 0.7, "0.8"),
            (1e18, "1000000000000000000"),
            (123_456_789.123_456_7, "123456789.1234567"), (5e-11, "ORDER_OUT_OF_RANGE"),
            (5.1e-11, "0.0000000001"), (1.5e-10, "0.0000000002"), (2.5e-10, "0.0000000002"),
            (1.1e18, "ORDER_OUT_OF_RANGE"), (Double.leastNonzeroMagnitude, "ORDER_OUT_OF_RANGE"),
            (Double.greatestFiniteMagnitude, "ORDER_OUT_OF_RANGE"), (Double(1e18).nextUp, "ORDER_OUT_OF_RANGE"),
            (.nan, "ORDER_MALFORMED"), (.infinity, "ORDER_MALFORMED"), (-.infinity, "ORDER_MALFORMED"),
            (-0.1, "ORDER_MALFORMED"), (-1e300, "ORDER_MALFORMED"), (-1e-300, "ORDER_MALFORMED"),
            (0, "ORDER_MALFORMED"),
        ]
        for (value, expected) in doubles {
            #expect(try quantity("double") { $0.double = value } == expected, "\(value)")
        }
        let floats: [(Float, String)] = [
            (0.1, "0.1"), (16_777_216, "16777216"), (1e-10, "0.0000000001"), (3.4e38, "ORDER_OUT_OF_RANGE"),
            (.nan, "ORDER_MALFORMED"), (-1, "ORDER_MALFORMED"), (0, "ORDER_MALFORMED"), (1e-20, "ORDER_OUT_OF_RANGE"),
        ]
        for (value, expected) in floats { #expect(try quantity("float") { $0.float = value } == expected, "\(value)") }
    }

    @Test(arguments: [1, 2, 3])
    func `reads random doubles, and those beside short decimals, as Swift writes them`(seed: UInt64) throws {
        let plan = try OrderMappingFixture.plan(OrderMappingFixture.create("quantity: quantity.double"))
        var random = SplitMix(seed: seed)
        for _ in 0..<1_000 {
            let places = Double.random(in: 0...9, using: &random).rounded()
            let short = (Double.random(in: 1...1e9, using: &random) / pow(10, places)).rounded() / pow(10, places)
            for value in [short, short.nextUp, short.nextDown, Double.random(in: 0...1e8, using: &random)]
            where value > 1e-6 {
                let order = try plan.order(validRequest { $0.quantity.double = value }, headers: []).get()
                let written = try Array("\(value)".utf8).withUnsafeBytes { try FixedPoint(scientific: $0) }
                #expect(order.quantity == written.description, "\(value)")
            }
        }
    }

    @Test func `reads every integer type exactly`() throws {
        #expect(try quantity("int32") { $0.int32 = .max } == "2147483647")
        #expect(try quantity("int64") { $0.int64 = 1_000_000_000_000_000_000 } == "1000000000000000000")
        #expect(try quantity("int64") { $0.int64 = 1_000_000_000_000_000_001 } == "ORDER_OUT_OF_RANGE")
        #expect(try quantity("uint32") { $0.uint32 = .max } == "4294967295")
        #expect(try quantity("uint64") { $0.uint64 = .max } == "ORDER_OUT_OF_RANGE")
        #expect(try quantity("uint64") { $0.uint64 = 7 } == "7")
        #expect(try quantity("sint32") { $0.sint32 = .max } == "2147483647")
        #expect(try quantity("sint64") { $0.sint64 = 123 } == "123")
        #expect(try quantity("fixed32") { $0.fixed32 = .max } == "4294967295")
        #expect(try quantity("fixed64") { $0.fixed64 = 5 } == "5")
        #expect(try quantity("sfixed32") { $0.sfixed32 = 9 } == "9")
        #expect(try quantity("sfixed64") { $0.sfixed64 = 10 } == "10")
    }

    @Test func `refuses negative and zero of every integer type`() throws {
        #expect(try quantity("int32") { $0.int32 = -1 } == "ORDER_MALFORMED")
        #expect(try quantity("int64") { $0.int64 = .min } == "ORDER_MALFORMED")
        #expect(try quantity("sint32") { $0.sint32 = .min } == "ORDER_MALFORMED")
        #expect(try quantity("sint64") { $0.sint64 = -2 } == "ORDER_MALFORMED")
        #expect(try quantity("sfixed32") { $0.sfixed32 = -3 } == "ORDER_MALFORMED")
        #expect(try quantity("sfixed64") { $0.sfixed64 = .min } == "ORDER_MALFORMED")
        #expect(try quantity("uint64") { $0.uint64 = 0 } == "ORDER_MALFORMED")
    }

    @Test func `reads decimal strings strictly`() throws {
        let table: [(String, String)] = [
            ("1", "1"), ("+1.5", "1.5"), ("0001.2500", "1.25"), ("0.0000000001", "0.0000000001"),
            ("1000000000000000000", "1000000000000000000"), ("1000000000000000000.0000000000", "1000000000000000000"),
            ("1000000000000000000.0000000001", "ORDER_OUT_OF_RANGE"), ("1000000000000000001", "ORDER_OUT_OF_RANGE"),
            ("0.00000000001", "ORDER_OUT_OF_RANGE"), ("1.00000000000", "ORDER_OUT_OF_RANGE"),
            (String(repeating: "9", count: 60_000), "ORDER_OUT_OF_RANGE"),
            ("", "ORDER_MALFORMED"), ("0", "ORDER_MALFORMED"), ("-1", "ORDER_MALFORMED"), ("-0", "ORDER_MALFORMED"),
            ("-1000000000000000000000", "ORDER_MALFORMED"), ("-0.00000000001", "ORDER_MALFORMED"),
            ("1e5", "ORDER_MALFORMED"), ("1.", "ORDER_MALFORMED"), (".5", "ORDER_MALFORMED"), (" 1", "ORDER_MALFORMED"),
            ("1 ", "ORDER_MALFORMED"), ("1,5", "ORDER_MALFORMED"), ("0x10", "ORDER_MALFORMED"),
            ("nan", "ORDER_MALFORMED"),
            ("inf", "ORDER_MALFORMED"), ("+", "ORDER_MALFORMED"), ("--1", "ORDER_MALFORMED"),
            ("1.2.3", "ORDER_MALFORMED"),
            ("1_000", "ORDER_MALFORMED"), ("١", "ORDER_MALFORMED"),
        ]
        for (value, expected) in table {
            #expect(try quantity("text") { $0.text = value } == expected, "\(value.prefix(30))")
        }
    }

    // MARK: Names

    @Test func `takes names of 1 to 64 permitted characters`() throws {
        let alphabet = "ABCXYZabcxyz0189._:/@-"
        let longest = String(repeating: "a", count: 64)
        for name in [alphabet, longest, "a"] {
            #expect(try decode { $0.symbol = name }.get().symbol == name)
            #expect(try decode { $0.account = name }.get().account == name)
        }
        for name in ["", longest + "a", "a b", "a,b", "é", "a\u{0}", "a\n", "a;", "a*", "[", "`", "{", "a+b", ",", ";"]
        {
            #expect(try decode { $0.symbol = name }.isRefused(for: .orderMalformed), "\(name)")
            #expect(try decode { $0.account = name }.isRefused(for: .orderMalformed), "\(name)")
        }
    }

    @Test func `folds symbols only where the mapping says so`() throws {
        #expect(try decode { $0.symbol = "btcUSDT" }.get().symbol == "btcUSDT")
        let folded = try decode(rest: "fold: upper") { $0.symbol = "btc-Perp" }.get()
        #expect(folded.symbol == "BTC-PERP")
        #expect(folded.account == "acc-1")
    }

    @Test func `reads names and ids from integers and bytes`() throws {
        let order = try decode("account: quantity.int64\nsymbol: quantity.raw\nclient_order_id: quantity.uint64") {
            $0.quantity.int64 = -42
            $0.quantity.raw = Data([0x58, 0x31])
            $0.quantity.uint64 = .max
        }.get()
        #expect(order.account == "-42")
        #expect(order.symbol == "X1")
        #expect(order.clientOrderID == "18446744073709551615")
        #expect(try decode("account: quantity.int64").isRefused(for: .orderMalformed), "0 is none")
    }

    // MARK: Sides and types

    @Test func `reads sides from enums, strings and values`() throws {
        #expect(try decode { $0.side = .sell }.get().side == .sell)
        for side in [Wire_Side.unspecified, .cross, .UNRECOGNIZED(17)] {
            #expect(try decode { $0.side = side }.isRefused(for: .orderMalformed))
        }
        for text in ["buy", "BUY", "Buy"] {
            #expect(try decode("side: side_text") { $0.sideText = text }.get().side == .buy)
        }
        for text in ["", "b", "BUYS", "side_buy", " buy"] {
            #expect(try decode("side: side_text") { $0.sideText = text }.isRefused(for: .orderMalformed), "\(text)")
        }
        let values = "values: {side: {B: BUY, S: sell}}"
        #expect(try decode("side: side_text", rest: values) { $0.sideText = "S" }.get().side == .sell)
        #expect(try decode("side: side_text", rest: values) { $0.sideText = "s" }.isRefused(for: .orderMalformed))
        let numbers = "values: {side: {\"1\": BUY, \"-1\": SELL}}"
        #expect(try decode("side: side_number", rest: numbers) { $0.sideNumber = -1 }.get().side == .sell)
        #expect(try decode("side: side_number", rest: numbers) { $0.sideNumber = 2 }.isRefused(for: .orderMalformed))
        #expect(try decode("side: side_number", rest: numbers).isRefused(for: .orderMalformed))
        let flags = "values: {side: {\"true\": BUY, \"false\": SELL}}"
        #expect(try decode("side: is_buy", rest: flags).get().side == .sell)
        #expect(try decode("side: is_buy", rest: flags) { $0.isBuy = true }.get().side == .buy)
    }

    @Test func `takes an enum's zero for what its name says`() throws {
        #expect(try decode("side: bare_side").get().side == .buy)
        #expect(try decode("side: bare_side") { $0.bareSide = .sell }.get().side == .sell)
        #expect(try decode("side: maybe_side").isRefused(for: .orderMalformed), "not given")
        #expect(try decode("side: maybe_side") { $0.maybeSide = .buy }.get().side == .buy)
    }

    @Test func `reads every order type and asks for the prices it needs`() throws {
        func kind(_ kind: Wire_Kind, price: Double, stop: Double) throws -> Result<OrderSeen, Refusal> {
            try decode("stop_price: price.float") {
                $0.kind = kind
                $0.price.double = price
                $0.price.float = Float(stop)
            }
        }
        for (type, expected) in [(Wire_Kind.limit, OrderType.limit), (.postOnly, .postOnly)] {
            #expect(try kind(type, price: 1, stop: 0).get().type == expected)
            #expect(try kind(type, price: 1, stop: 5).get().stopPrice == "0")
            for price in [0, -1, Double.nan, .infinity] {
                #expect(try kind(type, price: price, stop: 0).isRefused(for: .orderMalformed))
            }
            #expect(try kind(type, price: 1e19, stop: 0).isRefused(for: .orderOutOfRange))
        }
        for price in [0, 5, -1, Double.nan, 1e300] {
            #expect(try kind(.market, price: price, stop: 0).get().price == "0", "a market order's price is ignored")
        }
        #expect(try kind(.stop, price: 0, stop: 5).get().type == .stopMarket)
        #expect(try kind(.stop, price: 0, stop: 5).get().stopPrice == "5")
        #expect(try kind(.stop, price: 1, stop: 0).isRefused(for: .orderMalformed))
        #expect(try kind(.stop, price: 1, stop: -5).isRefused(for: .orderMalformed))
        #expect(try kind(.stopLimit, price: 4, stop: 5).get().type == .stopLimit)
        #expect(try kind(.stopLimit, price: 0, stop: 5).isRefused(for: .orderMalformed))
        #expect(try kind(.stopLimit, price: 4, stop: 0).isRefused(for: .orderMalformed))
        #expect(try kind(.iceberg, price: 4, stop: 5).isRefused(for: .orderMalformed))
        #expect(try kind(.unspecified, price: 4, stop: 5).isRefused(for: .orderMalformed))
    }

    @Test func `knows the names of types in strings`() throws {
        let table: [(String, OrderType)] = [
            ("LIMIT", .limit), ("post_only", .postOnly), ("Stop", .stopMarket), ("STOP_MARKET", .stopMarket),
            ("stop_limit", .stopLimit), ("market", .market),
        ]
        for (name, type) in table {
            #expect(try decode("type: kind_text\nstop_price: price.double") { $0.kindText = name }.get().type == type)
        }
        #expect(try decode("type: kind_text") { $0.kindText = "LIMIT_MAKER" }.isRefused(for: .orderMalformed))
    }

    @Test func `does not drop a prefix that makes another name`() throws {
        let order = try decode("type: stop_kind\nstop_price: price.double") { $0.stopKind = .stopLimit }.get()
        #expect(order.type == .stopLimit)
    }

    @Test func `takes the default type where an order names none`() throws {
        let unnamed: (inout Wire_Request) -> Void = { $0.kind = .unspecified }
        #expect(try decode(rest: "default_type: LIMIT", unnamed).get().type == .limit)
        #expect(try decode(rest: "default_type: MARKET", unnamed).get().type == .market)
        #expect(try decode(rest: "default_type: MARKET").get().type == .limit, "it names one")
        #expect(try decode("type: none", rest: "default_type: MARKET").get().type == .market)
        #expect(try decode(rest: "default_type: LIMIT") { $0.kind = .iceberg }.isRefused(for: .orderMalformed))
        let priced = try decode(rest: "default_type: by_price", unnamed).get()
        #expect(priced.type == .limit && priced.typeIsByPrice && priced.price == "50000")
        let unpriced = try decode(rest: "default_type: by_price") { ($0.kind, $0.price.double) = (.unspecified, 0) }
            .get()
        #expect(unpriced.type == .market && !unpriced.typeIsByPrice)
        #expect(try decode(rest: "default_type: by_price").get().typeIsByPrice == false)
        #expect(
            try decode("stop_price: price.float", rest: "default_type: by_price") {
                ($0.kind, $0.price.float) = (.unspecified, 1)
            }
            .isRefused(for: .orderMalformed), "a stop price, and no type that says what for")
    }

    // MARK: The rest

    @Test func `reads flags and times in force`() throws {
        #expect(try decode("reduce_only: reduce") { $0.reduce = true }.get().reduceOnly)
        #expect(try !decode("reduce_only: reduce").get().reduceOnly)
        let values = "values: {reduce_only: {ONE: true, ZERO: false}}"
        #expect(try decode("reduce_only: opaque", rest: values) { $0.opaque = .one }.get().reduceOnly)
        #expect(try !decode("reduce_only: opaque", rest: values).get().reduceOnly)
        #expect(try decode("time_in_force: tif") { $0.tif = "gtc" }.get().timeInForce == "GTC")
        #expect(try decode("time_in_force: tif").get().timeInForce == "")
        #expect(try decode("time_in_force: tif") { $0.tif = "g t" }.isRefused(for: .orderMalformed))
        #expect(
            try decode("time_in_force: tif", rest: "values: {time_in_force: {\"0\": gtd}}") { $0.tif = "0" }.get()
                .timeInForce == "GTD")
        #expect(try decode("time_in_force: side").get().timeInForce == "BUY")
        #expect(
            try decode("time_in_force: kind\ntype: none", rest: "default_type: MARKET") { $0.kind = .UNRECOGNIZED(99) }
                .isRefused(for: .orderMalformed))
    }

    @Test func `reads headers, each given once`() throws {
        let fields = "strategy: {header: X-Strategy}\nquantity: {header: x-quantity}\nside: {header: x-side}"
        let headers = [
            ("x-strategy", "s-1"), ("x-quantity", "1.5"), ("x-side", "sell"), ("x-other", "1"), ("x-other", "2"),
        ]
        let order = try decode(fields, headers: headers).get()
        #expect(order.strategy == "s-1" && order.quantity == "1.5" && order.side == .sell)
        for extra in headers.prefix(3) {
            #expect(try decode(fields, headers: headers + [extra]).isRefused(for: .orderMalformed), "\(extra.0) twice")
        }
        #expect(try decode(fields, headers: Array(headers.dropFirst())).get().strategy == "")
        #expect(try decode(fields, headers: [headers[0], headers[2]]).isRefused(for: .orderMalformed), "no quantity")
        #expect(
            try decode(fields, headers: [headers[0], ("x-quantity", "1e5"), headers[2]]).isRefused(for: .orderMalformed)
        )
        let plan = try OrderMappingFixture.plan(OrderMappingFixture.create("client_order_id: {header: x-id}"))
        #expect(try plan.order(validRequest(), headers: [("x-id", [0xFF])]).isRefused(for: .orderMalformed))
        #expect(try plan.order(validRequest(), headers: [("x-id", Array("é".utf8))]).get().clientOrderID == "é")
    }

    @Test func `reads constants`() throws {
        let order = try decode("account: {value: fund-1}\ntime_in_force: {value: ioc}\nreduce_only: {value: true}")
            .get()
        #expect(order.account == "fund-1" && order.timeInForce == "IOC" && order.reduceOnly)
    }

    @Test func `names what is missing`() throws {
        #expect(throws: Refusal.self) { try decode { $0.account = "" }.get() }
        let missing: [(String, (inout Wire_Request) -> Void)] = [
            ("account", { $0.account = "" }), ("symbol", { $0.symbol = "" }), ("side", { $0.side = .unspecified }),
            ("kind", { $0.kind = .unspecified }), ("quantity.double", { $0.clearQuantity() }),
            ("price.double", { $0.clearPrice() }),
        ]
        for (field, change) in missing {
            guard case .failure(let refusal) = try decode("", change) else {
                Issue.record("\(field) was not missed")
                continue
            }
            #expect(refusal.reason == .orderMalformed && refusal.field == field)
        }
    }

    @Test func `reads cancels, and says which it cannot read`() throws {
        let plan = try OrderMappingFixture.shipped()
        let decoder = OrderDecoder(plan: plan)
        let cancel =
            try Order_CancelOrderRequest.with { ($0.orderID, $0.symbol) = ("o-1", "BTCUSDT") }.serializedBytes()
            as [UInt8]
        cancel.withUnsafeBytes { bytes in
            guard case .cancel(let cancel) = decoder.decodeCancel(method: 1, message: bytes, headers: .none) else {
                Issue.record("unreadable")
                return
            }
            #expect(text(cancel.orderID) == "o-1" && text(cancel.symbol) == "BTCUSDT" && cancel.account.isEmpty)
        }
        for broken in [[0x80], Wire.bytes(2, Array("a b".utf8))] {
            broken.withUnsafeBytes { bytes in
                guard case .unreadable = decoder.decodeCancel(method: 1, message: bytes, headers: .none) else {
                    Issue.record("read")
                    return
                }
            }
        }
    }
}
