import ArgumentParser

/// What orders go where.
struct OrderOptions: ParsableArguments {
    @Option(help: "host:port or unix:/path.")
    var target: Address

    @Option(help: "Connections.")
    var connections = 1

    @Option(help: "The account that the orders name.")
    var account = "bench"

    @Option(help: "The orders' symbol.")
    var symbol = "BTCUSDT"

    @Option(help: "The orders' price.")
    var price = 50_000.0

    func validate() throws {
        guard (1...1024).contains(connections) else { throw ValidationError("--connections is 1 to 1024") }
        guard (1...60).contains(account.utf8.count), (1...60).contains(symbol.utf8.count) else {
            throw ValidationError("--account and --symbol have 1 to 60 characters")
        }
    }
}
