import ArgumentParser

@main struct DemoExchangeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "demo-exchange",
        abstract: "A sample exchange, a strategy that trades on it, and a demo that puts Gate between them.",
        subcommands: [ServeCommand.self, StrategyCommand.self, DemoCommand.self])
}
