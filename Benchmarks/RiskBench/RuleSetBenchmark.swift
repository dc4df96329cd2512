import CLinux
import RiskRules

/// What ten thousand rules cost: orders that they do not apply to, the thread that compiles them, and the one that decides.
enum RuleSetBenchmark {
    private static let count = 10_000

    /// Rules of others, by what keeps them from the benchmark's order.
    private static let kinds: [(name: String, rule: @Sendable (Int) -> String)] = [
        ("symbols", { "metric: position_quantity, max: 100, symbols: X\($0)USDT" }),
        ("accounts", { "metric: leverage, max: 5, accounts: acc-\($0)" }),
        ("strategies", { "metric: order_quantity, max: 5, strategies: grid-\($0)" }),
        ("account patterns", { "metric: leverage, max: 5, accounts: mm-\($0)-*" }),
        ("windows of accounts", { "metric: order_count, window: 1s, max: 5, accounts: acc-\($0)" }),
    ]

    static func run() throws {
        let binding = [
            BenchDesk.rule("clip", "metric: order_notional, max: 250000"),
            BenchDesk.rule("collar", "metric: price_deviation, max: 0.05"),
            BenchDesk.rule("position", "metric: position_notional, max: 500000"),
            BenchDesk.rule("drawdown", "metric: drawdown_max, max: 0.25"),
        ]
        let none = try desk(binding)
        let alone = decide(none)
        alone.report("4 binding rules alone")
        for kind in kinds {
            let others = (0..<count).map { BenchDesk.rule("other-\($0)", kind.rule($0)) }
            try measure(kind.name, binding + others, beside: none)
        }
    }

    private static func desk(_ rules: [RuleDocument.Rule]) throws -> BenchDesk {
        let desk = try BenchDesk(rules: rules) {
            $0.maxSymbols = 20_000
            $0.maxAccounts = 20_000
            $0.clientOrderIDsPerAccount = 1
        }
        desk.quote("S0", bid: "99.9", ask: "100.1")
        desk.snapshot("A", positions: 1)
        return desk
    }

    private static func decide(_ desk: BenchDesk) -> Timing {
        let order = desk.order(symbol: "S0")
        var approved = true
        let timing = Timing { call in
            approved = approved && desk.engine.decide(order, connection: 1, now: desk.now + Int64(call)).approved
        }
        precondition(approved, "the orders of a benchmark are to pass")
        return timing
    }

    private static func measure(_ name: String, _ rules: [RuleDocument.Rule], beside none: BenchDesk) throws {
        var document = RuleDocument(file: "bench.yaml")
        document.rules = rules
        let begin = gate_monotonic_ns()
        let first = try RuleCompiler.compile([document], version: "1").get()
        let compiled = gate_monotonic_ns()
        let second = try RuleCompiler.compile([document], version: "2").get()
        let desk = try desk(rules)
        // Rounds in turns, so that what else the machine does meets both alike.
        var ratios: [Double] = []
        for _ in 0..<5 {
            let alone = decide(none).median
            ratios.append(decide(desk).median / alone)
        }
        // Whoever installs a set keeps the one before: to free it is not the deciding thread's to do.
        let retired = desk.engine.ruleSet
        let start = gate_monotonic_ns()
        desk.engine.install(first)
        let installed = gate_monotonic_ns()
        desk.engine.install(second)
        let again = gate_monotonic_ns()
        withExtendedLifetime(retired) {}
        desk.engine.decide(desk.order(symbol: "S0", account: "B"), connection: 1, now: desk.now).discard()
        let planned = gate_monotonic_ns()
        print(
            "beside \(count) rules of other \(name): decision x \(Timing.text(ratios.sorted()[ratios.count / 2])), "
                + "compile \(milliseconds(begin, compiled)), install \(milliseconds(start, installed)) "
                + "and \(milliseconds(installed, again)), first order of a new account \(milliseconds(again, planned))")
    }

    private static func milliseconds(_ begin: Int64, _ end: Int64) -> String {
        "\(Timing.text(Double(end - begin) / 1_000_000)) ms"
    }
}
