/// Measures the rule engine by itself, in one thread, without files or network. Arguments name benchmarks; none: all.
@main
enum RiskBench {
    private typealias Benchmark = (name: String, run: () throws -> Void)

    /// In the order in which they run; each has a file of its own.
    private static var benchmarks: [Benchmark] {
        [
            ("decision", DecisionBenchmark.run), ("keys", DecisionBenchmark.runKeys),
            ("ledger", LedgerBenchmark.run), ("returns", ReturnsBenchmark.run), ("rules", RuleSetBenchmark.run),
        ]
    }

    static func main() throws {
        let names = CommandLine.arguments.dropFirst()
        for name in names where !benchmarks.contains(where: { $0.name == name }) {
            print("\(name): no such benchmark; there are \(benchmarks.map(\.name).joined(separator: ", "))")
        }
        for benchmark in benchmarks where names.isEmpty || names.contains(benchmark.name) { try benchmark.run() }
    }
}
