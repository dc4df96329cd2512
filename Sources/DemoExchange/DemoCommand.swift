import ArgumentParser
import Foundation

/// `demo-exchange demo`: all of it together, with Gate between the strategy and the exchange.
struct DemoCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo",
        abstract: "Run Redis, the exchange, Gate and a strategy, and show what happens.",
        discussion: """
            Everything listens on the loopback interface and is ended with the demo. The exit status is 1 if nothing was \
            approved, nothing was rejected, or one of the programs ended on its own.
            """)

    @Option(help: "The repository, whose rules/ and deploy/demo/gate.yaml are used.")
    var root = "."

    @Option(help: "The gate executable; by default the one beside this program.")
    var gate: String?

    @Option(help: "Seconds to run; 0: until Ctrl-C.")
    var duration = 0.0

    @Option(help: "Orders and cancels a second.")
    var rate = 40.0

    @Option(help: "Seed of the prices and of the strategy.")
    var seed: UInt64 = 1

    func validate() throws {
        guard duration >= 0 else { throw ValidationError("--duration is not negative") }
        guard rate > 0, rate <= 1_000 else { throw ValidationError("--rate is above 0 and at most 1000") }
    }

    func run() throws {
        Signals.block()
        do {
            try runDemo()
        } catch is DemoProcesses.Interrupted {
            throw ExitCode(128 + SIGINT)
        } catch let error as DemoError {
            Output.error("\(error)")
            throw ExitCode.failure
        }
    }

    private func runDemo() throws {
        let account = "mm-1"
        let own = URL(fileURLWithPath: DemoProcesses.ownExecutable)
        let layout = DemoProcesses.Layout(
            root: URL(fileURLWithPath: root).path,
            gate: gate ?? own.deletingLastPathComponent().appendingPathComponent("gate").path,
            account: account, deposit: 1_000_000, seed: seed)
        let processes = try DemoProcesses(layout)
        defer { processes.end() }
        try processes.start()

        let tally = SharedTally()
        let marketData = MarketData()
        marketData.start(processes.redis)
        defer { marketData.stop() }
        let runner = StrategyRunner(
            target: .tcp(processes.orders), account: account, strategy: "demo", rate: rate,
            mistakeInterval: .milliseconds(1_500), seed: seed, marketData: marketData, tally: tally)
        let strategy = BackgroundTask(runner.run)
        defer { strategy.cancel() }

        let observer = DemoObserver(
            admin: processes.admin, redis: processes.redis, account: account, rules: layout.rules, tally: tally)
        let screen = DemoScreen(
            orders: processes.orders, admin: processes.admin, endpoint: processes.endpoint, account: account,
            rules: root == "." ? "rules" : layout.rules)
        try watch(processes, strategy, observer, screen)
        let last = observer.observe()
        Output.line(screen.summary(last).joined(separator: "\n"))
        if last.tally.approved == 0 { throw DemoError("nothing was approved") }
        if last.tally.rejectedTotal == 0 { throw DemoError("nothing was rejected") }
    }

    /// Shows the status until it is time to end.
    private func watch(
        _ processes: DemoProcesses, _ strategy: BackgroundTask, _ observer: DemoObserver, _ screen: DemoScreen
    ) throws {
        let terminal = Output.isTerminal ? Terminal() : nil
        defer { terminal?.close() }
        if terminal == nil { Output.line(screen.advice(observer.observe()).joined(separator: "\n")) }
        let refresh = Duration.milliseconds(terminal == nil ? 2_000 : 250)
        let end = duration > 0 ? ContinuousClock.now + .seconds(duration) : nil
        var next = ContinuousClock.now + refresh
        while !Signals.endRequested(within: .milliseconds(50)) {
            try processes.check()
            if case .failure(let error) = strategy.result { throw DemoError("the strategy ended: \(error)") }
            let now = ContinuousClock.now
            if let end, now >= end { return }
            guard now >= next else { continue }
            next = now + refresh
            let status = observer.observe()
            if let terminal { terminal.show(screen.lines(status)) } else { Output.line(screen.line(status)) }
        }
    }
}
