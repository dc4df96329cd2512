import ArgumentParser

/// `gate-bench load`: sends orders in a closed loop and prints what they took as one JSON object.
struct LoadCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "load",
        abstract: "Keep a fixed number of orders in flight and print their latencies as JSON.",
        discussion: """
            An order's latency is the time from handing it to the HTTP/2 session to the end of its stream. The exit \
            code is 1 if any order was answered otherwise than with grpc-status 0 and a message.
            """
    )

    @OptionGroup var orders: OrderOptions

    @Option(help: "Orders in flight on each connection.")
    var streams = 1

    @Option(help: "Seconds to measure for.")
    var duration: Double?

    @Option(help: "Orders to measure, instead of a duration.")
    var count: Int?

    @Option(help: "Seconds of load before the measurement.")
    var warmup = 0.0

    func validate() throws {
        guard (duration == nil) != (count == nil) else { throw ValidationError("give one of --duration and --count") }
        guard (duration ?? 1) > 0, (count ?? 1) > 0 else {
            throw ValidationError("--duration and --count are above 0")
        }
        guard (1...1000).contains(streams), warmup >= 0 else {
            throw ValidationError("--streams is 1 to 1000, --warmup not below 0")
        }
    }

    func run() throws {
        let load = try Load(plan: self)
        let report = try load.run()
        try report.print()
        if report.failed > 0 { throw ExitCode(1) }
    }
}
