import Foundation
import GRPCCore
import OrderAPI
import SwiftProtobuf

/// `order.OrderService` in front of a venue.
struct OrderService: RegistrableRPCService {
    /// Orders in one answer to GetOrders, if the request names no smaller number.
    private static let maxOrdersListed = 1_000

    let venue: Venue
    /// Waited before each unary answer, to look like a slower exchange.
    let latency: Duration

    func registerMethods<Transport: ServerTransport>(with router: inout RPCRouter<Transport>) {
        unary(OrderServiceMethods.createOrder, in: &router, answer: createOrder)
        unary(OrderServiceMethods.cancelOrder, in: &router, answer: cancelOrder)
        unary(OrderServiceMethods.getOrder, in: &router, answer: getOrder)
        unary(OrderServiceMethods.getOrders, in: &router, answer: getOrders)
        router.registerHandler(
            forMethod: OrderServiceMethods.streamOrderUpdates,
            deserializer: MessageReader<Order_StreamOrderUpdatesRequest>(),
            serializer: MessageWriter<Order_OrderUpdate>()
        ) { [venue] request, _ in
            let wanted = try await ServerRequest(stream: request).message
            return StreamingServerResponse { writer in
                for try await update in venue.follow(account: wanted.userID, symbols: Set(wanted.symbols)) {
                    try await writer.write(update)
                }
                return [:]
            }
        }
    }

    private func unary<Transport: ServerTransport, Request: SwiftProtobuf.Message, Response: SwiftProtobuf.Message>(
        _ method: MethodDescriptor, in router: inout RPCRouter<Transport>,
        answer: @escaping @Sendable (Request) throws -> Response
    ) {
        router.registerHandler(
            forMethod: method, deserializer: MessageReader<Request>(), serializer: MessageWriter<Response>()
        ) { [latency] stream, _ in
            let request = try await ServerRequest(stream: stream)
            let response = Result { try answer(request.message) }
            if latency > .zero { try await Task.sleep(for: latency) }
            return StreamingServerResponse(single: ServerResponse(message: try response.get()))
        }
    }

    private func createOrder(_ request: Order_CreateOrderRequest) throws -> Order_CreateOrderResponse {
        do {
            return Order_CreateOrderResponse(try venue.create(OrderTicket(request)))
        } catch {
            throw RPCError(code: .invalidArgument, message: error.message)
        }
    }

    private func cancelOrder(_ request: Order_CancelOrderRequest) throws -> Order_CancelOrderResponse {
        guard let order = venue.cancel(request.orderID, symbol: request.symbol) else {
            throw Self.unknownOrder(request.orderID)
        }
        return Order_CancelOrderResponse(order)
    }

    private func getOrder(_ request: Order_GetOrderRequest) throws -> Order_GetOrderResponse {
        guard let order = venue.order(request.orderID) else { throw Self.unknownOrder(request.orderID) }
        return Order_GetOrderResponse.with { $0.order = Order_Order(order) }
    }

    private func getOrders(_ request: Order_GetOrdersRequest) throws -> Order_GetOrdersResponse {
        let listed = venue.orders(
            symbol: request.symbol, state: ExchangeOrder.State(request.state),
            createdFrom: Self.nanoseconds(request.startTime) ?? 0,
            to: Self.nanoseconds(request.endTime) ?? .max,
            limit: request.limit > 0 ? min(Int(request.limit), Self.maxOrdersListed) : Self.maxOrdersListed)
        return Order_GetOrdersResponse.with { $0.orders = listed.map(Order_Order.init) }
    }

    /// Of the wire's milliseconds; nil where the request leaves the bound open.
    private static func nanoseconds(_ milliseconds: Int64) -> Int64? {
        guard milliseconds > 0 else { return nil }
        let (product, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? .max : product
    }

    private static func unknownOrder(_ id: String) -> RPCError {
        RPCError(code: .notFound, message: "no order \(id) of that symbol")
    }
}
