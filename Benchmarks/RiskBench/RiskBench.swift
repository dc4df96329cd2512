/// Measures the rule engine by itself, in one thread, without files or network. Arguments name benchmarks; none: all.
///
/// `trace [--part approved] [--decisions 20000] [--rules 20]` decides a fixed trace of orders instead and measures nothing.
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
        if names.first == "trace" { return try trace(Array(names.dropFirst())) }
        for name in names where !benchmarks.contains(where: { $0.name == name }) {
            print("\(name): no such benchmark; there are \(benchmarks.map(\.name).joined(separator: ", "))")
        }
        for benchmark in benchmarks where names.isEmpty || names.contains(benchmark.name) { try benchmark.run() }
    }

    private static func trace(_ arguments: [String]) throws {
        var (part, decisions, rules) = (TraceBenchmark.Part.whole, 20_000, 20)
        var rest = arguments[...]
        while let name = rest.popFirst() {
            let value = rest.popFirst() ?? ""
            switch (name, Int(value), TraceBenchmark.Part(rawValue: value)) {
            case ("--decisions", let number?, _) where number > 0: decisions = number
            case ("--rules", let number?, _) where number > 0: rules = number
            case ("--part", _, let named?): part = named
            default:
                let parts = TraceBenchmark.Part.allCases.map(\.rawValue).joined(separator: "|")
                print("\(name) \(value): trace takes --part \(parts), --decisions N and --rules N")
                return
            }
        }
        try TraceBenchmark.run(part, decisions: decisions, rules: rules)
    }
}
