import Foundation
import OrderAPI
import Synchronization

/// What the strategy knows of its own orders and positions, from the updates that it follows.
final class OwnOrders: Sendable {
    private struct Known {
        let symbol: String
        let sentAt: ContinuousClock.Instant
        var filled: Decimal
        var isOpen: Bool
    }

    private struct State {
        var orders: [String: Known] = [:]
        var positions: [String: Decimal] = [:]
    }

    private let state = Mutex(State())

    func take(_ update: Order_OrderUpdate) {
        let order = update.order
        let filled = Decimal(wire: order.filledQuantity) ?? 0
        let isOpen = order.state == .new || order.state == .partiallyFilled
        state.withLock { state in
            let before = state.orders[order.orderID]
            let sign: Decimal = order.side == .buy ? 1 : -1
            state.positions[order.symbol, default: 0] += (filled - (before?.filled ?? 0)) * sign
            // A created order that was filled at once is told twice: what has ended is kept until its last update.
            let isLast = !isOpen && update.updateType != OrderEvent.Kind.created.rawValue
            state.orders[order.orderID] =
                isLast
                ? nil
                : Known(
                    symbol: order.symbol, sentAt: before?.sentAt ?? .now, filled: filled, isOpen: isOpen)
        }
    }

    func view(marks: [String: Decimal]) -> MarketView {
        let now = ContinuousClock.now
        return state.withLock { state in
            let open = state.orders.filter(\.value.isOpen).sorted { $0.value.sentAt < $1.value.sentAt }
            return MarketView(
                marks: marks, positions: state.positions.filter { $0.value != 0 },
                open: open.map { .init(id: $0.key, symbol: $0.value.symbol, age: now - $0.value.sentAt) })
        }
    }

    /// Forgets an order that the exchange says is no longer there.
    func forget(_ id: String) { state.withLock { $0.orders[id] = nil } }
}
