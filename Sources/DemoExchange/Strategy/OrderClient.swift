import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix
import OrderAPI
import SwiftProtobuf

/// What a call for an order got.
enum CallOutcome: Sendable {
    /// The exchange took it.
    case approved(orderID: String)
    /// Gate refused it; the exchange never saw it.
    case rejected(reason: String, message: String)
    /// The exchange refused it.
    case refused(String)
    /// No answer, or one that tells nothing about the order.
    case failed(String)
}

/// Calls `order.OrderService`, directly or through Gate.
struct OrderClient: Sendable {
    private static let timeout = Duration.seconds(5)
    /// Trailing metadata that only Gate sets.
    private static let reasonKey = "x-gate-reason"

    private let client: GRPCClient<HTTP2ClientTransport.Posix>
    private let metadata: Metadata

    /// - Parameter strategy: told to Gate in `x-strategy-id`.
    init(_ client: GRPCClient<HTTP2ClientTransport.Posix>, strategy: String) {
        self.client = client
        metadata = ["x-strategy-id": .string(strategy)]
    }

    func create(_ ticket: OrderTicket) async -> CallOutcome {
        do {
            let response: Order_CreateOrderResponse = try await call(
                OrderServiceMethods.createOrder, Order_CreateOrderRequest(ticket))
            return response.state == .rejected ? .refused(response.errorMessage) : .approved(orderID: response.orderID)
        } catch {
            return Self.outcome(of: error)
        }
    }

    func cancel(id: String, symbol: String) async -> CallOutcome {
        do {
            let response: Order_CancelOrderResponse = try await call(
                OrderServiceMethods.cancelOrder,
                Order_CancelOrderRequest.with {
                    $0.orderID = id
                    $0.symbol = symbol
                })
            return response.state == .canceled ? .approved(orderID: id) : .refused(response.errorMessage)
        } catch {
            return Self.outcome(of: error)
        }
    }

    /// Hands every update of the account's orders to `handle` until the stream ends.
    func follow(account: String, handle: @escaping @Sendable (Order_OrderUpdate) -> Void) async throws {
        try await client.serverStreaming(
            request: ClientRequest(
                message: Order_StreamOrderUpdatesRequest.with { $0.userID = account }, metadata: metadata),
            descriptor: OrderServiceMethods.streamOrderUpdates,
            serializer: MessageWriter<Order_StreamOrderUpdatesRequest>(),
            deserializer: MessageReader<Order_OrderUpdate>(), options: .defaults
        ) { response in
            for try await update in response.messages { handle(update) }
        }
    }

    private func call<Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ method: MethodDescriptor, _ request: Request
    ) async throws -> Response {
        var options = CallOptions.defaults
        options.timeout = Self.timeout
        return try await client.unary(
            request: ClientRequest(message: request, metadata: metadata), descriptor: method,
            serializer: MessageWriter<Request>(), deserializer: MessageReader<Response>(), options: options
        ) { try $0.message }
    }

    private static func outcome(of error: any Error) -> CallOutcome {
        guard let error = error as? RPCError else { return .failed("\(error)") }
        if let reason = error.metadata[stringValues: reasonKey].first(where: { _ in true }) {
            return .rejected(reason: reason, message: error.message)
        }
        switch error.code {
        case .invalidArgument, .notFound, .alreadyExists, .permissionDenied, .failedPrecondition:
            return .refused(error.message)
        default:
            return .failed("\(error.code): \(error.message)")
        }
    }
}

extension Order_CreateOrderRequest {
    init(_ ticket: OrderTicket) {
        self.init()
        symbol = ticket.symbol
        side = ticket.side == .buy ? .buy : .sell
        switch ticket.kind {
        case .market: type = .market
        case .limit: type = .limit
        case .stopMarket: type = .stopMarket
        case .stopLimit: type = .stopLimit
        }
        switch ticket.timeInForce {
        case .goodTillCanceled: timeInForce = .gtc
        case .immediateOrCancel: timeInForce = .ioc
        case .fillOrKill: timeInForce = .fok
        }
        quantity = ticket.quantity.wire
        price = ticket.price?.wire ?? 0
        stopPrice = ticket.stopPrice?.wire ?? 0
        clientOrderID = ticket.clientOrderID
        reduceOnly = ticket.reduceOnly
        postOnly = ticket.postOnly
        userID = ticket.account
    }
}
