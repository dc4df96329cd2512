import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// Carries out what the planner decides, at a steady rate, and counts what comes of it.
struct StrategyRunner: Sendable {
    let target: Address
    let account: String
    let strategy: String
    /// Orders and cancels a second, bursts apart.
    let rate: Double
    let mistakeInterval: Duration
    let seed: UInt64
    let marketData: MarketData
    let tally: SharedTally

    /// Until cancelled.
    func run() async throws {
        let transport = try HTTP2ClientTransport.Posix(
            target: target.target, transportSecurity: .plaintext,
            config: .defaults {
                $0.backoff.initial = .milliseconds(100); $0.backoff.max = .seconds(2)
            })
        try await withGRPCClient(transport: transport) { client in
            let orders = OwnOrders()
            let client = OrderClient(client, strategy: strategy)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await follow(client, into: orders) }
                group.addTask { try await trade(client, orders) }
                try await group.next()
                group.cancelAll()
            }
        }
    }

    private func follow(_ client: OrderClient, into orders: OwnOrders) async throws {
        while true {
            do {
                try await client.follow(account: account, handle: orders.take)
            } catch {
                tally.update { $0.noteStreamEnded(error) }
            }
            try await Task.sleep(for: .milliseconds(500))
        }
    }

    private func trade(_ client: OrderClient, _ orders: OwnOrders) async throws {
        let start = ContinuousClock.now
        var planner = StrategyPlanner(
            account: account, mistakeInterval: mistakeInterval,
            idPrefix: "\(strategy)-\(String(UnixTime.now() / 1_000_000, radix: 36))-", seed: seed)
        var due = start
        while true {
            try await Task.sleep(until: due)
            due = max(due + .seconds(1 / rate), .now)
            switch planner.next(orders.view(marks: marketData.current), elapsed: .now - start) {
            case .send(let order):
                let outcome = await client.create(order.ticket)
                count(outcome, of: order)
                if !outcome.wasTaken { planner.learnRefusal(of: order.intent, elapsed: .now - start) }
            case .burst(let burst):
                await withTaskGroup(of: Void.self) { group in
                    for order in burst {
                        group.addTask { count(await client.create(order.ticket), of: order) }
                    }
                }
            case .cancel(let id, let symbol):
                let outcome = await client.cancel(id: id, symbol: symbol)
                orders.forget(id)
                tally.update { $0.countCancel(outcome) }
            }
        }
    }

    private func count(_ outcome: CallOutcome, of order: PlannedOrder) {
        // What the end of the strategy itself interrupts says nothing about the order.
        guard !Task.isCancelled else { return }
        tally.update { $0.count(outcome, of: order, at: Date()) }
    }
}

extension CallOutcome {
    fileprivate var wasTaken: Bool {
        if case .approved = self { true } else { false }
    }
}
