import Foundation
import Synchronization

/// Writes prices and account states to Redis, on a thread of its own, so that no order waits for it. While Redis is
/// away the newest state of everything is kept and written when it is back.
final class StatePublisher: Sendable {
    /// All accounts are written at least this often.
    private static let refreshInterval = Duration.milliseconds(250)
    /// What changes within this time of a write is written together, so that a burst of orders costs few writes.
    private static let pauseBetweenWrites = Duration.milliseconds(1)
    private static let pauseBeforeReconnect = Duration.milliseconds(200)

    /// What this process is to write.
    struct Scope: Sendable {
        let prices: Bool
        let accounts: Bool
    }

    private let address: HostPort
    private let scope: Scope
    private let wakeups = DispatchSemaphore(value: 0)
    private let isAwake = Atomic(false)
    private let isStopped = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)

    init(_ address: HostPort, scope: Scope) {
        self.address = address
        self.scope = scope
    }

    /// There is something to write. Any thread.
    func wake() {
        if !isAwake.exchange(true, ordering: .acquiringAndReleasing) { wakeups.signal() }
    }

    func start(_ venue: Venue) {
        let thread = Thread { [self] in
            run(venue)
            ended.signal()
        }
        thread.name = "publisher"
        thread.start()
    }

    /// Returns when the thread has ended.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        wakeups.signal()
        ended.wait()
    }

    private func run(_ venue: Venue) {
        var connections: Connections?
        var lastComplaint = ""
        var refreshAt = ContinuousClock.now
        while !isStopped.load(ordering: .acquiring) {
            do throws(RedisError) {
                let open: Connections
                if let kept = connections {
                    open = kept
                } else {
                    open = try Connections(address)
                    connections = open
                    lastComplaint = ""
                    // What was written before may be gone.
                    refreshAt = .now
                    venue.publishAgain()
                }
                let isDue = refreshAt <= .now
                if isDue { refreshAt = .now + Self.refreshInterval }
                isAwake.store(false, ordering: .releasing)
                let changes = venue.takeChanges(refreshingAll: isDue)
                if scope.prices { try open.prices.pipeline(changes.quotes.map(Self.priceCommand)) }
                if scope.accounts { try open.accounts.pipeline(changes.accounts.compactMap(Self.accountCommand)) }
                Thread.sleep(forTimeInterval: Self.pauseBetweenWrites / .seconds(1))
                _ = wakeups.wait(timeout: .now() + ContinuousClock.now.duration(to: refreshAt).dispatchInterval)
            } catch {
                connections = nil
                if error.description != lastComplaint { Output.error("\(error) (\(address)); trying again") }
                lastComplaint = error.description
                _ = wakeups.wait(timeout: .now() + Self.pauseBeforeReconnect.dispatchInterval)
            }
        }
    }

    private static func priceCommand(_ symbol: String, _ quote: Quote) -> [String] {
        let price = PublishedPrice(
            price: quote.mark, bidPrice: quote.bid, askPrice: quote.ask,
            asOf: (Double(quote.asOf) / 1_000_000).rounded(.down) / 1_000)
        return ["SET", RedisKeys.price(of: symbol), json(price)]
    }

    private static func accountCommand(_ name: String, _ state: AccountState) -> [String]? {
        ["SET", RedisKeys.account(name), json(state)]
    }

    private static func json(_ value: some Encodable) -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        do {
            return String(decoding: try encoder.encode(value), as: UTF8.self)
        } catch {
            // Numbers and names are all there is to encode, and all numbers here are finite.
            preconditionFailure("\(value) has no JSON: \(error)")
        }
    }
}

private struct Connections {
    let prices: RedisClient
    let accounts: RedisClient

    init(_ address: HostPort) throws(RedisError) {
        prices = try RedisClient(address, database: RedisKeys.pricesDatabase)
        accounts = try RedisClient(address, database: RedisKeys.accountsDatabase)
    }
}

extension Duration {
    fileprivate var dispatchInterval: DispatchTimeInterval {
        .nanoseconds(Int(components.seconds) * 1_000_000_000 + Int(components.attoseconds / 1_000_000_000))
    }
}
