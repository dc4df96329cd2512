import Gate
import RiskRules
import SwiftProtobuf
import Testing

/// What unwinding writes is what the decoder reads, and a mapping in which it cannot be said is refused.
@Suite struct OrderEncoderTests {
    private struct API {
        var encoder: OrderEncoder?
        var plan: DecodePlan?
        var problems: [String]
    }

    /// A mapping of `Create` with these fields, and of `Cancel` with those.
    private static func mapping(_ fields: String = "", rest: String = "", cancel: String? = cancel) -> String {
        let create = OrderMappingFixture.create("reduce_only: reduce\nclient_order_id: note\n\(fields)", rest: rest)
        guard let cancel else { return create }
        return create + "  - path: /wire.Wire/Cancel\n    action: cancel\n    fields: {\(cancel)}\n"
    }
    private static let cancel = "order_id: far, client_order_id: note, symbol: symbol, account: account"

    private func api(
        _ yaml: String, strategy: String? = nil, timeInForce: String? = nil,
        descriptors: Google_Protobuf_FileDescriptorSet? = nil
    ) throws -> API {
        let log = ProblemLog()
        let mapping = try #require(OrderMappingReader.read([UInt8](yaml.utf8), file: "m.yaml", into: log))
        let descriptors = try descriptors ?? OrderMappingFixture.wireDescriptors()
        let plan = OrderMappingCompiler.compile(mapping, descriptors: descriptors, into: log)
        try #require(log.isEmpty, "\(log.problems)")
        let place = SourceLocation(file: "gate.yaml", line: 7, column: 3)
        let encoder = OrderEncoderCompiler.compile(
            mapping, descriptors: descriptors, strategy: strategy.map { Located($0, at: place) },
            timeInForce: timeInForce.map { Located($0, at: place) }, into: log)
        return API(encoder: encoder, plan: plan, problems: log.problems.map(\.description))
    }

    private func close(
        _ side: Side = .sell, _ quantity: String = "0.5", account: String = "acc-1"
    ) throws -> PositionClose {
        PositionClose(
            account: account, symbol: "BTCUSDT", side: side, quantity: try FixedPoint(parsing: quantity),
            clientOrderID: "gate-unwind-1760000000000-7")
    }

    /// The order that a decoder makes of what was written.
    private func read(_ close: PositionClose, by api: API) throws -> Result<OrderSeen, Refusal> {
        let call = try #require(api.encoder).close(close)
        let plan = try #require(api.plan)
        let method = try #require(plan.paths.firstIndex(of: call.path))
        return plan.order(call.message, method: method, headers: call.headers.map { ($0.name, Array($0.value.utf8)) })
    }

    private func expectSame(_ close: PositionClose, _ result: Result<OrderSeen, Refusal>, _ note: String = "") throws {
        let order = try result.get()
        #expect(order.account == close.account, "\(note)")
        #expect(order.symbol == close.symbol, "\(note)")
        #expect(order.side == close.side, "\(note)")
        #expect(order.type == .market, "\(note)")
        #expect(order.reduceOnly, "\(note)")
        #expect(order.quantity == close.quantity.description, "\(note)")
    }

    // MARK: Closing orders

