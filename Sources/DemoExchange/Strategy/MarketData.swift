import Foundation
import Synchronization

/// The marks that the strategy goes by, read from Redis on a thread of its own.
final class MarketData: Sendable {
    private static let interval: TimeInterval = 0.1

    private let marks = Mutex<[String: Decimal]>([:])
    private let isStopped = Atomic(false)
    private let ended = DispatchSemaphore(value: 0)

    /// The last known; nothing before the first was read.
    var current: [String: Decimal] { marks.withLock(\.self) }

    func start(_ redis: HostPort) {
        let thread = Thread { [self] in
            run(redis)
            ended.signal()
        }
        thread.name = "market data"
        thread.start()
    }

    /// Returns when the thread has ended.
    func stop() {
        isStopped.store(true, ordering: .releasing)
        ended.wait()
    }

    private func run(_ redis: HostPort) {
        var client: RedisClient?
        let symbols = Instrument.listed.map(\.symbol)
        let reads = symbols.map { ["GET", RedisKeys.price(of: $0)] }
        while !isStopped.load(ordering: .acquiring) {
            do throws(RedisError) {
                let open: RedisClient
                if let kept = client {
                    open = kept
                } else {
                    open = try RedisClient(redis, database: RedisKeys.pricesDatabase)
                }
                client = open
                let texts = try open.pipeline(reads)
                marks.withLock { marks in
                    for (symbol, text) in zip(symbols, texts) {
                        if let text, let price = PublishedPrice(json: text) { marks[symbol] = price.price }
                    }
                }
            } catch {
                // The last marks stay good enough to trade on until Redis is back.
                client = nil
            }
            Thread.sleep(forTimeInterval: Self.interval)
        }
    }
}
