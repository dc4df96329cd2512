import RiskRules
import Testing

/// What is wrong with `confidence`, `method`, `share` and `scale`, each beside a rule that is right.
struct RuleParameterProblemsTests {
    private static let scale = ["by: volatility", "window of scale: 5m", "reference: 0.02", "floor: 0.25"]

    private static func changed(_ key: String, _ value: String) -> [String] {
        ["id: a", "metric: leverage", "max: 10"] + scale.map { $0.hasPrefix(key) ? "\(key): \(value)" : $0 }
    }

    private static let wrong: [([String], String)] = [
        (
            ["id: a", "metric: value_at_risk", "max: 0.1", "confidence: 0"],
            "a.yaml:5:17: confidence 0 is not above 0 and below 1: write 0.95 for 95 %"
        ),
        (
            ["id: a", "metric: value_at_risk", "max: 0.1", "confidence: 1"],
            "a.yaml:5:17: confidence 1 is not above 0 and below 1: write 0.95 for 95 %"
        ),
        (
            ["id: a", "metric: expected_shortfall", "max: 0.1", "confidence: 97.5"],
            "a.yaml:5:17: confidence 97.5 is not above 0 and below 1: write 0.975 for 97.5 %"
        ),
        (
            ["id: a", "metric: value_at_risk", "max: 0.1", "confidence: high"],
            "a.yaml:5:17: confidence \"high\" is not a number: write digits, with a point before decimals, as in 250000 or 0.25"
        ),
        (
            ["id: a", "metric: drawdown_max", "max: 0.1", "confidence: 0.95"],
            "a.yaml:5:17: drawdown_max takes no confidence, which is for value_at_risk and expected_shortfall: leave it out"
        ),
        (
            ["id: a", "metric: value_at_risk", "max: 0.1", "method: montecarlo"],
            "a.yaml:5:13: unknown method \"montecarlo\": write historical or parametric"
        ),
        (
            ["id: a", "metric: value_at_risk", "max: 0.1", "method: parametrc"],
            "a.yaml:5:13: unknown method \"parametrc\": did you mean \"parametric\"?"
        ),
        (
            ["id: a", "metric: leverage", "max: 10", "method: historical"],
            "a.yaml:5:13: leverage takes no method, which is for value_at_risk and expected_shortfall: leave it out"
        ),
        (
            ["id: a", "metric: value_at_risk", "max: 0.1", "window: 1m"],
            "a.yaml:5:13: value_at_risk takes no window: leave it out"
        ),
        (
            ["id: a", "metric: volatility", "max: 0.1", "window: 29s"],
            "a.yaml:5:13: window 29s is too short for volatility, which needs 30 returns of a second: write 30s or more"
        ),
        (
            ["id: a", "metric: volatility", "max: 0.1"],
            "a.yaml:3:13: volatility is measured over a window: write how long, as in window: 5m"
        ),
        (
            ["id: a", "metric: volatility", "max: 5", "window: 30s"],
            "a.yaml:4:10: max 5 is not a fraction of 1, as volatility is: write 0.05 for 5 %"
        ),
        (
            ["id: a", "metric: leverage", "max: 10", "share: 0"],
            "a.yaml:5:12: share 0 is not above 0 and at most 1: it is this Gate's part of the bound, write 0.5 for one half"
        ),
        (
            ["id: a", "metric: leverage", "max: 10", "share: 1.1"],
            "a.yaml:5:12: share 1.1 is not above 0 and at most 1: it is this Gate's part of the bound, write 0.5 for one half"
        ),
        (
            ["id: a", "metric: margin_ratio", "min: 2", "share: 0.5"],
            "a.yaml:5:12: share makes a max smaller, and margin_ratio has a min, which it would only loosen: leave it out"
        ),
        (
            ["id: a", "metric: order_notional", "min: 2", "max: 9", "share: 0.5"],
            "a.yaml:6:12: share makes a max smaller and would loosen a min: write the min as a rule of its own"
        ),
        (
            ["id: a", "metric: symbol", "allow: [BTC]", "share: 0.5"],
            "a.yaml:5:12: symbol is no number, so that share has nothing to work on: leave it out"
        ),
        (
            ["id: a", "metric: price_deviation", "max: 0.1", "share: 0.5"],
            "a.yaml:5:12: price_deviation is no amount that several Gates come up to together: leave share out, and write the max that is meant"
        ),
        (
            ["id: a", "metric: order_count", "window: 1s", "max: 1", "share: 0.5"],
            "a.yaml:6:12: share 0.5 of max 1 is 0.5, which refuses every order: write a larger share or max"
        ),
        (
            ["id: a", "metric: order_quantity", "max: 0.0000000001", "share: 0.5"],
            "a.yaml:5:12: share 0.5 of max 0.0000000001 is 0, which refuses every order: write a larger share or max"
        ),
        (
            ["id: a", "metric: duplicate_count", "window: 1s", "max: 0"],
            "a.yaml:5:10: max 0 refuses every order: write a bound above 0, or stop trading with gate stop"
        ),
        (
            ["id: a", "metric: notional_sum", "window: 1s", "max: 0"],
            "a.yaml:5:10: max 0 refuses every order: write a bound above 0, or stop trading with gate stop"
        ),
        (changed("by", "spread"), "a.yaml:5:9: unknown scale \"spread\": write volatility"),
        (
            changed("window of scale", "29s"),
            "a.yaml:6:22: window 29s is too short for volatility, which needs 30 returns of a second: write 30s or more"
        ),
        (
            changed("reference", "0"),
            "a.yaml:7:16: reference 0 is not above 0: write the volatility up to which the bound is whole, as in 0.02"
        ),
        (
            changed("reference", "2"),
            "a.yaml:7:16: reference 2 is not a fraction of 1, as volatility is: write 0.02 for 2 %"
        ),
        (
            changed("floor", "-0.1"),
            "a.yaml:8:12: floor -0.1 is not within 0 and 1: it is the part of the bound that always remains, write 0.25 for one quarter"
        ),
        (
            changed("floor", "1.1"),
            "a.yaml:8:12: floor 1.1 is not within 0 and 1: it is the part of the bound that always remains, write 0.25 for one quarter"
        ),
        (
            changed("floor", "1"),
            "a.yaml:8:12: floor 1 leaves all of the bound always, so that scale does nothing: write a smaller floor, or leave scale out"
        ),
        (
            ["id: a", "metric: leverage", "max: 10"] + scale.dropLast(),
            "a.yaml:5:5: this scale has no floor: write one, as in floor: 0.25"
        ),
        (
            ["id: a", "metric: equity", "min: 10"] + scale,
            "a.yaml:5:5: scale makes a max smaller, and equity has a min, which it would only loosen: leave it out"
        ),
        (
            ["id: a", "metric: side", "allow: [buy]"] + scale,
            "a.yaml:5:5: side is no number, so that scale has nothing to work on: leave it out"
        ),
        (
            ["id: a", "metric: price_aggression", "max: -0.1"] + scale,
            "a.yaml:5:5: scale of a max below 0 would loosen it: leave it out"
        ),
        (
            ["id: a", "metric: volatility", "max: 0.1", "window: 30s"] + scale,
            "a.yaml:6:5: a bound on volatility that is scaled by volatility has no meaning: leave scale out"
        ),
        (
            ["id: a", "metric: order_quantity", "max: 10", "on_missing: skip"],
            "a.yaml:5:17: on_missing has no meaning for order_quantity, which needs neither a price nor an account: leave it out"
        ),
    ]

