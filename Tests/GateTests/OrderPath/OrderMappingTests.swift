import Foundation
import Gate
import OrderAPI
import RiskRules
import SwiftProtobuf
import Testing

@Suite struct OrderMappingTests {
    @Test(
        "each broken mapping yields its list of problems",
        arguments: try Fixtures.names(in: "orderpath/mappings", ending: ".yaml"))
    func brokenMappingYieldsItsProblems(_ name: String) throws {
        let path = "orderpath/mappings/\(name)"
        let yaml = String(decoding: try Fixtures.bytes(path), as: UTF8.self)
        let found = try OrderMappingFixture.problems(yaml).map { "\($0)\n" }.joined()
        let golden = URL(fileURLWithPath: "\(Fixtures.directory)/\(path)").deletingPathExtension()
            .appendingPathExtension("problems")
        if ProcessInfo.processInfo.environment["GATE_WRITE_GOLDEN"] == "1" {
            try Data(found.utf8).write(to: golden)
        }
        #expect(found == String(decoding: try Data(contentsOf: golden), as: UTF8.self))
    }

    @Test func `compiles the shipped mapping`() throws {
        let plan = try OrderMappingFixture.shipped()
        #expect(
            plan.paths.map { $0.split(separator: "/").last } == [
                "CreateOrder", "CancelOrder", "GetOrder", "GetOrders", "StreamOrderUpdates",
            ])
        #expect(plan.paths.indices.map { plan.method($0).action } == [.create, .cancel, .pass, .pass, .pass])
        let request = Order_CreateOrderRequest.with {
            ($0.symbol, $0.side, $0.type, $0.userID, $0.clientOrderID) = ("BTCUSDT", .sell, .stopLimit, "acc-1", "c-1")
            ($0.quantity, $0.price, $0.stopPrice, $0.timeInForce, $0.reduceOnly) = (
                0.1 + 0.2, 50_000.5, 50_100, .ioc, true
            )
        }
        let order = try plan.order(try request.serializedBytes(), headers: [("x-strategy-id", Array("mm-1".utf8))])
            .get()
        #expect(order.account == "acc-1" && order.strategy == "mm-1" && order.symbol == "BTCUSDT")
        #expect(order.side == .sell && order.type == .stopLimit && order.timeInForce == "IOC" && order.reduceOnly)
        #expect(order.quantity == "0.3" && order.price == "50000.5" && order.stopPrice == "50100")
        #expect(order.clientOrderID == "c-1")
    }

    @Test func `the shipped descriptor set is that of the shipped proto file`() throws {
        let set = try Google_Protobuf_FileDescriptorSet(
            serializedBytes: try Data(
                contentsOf: URL(fileURLWithPath: "\(Fixtures.repository)/deploy/orders/b25.binpb")))
        let file = try #require(set.file.first { $0.package == "order" })
        let source = try String(
            contentsOf: URL(fileURLWithPath: "\(Fixtures.repository)/deploy/orders/order.proto"), encoding: .utf8)
        for message in file.messageType {
            #expect(source.contains("message \(message.name) {"))
            for field in message.field { #expect(source.contains(" \(field.name) = \(field.number);")) }
        }
        #expect(file.messageType.count == source.components(separatedBy: "\nmessage ").count - 1)
    }

    @Test func `accepts what the later parts of a mapping say by saying nothing`() throws {
        let rest = "each: \"\"\nreject: status\nresponse: {order_id: order_id, filled: \"\", each: \"\"}"
        #expect(try OrderMappingFixture.problems(OrderMappingFixture.create(rest: rest)) == [])
    }

    @Test func `asks for each field that an order needs`() throws {
        #expect(try OrderMappingFixture.problems(OrderMappingFixture.create()) == [])
        for role in ["account", "symbol", "side", "quantity", "type"] {
            let problems = try OrderMappingFixture.problems(OrderMappingFixture.create("\(role): none"))
            #expect(problems.count == 1 && problems[0].contains("\(role) is missing"), "\(problems)")
        }
        for role in ["price"] {
            #expect(try OrderMappingFixture.problems(OrderMappingFixture.create("\(role): none")) == [])
        }
    }

    @Test func `reports files that cannot be read, and sets that are none`() throws {
        func problems(_ files: [String: [UInt8]]) -> [String] {
            let log = ProblemLog()
            let plan = OrderMappingLoader.load("d/m.yaml", into: log) { path, _ throws(SystemError) in
                guard let bytes = files[path] else { throw SystemError("open", errno: 2) }
                return bytes
            }
            #expect(plan == nil)
            return log.problems.map(\.description)
        }
        let yaml = Array(OrderMappingFixture.create().utf8)
        #expect(problems([:]) == ["d/m.yaml:1:1: cannot be read: open: No such file or directory"])
        #expect(
            problems(["d/m.yaml": yaml])
                == ["d/m.yaml:1:14: descriptors: d/wire.binpb cannot be read: open: No such file or directory"])
        #expect(
            problems(["d/m.yaml": yaml, "d/wire.binpb": [0xFF]]).first?.contains("is not a descriptor set") == true)
        #expect(
            problems(["d/m.yaml": yaml, "d/wire.binpb": []]).first?.contains("no method \"/wire.Wire/Create\"") == true)
    }

    @Test func `reports descriptors that were made without their imports`() throws {
        var set = try OrderMappingFixture.wireDescriptors()
        for file in set.file.indices {
            set.file[file].messageType.removeAll { $0.name == "Numbers" }
        }
        let log = ProblemLog()
        let mapping = try #require(
            OrderMappingReader.read(
                Array(OrderMappingFixture.create("quantity: units").utf8), file: "m.yaml", into: log))
        #expect(OrderMappingCompiler.compile(mapping, descriptors: set, into: log) == nil)
        #expect(log.problems.contains { $0.message.contains("lacks wire.Numbers") })
    }
}