    @Test func `a closing order of the shipped mapping is read as the same order`() throws {
        let log = ProblemLog()
        let file = "\(Fixtures.repository)/deploy/orders/b25.yaml"
        let files = try #require(
            OrderMappingLoader.read(file, into: log) { path, limit throws(SystemError) in
                try FileReader.read(path, limit: limit)
            })
        let encoder = try #require(
            OrderEncoderCompiler.compile(files.mapping, descriptors: files.descriptors, into: log))
        let api = API(encoder: encoder, plan: try OrderMappingFixture.shipped(), problems: [])
        for side in [Side.buy, .sell] {
            let close = try close(side, "12.345")
            let order = try read(close, by: api)
            try expectSame(close, order)
            #expect(try order.get().clientOrderID == close.clientOrderID)
            #expect(try order.get().strategy.isEmpty)
        }
        let cancel = try encoder.cancel(
            OrderCancel(account: "acc-1", symbol: "BTCUSDT", orderID: "o-1", clientOrderID: "c-1"))
        #expect(cancel.path == "/order.OrderService/CancelOrder")
        #expect(cancel.message == Wire.bytes(1, Array("o-1".utf8)) + Wire.bytes(2, Array("BTCUSDT".utf8)))
        // This API cancels by its own ids only.
        #expect(throws: UnexpressibleOrder.self) {
            try encoder.cancel(OrderCancel(account: "acc-1", symbol: "BTCUSDT", orderID: nil, clientOrderID: "c-1"))
        }
    }

    @Test(arguments: [
        "double", "float", "int32", "int64", "uint32", "uint64", "sint32", "sint64", "fixed32", "fixed64", "sfixed32",
        "sfixed64", "text", "maybe",
    ])
    func `random closing orders are read as the same orders, whatever type the quantity has`(_ type: String) throws {
        var random = SplitMix(seed: 11)
        let isInteger = !["double", "float", "text", "maybe"].contains(type)
        let source = isInteger ? "{field: quantity.\(type), scale: 1e-3}" : "quantity.\(type)"
        let api = try api(Self.mapping("quantity: \(source)"))
        for _ in 0..<200 {
            // Six significant digits: what every type holds.
            let count = Int128(Int.random(in: 1...999_999, using: &random))
            let quantity = FixedPoint(units: count * FixedPoint.scale / 1000)
            var close = try close(Bool.random(using: &random) ? .buy : .sell)
            close.quantity = quantity
            try expectSame(close, try read(close, by: api), "\(quantity)")
        }
    }

    @Test func `a quantity that the field cannot hold is written as the largest below it`() throws {
        var random = SplitMix(seed: 12)
        for type in ["double", "float", "text"] {
            let api = try api(Self.mapping("quantity: quantity.\(type)"))
            for _ in 0..<500 {
                var close = try close()
                close.quantity = FixedPoint(
                    units: Int128.random(
                        in: 1_000_000...FixedPoint.maximumUnits >> Int128.random(in: 0...60, using: &random),
                        using: &random))
                let read = try FixedPoint(parsing: try read(close, by: api).get().quantity)
                #expect(read <= close.quantity)
                // A float has 24 bits.
                let gap = (close.quantity.units - read.units).magnitude
                #expect(
                    gap <= (type == "text" ? 0 : close.quantity.units.magnitude >> 22), "\(close.quantity) as \(type)")
            }
        }
        let scaled = try api(Self.mapping("quantity: {field: quantity.int64, scale: 1e-2}"))
        #expect(try read(try close(.sell, "1.239"), by: scaled).get().quantity == "1.23")
        #expect(throws: UnexpressibleOrder.self) { try read(try close(.sell, "0.009"), by: scaled) }
        let narrow = try api(Self.mapping("quantity: {field: quantity.int32, scale: 1e-2}"))
        #expect(try read(try close(.sell, "21474836.47"), by: narrow).get().quantity == "21474836.47")
        #expect(throws: UnexpressibleOrder.self) { try read(try close(.sell, "21474836.48"), by: narrow) }
    }

    @Test func `what stands in headers, constants, texts and numbers is written there`() throws {
        let fields = """
            account: {header: X-Account}
            side: side_number
            type: {value: market}
            quantity: {header: x-quantity}
            reduce_only: opaque
            client_order_id: {header: x-id}
            strategy: {header: x-strategy}
            time_in_force: tif
            """
        let values = "values: {side: {\"7\": BUY, \"9\": SELL}, reduce_only: {ONE: TRUE}, time_in_force: {ioc: IOC}}"
        let api = try api(Self.mapping(fields, rest: values), strategy: "unwinder", timeInForce: "ioc")
        for side in [Side.buy, .sell] {
            let close = try close(side, "1000000000000000000")
            let order = try read(close, by: api)
            try expectSame(close, order)
            #expect(try order.get().strategy == "unwinder")
            #expect(try order.get().timeInForce == "IOC")
            #expect(try order.get().clientOrderID == close.clientOrderID)
        }
    }

    @Test func `where the type is not mapped a default of MARKET or by_price will do`() throws {
        for rest in ["default_type: MARKET", "default_type: by_price"] {
            let close = try close()
            try expectSame(close, try read(close, by: try api(Self.mapping("type: none", rest: rest))), rest)
        }
    }

    @Test func `a constant account is that account's only`() throws {
        let api = try api(Self.mapping("account: {value: acc-1}"))
        try expectSame(try close(), try read(try close(), by: api))
        #expect(throws: UnexpressibleOrder.self) { try read(try close(account: "acc-2"), by: api) }
    }

    // MARK: Cancels

    @Test func `an order is cancelled by the endpoint's id, or else the client's`() throws {
        let api = try api(Self.mapping())
        let decoder = OrderDecoder(plan: try #require(api.plan))
        for (orderID, clientOrderID) in [("o-1", "c-1"), ("o-1", nil), (nil, "c-1"), ("", "c-1")] {
            let call = try #require(api.encoder).cancel(
                OrderCancel(account: "acc-1", symbol: "BTCUSDT", orderID: orderID, clientOrderID: clientOrderID))
            let seen: (String, String, String, String)? = call.message.withUnsafeBytes { bytes in
                guard case .cancel(let cancel) = decoder.decodeCancel(method: 1, message: bytes, headers: .none) else {
                    return nil
                }
                return (text(cancel.orderID), text(cancel.clientOrderID), text(cancel.account), text(cancel.symbol))
            }
            let cancel = try #require(seen)
            let byOwnID = orderID == "o-1"
            #expect(cancel == (byOwnID ? "o-1" : "", byOwnID ? "" : "c-1", "acc-1", "BTCUSDT"))
        }
        #expect(throws: UnexpressibleOrder.self) {
            try #require(api.encoder).cancel(
                OrderCancel(account: "acc-1", symbol: "BTCUSDT", orderID: nil, clientOrderID: nil))
        }
    }

    // MARK: Mappings that cannot say it

    @Test(arguments: [
        ("reduce_only: none", "", "an order that closes a position must say reduce_only"),
        ("type: none", "default_type: LIMIT", "default_type is LIMIT"),
        ("type: {value: LIMIT}", "", "every type is \"LIMIT\", and closing a position needs MARKET"),
        ("side: {value: BUY}", "", "every side is \"BUY\", and closing a position needs BUY or SELL"),
        ("quantity: {value: 1}", "", "every quantity is \"1\""),
        ("reduce_only: {value: \"false\"}", "", "closing a position needs TRUE"),
        ("reduce_only: opaque", "values: {reduce_only: {ZERO: FALSE}}", "fields.reduce_only to say TRUE"),
        ("type: stop_kind", "", "fields.type to say MARKET"),
        ("client_order_id: side_number", "", "the client order ids of closing orders are texts"),
        ("client_order_id: account", "", "cannot both be written: they are one field"),
    ])
    func `a mapping that cannot close a position is a problem with a place`(
        _ fields: String, _ rest: String, _ problem: String
    ) throws {
        let api = try api(Self.mapping(fields, rest: rest))
        #expect(api.encoder == nil)
        #expect(api.problems.count == 1)
        #expect(api.problems.first?.contains(problem) == true, "\(api.problems)")
        #expect(api.problems.first?.hasPrefix("m.yaml:") == true)
    }

    @Test func `a mapping without a single create or without a cancel is a problem`() throws {
        let none = try api(Self.mapping(cancel: nil))
        #expect(none.encoder == nil)
        #expect(
            none.problems == [
                "m.yaml:1:14: unwind: there is no method of action cancel; map one, or leave unwind out"
            ])
        let batch = """
            descriptors: wire.binpb
            methods:
              - path: /wire.Wire/CreateBatch
                action: create
                each: items
                default_type: MARKET
                fields: {account: {outer: account}, symbol: symbol, side: side, quantity: quantity}
              - path: /wire.Wire/Cancel
                action: cancel
                fields: {order_id: far}
            """
        let batches = try api(batch)
        #expect(batches.encoder == nil)
        #expect(batches.problems.first?.contains("a method of action create that is no batch") == true)
    }

    @Test func `a strategy or time in force that the mapping has no place for is a problem where it is written`() throws
    {
        let api = try api(Self.mapping(), strategy: "unwinder", timeInForce: "IOC")
        #expect(api.encoder == nil)
        #expect(api.problems.count == 2)
        #expect(api.problems.allSatisfy { $0.hasPrefix("gate.yaml:7:3: unwind.") })
    }

    @Test func `of several methods the first that can say it is taken`() throws {
        let useless = OrderMappingFixture.create()
        let able = """
              - path: /wire.Wire/Refuse
                action: create
                fields:
                  account: account
                  symbol: symbol
                  side: side
                  type: kind
                  quantity: quantity.double
                  reduce_only: reduce
              - path: /wire.Wire/Cancel
                action: cancel
                fields: {order_id: far}

            """
        let both = try api(useless + able.split(separator: "\n").map { "  \($0.dropFirst(2))\n" }.joined())
        #expect(both.problems.isEmpty)
        #expect(try #require(both.encoder).close(try close()).path == "/wire.Wire/Refuse")
    }
}
