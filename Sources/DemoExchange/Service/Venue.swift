import Foundation
import GRPCCore
import OrderAPI
import Synchronization

/// The one exchange of the process, behind its lock, with those who follow its orders.
///
/// Every method is short and takes the time as it enters, so that what is published as of a moment holds all that
/// was answered before it.
final class Venue: Sendable {
    /// Updates that a follower may be behind before its stream is ended.
    private static let maxBacklog = 10_000

    typealias Updates = AsyncThrowingStream<Order_OrderUpdate, any Error>

    private struct Follower {
        let account: String
        let symbols: Set<String>
        let updates: Updates.Continuation

        func follows(_ order: ExchangeOrder) -> Bool {
            (account.isEmpty || account == order.ticket.account)
                && (symbols.isEmpty || symbols.contains(order.ticket.symbol))
        }
    }

    private struct State {
        var exchange: Exchange
        var followers: [Int: Follower] = [:]
        var lastFollower = 0
        /// Accounts and prices that changed since they were last published.
        var changedAccounts: Set<String> = []
        var quotesChanged = true
        var isClosed = false
    }

    /// What is to be published.
    struct Changes {
        var quotes: [(symbol: String, quote: Quote)] = []
        var accounts: [(name: String, state: AccountState)] = []
    }

    private let state: Mutex<State>
    private let wakePublisher: @Sendable () -> Void

    /// - Parameter onChange: called, on any thread, when there is something to publish.
    init(_ exchange: Exchange, onChange: @escaping @Sendable () -> Void) {
        state = Mutex(State(exchange: exchange))
        wakePublisher = onChange
    }

    // MARK: Orders

    func create(_ ticket: OrderTicket) throws(InvalidOrder) -> ExchangeOrder {
        let result = state.withLock { state -> Result<ExchangeOrder?, InvalidOrder> in
            do throws(InvalidOrder) {
                let events = try state.exchange.create(ticket, at: UnixTime.now())
                Self.publish(events, in: &state)
                return .success(events.last?.order)
            } catch {
                return .failure(error)
            }
        }
        wakePublisher()
        guard let order = try result.get() else { throw InvalidOrder(message: "the order has no outcome") }
        return order
    }

    func cancel(_ id: String, symbol: String) -> ExchangeOrder? {
        let order = state.withLock { state -> ExchangeOrder? in
            guard let (order, events) = state.exchange.cancel(id, symbol: symbol, at: UnixTime.now()) else {
                return nil
            }
            Self.publish(events, in: &state)
            return order
        }
        wakePublisher()
        return order
    }

    func order(_ id: String) -> ExchangeOrder? { state.withLock { $0.exchange.order(id) } }

    func orders(
        symbol: String, state wanted: ExchangeOrder.State?, createdFrom: Int64, to end: Int64, limit: Int
    ) -> [ExchangeOrder] {
        state.withLock {
            $0.exchange.orders(symbol: symbol, state: wanted, createdFrom: createdFrom, to: end, limit: limit)
        }
    }

    // MARK: Followers

    /// Updates of the orders of an account (empty: of all) in some symbols (empty: in all), from now on.
    func follow(account: String, symbols: Set<String>) -> Updates {
        let (updates, continuation) = Updates.makeStream(bufferingPolicy: .bufferingOldest(Self.maxBacklog))
        let id = state.withLock { state -> Int? in
            guard !state.isClosed else { return nil }
            state.lastFollower += 1
            state.followers[state.lastFollower] = Follower(account: account, symbols: symbols, updates: continuation)
            return state.lastFollower
        }
        if let id {
            continuation.onTermination = { [weak self] _ in self?.forget(id) }
        } else {
            continuation.finish()
        }
        return updates
    }

    /// Ends all streams of updates and accepts no more.
    func close() {
        let followers = state.withLock { state in
            state.isClosed = true
            defer { state.followers = [:] }
            return Array(state.followers.values)
        }
        for follower in followers { follower.updates.finish() }
    }

    private func forget(_ id: Int) { state.withLock { $0.followers[id] = nil } }

    // MARK: Time and publication

    /// Moves the prices by `interval` seconds.
    func advance(by interval: Double) {
        state.withLock { state in
            let events = state.exchange.advance(by: interval, at: UnixTime.now())
            state.quotesChanged = true
            Self.publish(events, in: &state)
        }
        wakePublisher()
    }

    /// What changed since the last call; all accounts where `refreshingAll`.
    func takeChanges(refreshingAll: Bool) -> Changes {
        state.withLock { state in
            let now = UnixTime.now()
            var changes = Changes()
            if state.quotesChanged { changes.quotes = state.exchange.quotes }
            state.quotesChanged = false
            let names = refreshingAll ? state.exchange.accountNames : state.changedAccounts.sorted()
            state.changedAccounts.removeAll()
            changes.accounts = names.compactMap { name in
                state.exchange.nextState(of: name, at: now).map { (name, $0) }
            }
            return changes
        }
    }

    /// Has all prices taken for changed: what was published may be lost.
    func publishAgain() { state.withLock { $0.quotesChanged = true } }

    private static func publish(_ events: [OrderEvent], in state: inout State) {
        for event in events {
            state.changedAccounts.insert(event.order.ticket.account)
            for follower in state.followers.values where follower.follows(event.order) {
                if case .dropped = follower.updates.yield(Order_OrderUpdate(event)) {
                    // Not under the lock: ending a stream calls back into `forget`.
                    Task {
                        follower.updates.finish(
                            throwing: RPCError(code: .resourceExhausted, message: "updates are read too slowly"))
                    }
                }
            }
        }
    }
}
