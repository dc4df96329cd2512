import RiskRules
import Testing

/// An account judged as it stands, with no order in hand.
struct EvaluateTests {
    private struct Report {
        var missing: Reason?
        var metrics: AccountMetrics
        var findings: [String: AccountFinding]
        var stops: [TrippedStop]
    }

    private func evaluate(_ desk: Desk, _ account: String = "A") throws -> Report {
        let report = desk.engine.evaluate(account: try desk.account(account), now: desk.now)
        let texts = desk.engine.ruleSet?.texts ?? []
        let findings = report.findings.map { (texts[Int($0.rule)].id, $0) }
        return Report(
            missing: report.missing, metrics: report.metrics, findings: Dictionary(uniqueKeysWithValues: findings),
            stops: Array(report.stops))
    }

    /// An account that is long 2 BTC at 100, short 10 ETH at 10, with an equity of 200, and has an order for 1 BTC working.
    private func desk(_ rules: [[String]]) throws -> Desk {
        let desk = try Desk(rules)
        try desk.price("BTC", "100")
        try desk.price("ETH", "10")
        try desk.snapshot(
            equity: "200", marginUsed: "30", availableMargin: "150", peak: "400", dailyStart: "250",
            positions: [("BTC", "2", nil), ("ETH", "-10", nil)], pending: [("BTC", .buy, "1", "90", "c-9", nil)])
        return desk
    }

    /// A metric, what it comes to, a bound that holds at exactly that, and one that is just broken.
    static let values: [(String, String, String, String)] = [
        ("metric: position_quantity", "10", "max: 10", "max: 9.9999999999"),
        ("metric: position_notional", "300", "max: 300", "max: 299.9999999999"),
        ("metric: gross_exposure", "400", "max: 400", "max: 399.9999999999"),
        ("metric: net_exposure", "200", "max: 200", "max: 199.9999999999"),
        ("metric: leverage", "2", "max: 2", "max: 1.9999999999"),
        ("metric: concentration", "1.5", "max: 1.5", "max: 1.4999999999"),
        ("metric: open_orders", "1", "max: 1", "max: 0"),
        ("metric: open_order_notional", "90", "max: 90", "max: 89.9999999999"),
        ("metric: margin_ratio", "6.6666666666", "min: 6.6666666666", "min: 6.6666666667"),
        ("metric: available_margin", "150", "min: 150", "min: 150.0000000001"),
        ("metric: drawdown_daily", "0.2", "max: 0.2", "max: 0.1999999999"),
        ("metric: drawdown_max", "0.5", "max: 0.5", "max: 0.4999999999"),
        ("metric: daily_loss", "50", "max: 50", "max: 49.9999999999"),
        ("metric: equity", "200", "min: 200", "min: 200.0000000001"),
    ]

    @Test(arguments: values)
    func `a rule is kept at its bound and broken beyond it`(
        metric: String, value: String, kept: String, broken: String
    ) throws {
        for (bound, outcome) in [(kept, AccountFinding.Outcome.kept), (broken, .broken)] {
            let desk = try desk([["id: rule", metric, bound]])
            let finding = try #require(try evaluate(desk).findings["rule"])
            #expect(try finding.outcome == outcome && finding.value == (desk.decimal(value)))
            if case .share(let share)? = finding.utilization {
                #expect((share <= .one) == (outcome == .kept))
            } else {
                #expect(bound == "max: 0")
            }
        }
    }

