import ArgumentParser
import Foundation

/// `demo-exchange strategy`: order flow, mostly sane, through Gate or straight to the exchange.
struct StrategyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "strategy",
        abstract: "Send orders and cancels as a small market maker does, with the mistakes that real ones make.")

    @Option(help: "Where to send orders: host:port or unix:/path.")
    var target: Address

    @Option(help: "The account to trade.")
    var account = "mm-1"

    @Option(help: "The strategy's name, sent as x-strategy-id.")
    var strategy = "demo"

    @Option(help: "The Redis server to read prices from, as host:port; without it the prices are guessed.")
    var redis: HostPort?

    @Option(help: "Orders and cancels a second.")
    var rate = 40.0

    @Option(help: "Seconds between two mistakes; 0: none.")
    var mistakeInterval = 1.5

    @Option(help: "Seed of what it does.")
    var seed: UInt64 = 1

    @Option(help: "Seconds to run; 0: until interrupted.")
    var duration = 0.0

    func validate() throws {
        guard rate > 0, rate <= 10_000 else { throw ValidationError("--rate is above 0 and at most 10000") }
        guard mistakeInterval >= 0, duration >= 0 else { throw ValidationError("times are not negative") }
    }

    func run() throws {
        Signals.block()
        let marketData = MarketData()
        if let redis { marketData.start(redis) }
        defer { if redis != nil { marketData.stop() } }
        let tally = SharedTally()
        let runner = StrategyRunner(
            target: target, account: account, strategy: strategy, rate: rate,
            mistakeInterval: .seconds(mistakeInterval), seed: seed, marketData: marketData, tally: tally)
        let running = BackgroundTask(runner.run)
        let start = ContinuousClock.now
        var nextLine = start + .seconds(2)
        while !Signals.endRequested(within: .milliseconds(100)) {
            if let ended = running.result { return try ended.get() }
            if duration > 0, .now >= start + .seconds(duration) { break }
            if .now >= nextLine {
                Output.line(tally.current.summary)
                nextLine += .seconds(2)
            }
        }
        running.cancel()
        let last = tally.current
        Output.line(last.summary)
        for reject in last.recent { Output.line(reject.description) }
        if !last.lastFailure.isEmpty { Output.error("the last refusal or failure: \(last.lastFailure)") }
    }
}

extension Tally.Reject: CustomStringConvertible {
    var description: String {
        let ticket = order.ticket
        let price = ticket.price.map { "@ \($0)" } ?? "at market"
        return
            "\(ticket.side.rawValue) \(ticket.quantity) \(ticket.symbol) \(price) (\(order.intent.rawValue)) \(message)"
    }
}
