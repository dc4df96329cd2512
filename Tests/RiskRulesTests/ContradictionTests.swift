import RiskRules
import Testing

/// Rules about some orders against rules about more of them, and against instruments: what cannot be kept, and beside it
/// what can.
struct ContradictionTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var refused: [[String]]
        var message: String
        var accepted: [[String]]
        var testDescription: String { name }
    }

    private static let wide = ["id: wide", "metric: leverage", "max: 5"]

    private static let cases = [
        Case(
            name: "a looser bound for some accounts",
            refused: [wide, ["id: mm", "metric: leverage", "max: 10", "accounts: [mm-*]"]],
            message: """
                a.yaml:7:10: 10 binds nothing: the rule wide at a.yaml:2:5 already holds leverage of these orders and of \
                others to 5; take this rule out, or narrow the other with applies_to
                """,
            accepted: [wide, ["id: mm", "metric: leverage", "max: 4.9", "accounts: [mm-*]"]]),
        Case(
            name: "the same bound for one side",
            refused: [wide, ["id: buys", "metric: leverage", "max: 5", "sides: [buy]"]],
            message: """
                a.yaml:7:10: 5 binds nothing: the rule wide at a.yaml:2:5 already holds leverage of these orders and of \
                others to 5; take this rule out, or narrow the other with applies_to
                """,
            accepted: [wide, ["id: buys", "metric: leverage", "max: 5", "sides: [buy]", "severity: emergency"]]),
        Case(
            name: "a looser minimum at night",
            refused: [
                ["id: wide", "metric: equity", "min: 100"],
                ["id: night", "metric: equity", "min: 50", "from: 22:00", "to: 06:00", "timezone: UTC"],
            ],
            message: """
                a.yaml:7:10: 50 binds nothing: the rule wide at a.yaml:2:5 already holds equity of these orders and of \
                others to 100; take this rule out, or narrow the other with applies_to
                """,
            accepted: [
                ["id: wide", "metric: equity", "min: 100"],
                ["id: night", "metric: equity", "min: 150", "from: 22:00", "to: 06:00", "timezone: UTC"],
            ]),
        Case(
            name: "a minimum above the maximum of more orders",
            refused: [
                ["id: clip", "metric: order_notional", "max: 100"],
                ["id: floor", "metric: order_notional", "min: 100.01", "symbols: [BTCUSDT]"],
            ],
            message: """
                a.yaml:7:10: min 100.01 is above max 100 of the rule clip at a.yaml:2:5: no order that both apply to can \
                keep both
                """,
            accepted: [
                ["id: clip", "metric: order_notional", "max: 100"],
                ["id: floor", "metric: order_notional", "min: 100", "symbols: [BTCUSDT]"],
            ]),
        Case(
            name: "a minimum above the maximum of fewer orders",
            refused: [
                ["id: clip", "metric: order_notional", "max: 100", "symbols: [BTC?SDT]"],
                ["id: floor", "metric: order_notional", "min: 200", "symbols: [BTC*]"],
            ],
            message: """
                a.yaml:8:10: min 200 is above max 100 of the rule clip at a.yaml:2:5: no order that both apply to can \
                keep both
                """,
            accepted: [
                ["id: clip", "metric: order_notional", "max: 100", "symbols: [BTC?SDT]"],
                ["id: floor", "metric: order_notional", "min: 200", "symbols: [ETH*]"],
            ]),
        Case(
            name: "a list of which a wider one leaves nothing",
            refused: [
                ["id: all", "metric: symbol", "allow: [BTC*, ETHUSDT]"],
                ["id: mm", "metric: symbol", "allow: [SOLUSDT]", "accounts: [mm-1]"],
            ],
            message: """
                a.yaml:7:13: nothing that this rule permits is left by the rule all at a.yaml:2:5: no order can keep both
                """,
            accepted: [
                ["id: all", "metric: symbol", "allow: [BTC*, ETHUSDT]"],
                ["id: mm", "metric: symbol", "allow: [SOLUSDT, BTCUSDT]", "accounts: [mm-1]"],
            ]),
        Case(
            name: "a list that a wider one denies",
            refused: [
                ["id: all", "metric: type", "deny: [market, stop]"],
                ["id: mm", "metric: type", "allow: [stop]", "accounts: [mm-1]"],
            ],
            message: """
                a.yaml:7:13: nothing that this rule permits is left by the rule all at a.yaml:2:5: no order can keep both
                """,
            accepted: [
                ["id: all", "metric: type", "deny: [market, stop]"],
                ["id: mm", "metric: type", "allow: [stop, limit]", "accounts: [mm-1]"],
            ]),
        Case(
            name: "two rules that say the same",
            refused: [
                ["id: a", "metric: symbol", "deny: [LUNA*, UST]"], ["id: b", "metric: symbol", "deny: [UST, LUNA*]"],
            ],
            message: "a.yaml:5:5: this rule says the same as the rule a at a.yaml:2:5: take one of them out",
            accepted: [
                ["id: a", "metric: symbol", "deny: [LUNA*, UST]"],
                ["id: b", "metric: symbol", "deny: [UST, LUNA*]", "severity: soft"],
            ]),
        Case(
            name: "an allowed pattern that is denied as a whole",
            refused: [["id: a", "metric: symbol", "allow: [BTC*, ETH*]", "deny: [BT*]"]],
            message: """
                a.yaml:4:13: BTC* is both allowed and denied (at a.yaml:5:12): take it out of one of the lists
                """,
            accepted: [["id: a", "metric: symbol", "allow: [BTC*, ETH*]", "deny: [BTCU*]"]]),
    ]

    @Test(arguments: cases)
    func `rules that leave one another nothing are refused and their neighbours accepted`(_ one: Case) {
        #expect(RuleLines.problems(of: [RuleLines(rules: one.refused).document]) == [one.message])
        #expect(RuleLines.problems(of: [RuleLines(rules: one.accepted).document]) == [])
    }

    @Test(arguments: [
        (["id: a", "metric: order_quantity", "max: 1"], "min_quantity", "a.yaml:7:19"),
        (["id: a", "metric: order_notional", "max: 1"], "min_notional", "a.yaml:7:19"),
    ])
    func `an instrument whose smallest order a rule refuses is refused`(
        _ rule: [String], _ key: String, _ place: String
    ) {
        func problems(_ value: String, _ more: String...) -> [String] {
            let instruments = [["symbol: BTC", "\(key): \(value)"], ["symbol: ETH"]]
            return RuleLines.problems(of: [RuleLines(rules: [rule + more], instruments: instruments).document])
        }
        #expect(problems("1") == [])
        #expect(problems("1.1", "symbols: [ETH]") == [])
        #expect(problems("1.1", "sides: [buy]") == [])
        #expect(problems("1.1", "severity: soft") == [])
        let message = "\(key) 1.1 of BTC is above max 1 of the rule a at a.yaml:2:5: no order can keep both"
        #expect(problems("1.1") == ["\(place): \(message)"])
        #expect(problems("1.1", "symbols: [B*]") == ["a.yaml:8:19: \(message)"])
    }

    @Test func `to allow what is no instrument allows nothing`() {
        func problems(_ allow: String) -> [String] {
            let rules = [["id: a", "metric: symbol", "allow: [\(allow)]"]]
            return RuleLines.problems(of: [
                RuleLines(rules: rules, instruments: [["symbol: BTCUSDT"], ["symbol: ETHUSDT"]]).document
            ])
        }
        #expect(problems("BTCUSDT, E*T") == [])
        #expect(
            problems("BTCUSDT, SOL*") == [
                """
                a.yaml:4:22: "SOL*" matches none of the instruments, and orders of other symbols are refused: add it to \
                instruments or take it out
                """
            ])
    }

    @Test func `one pattern includes another only where it surely matches all of its names`() {
        for (outer, inner) in [("*", "A*"), ("A*", "AB?"), ("A*C", "A*BC"), ("A?", "A?"), ("A?", "AB"), ("A*", "A")] {
            #expect(Glob.includes(outer, inner), "\(outer) \(inner)")
        }
        for (outer, inner) in [("A?", "A*"), ("A*", "*A"), ("AB*", "A*"), ("A", "A*"), ("A", "A?"), ("?*", "*")] {
            #expect(!Glob.includes(outer, inner), "\(outer) \(inner)")
        }
    }
}
