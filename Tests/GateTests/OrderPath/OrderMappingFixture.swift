import Foundation
import Gate
import RiskRules
import SwiftProtobuf

/// Plans for the tests, and what they are read with.
enum OrderMappingFixture {
    /// The descriptors of `wire.proto` and `legacy.proto`.
    static func wireDescriptors() throws -> Google_Protobuf_FileDescriptorSet {
        try Google_Protobuf_FileDescriptorSet(serializedBytes: try Fixtures.bytes("orderpath/wire.binpb"))
    }

    /// What is wrong with a mapping of the wire API.
    static func problems(_ yaml: String) throws -> [String] {
        let log = ProblemLog()
        if let mapping = OrderMappingReader.read([UInt8](yaml.utf8), file: "m.yaml", into: log), log.isEmpty {
            let plan = OrderMappingCompiler.compile(mapping, descriptors: try wireDescriptors(), into: log)
            if plan != nil, !log.isEmpty { throw FixtureError(text: "a plan in spite of problems") }
        }
        return log.problems.map(\.description)
    }

    /// The plan of a mapping of the wire API.
    static func plan(_ yaml: String) throws -> DecodePlan {
        let log = ProblemLog()
        guard let mapping = OrderMappingReader.read([UInt8](yaml.utf8), file: "m.yaml", into: log),
            let plan = OrderMappingCompiler.compile(mapping, descriptors: try wireDescriptors(), into: log)
        else { throw FixtureError(text: log.problems.map(\.description).joined(separator: "\n")) }
        return plan
    }

    /// A mapping of `/wire.Wire/Create` with these fields (one to a line) in place of the usual ones of the same name.
    static func create(_ fields: String = "", rest: String = "") -> String {
        var lines = [
            "account: account", "symbol: symbol", "side: side", "type: kind", "quantity: quantity.double",
            "price: price.double",
        ]
        for line in fields.split(separator: "\n").map(String.init) {
            let name = line.prefix { $0 != ":" }
            lines.removeAll { $0.hasPrefix("\(name):") }
            if !line.hasSuffix(": none") { lines.append(line) }
        }
        let indented = lines.map { "      \($0)\n" }.joined()
        let more = rest.split(separator: "\n").map { "    \($0)\n" }.joined()
        return
            "descriptors: wire.binpb\nmethods:\n  - path: /wire.Wire/Create\n    action: create\n    fields:\n\(indented)\(more)"
    }

    /// The shipped mapping.
    static func shipped() throws -> DecodePlan {
        let log = ProblemLog()
        let file = "\(Fixtures.repository)/deploy/orders/b25.yaml"
        let plan = OrderMappingLoader.load(file, into: log) { path, limit throws(SystemError) in
            try FileReader.read(path, limit: limit)
        }
        guard let plan else { throw FixtureError(text: log.problems.map(\.description).joined(separator: "\n")) }
        return plan
    }
}

struct FixtureError: Error { var text: String }

/// A decoded order as values that outlive the message.
struct OrderSeen: Equatable {
    var account: String
    var strategy: String
    var symbol: String
    var timeInForce: String
    var clientOrderID: String
    var side: Side
    var type: OrderType
    var typeIsByPrice: Bool
    var reduceOnly: Bool
    var quantity: String
    var price: String
    var stopPrice: String

    init(_ order: DecodedOrder) {
        account = text(order.account)
        strategy = text(order.strategy)
        symbol = text(order.symbol)
        timeInForce = text(order.timeInForce)
        clientOrderID = text(order.clientOrderID)
        side = order.side
        type = order.type
        typeIsByPrice = order.typeIsByPrice
        reduceOnly = order.reduceOnly
        quantity = order.quantity.description
        price = order.price.description
        stopPrice = order.stopPrice.description
    }
}

/// A decoded replace as values that outlive the message; empty or nil is what it leaves out.
struct ReplaceSeen: Equatable {
    var replaces = ""
    var replacesClientOrderID = ""
    var account = ""
    var symbol = ""
    var clientOrderID = ""
    var side: Side?
    var type: OrderType?
    var reduceOnly: Bool?
    var quantity: String?
    var price: String?

    init() {}
    init(_ replace: DecodedReplace) {
        replaces = text(replace.replaces)
        replacesClientOrderID = text(replace.replacesClientOrderID)
        account = text(replace.account)
        symbol = text(replace.symbol)
        clientOrderID = text(replace.clientOrderID)
        side = replace.side
        type = replace.type
        reduceOnly = replace.reduceOnly
        quantity = replace.quantity?.description
        price = replace.price?.description
    }
}