    @Test func `metrics are those of the rules, and none where the snapshot does not count`() throws {
        let desk = try desk([])
        try desk.send(try desk.order(.buy, "0.5", at: "100"))
        let metrics = try evaluate(desk).metrics
        func expect(_ value: FixedPoint?, _ text: String) throws { #expect(try value == desk.decimal(text)) }
        try expect(metrics.equity, "200")
        try expect(metrics.marginUsed, "30")
        try expect(metrics.grossExposure, "450")
        try expect(metrics.netExposure, "250")
        try expect(metrics.leverage, "2.25")
        try expect(metrics.reservedMargin, "5")
        try expect(metrics.availableMargin, "145")
        try expect(metrics.marginRatio, "5.7142857142")
        try expect(metrics.drawdownDaily, "0.2")
        try expect(metrics.drawdownMax, "0.5")
        try expect(metrics.dailyLoss, "50")
        try expect(metrics.openOrders, "2")
        try expect(metrics.openOrderNotional, "140")
        desk.advance(2)
        let report = try evaluate(desk)
        #expect(report.missing == .accountStale && report.metrics == AccountMetrics())
        #expect(try evaluate(desk, "B").missing == .stateUnavailable)
    }

    @Test func `of a metric of one symbol the worst symbol is told`() throws {
        let desk = try desk([
            ["id: notional", "metric: position_notional", "max: 250"],
            ["id: quantity", "metric: position_quantity", "max: 100"],
            ["id: ether", "metric: position_notional", "max: 200", "symbols: [ETH]"],
            ["id: orders", "metric: open_orders", "max: 1", "per: symbol"],
        ])
        let findings = try evaluate(desk).findings
        #expect(try findings["notional"]?.outcome == .broken && findings["notional"]?.symbol == (desk.symbol("BTC")))
        #expect(try findings["quantity"]?.outcome == .kept && findings["quantity"]?.symbol == (desk.symbol("ETH")))
        #expect(try findings["ether"]?.outcome == .kept && findings["ether"]?.value == (desk.decimal("100")))
        #expect(try findings["orders"]?.outcome == .kept && findings["orders"]?.symbol == (desk.symbol("BTC")))
    }

    @Test
    func
        `rules on orders of a kind, a strategy, another account, a symbol that is not held, or on orders themselves are left out`()
        throws
    {
        let desk = try desk([
            ["id: side", "metric: leverage", "max: 1", "sides: [buy]"],
            ["id: type", "metric: leverage", "max: 1", "types: [market]"],
            ["id: strategy", "metric: leverage", "max: 1", "strategies: [grid]"],
            ["id: account", "metric: leverage", "max: 1", "accounts: [B]"],
            ["id: symbol", "metric: leverage", "max: 1", "symbols: [SOL]"],
            ["id: order", "metric: order_quantity", "max: 1"],
            ["id: rate", "metric: order_count", "window: 1s", "max: 1"],
            ["id: volatility", "metric: volatility", "window: 1m", "max: 0.1"],
            ["id: every-strategy", "metric: leverage", "max: 1", "strategies: [*]"],
            ["id: held", "metric: leverage", "max: 1", "symbols: [ETH]", "accounts: [A]"],
        ])
        #expect(try Set(evaluate(desk).findings.keys) == ["every-strategy", "held"])
    }

    @Test func `a rule that is not in force, or whose rollout leaves the account out, is not judged`() throws {
        let desk = try desk([
            ["id: rolled-1", "metric: equity", "min: 1", "rollout: 1"],
            [
                "id: nights", "metric: leverage", "max: 1", "active:", "from: 22:00", "to: 23:00",
                "timezone: UTC",
            ],
        ])
        desk.engine.wallOffset = 0
        #expect(try evaluate(desk).findings.isEmpty)
        desk.engine.wallOffset = 22 * 3600 * Desk.second
        #expect(try Set(evaluate(desk).findings.keys) == ["nights"])
    }

    @Test func `a missing input is told as such, and skipped where the rule says so`() throws {
        let desk = try desk([
            ["id: gross", "metric: gross_exposure", "max: 1"],
            ["id: skipped", "metric: gross_exposure", "max: 1", "on_missing: skip"],
            ["id: equity", "metric: equity", "min: 1"],
            ["id: notional", "metric: position_notional", "max: 250"],
        ])
        try desk.noPrice("ETH")
        let findings = try evaluate(desk).findings
        #expect(findings["gross"]?.outcome == .missing(.priceUnavailable))
        #expect(findings["skipped"]?.outcome == .skipped(.priceUnavailable))
        #expect(findings["equity"]?.outcome == .kept)
        // What is broken for one symbol is broken, whatever is not known of another.
        #expect(findings["notional"]?.outcome == .broken)
        desk.advance(2)
        #expect(try evaluate(desk).findings["equity"]?.outcome == .missing(.accountStale))
    }

    @Test func `an account that holds nothing keeps the rules on one symbol`() throws {
        let desk = try Desk([["id: rule", "metric: position_quantity", "max: 1"]])
        try desk.snapshot()
        let finding = try #require(try evaluate(desk).findings["rule"])
        #expect(finding.outcome == .kept && finding.value == .zero && finding.symbol == .none)
    }

    @Test func `a broken emergency rule asks for the stop of its scope, once, and sets none`() throws {
        let desk = try desk([
            ["id: global", "metric: leverage", "max: 1", "severity: emergency", "stop: global"],
            ["id: account", "metric: leverage", "max: 1", "severity: emergency"],
            ["id: strategy", "metric: equity", "min: 300", "severity: emergency", "stop: strategy"],
            ["id: symbols", "metric: position_quantity", "max: 1", "severity: emergency", "stop: symbol"],
        ])
        func stops() throws -> Set<String> {
            Set(try evaluate(desk).stops.map { "\($0.scope) \($0.name.index)" })
        }
        let account = try desk.account("A").index
        let symbols = try [desk.symbol("BTC").index, desk.symbol("ETH").index]
        let all: Set = ["global 0", "account \(account)", "symbol \(symbols[0])", "symbol \(symbols[1])"]
        #expect(try stops() == all)
        #expect(!desk.engine.isStopped(.global, name: .none))
        desk.engine.setStop(.symbol, name: try desk.symbol("BTC"), active: true)
        desk.engine.setStop(.global, name: .none, active: true)
        #expect(try stops() == all.subtracting(["global 0", "symbol \(symbols[0])"]))
    }

    @Test func `in shadow mode no stop is asked for`() throws {
        let desk = try Desk([["id: rule", "metric: equity", "min: 2000000", "severity: emergency"]]) {
            $0.isShadow = true
        }
        try desk.snapshot()
        let report = try evaluate(desk)
        #expect(report.findings["rule"]?.outcome == .broken && report.stops.isEmpty)
    }

    @Test func `a bound that is scaled by volatility is the strictest of the symbols that are held`() throws {
        let desk = try Desk([
            [
                "id: whole", "metric: leverage", "max: 10",
                "scale:", "by: volatility", "window of scale: 1m", "reference: 0.001", "floor: 0.25",
            ],
            [
                "id: one", "metric: position_notional", "max: 1000", "symbols: [BTC]",
                "scale:", "by: volatility", "window of scale: 1m", "reference: 0.001", "floor: 0.25",
            ],
        ])
        desk.snapshotAge = .max / 2
        try desk.snapshot(positions: [("BTC", "2", nil), ("ETH", "1", nil)])
        try desk.price("BTC", "100")
        try desk.price("ETH", "10")
        #expect(try evaluate(desk).findings["whole"]?.outcome == .missing(.inputMissing))
        for second in 0..<70 {
            desk.advance(1)
            try desk.price("BTC", second.isMultiple(of: 2) ? "100" : "120")
            try desk.price("ETH", "10")
            desk.engine.sampleVolatility(now: desk.now)
        }
        let findings = try evaluate(desk).findings
        #expect(try findings["whole"]?.bound == (desk.decimal("2.5")) && findings["whole"]?.outcome == .kept)
        #expect(try findings["one"]?.bound == (desk.decimal("250")) && findings["one"]?.outcome == .kept)
        try desk.snapshot(positions: [("ETH", "1", nil)])
        #expect(try evaluate(desk).findings["whole"]?.bound == (desk.decimal("10")))
    }

    @Test func `an evaluation counts in no window and changes no decision`() throws {
        let desk = try desk([
            ["id: rate", "metric: order_count", "window: 1s", "max: 1"],
            ["id: gross", "metric: gross_exposure", "max: 500"],
        ])
        for _ in 0..<5 { _ = try evaluate(desk) }
        let order = try desk.order(.buy, "1", at: "100")
        #expect(desk.decide(order).reason == nil)
        _ = try evaluate(desk)
        #expect(desk.decide(order).reasons == [.orderRateExceeded])
    }

    @Test func `findings follow the rule set in force`() throws {
        let desk = try desk([["id: first", "metric: leverage", "max: 1"], ["id: second", "metric: equity", "min: 1"]])
        #expect(try evaluate(desk).findings.count == 2)
        desk.engine.install(
            try RuleLines.compile([
                ["id: third", "metric: equity", "min: 1"], ["id: fourth", "metric: leverage", "max: 1"],
                ["id: fifth", "metric: daily_loss", "max: 1"],
            ]))
        let findings = try evaluate(desk).findings
        #expect(findings.mapValues(\.outcome) == ["third": .kept, "fourth": .broken, "fifth": .broken])
    }
}
