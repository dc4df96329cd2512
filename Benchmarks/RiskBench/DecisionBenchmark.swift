import RiskRules

/// What a decision costs with rules of all tables, as rules, positions and window keys grow.
enum DecisionBenchmark {
    /// Twenty rules that bind every order and that a small order keeps; after `or` stands what the same rule says of the
    /// benchmark's symbols alone, as the next twenty.
    private static let binding = [
        "metric: symbol, deny: LUNAUSDT or UST", "metric: account, deny: Y or Z",
        "metric: type, deny: stop_market or stop_limit", "metric: order_quantity, max: 1000 or 900",
        "metric: order_notional, max: 250000 or 240000", "metric: price_deviation, max: 0.05 or 0.04",
        "metric: price_aggression, max: 0.01 or 0.009", "metric: order_count, window: 1s, max: 100000 or 90000",
        "metric: message_count, window: 10s, max: 100000 or 90000", "metric: position_quantity, max: 5000 or 4000",
        "metric: position_notional, max: 500000 or 400000", "metric: gross_exposure, max: 50000000 or 40000000",
        "metric: net_exposure, max: 40000000 or 30000000", "metric: leverage, max: 10 or 9",
        "metric: concentration, max: 1 or 0.9", "metric: open_orders, max: 100 or 90",
        "metric: open_order_notional, max: 5000000 or 4000000", "metric: margin_ratio, min: 1 or 1.1",
        "metric: drawdown_daily, max: 0.1 or 0.09", "metric: drawdown_max, max: 0.25 or 0.2",
    ]

    static func run() throws {
        let one = try measure("20 binding rules, 1 position", rules: 20, positions: 1)
        try measure("20 binding rules, 1,000 positions", rules: 20, positions: 1000)
        let two = try measure("40 binding rules, 1 position", rules: 40, positions: 1)
        print("each further binding rule: \(Timing.text((two.median - one.median) / 20)) ns")
    }

    /// So many of the binding rules, each with an id of its own.
    static func rules(_ count: Int) -> [RuleDocument.Rule] {
        (0..<count).map { number in
            let words = binding[number % binding.count].split(separator: " ")
            let end = words.firstIndex(of: "or") ?? words.endIndex
            let first = words[..<end].joined(separator: " ")
            let second = words[..<(end - 1)].joined(separator: " ") + " \(words[words.endIndex - 1]), symbols: S*"
            return BenchDesk.rule("r-\(number)", number < binding.count ? first : second)
        }
    }

    @discardableResult
    private static func measure(_ what: String, rules count: Int, positions: Int) throws -> Timing {
        let desk = try BenchDesk(rules: rules(count))
        for symbol in 0..<max(positions, 2) { desk.quote("S\(symbol)", bid: "99.9", ask: "100.1") }
        desk.snapshot("A", positions: positions)
        let order = desk.order(symbol: "S0")
        var approved = 0
        // A millisecond apart: the windows turn over as they would.
        let timing = Timing { call in
            if desk.engine.decide(order, connection: 1, now: desk.now + Int64(call) * 1_000_000).approved {
                approved += 1
            }
        }
        precondition(approved > 0, "the orders of a benchmark are to pass")
        timing.report(what)
        return timing
    }

    /// Each order of another account: windows are found among many keys.
    static func runKeys() throws {
        let keys = 100_000
        let desk = try BenchDesk(rules: [
            BenchDesk.rule("rate", "metric: order_count, window: 1000s, max: 1000000"),
            BenchDesk.rule("clip", "metric: order_quantity, max: 1000"),
        ]) {
            $0.maxAccounts = keys
            $0.maxPlans = keys + 1
            $0.clientOrderIDsPerAccount = 1
        }
        let orders = (0..<keys).map { desk.order(symbol: "S0", account: "A\($0)") }
        let few = Timing { desk.engine.decide(orders[$0 % 100], connection: 1, now: desk.now).discard() }
        for order in orders { desk.engine.decide(order, connection: 1, now: desk.now).discard() }
        let many = Timing { call in
            desk.engine.decide(orders[call % 100], connection: 1, now: desk.now).discard()
        }
        let spread = Timing { call in
            desk.engine.decide(orders[call &* 7919 % keys], connection: 1, now: desk.now).discard()
        }
        few.report("rate rule, 100 window keys")
        many.report("rate rule, 100 of 100,000 window keys")
        spread.report("rate rule, all of 100,000 window keys in turn")
    }
}

extension Verdict {
    /// A decision is measured for what it costs.
    func discard() {}
}