extension OrderDecoding {
    fileprivate var seen: Result<OrderSeen, Refusal> {
        switch self {
        case .order(let order): .success(OrderSeen(order))
        case .replace: .failure(Refusal(DecodeFailure(.internal, "a replace in place of an order")))
        case .refused(let failure): .failure(Refusal(failure))
        }
    }
}

/// A refusal as values that outlive the message.
struct Refusal: Error, Equatable, CustomStringConvertible {
    var reason: Reason
    var detail: String
    var field: String

    init(_ failure: DecodeFailure) {
        reason = failure.reason
        detail = failure.detail.description
        field = text(failure.field)
    }
    var description: String { "\(reason.code): \(detail) (\(field))" }
}

func text(_ bytes: UnsafeRawBufferPointer) -> String { String(decoding: bytes, as: UTF8.self) }

/// Calls `body` with headers that live as long as it runs.
func withHeaders<Result>(_ headers: [(String, [UInt8])], _ body: (HeaderFields) throws -> Result) rethrows -> Result {
    var memory: [UInt8] = []
    var ranges: [(name: Range<Int>, value: Range<Int>)] = []
    for (name, value) in headers {
        let start = memory.count
        memory += Array(name.utf8)
        let middle = memory.count
        memory += value
        ranges.append((start..<middle, middle..<memory.count))
    }
    return try memory.withUnsafeBytes { bytes in
        let fields = ranges.map {
            HeaderField(
                name: UnsafeRawBufferPointer(rebasing: bytes[$0.name]),
                value: UnsafeRawBufferPointer(rebasing: bytes[$0.value]))
        }
        return try fields.withUnsafeBufferPointer { try body(HeaderFields($0)) }
    }
}

extension DecodePlan {
    /// Decodes with a decoder of its own, from a copy of the bytes that ends where they end.
    func order(
        _ message: [UInt8], method: Int = 0, headers: [(String, [UInt8])] = []
    ) -> Result<OrderSeen, Refusal> {
        let decoder = OrderDecoder(plan: self)
        return withHeaders(headers) { headers in
            message.withUnsafeBytes { bytes in
                decoder.decodeOrder(method: method, message: bytes, headers: headers).seen
            }
        }
    }

    /// Decodes a batch with a decoder of its own: all of its orders, or why it is refused as a whole.
    func batch(_ message: [UInt8], headers: [(String, [UInt8])] = []) -> Result<[Result<OrderSeen, Refusal>], Refusal> {
        let decoder = OrderDecoder(plan: self)
        return withHeaders(headers) { headers in
            message.withUnsafeBytes { bytes in
                switch decoder.decodeBatch(method: 0, message: bytes, headers: headers) {
                case .orders(let count):
                    .success((0..<count).map { decoder.order($0, method: 0, headers: headers).seen })
                case .refused(let failure): .failure(Refusal(failure))
                }
            }
        }
    }

    /// Decodes a replace with a decoder of its own.
    func replace(_ message: [UInt8]) -> Result<ReplaceSeen, Refusal> {
        let decoder = OrderDecoder(plan: self)
        return message.withUnsafeBytes { bytes in
            switch decoder.decodeOrder(method: 0, message: bytes, headers: .none) {
            case .replace(let replace): .success(ReplaceSeen(replace))
            case .order: .failure(Refusal(DecodeFailure(.internal, "an order in place of a replace")))
            case .refused(let failure): .failure(Refusal(failure))
            }
        }
    }

    func order(_ request: Wire_Request, headers: [(String, [UInt8])] = []) throws -> Result<OrderSeen, Refusal> {
        order(try request.serializedBytes(), headers: headers)
    }
}

/// An order that the usual mapping takes.
func validRequest(_ change: (inout Wire_Request) -> Void = { _ in }) -> Wire_Request {
    var request = Wire_Request()
    request.account = "acc-1"
    request.symbol = "BTCUSDT"
    request.side = .buy
    request.kind = .limit
    request.quantity.double = 0.5
    request.price.double = 50_000
    change(&request)
    return request
}

/// Protobuf's wire format, also of what no library would write.
enum Wire {
    static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(rest)]
    }
    static func tag(_ number: UInt64, _ type: UInt64) -> [UInt8] { varint(number << 3 | type) }
    static func varint(_ number: UInt64, _ value: UInt64) -> [UInt8] { tag(number, 0) + varint(value) }
    static func fixed64(_ number: UInt64, _ value: UInt64) -> [UInt8] {
        tag(number, 1) + (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    static func fixed32(_ number: UInt64, _ value: UInt32) -> [UInt8] {
        tag(number, 5) + (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
    }
    static func bytes(_ number: UInt64, _ value: [UInt8]) -> [UInt8] {
        tag(number, 2) + varint(UInt64(value.count)) + value
    }
    static func double(_ number: UInt64, _ value: Double) -> [UInt8] { fixed64(number, value.bitPattern) }
}
