import GRPCCore
import SwiftProtobuf

/// The methods of `order.OrderService` by name.
enum OrderServiceMethods {
    private static let service = ServiceDescriptor(package: "order", service: "OrderService")

    static let createOrder = MethodDescriptor(service: service, method: "CreateOrder", type: .unary)
    static let cancelOrder = MethodDescriptor(service: service, method: "CancelOrder", type: .unary)
    static let getOrder = MethodDescriptor(service: service, method: "GetOrder", type: .unary)
    static let getOrders = MethodDescriptor(service: service, method: "GetOrders", type: .unary)
    static let streamOrderUpdates = MethodDescriptor(
        service: service, method: "StreamOrderUpdates", type: .serverStreaming)
}

/// Protobuf bytes of a message, for gRPC to carry.
struct MessageWriter<Message: SwiftProtobuf.Message>: MessageSerializer {
    func serialize<Bytes: GRPCContiguousBytes>(_ message: Message) throws -> Bytes {
        let bytes: [UInt8] = try message.serializedBytes()
        return Bytes(bytes)
    }
}

struct MessageReader<Message: SwiftProtobuf.Message>: MessageDeserializer {
    func deserialize<Bytes: GRPCContiguousBytes>(_ bytes: Bytes) throws -> Message {
        do {
            return try bytes.withUnsafeBytes { try Message(serializedBytes: Array($0)) }
        } catch {
            throw RPCError(code: .invalidArgument, message: "the message cannot be read: \(error)")
        }
    }
}
