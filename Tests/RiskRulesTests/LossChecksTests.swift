import RiskRules
import Testing

struct LossChecksTests {
    private static let unit = "0.0000000001"

    private func reason(
        _ lines: [String], equity: String?, start: String? = "1000", peak: String? = "2000"
    ) throws -> Reason? {
        let desk = try Desk([
            ["id: rule"] + lines, ["id: wide", "metric: symbol", "deny: [NEVER]"],
        ])
        try desk.snapshot(equity: equity, peak: peak, dailyStart: start)
        return desk.decide(try desk.order()).reason
    }

    @Test(
        arguments: [
            (["metric: drawdown_daily", "max: 0.1"], "900", "899.9999999999", .drawdownExceeded),
            (["metric: drawdown_max", "max: 0.25"], "1500", "1499.9999999999", .drawdownExceeded),
            (["metric: daily_loss", "max: 50"], "950", "949.9999999999", .dailyLossExceeded),
            (["metric: equity", "min: 700"], "700", "699.9999999999", .equityBelowMinimum),
        ] as [([String], String, String, Reason)])
    func `a loss at its bound passes, one unit more does not`(
        rule: [String], at: String, beyond: String, expected: Reason
    ) throws {
        #expect(try reason(rule, equity: at) == nil)
        #expect(try reason(rule, equity: "5000") == nil)
        #expect(try reason(rule, equity: beyond) == expected)
        #expect(try reason(rule, equity: nil) == .inputMissing)
    }

    @Test(arguments: ["0", "-1", nil] as [String?])
    func `without a start above zero the input is missing`(start: String?) throws {
        for metric in ["drawdown_daily", "daily_loss"] {
            #expect(try reason(["metric: \(metric)", "max: 0.5"], equity: "5", start: start) == .inputMissing)
        }
        #expect(try reason(["metric: drawdown_max", "max: 0.5"], equity: "5", peak: start) == .inputMissing)
        #expect(try reason(["metric: equity", "min: 1"], equity: "5", start: start, peak: start) == nil)
    }

    @Test func `losses are judged where positions are left out`() throws {
        let desk = try Desk([
            ["id: rule", "metric: daily_loss", "max: 50"], ["id: wide", "metric: symbol", "deny: [NEVER]"],
        ])
        try desk.snapshot(equity: "100", dailyStart: "100", positions: nil, pending: nil)
        #expect(desk.decide(try desk.order()).reason == nil)
    }

    @Test func `a soft rule warns, and a rule in shadow only shows`() throws {
        for (line, severity, mode) in [
            ("severity: soft", Severity.soft, RuleMode.enforce), ("mode: shadow", .hard, .shadow),
        ] {
            let desk = try Desk([
                ["id: rule", "metric: daily_loss", "max: 50", line],
                ["id: wide", "metric: order_quantity", "max: 1"],
            ])
            try desk.snapshot(equity: "0", dailyStart: "100")
            let outcome = desk.decide(try desk.order())
            #expect(outcome.reason == nil)
            #expect(outcome.reasons == [.dailyLossExceeded])
            #expect(outcome.violations[0].severity == severity && outcome.violations[0].mode == mode)
            #expect(!outcome.violations[0].blocks)
            #expect(desk.decide(try desk.order(.buy, "2")).reason == .orderQuantityExceeded)
        }
    }
}
