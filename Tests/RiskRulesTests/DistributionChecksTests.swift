import RiskRules
import Testing

struct DistributionChecksTests {
    private static let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]

    private static func rule(_ metric: String, _ max: String, _ more: String...) -> [String] {
        ["id: tail", "metric: \(metric)", "max: \(max)"] + more
    }

    /// -0.001, -0.002, ... -0.101.
    private static let losses = (1...101).map { -Double($0) / 1000 }

    @Test(arguments: [
        ("value_at_risk", "0.096", "0.0959", Reason.valueAtRiskExceeded),
        ("expected_shortfall", "0.0985", "0.0984", Reason.expectedShortfallExceeded),
    ])
    func `a loss at its bound passes, and one above is refused`(
        metric: String, passing: String, refused: String, reason: Reason
    ) throws {
        let desk = try Desk([Self.wide, Self.rule(metric, passing)])
        try desk.snapshot(returns: Self.losses)
        #expect(desk.decide(try desk.order()).reason == nil)
        desk.engine.install(try RuleLines.compile([Self.wide, Self.rule(metric, refused)]))
        let outcome = desk.decide(try desk.order())
        #expect(outcome.reason == reason)
        #expect(outcome.violations[0].value.description == passing)
    }

    @Test func `confidence and method say which loss is meant`() throws {
        for (lines, value) in [
            (["confidence: 0.99"], "0.1"), (["confidence: 0.905"], "0.0915"),
            (["method: parametric"], "0.099194492"), (["method: parametric", "confidence: 0.5"], "0.051"),
        ] {
            let desk = try Desk([Self.wide, ["id: tail", "metric: value_at_risk", "max: 0.01"] + lines])
            try desk.snapshot(returns: Self.losses)
            #expect(desk.decide(try desk.order()).violations[0].value.description == value, "\(lines)")
        }
    }

    @Test func `without 30 returns the input is missing, or the rule skipped`() throws {
        let desk = try Desk([Self.wide, Self.rule("value_at_risk", "0.5")])
        for returns in [nil, [], Array(Self.losses.prefix(29))] {
            try desk.snapshot(returns: returns)
            #expect(desk.decide(try desk.order()).reasons == [.inputMissing])
        }
        try desk.snapshot(returns: Array(Self.losses.prefix(30)))
        #expect(desk.decide(try desk.order()).reason == nil)
        try desk.snapshot(returns: nil)
        desk.engine.install(try RuleLines.compile([Self.wide, Self.rule("value_at_risk", "0.5", "on_missing: skip")]))
        #expect(desk.decide(try desk.order()).reason == nil)
    }

    @Test func `a stale or unknown account is the reason, and what reduces risk is exempt`() throws {
        let desk = try Desk([Self.wide, Self.rule("value_at_risk", "0.01")])
        #expect(desk.decide(try desk.order()).reason == .stateUnavailable)
        try desk.snapshot(positions: [("BTC", "2", nil)], returns: Self.losses)
        #expect(desk.decide(try desk.order(.sell, "2")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "3")).reason == .valueAtRiskExceeded)
        desk.advance(2)
        #expect(desk.decide(try desk.order(.sell, "3")).reason == .accountStale)
    }

    @Test func `returns need neither positions nor equity`() throws {
        let desk = try Desk([Self.wide, Self.rule("value_at_risk", "0.01")])
        try desk.snapshot(equity: nil, positions: nil, pending: nil, returns: Self.losses)
        #expect(desk.decide(try desk.order()).reason == .valueAtRiskExceeded)
    }

    @Test func `each account has its own returns, and loses them with its key`() throws {
        let desk = try Desk([Self.wide, Self.rule("value_at_risk", "0.05")])
        try desk.snapshot("A", returns: Self.losses)
        try desk.snapshot("B", returns: Self.losses.map { -$0 })
        #expect(desk.decide(try desk.order(account: "A")).reason == .valueAtRiskExceeded)
        #expect(desk.decide(try desk.order(account: "B")).reason == nil)
        desk.engine.accountAbsent(try desk.account("A"))
        try desk.snapshot("A", returns: nil)
        #expect(desk.decide(try desk.order(account: "A")).reason == .inputMissing)
    }

    @Test func `an example may give returns`() throws {
        var lines = ExampleLines()
        lines.order = ["symbol": "BTC", "side": "buy", "quantity": "1", "price": "1"]
        lines.account = ["equity": "1000"]
        lines.expect = "VALUE_AT_RISK_EXCEEDED"
        var document = RuleLines(rules: [Self.wide, Self.rule("value_at_risk", "0.05")]).document
        var example = lines.example
        let place = example.location
        example.account?.returns = Self.losses.map { Located("\($0)", at: place) }
        document.examples = [example]
        let set = try RuleLines.compile([document])
        #expect(RuleExamples.run([document], against: set).isEmpty)
        document.examples[0].account?.returns = nil
        #expect(RuleExamples.run([document], against: set).count == 1)
    }
}
