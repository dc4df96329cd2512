import ArgumentParser

/// The two ends of a measurement: an endpoint that does nothing but answer, and a client that does nothing but order.
@main
struct GateBenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate-bench",
        abstract: "Measures what a proxy adds to an order's way.",
        subcommands: [EndpointCommand.self, LoadCommand.self, ArrivalsCommand.self]
    )
}
