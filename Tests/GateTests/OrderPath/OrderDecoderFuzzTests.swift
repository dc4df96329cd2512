import Gate
import OrderAPI
import RiskRules
import SwiftProtobuf
import Testing

/// Seeded random messages against swift-protobuf: what is taken, both read the same way.
@Suite struct OrderDecoderFuzzTests {
    private static func randomRequest(_ generator: inout SplitMix) -> Order_CreateOrderRequest {
        .with {
            $0.symbol = ["BTCUSDT", "ETHUSDT", "x", "a/b:c"].randomElement(using: &generator) ?? ""
            $0.side = Bool.random(using: &generator) ? .buy : .sell
            $0.type = [.market, .limit, .stopMarket, .stopLimit, .postOnly].randomElement(using: &generator) ?? .limit
            $0.quantity = Double.random(in: 1e-6...1e6, using: &generator)
            $0.price = Double(Int.random(in: 1...100_000, using: &generator)) / 10
            $0.stopPrice = Double.random(in: 1...2, using: &generator)
            $0.timeInForce = [.gtc, .ioc, .fok, .gtx, .tifUnspecified].randomElement(using: &generator) ?? .gtc
            $0.clientOrderID = "c-\(UInt16.random(in: 0...(.max), using: &generator))"
            $0.reduceOnly = Bool.random(using: &generator)
            $0.userID = "acc-1"
        }
    }

    /// What the order must look like, from swift-protobuf's reading of the same bytes.
    private static func expected(_ request: Order_CreateOrderRequest) throws -> (symbol: String, [String]) {
        func decimal(_ value: Double) throws -> String { try FixedPoint(rounding: Array("\(value)".utf8)).description }
        let names: [Order_TimeInForce: String] = [.gtc: "GTC", .ioc: "IOC", .fok: "FOK", .gtx: "GTX"]
        let hasPrice = [.limit, .stopLimit, .postOnly].contains(request.type)
        let hasStop = [.stopMarket, .stopLimit].contains(request.type)
        return (
            request.symbol,
            [
                request.userID, request.side == .buy ? "buy" : "sell", try decimal(request.quantity),
                hasPrice ? try decimal(request.price) : "0", hasStop ? try decimal(request.stopPrice) : "0",
                names[request.timeInForce] ?? "", request.clientOrderID, "\(request.reduceOnly)",
            ]
        )
    }

    private static func check(_ bytes: [UInt8], _ order: OrderSeen) throws {
        let request = try Order_CreateOrderRequest(serializedBytes: bytes)
        let (symbol, rest) = try expected(request)
        #expect(order.symbol == symbol)
        let seen = [
            order.account, "\(order.side)", order.quantity, order.price, order.stopPrice, order.timeInForce,
            order.clientOrderID, "\(order.reduceOnly)",
        ]
        #expect(seen == rest)
    }

    @Test func `takes every valid order as swift-protobuf reads it`() throws {
        let plan = try OrderMappingFixture.shipped()
        var generator = SplitMix(seed: 7)
        for _ in 0..<5_000 {
            let bytes = try Self.randomRequest(&generator).serializedBytes() as [UInt8]
            try Self.check(bytes, try plan.order(bytes).get())
        }
    }

    @Test func `survives mutations, and reads what it takes as swift-protobuf does`() throws {
        let plan = try OrderMappingFixture.shipped()
        var generator = SplitMix(seed: 11)
        var taken = 0
        for _ in 0..<100_000 {
            var bytes = try Self.randomRequest(&generator).serializedBytes() as [UInt8]
            for _ in 0..<Int.random(in: 1...3, using: &generator) { Self.mutate(&bytes, &generator) }
            guard case .success(let order) = plan.order(bytes) else { continue }
            taken += 1
            try Self.check(bytes, order)
        }
        #expect(taken > 10_000, "the mutations must leave something to compare")
    }

