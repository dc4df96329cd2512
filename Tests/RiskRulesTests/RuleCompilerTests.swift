import RiskRules
import Testing

/// Each kind of problem with its whole message and place, and beside it the nearest form that is accepted.
struct RuleCompilerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var name: String
        var refused: [[String]]
        var message: String
        var accepted: [[String]]
        var testDescription: String { name }

        init(_ name: String, _ refused: [String]..., says message: String, accepted: [String]...) {
            self.name = name
            self.refused = refused
            self.message = message
            self.accepted = accepted
        }
    }

    @Test(arguments: keyCases + boundCases + membershipCases + scopeCases + comparisonCases)
    func `a rule with one problem is refused and its neighbour accepted`(_ one: Case) {
        #expect(RuleLines.problems(of: [RuleLines(rules: one.refused).document]) == [one.message])
        #expect(RuleLines.problems(of: [RuleLines(rules: one.accepted).document]) == [])
    }

    static let keyCases = [
        Case(
            "no id", ["metric: leverage", "max: 10"],
            says: "a.yaml:2:5: this rule has no id: write one, as in id: max-leverage",
            accepted: ["id: a", "metric: leverage", "max: 10"]),
        Case(
            "an id with capitals", ["id: Max_Leverage", "metric: leverage", "max: 10"],
            says: """
                a.yaml:2:9: the id "Max_Leverage" is not well formed: write 1 to 64 lower-case letters, digits and \
                hyphens, as in max-leverage
                """,
            accepted: ["id: max-leverage-2", "metric: leverage", "max: 10"]),
        Case(
            "an id twice", ["id: a", "metric: leverage", "max: 10"], ["id: a", "metric: equity", "min: 10"],
            says: "a.yaml:5:9: the id a is already used at a.yaml:2:9: give this rule its own",
            accepted: ["id: a", "metric: leverage", "max: 10"], ["id: b", "metric: equity", "min: 10"]),
        Case(
            "no metric", ["id: a", "max: 10"],
            says: "a.yaml:2:5: this rule has no metric: write what it bounds, as in metric: leverage",
            accepted: ["id: a", "metric: leverage", "max: 10"]),
        Case(
            "a misspelt metric", ["id: a", "metric: leverge", "max: 10"],
            says: "a.yaml:3:13: unknown metric \"leverge\": did you mean \"leverage\"?",
            accepted: ["id: a", "metric: leverage", "max: 10"]),
        Case(
            "the beginning of two metrics", ["id: a", "metric: drawdown", "max: 0.1"],
            says: "a.yaml:3:13: unknown metric \"drawdown\": did you mean \"drawdown_daily\" or \"drawdown_max\"?",
            accepted: ["id: a", "metric: drawdown_max", "max: 0.1"]),
        Case(
            "an unknown severity", ["id: a", "metric: leverage", "max: 10", "severity: Hard"],
            says: "a.yaml:5:15: unknown severity \"Hard\": did you mean \"hard\"?",
            accepted: ["id: a", "metric: leverage", "max: 10", "severity: hard"]),
        Case(
            "a severity like none", ["id: a", "metric: leverage", "max: 10", "severity: critical"],
            says: "a.yaml:5:15: unknown severity \"critical\": write one of soft, hard, emergency",
            accepted: ["id: a", "metric: leverage", "max: 10", "severity: emergency"]),
        Case(
            "an unknown mode", ["id: a", "metric: leverage", "max: 10", "mode: shadwo"],
            says: "a.yaml:5:11: unknown mode \"shadwo\": did you mean \"shadow\"?",
            accepted: ["id: a", "metric: leverage", "max: 10", "mode: shadow"]),
        Case(
            "stop without an emergency", ["id: a", "metric: leverage", "max: 10", "stop: account"],
            says: """
                a.yaml:5:11: stop says what an emergency stops, and this rule is none: write severity: emergency, or \
                leave stop out
                """,
            accepted: ["id: a", "metric: leverage", "max: 10", "severity: emergency", "stop: account"]),
        Case(
            "an unknown stop", ["id: a", "metric: leverage", "max: 10", "severity: emergency", "stop: all"],
            says: "a.yaml:6:11: unknown stop \"all\": write one of global, account, strategy, symbol",
            accepted: ["id: a", "metric: leverage", "max: 10", "severity: emergency", "stop: global"]),
        Case(
            "an emergency that never stops",
            ["id: a", "metric: leverage", "max: 10", "severity: emergency", "mode: shadow"],
            says: """
                a.yaml:6:11: an emergency rule in mode shadow never stops anything: write severity soft to watch it, or \
                leave mode out
                """,
            accepted: ["id: a", "metric: leverage", "max: 10", "severity: emergency", "mode: enforce"]),
        Case(
            "no window", ["id: a", "metric: order_count", "max: 10"],
            says: "a.yaml:3:13: order_count counts in a window: write how long, as in window: 1s",
            accepted: ["id: a", "metric: order_count", "max: 10", "window: 1s"]),
        Case(
            "a window without a count", ["id: a", "metric: leverage", "max: 10", "window: 1s"],
            says: "a.yaml:5:13: leverage takes no window: leave it out",
            accepted: ["id: a", "metric: leverage", "max: 10"]),
        Case(
            "a window without a unit", ["id: a", "metric: order_count", "max: 10", "window: 60"],
            says: """
                a.yaml:5:13: window "60" is not a length of time: write a whole number with ms, s, m or h, as in 500ms, \
                1s, 1m, 1h
                """,
            accepted: ["id: a", "metric: order_count", "max: 10", "window: 60s"]),
        Case(
            "a window of nothing", ["id: a", "metric: order_count", "max: 10", "window: 0s"],
            says: "a.yaml:5:13: window 0s is out of range: write one from 1ms to 24h",
            accepted: ["id: a", "metric: order_count", "max: 10", "window: 1ms"]),
        Case(
            "a window longer than a day", ["id: a", "metric: order_count", "max: 10", "window: 25h"],
            says: "a.yaml:5:13: window 25h is out of range: write one from 1ms to 24h",
            accepted: ["id: a", "metric: order_count", "max: 10", "window: 24h"]),
        Case(
            "a window beyond 64 bits", ["id: a", "metric: order_count", "max: 10", "window: 99999999999999999999h"],
            says: "a.yaml:5:13: window 99999999999999999999h is out of range: write one from 1ms to 24h",
            accepted: ["id: a", "metric: order_count", "max: 10", "window: 1h"]),
        Case(
            "per on an exposure", ["id: a", "metric: leverage", "max: 10", "per: strategy"],
            says: "a.yaml:5:10: leverage takes no per: leave it out; exposure is known per account",
            accepted: ["id: a", "metric: leverage", "max: 10", "strategies: [grid]"]),
        Case(
            "open orders per strategy", ["id: a", "metric: open_orders", "max: 10", "per: strategy"],
            says: "a.yaml:5:10: unknown per \"strategy\": write account or symbol",
            accepted: ["id: a", "metric: open_orders", "max: 10", "per: symbol"]),
        Case(
            "a misspelt per", ["id: a", "metric: order_count", "window: 1s", "max: 10", "per: stratgy"],
            says: "a.yaml:6:10: unknown per \"stratgy\": did you mean \"strategy\"?",
            accepted: ["id: a", "metric: order_count", "window: 1s", "max: 10", "per: strategy"]),
        Case(
            "on_missing that means nothing", ["id: a", "metric: order_quantity", "max: 10", "on_missing: skip"],
            says: """
                a.yaml:5:17: on_missing has no meaning for order_quantity, which needs neither a price nor an account: \
                leave it out
                """,
            accepted: ["id: a", "metric: order_notional", "max: 10", "on_missing: skip"]),
        Case(
            "an unknown on_missing", ["id: a", "metric: leverage", "max: 10", "on_missing: ignore"],
            says: "a.yaml:5:17: unknown on_missing \"ignore\": write reject or skip",
            accepted: ["id: a", "metric: leverage", "max: 10", "on_missing: reject"]),
        Case(
            "a flag that is none", ["id: a", "metric: leverage", "max: 10", "exempt_reducing: no"],
            says: "a.yaml:5:22: exempt_reducing is true or false, not \"no\"",
            accepted: ["id: a", "metric: leverage", "max: 10", "exempt_reducing: false"]),
    ]

    static let boundCases = [
        Case(
            "no bound", ["id: a", "metric: leverage"],
            says: "a.yaml:3:13: this rule binds nothing: leverage needs a bound, write max, as in max: 10",
            accepted: ["id: a", "metric: leverage", "max: 10"]),
        Case(
            "no minimum", ["id: a", "metric: margin_ratio"],
            says: "a.yaml:3:13: this rule binds nothing: margin_ratio needs a bound, write min, as in min: 1.5",
            accepted: ["id: a", "metric: margin_ratio", "min: 1.5"]),
        Case(
            "max of what is kept above", ["id: a", "metric: margin_ratio", "max: 1.2"],
            says: "a.yaml:4:10: margin_ratio is kept above its bound: write min: 1.2 instead of max",
            accepted: ["id: a", "metric: margin_ratio", "min: 1.2"]),
        Case(
            "min of what is kept below", ["id: a", "metric: leverage", "min: 3"],
            says: "a.yaml:4:10: leverage is kept below its bound: write max: 3 instead of min",
            accepted: ["id: a", "metric: leverage", "max: 3"]),
        Case(
            "both of what takes one", ["id: a", "metric: equity", "min: 3", "max: 4"],
            says: "a.yaml:5:10: equity is kept above its bound: write min: 4 instead of max",
            accepted: ["id: a", "metric: order_notional", "min: 3", "max: 4"]),
        Case(
            "a minimum above its maximum", ["id: a", "metric: order_notional", "max: 5", "min: 5.01"],
            says: "a.yaml:5:10: min 5.01 is above max 5: no order can keep both",
            accepted: ["id: a", "metric: order_notional", "max: 5", "min: 5"]),
        Case(
            "a word", ["id: a", "metric: leverage", "max: ten"],
            says: """
                a.yaml:4:10: max "ten" is not a number: write digits, with a point before decimals, as in 250000 or 0.25
                """,
            accepted: ["id: a", "metric: leverage", "max: 10"]),
        Case(
            "a percentage", ["id: a", "metric: drawdown_max", "max: 20%"],
            says: "a.yaml:4:10: max \"20%\" is not a number: write a fraction of 1, as in 0.2 for 20 %",
            accepted: ["id: a", "metric: drawdown_max", "max: 0.2"]),
        Case(
            "separators", ["id: a", "metric: order_notional", "max: 250_000"],
            says: """
                a.yaml:4:10: max "250_000" is not a number: write the digits without separators, with a point before \
                decimals
                """,
            accepted: ["id: a", "metric: order_notional", "max: 250000"]),
        Case(
            "an exponent", ["id: a", "metric: order_notional", "max: 1e6"],
            says: "a.yaml:4:10: max \"1e6\" is not a number: write it out, without an exponent",
            accepted: ["id: a", "metric: order_notional", "max: 1000000"]),
        Case(
            "eleven decimals", ["id: a", "metric: leverage", "max: 0.12345678901"],
            says: "a.yaml:4:10: max 0.12345678901 has more than ten decimals: round it to ten at most",
            accepted: ["id: a", "metric: leverage", "max: 0.1234567890"]),
        Case(
            "more than 10^18", ["id: a", "metric: order_notional", "max: 1000000000000000000.1"],
            says: """
                a.yaml:4:10: max 1000000000000000000.1 is out of range: numbers go up to 1000000000000000000 (10^18)
                """,
            accepted: ["id: a", "metric: order_notional", "max: 1000000000000000000"]),
        Case(
            "below zero", ["id: a", "metric: gross_exposure", "max: -1"],
            says: "a.yaml:4:10: max -1 is below zero, where gross_exposure never is: write a bound of 0 or more",
            accepted: ["id: a", "metric: gross_exposure", "max: 0"]),
        Case(
            "below minus one", ["id: a", "metric: price_aggression", "max: -2"],
            says: "a.yaml:4:10: max -2 is not a fraction of 1, as price_aggression is: write -0.02 for -2 %",
            accepted: ["id: a", "metric: price_aggression", "max: -0.02"]),
        Case(
            "a percentage as a number", ["id: a", "metric: drawdown_daily", "max: 20"],
            says: "a.yaml:4:10: max 20 is not a fraction of 1, as drawdown_daily is: write 0.2 for 20 %",
            accepted: ["id: a", "metric: drawdown_daily", "max: 1"]),
        Case(
            "an amount as leverage", ["id: a", "metric: leverage", "max: 250000"],
            says: """
                a.yaml:4:10: max 250000 is no plausible leverage, which is a multiple of equity: write at most 1000, as \
                in 10
                """,
            accepted: ["id: a", "metric: leverage", "max: 1000"]),
        Case(
            "a percentage as a margin ratio", ["id: a", "metric: margin_ratio", "min: 150"],
            says: """
                a.yaml:4:10: min 150 is no plausible margin_ratio, which is a multiple of the margin in use: write at \
                most 50, as in 1.5
                """,
            accepted: ["id: a", "metric: margin_ratio", "min: 1.5"]),
        Case(
            "half an order", ["id: a", "metric: open_orders", "max: 2.5"],
            says: "a.yaml:4:10: max 2.5 is not a whole number: open_orders is a count",
            accepted: ["id: a", "metric: open_orders", "max: 2.0"]),
        Case(
            "more orders than a window counts", ["id: a", "metric: order_count", "window: 1h", "max: 1000001"],
            says: "a.yaml:5:10: max 1000001 is too many to count: write at most 1000000",
            accepted: ["id: a", "metric: order_count", "window: 1h", "max: 1000000"]),
        Case(
            "a bound that refuses everything", ["id: a", "metric: order_quantity", "max: 0"],
            says: "a.yaml:4:10: max 0 refuses every order: write a bound above 0, or stop trading with gate stop",
            accepted: ["id: a", "metric: position_quantity", "max: 0"]),
        Case(
            "a bound that refuses nothing", ["id: a", "metric: order_notional", "min: 0"],
            says: "a.yaml:4:10: min 0 binds nothing, since every order is worth more: write a bound above 0",
            accepted: ["id: a", "metric: order_notional", "min: 0.0000000001"]),
        Case(
            "a list for a number", ["id: a", "metric: leverage", "max: 10", "allow: [1, 2]"],
            says: "a.yaml:5:13: leverage is a number and takes no allow: write max, as in max: 10",
            accepted: ["id: a", "metric: leverage", "max: 10"]),
    ]

    static let membershipCases = [
        Case(
            "a bound for names", ["id: a", "metric: symbol", "allow: [BTCUSDT]", "max: 3"],
            says: "a.yaml:5:10: symbol is a name and takes no max: write allow or deny, as in allow: [BTCUSDT]",
            accepted: ["id: a", "metric: symbol", "allow: [BTCUSDT]"]),
        Case(
            "neither list", ["id: a", "metric: side"],
            says: "a.yaml:3:13: this rule binds nothing: side needs allow or deny, as in allow: [buy]",
            accepted: ["id: a", "metric: side", "allow: [buy]"]),
        Case(
            "empty lists", ["id: a", "metric: account", "allow: []", "deny: []"],
            says: "a.yaml:3:13: this rule binds nothing: account needs allow or deny, as in allow: [mm-1]",
            accepted: ["id: a", "metric: account", "allow: []", "deny: [x]"]),
        Case(
            "all allowed", ["id: a", "metric: symbol", "allow: [BTCUSDT, *]"],
            says: """
                a.yaml:4:22: this rule binds nothing: it allows every symbol that it applies to; name those that are \
                allowed
                """,
            accepted: ["id: a", "metric: symbol", "allow: [*]", "deny: [BTCUSDT]"]),
        Case(
            "both sides allowed", ["id: a", "metric: side", "allow: [buy, sell]"],
            says: """
                a.yaml:4:13: this rule binds nothing: it allows every side that it applies to; name those that are \
                allowed
                """,
            accepted: ["id: a", "metric: strategy", "allow: [?*]"]),
        Case(
            "all denied", ["id: a", "metric: symbol", "deny: [*]"],
            says: """
                a.yaml:4:12: this rule refuses every order: it denies every symbol; name those that are denied, or stop \
                trading with gate stop
                """,
            accepted: ["id: a", "metric: symbol", "deny: [*]", "accounts: [x]"]),
        Case(
            "all types denied", ["id: a", "metric: type", "deny: [market, limit, stop*, post_only]"],
            says: """
                a.yaml:4:12: this rule refuses every order: it denies every type; name those that are denied, or stop \
                trading with gate stop
                """,
            accepted: ["id: a", "metric: type", "deny: [market, limit, stop*]"]),
        Case(
            "allowed and denied", ["id: a", "metric: symbol", "allow: [BTCUSDT, ETHUSDT]", "deny: [ETH*]"],
            says: "a.yaml:4:22: ETHUSDT is both allowed and denied (at a.yaml:5:12): take it out of one of the lists",
            accepted: ["id: a", "metric: symbol", "allow: [BTCUSDT, ETH*]", "deny: [ETHUSDT]"]),
        Case(
            "an unknown type", ["id: a", "metric: type", "deny: [limt]"],
            says: "a.yaml:4:12: unknown order type \"limt\": did you mean \"limit\"?",
            accepted: ["id: a", "metric: type", "deny: [LIMIT]"]),
        Case(
            "a time in force with a hyphen", ["id: a", "metric: time_in_force", "allow: [GTC-X]"],
            says: "a.yaml:4:13: \"GTC-X\" matches no order: a time in force has no \"-\" in it",
            accepted: ["id: a", "metric: time_in_force", "allow: [GTC_X]"]),
    ]

    static let scopeCases = [
        Case(
            "an unknown side", ["id: a", "metric: leverage", "max: 10", "sides: [by]"],
            says: "a.yaml:5:13: unknown side \"by\": did you mean \"buy\"?",
            accepted: ["id: a", "metric: leverage", "max: 10", "sides: [BUY]"]),
        Case(
            "an unknown order type", ["id: a", "metric: leverage", "max: 10", "types: [limit, iceberg]"],
            says: """
                a.yaml:5:20: unknown order type "iceberg": write one of market, limit, stop_market, stop_limit, post_only
                """,
            accepted: ["id: a", "metric: leverage", "max: 10", "types: [limit, Stop]"]),
        Case(
            "types that the metric is not defined for",
            ["id: a", "metric: price_deviation", "max: 0.1", "types: [market, stop]"],
            says: """
                a.yaml:5:13: this rule can never apply: price_deviation is defined for limit, stop_limit, post_only \
                orders only; name one of these types
                """,
            accepted: ["id: a", "metric: price_deviation", "max: 0.1", "types: [market, limit]"]),
        Case(
            "a symbol with a space", ["id: a", "metric: leverage", "max: 10", "symbols: [BTC USDT]"],
            says: "a.yaml:5:15: \"BTC USDT\" matches no order: a symbol has no \" \" in it",
            accepted: ["id: a", "metric: leverage", "max: 10", "symbols: [BTC/USDT]"]),
        Case(
            "an empty account", ["id: a", "metric: leverage", "max: 10", "accounts: [,mm-1]"],
            says: "a.yaml:5:16: an empty account matches no order: write a name, or * for all",
            accepted: ["id: a", "metric: leverage", "max: 10", "accounts: [*,mm-1]"]),
        Case(
            "an account of 65 characters",
            ["id: a", "metric: leverage", "max: 10", "accounts: [\(String(repeating: "x", count: 65))]"],
            says: """
                a.yaml:5:16: "\(String(repeating: "x", count: 65))" matches no order: an account has at most 64 characters
                """,
            accepted: ["id: a", "metric: leverage", "max: 10", "accounts: [\(String(repeating: "x", count: 64))]"]),
        Case(
            "one account in two spellings",
            ["id: a", "metric: leverage", "max: 10", "accounts: [mm-1]"],
            ["id: b", "metric: account", "deny: [MM-1]"],
            says: """
                a.yaml:8:12: the account MM-1 differs only in letter case from mm-1 at a.yaml:5:16, and orders for \
                neither would pass: write both alike
                """,
            accepted: ["id: a", "metric: leverage", "max: 10", "accounts: [mm-1]"],
            ["id: b", "metric: account", "deny: [MM-2]"]),
    ]

    static let comparisonCases = [
        Case(
            "the looser of two bounds", ["id: a", "metric: leverage", "max: 10"],
            ["id: b", "metric: leverage", "max: 5"],
            says: """
                a.yaml:4:10: 10 binds nothing: the rule b at a.yaml:5:5 already holds leverage of the same orders to 5; \
                take one of them out
                """,
            accepted: ["id: a", "metric: leverage", "max: 10"],
            ["id: b", "metric: leverage", "max: 5", "severity: soft"]),
        Case(
            "the same bound twice", ["id: a", "metric: equity", "min: 10"], ["id: b", "metric: equity", "min: 10"],
            says: """
                a.yaml:7:10: 10 binds nothing: the rule a at a.yaml:2:5 already holds equity of the same orders to 10; \
                take one of them out
                """,
            accepted: ["id: a", "metric: equity", "min: 10"], ["id: b", "metric: equity", "min: 11", "accounts: [x]"]),
        Case(
            "a minimum above another rule's maximum",
            ["id: a", "metric: order_notional", "max: 10"], ["id: b", "metric: order_notional", "min: 10.5"],
            says: """
                a.yaml:7:10: min 10.5 is above max 10 of the rule a at a.yaml:2:5: no order can keep both
                """,
            accepted: ["id: a", "metric: order_notional", "max: 10"], ["id: b", "metric: order_notional", "min: 10"]),
        Case(
            "two lists with nothing in common",
            ["id: a", "metric: symbol", "allow: [BTCUSDT]"], ["id: b", "metric: symbol", "allow: [ETH*, SOLUSDT]"],
            says: """
                a.yaml:7:13: nothing that this rule permits is left by the rule a at a.yaml:2:5: no order can keep both
                """,
            accepted: ["id: a", "metric: symbol", "allow: [BTCUSDT]"], ["id: b", "metric: symbol", "allow: [BTC*]"]),
        Case(
            "a list that another denies",
            ["id: a", "metric: time_in_force", "deny: [gtc]"], ["id: b", "metric: time_in_force", "allow: [GTC]"],
            says: """
                a.yaml:7:13: nothing that this rule permits is left by the rule a at a.yaml:2:5: no order can keep both
                """,
            accepted: ["id: a", "metric: time_in_force", "deny: [gtc]"],
            ["id: b", "metric: time_in_force", "allow: [GTC, IOC]"]),
    ]

    struct InstrumentCase: Sendable, CustomTestStringConvertible {
        var refused: [[String]]
        var message: String
        var accepted: [[String]]
        var testDescription: String { message }
    }

    @Test(arguments: instrumentCases)
    func `an instrument with one problem is refused and its neighbour accepted`(_ one: InstrumentCase) {
        func problems(_ instruments: [[String]]) -> [String] {
            let rules = [["id: a", "metric: leverage", "max: 10"]]
            return RuleLines.problems(of: [RuleLines(rules: rules, instruments: instruments).document])
        }
        #expect(problems(one.refused) == [one.message])
        #expect(problems(one.accepted) == [])
    }

    static let instrumentCases = [
        InstrumentCase(
            refused: [["tick_size: 1"]],
            message: "a.yaml:6:5: this instrument has no symbol: write one, as in symbol: BTCUSDT",
            accepted: [["symbol: X", "tick_size: 1"]]),
        InstrumentCase(
            refused: [["symbol: X"], ["symbol: X"]],
            message: "a.yaml:7:13: the instrument X is already given at a.yaml:6:13: take one out",
            accepted: [["symbol: X"], ["symbol: Y"]]),
        InstrumentCase(
            refused: [["symbol: X"], ["symbol: x"]],
            message: """
                a.yaml:7:13: the symbol x differs only in letter case from X at a.yaml:6:13, and orders for neither \
                would pass: write both alike
                """,
            accepted: [["symbol: X"], ["symbol: y"]]),
        InstrumentCase(
            refused: [["symbol: BTC*"]],
            message: "a.yaml:6:13: \"BTC*\" is a pattern where one symbol belongs: write its name",
            accepted: [["symbol: BTC"]]),
        InstrumentCase(
            refused: [["symbol: X", "tick_size: 0"]],
            message: "a.yaml:7:16: tick_size 0 is not above 0: write a number above 0, or leave it out",
            accepted: [["symbol: X", "tick_size: 0.0000000001"]]),
        InstrumentCase(
            refused: [["symbol: X", "lot_size: -1"]],
            message: "a.yaml:7:15: lot_size -1 is not above 0: write a number above 0, or leave it out",
            accepted: [["symbol: X", "lot_size: 1"]]),
        InstrumentCase(
            refused: [["symbol: X", "contract_multiplier: 0"]],
            message: "a.yaml:7:26: contract_multiplier 0 is not above 0: write a number above 0, or leave it out",
            accepted: [["symbol: X", "contract_multiplier: 0.001"]]),
        InstrumentCase(
            refused: [["symbol: X", "initial_margin: 5"]],
            message: """
                a.yaml:7:21: initial_margin 5 is not above 0 and at most 1: it is a fraction of the notional, write 0.05 \
                for 5 %
                """,
            accepted: [["symbol: X", "initial_margin: 1"]]),
        InstrumentCase(
            refused: [["symbol: X", "initial_margin: 0"]],
            message: """
                a.yaml:7:21: initial_margin 0 is not above 0 and at most 1: it is a fraction of the notional, write 0.05 \
                for 5 %
                """,
            accepted: [["symbol: X", "initial_margin: 0.0000000001"]]),
        InstrumentCase(
            refused: [["symbol: X", "min_quantity: 2", "max_quantity: 1"]],
            message: "a.yaml:7:19: min_quantity 2 is above max_quantity 1: no order can keep both",
            accepted: [["symbol: X", "min_quantity: 2", "max_quantity: 2"]]),
        InstrumentCase(
            refused: [["symbol: X", "lot_size: 0.3", "max_quantity: 1"]],
            message: """
                a.yaml:8:19: max_quantity 1 is not a multiple of lot_size 0.3, so no order can have it: write a multiple
                """,
            accepted: [["symbol: X", "lot_size: 0.3", "max_quantity: 1.2", "min_quantity: 0.6"]]),
    ]

    @Test func `a rule about a symbol that is no instrument is refused`() {
        let rules = [["id: a", "metric: leverage", "max: 10", "symbols: [BTC*, ETHUSD, X*]"]]
        let instruments = [["symbol: BTCUSDT"], ["symbol: ETHUSDT"]]
        #expect(
            RuleLines.problems(of: [RuleLines(rules: rules, instruments: instruments).document]) == [
                """
                a.yaml:5:21: "ETHUSD" matches none of the instruments, and orders of other symbols are refused: add it to \
                instruments or take it out; did you mean "ETHUSDT"?
                """,
                """
                a.yaml:5:29: "X*" matches none of the instruments, and orders of other symbols are refused: add it to \
                instruments or take it out
                """,
            ])
        #expect(RuleLines.problems(of: [RuleLines(rules: rules).document]) == [])
    }

    @Test func `a set without a rule is refused`() {
        let message = "there is no rule in this set: without one every order is refused; add one"
        #expect(RuleLines.problems(of: []) == ["rules:1:1: \(message)"])
        let empty = [RuleLines(file: "b.yaml").document, RuleLines(file: "a.yaml").document]
        #expect(RuleLines.problems(of: empty) == ["a.yaml:1:1: \(message)"])
    }

    @Test func `every problem of every file is told, in the order of places`() {
        let documents = [
            RuleLines(file: "b.yaml", rules: [["id: B", "metric: leverage", "max: x"]]).document,
            RuleLines(file: "a.yaml", rules: [["id: a", "metric: nothing"], ["id: b", "metric: equity", "max: 1"]])
                .document,
        ]
        let places = RuleLines.problems(of: documents).map { $0.prefix { $0 != " " } }
        #expect(places == ["a.yaml:3:13:", "a.yaml:6:10:", "b.yaml:2:9:", "b.yaml:4:10:"])
    }

    @Test func `no text in any place crashes the compiler`() {
        var random = SplitMix(seed: 23)
        let keys = [
            "id", "metric", "max", "min", "window", "per", "allow", "deny", "severity", "stop", "mode", "on_missing",
            "exempt_reducing", "accounts", "strategies", "symbols", "sides", "types",
        ]
        let words =
            Metric.allCases.map(\.rawValue) + [
                "", "*", "a", "1", "-1", "0", "1s", "99999999999999999999999h", "emergency",
            ]
            + ["[*]", "[a, ,b]", "[é?*]", "\u{0}", "[buy]", "[stop]", "true", "skip", "1e400", "-.5", "0.0000000001"]
        for _ in 0..<3_000 {
            let rules = (0..<3).map { _ in
                (0..<Int.random(in: 1...8, using: &random)).map { _ in "\(random.pick(keys)): \(random.pick(words))" }
            }
            let document = RuleLines(rules: rules, instruments: [["symbol: \(random.pick(words))"]]).document
            _ = RuleCompiler.compile([document], version: "")
        }
    }
}
