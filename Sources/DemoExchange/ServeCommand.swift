import ArgumentParser
import Foundation
import GRPCCore
import GRPCNIOTransportHTTP2Posix

/// `demo-exchange serve`: the endpoint, the price feed and the account keeper.
struct ServeCommand: ParsableCommand {
    enum Part: String, ExpressibleByArgument, CaseIterable {
        case endpoint, feed, keeper
    }

    static let configuration = CommandConfiguration(
        commandName: "serve",
        abstract: "Serve order.OrderService, move the prices, and write prices and account states to Redis.")

    @Option(help: "Where to serve gRPC: host:port (port 0: a free one, printed) or unix:/path.")
    var listen = Address.tcp(HostPort(host: "127.0.0.1", port: 50061))

    @Option(help: "The Redis server to write to, as host:port.")
    var redis = HostPort(host: "127.0.0.1", port: 6379)

    @Option(help: ArgumentHelp("An account and what it starts with; repeatable.", valueName: "name:deposit"))
    var accounts: [Deposit] = [Deposit(account: "mm-1", amount: 1_000_000)]

    @Option(help: "Seed of the prices: the same seed gives the same walk.")
    var seed: UInt64 = 1

    @Option(help: "Milliseconds between two prices of a symbol.")
    var priceInterval = 50

    @Option(help: "Fee of a fill as a fraction of its notional.")
    var fees = 0.0002

    @Option(help: "Milliseconds that each answer is delayed by.")
    var latency = 0

    @Option(help: "Run only this part; repeatable. The feed writes prices, the keeper writes account states.")
    var only: [Part] = []

    func validate() throws {
        guard priceInterval > 0 else { throw ValidationError("--price-interval is at least 1") }
        guard latency >= 0 else { throw ValidationError("--latency is not negative") }
        guard let rate = Decimal(wire: fees), rate >= 0, rate < 1 else {
            throw ValidationError("--fees is a fraction: at least 0 and below 1")
        }
        guard Set(accounts.map(\.account)).count == accounts.count else {
            throw ValidationError("--accounts names an account twice")
        }
    }

    func run() throws {
        Signals.block()
        let parts = only.isEmpty ? Set(Part.allCases) : Set(only)
        let publisher = StatePublisher(
            redis, scope: .init(prices: parts.contains(.feed), accounts: parts.contains(.keeper)))
        let now = UnixTime.now()
        let exchange = Exchange(
            deposits: Dictionary(uniqueKeysWithValues: accounts.map { ($0.account, $0.amount) }),
            feeRate: Decimal(wire: fees) ?? 0, seed: seed,
            idPrefix: "o-\(String(now / 1_000_000, radix: 36))-", at: now)
        let venue = Venue(exchange, onChange: publisher.wake)

        let publishes = parts.contains(.feed) || parts.contains(.keeper)
        if publishes { publisher.start(venue) }
        defer { if publishes { publisher.stop() } }
        let clock = BackgroundTask { [priceInterval] in
            try await Self.keepTime(of: venue, every: .milliseconds(priceInterval))
        }
        let server = parts.contains(.endpoint) ? makeServer(venue) : nil
        let serving = server.map { server in BackgroundTask { try await Self.serve(server) } }

        while !Signals.endRequested(within: .milliseconds(100)) {
            try clock.result?.get()
            if let ended = serving?.result {
                try ended.get()
                return
            }
        }
        venue.close()
        server?.beginGracefulShutdown()
        let deadline = ContinuousClock.now + .seconds(2)
        while let serving, serving.result == nil, .now < deadline { Thread.sleep(forTimeInterval: 0.01) }
    }

    private func makeServer(_ venue: Venue) -> GRPCServer<HTTP2ServerTransport.Posix> {
        let transport = HTTP2ServerTransport.Posix(
            address: listen.listening, transportSecurity: .plaintext,
            config: .defaults { config in
                // A proxy in front of it keeps idle connections, and pings to see whether they live.
                config.connection.keepalive.clientBehavior = .init(
                    minPingIntervalWithoutCalls: .seconds(1), allowWithoutCalls: true)
                config.rpc.maxRequestPayloadSize = 16 * 1024 * 1024
            })
        return GRPCServer(
            transport: transport, services: [OrderService(venue: venue, latency: .milliseconds(latency))])
    }

    private static func serve(_ server: GRPCServer<HTTP2ServerTransport.Posix>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await server.serve() }
            group.addTask {
                let bound = try await server.transport.listeningAddress
                if let address = bound.ipv4 {
                    Output.line("endpoint listening on \(address.host):\(address.port)")
                } else {
                    Output.line(
                        "endpoint listening on \(bound.unixDomainSocket.map { "unix:\($0.path)" } ?? "\(bound)")")
                }
            }
            try await group.waitForAll()
        }
    }

    private static func keepTime(of venue: Venue, every interval: Duration) async throws {
        var last = ContinuousClock.now
        while true {
            try await Task.sleep(until: last + interval)
            // The walk takes the time that has really passed: a late turn is a longer step.
            let now = ContinuousClock.now
            venue.advance(by: (now - last) / .seconds(1))
            last = now
        }
    }
}

/// `--accounts name:deposit`.
struct Deposit: ExpressibleByArgument {
    let account: String
    let amount: Decimal

    init(account: String, amount: Decimal) {
        self.account = account
        self.amount = amount
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), colon != argument.startIndex,
            let number = Double(argument[argument.index(after: colon)...]), let amount = Decimal(wire: number),
            amount > 0
        else { return nil }
        self.init(account: String(argument[..<colon]), amount: amount)
    }

    var defaultValueDescription: String { "\(account):\(amount)" }
}