    @Test func `survives random bytes, also as an answer`() throws {
        let plan = try OrderMappingFixture.plan(
            OrderMappingFixture.create(rest: "response: {order_id: order_id, filled: filled.double}"))
        let decoder = ResponseDecoder(plan: plan)
        var generator = SplitMix(seed: 13)
        for _ in 0..<100_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                // Small bytes make tags and lengths that mean something.
                UInt8.random(in: 0...(Bool.random(using: &generator) ? 40 : 255), using: &generator)
            }
            if case .success = plan.order(bytes) { Issue.record("an order out of noise: \(bytes)") }
            bytes.withUnsafeBytes { _ = decoder.decode(method: 0, message: $0) }
        }
    }

    @Test func `reads mutated batches as swift-protobuf reads them`() throws {
        let plan = try OrderMappingFixture.plan(
            BatchDecodingTests.mapping.replacing("{field: quantity, scale: 1e-8}", with: "[quantity, price_double]"))
        var generator = SplitMix(seed: 31)
        var taken = 0
        for round in 0..<20_000 {
            let items = (0..<Int.random(in: 1...4, using: &generator)).map { index in
                BatchDecodingTests.item("c-\(round)-\(index)") {
                    $0.quantity = Int64.random(in: 1...1_000_000, using: &generator)
                    $0.side = Bool.random(using: &generator) ? .buy : .sell
                }
            }
            var bytes = try Wire_Batch.with { ($0.account, $0.items) = ("acc-1", items) }.serializedBytes() as [UInt8]
            for _ in 0..<Int.random(in: 0...2, using: &generator) { Self.mutate(&bytes, &generator) }
            guard case .success(let orders) = plan.batch(bytes) else { continue }
            let batch = try Wire_Batch(serializedBytes: bytes)
            #expect(orders.count == batch.items.count)
            for (order, item) in zip(orders, batch.items) {
                guard case .success(let order) = order else { continue }
                taken += 1
                #expect(order.account == (item.account.isEmpty ? batch.account : item.account))
                #expect(order.symbol == item.symbol && order.clientOrderID == item.clientOrderID)
                #expect(order.side == (item.side == .buy ? .buy : .sell))
                if item.quantity != 0 { #expect(order.quantity == "\(item.quantity)") }
            }
        }
        #expect(taken > 10_000, "the mutations must leave something to compare")
    }

    @Test func `survives random bytes as a batch and as its answer`() throws {
        let plan = try OrderMappingFixture.plan(BatchDecodingTests.mapping)
        let decoder = ResponseDecoder(plan: plan)
        var generator = SplitMix(seed: 37)
        for _ in 0..<30_000 {
            let bytes = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
                UInt8.random(in: 0...(Bool.random(using: &generator) ? 40 : 255), using: &generator)
            }
            for case .success in (try? plan.batch(bytes).get()) ?? [] {
                Issue.record("an order out of noise: \(bytes)")
            }
            bytes.withUnsafeBytes { bytes in
                for index in 0..<(decoder.decodeEach(method: 0, message: bytes) ?? 0) {
                    _ = decoder.item(index, method: 0)
                }
            }
        }
    }

    private static func mutate(_ bytes: inout [UInt8], _ generator: inout SplitMix) {
        guard !bytes.isEmpty else { return }
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
        case 3: bytes.remove(at: place)
        case 4: bytes.removeLast(bytes.count - place)
        case 5:
            bytes += Wire.varint(
                UInt64.random(in: 1...12, using: &generator), UInt64.random(in: 0...6, using: &generator))
        case 6:
            bytes += Wire.double(
                UInt64.random(in: 4...6, using: &generator), Double.random(in: 0...9, using: &generator))
        default: bytes += bytes[place...]
        }
    }
}

extension FixedPoint {
    fileprivate init(rounding text: [UInt8]) throws {
        self = try text.withUnsafeBytes { try FixedPoint(rounding: $0) }
    }
}