    @Test(arguments: wrong)
    func `what is wrong is told in its place`(rule: [String], says message: String) {
        #expect(RuleLines.problems(of: [RuleLines(rules: [rule]).document]) == [message])
    }

    private static let right: [[String]] = [
        ["id: a", "metric: value_at_risk", "max: 0.1"],
        ["id: a", "metric: value_at_risk", "max: 0.1", "confidence: 0.0000000001", "method: historical"],
        ["id: a", "metric: expected_shortfall", "max: 0.1", "confidence: 0.9999999999", "method: parametric"],
        ["id: a", "metric: volatility", "max: 0.1", "window: 30s"],
        ["id: a", "metric: leverage", "max: 10", "share: 1"],
        ["id: a", "metric: leverage", "max: 10", "share: 0.0000000001"],
        ["id: a", "metric: order_count", "window: 1s", "max: 2", "share: 0.5"],
        ["id: a", "metric: price_aggression", "max: 0"] + scale,
        changed("floor", "0"), changed("floor", "0.9999999999"), changed("reference", "1"),
        changed("window of scale", "30s"),
        ["id: a", "metric: order_quantity", "max: 10", "on_missing: skip"] + scale,
    ]

    @Test(arguments: right)
    func `what is right is accepted at its bounds`(rule: [String]) {
        #expect(RuleLines.problems(of: [RuleLines(rules: [rule]).document]) == [])
    }

    @Test func `rules that read returns or scale differently bind each for itself, equal ones do not`() {
        func problems(_ first: String, _ second: String) -> Int {
            let rules = [first, second].enumerated().map {
                ["id: r\($0)", "metric: value_at_risk", "max: 0.\($0 + 1)", $1]
            }
            return RuleLines.problems(of: [RuleLines(rules: rules).document]).count
        }
        #expect(problems("confidence: 0.95", "confidence: 0.99") == 0)
        #expect(problems("method: historical", "method: parametric") == 0)
        #expect(problems("confidence: 0.95", "method: historical") == 1)
    }

    @Test func `a share is counted in where bounds are compared`() {
        let loose = ["id: a", "metric: leverage", "max: 10", "share: 0.5"]
        #expect(
            RuleLines.problems(of: [RuleLines(rules: [loose, ["id: b", "metric: leverage", "max: 4"]]).document]) == [
                "a.yaml:4:10: 10 binds nothing: the rule b at a.yaml:6:5 already holds leverage of the same orders to 4; take one of them out"
            ])
    }
}
