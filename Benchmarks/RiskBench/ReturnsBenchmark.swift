import RiskRules

/// What value at risk and expected shortfall over 1,000 returns cost, per question and per return that arrives, and what a
/// second's sample costs a symbol whose volatility is bounded.
enum ReturnsBenchmark {
    /// Returns of about one percent, the same in every run.
    private struct Returns {
        private var state: UInt64 = 7

        mutating func next() -> Double {
            var sum = -6.0
            for _ in 0..<12 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                sum += Double(state >> 11) / Double(1 << 53)
            }
            return sum / 100
        }
    }

    static func run() throws {
        var source = Returns()
        let arriving = (0..<100_000).map { _ in source.next() }
        let series = ReturnSeries()
        for value in arriving.prefix(ReturnSeries.capacity) { series.add(value) }
        Timing { series.add(arriving[$0 % arriving.count]) }.report("a return arrives among 1,000")
        for confidence in ["0.95", "0.99", "0.5"] {
            let bound = try FixedPoint(parsing: confidence)
            for method in Distribution.Method.allCases {
                let distribution = Distribution(method, confidence: bound)
                var sum = 0.0
                Timing { _ in sum += series.valueAtRisk(distribution) ?? 0 }
                    .report("value at risk, \(method), \(confidence)")
                Timing { _ in sum += series.expectedShortfall(distribution) ?? 0 }
                    .report("expected shortfall, \(method), \(confidence)")
                precondition(sum > 0, "a benchmark's returns lose something")
            }
        }
        let lists = (0..<200).map { Array(arriving[$0..<($0 + ReturnSeries.capacity)]) }
        series.update(lists[0])
        Timing(batches: 200, of: 10) { series.update(lists[$0 % lists.count]) }
            .report("a snapshot of 1,000 returns, one of them new")
        try sampleSymbols()
    }

    private static func sampleSymbols() throws {
        let count = 1000
        let desk = try BenchDesk(rules: [
            BenchDesk.rule("storm", "metric: volatility, window: 5m, max: 0.5"),
            BenchDesk.rule("clip", "metric: order_quantity, max: 1000"),
        ])
        for symbol in 0..<count { desk.quote("S\(symbol)", bid: "99.9", ask: "100.1") }
        let timing = Timing(batches: 40, of: 10) { call in
            desk.engine.sampleVolatility(now: desk.now + Int64(call) * 1_000_000_000)
        }
        timing.report("a second's samples of 1,000 symbols")
    }
}
