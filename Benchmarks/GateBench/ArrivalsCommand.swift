import ArgumentParser

/// `gate-bench arrivals`: sends orders by a schedule, whatever becomes of them, and prints what they took.
struct ArrivalsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "arrivals",
        abstract: "Send orders by a schedule that no answer moves and print their latencies as JSON.",
        discussion: """
            An order's latency is the time from when the schedule has it arrive to the end of its stream: what it waits \
            unsent because the other side is slow counts. Arrivals are a Poisson process; the generator spins, so give \
            it a core of its own.
            """
    )

    @OptionGroup var orders: OrderOptions

    @Option(
        name: .customLong("step"),
        help: "Orders per second and for how many seconds, as 20000x1.5; steps follow one another.")
    var steps: [ArrivalStep]

    @Option(help: "Cancels per second, evenly spaced, on a connection of their own.")
    var cancels = 0.0

    @Option(help: "The header in which a refusal names its reason.")
    var reasonHeader = "x-gate-reason"

    @Option(help: "Seed of the schedule.")
    var seed: UInt64 = 1

    @Option(help: "Milliseconds of one window of the course that is printed.")
    var window = 10

    func validate() throws {
        guard !steps.isEmpty, cancels >= 0, (1...10_000).contains(window) else {
            throw ValidationError("give at least one --step, --cancels not below 0 and --window 1 to 10000")
        }
        guard Schedule.expected(steps) <= Double(Schedule.mostArrivals) else {
            throw ValidationError("the steps are more than \(Schedule.mostArrivals) orders together")
        }
    }

    func run() throws { try Arrivals(plan: self).run().print() }
}

/// So many orders a second, for so many seconds.
struct ArrivalStep: ExpressibleByArgument {
    let rate: Double
    let seconds: Double

    init?(argument: String) {
        let parts = argument.split(separator: "x", omittingEmptySubsequences: false)
        guard parts.count == 2, let rate = Double(parts[0]), let seconds = Double(parts[1]), rate > 0, seconds > 0,
            rate <= 1e7, seconds <= 3600
        else { return nil }
        self.rate = rate
        self.seconds = seconds
    }
}
