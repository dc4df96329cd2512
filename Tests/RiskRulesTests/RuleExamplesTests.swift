import RiskRules
import Testing

struct RuleExamplesTests {
    private static let leverage = ["id: lev", "metric: leverage", "max: 10"]

    /// What the compiler says of examples beside rules.
    private func formProblems(_ example: ExampleLines) -> [String] {
        var document = RuleLines(rules: [Self.leverage]).document
        document.examples = [example.example]
        return RuleLines.problems(of: [document])
    }

    /// What comes out otherwise than the examples say.
    private func outcome(
        _ rules: [[String]], instruments: [[String]] = [], _ examples: ExampleLines...
    ) throws -> [String] {
        var document = RuleLines(rules: rules, instruments: instruments).document
        document.examples = examples.map(\.example)
        return RuleExamples.run([document], against: try RuleLines.compile([document])).map(\.description)
    }

    @Test func `an example that comes out is no problem`() throws {
        let approved = ExampleLines(order: ["symbol": "BTCUSDT", "side": "BUY", "quantity": "0.2", "price": "50000"])
        let refused = ExampleLines(
            order: ["symbol": "BTCUSDT", "side": "buy", "quantity": "0.2000000001", "price": "50000"],
            expect: "LEVERAGE_EXCEEDED")
        #expect(try outcome([Self.leverage], approved, refused) == [])
    }

    @Test func `an example that does not come out is told with what was decided and why`() throws {
        let approved = ExampleLines(
            name: "eleven times", order: ["symbol": "BTCUSDT", "side": "buy", "quantity": "0.22", "price": "50000"])
        let refused = ExampleLines(name: "five times", expect: "LEVERAGE_EXCEEDED")
        #expect(
            try outcome([Self.leverage], approved, refused) == [
                """
                a.yaml:104:20: the example "eleven times" expects approved, but the set refuses it: LEVERAGE_EXCEEDED: \
                leverage 11 exceeds max 10 (rule lev)
                """,
                """
                a.yaml:104:20: the example "five times" expects LEVERAGE_EXCEEDED, but the set approves it
                """,
            ])
    }

    @Test func `each example starts fresh`() throws {
        let once = ExampleLines()
        let rules = [Self.leverage, ["id: rate", "metric: order_count", "window: 1h", "max: 1"]]
        #expect(try outcome(rules, once, once, once) == [])
    }

    @Test func `what an example leaves out is missing`() throws {
        let noAccount = ExampleLines(account: nil, expect: "ACCOUNT_UNKNOWN")
        let noEquity = ExampleLines(account: ["margin_used": "0"], expect: "INPUT_MISSING")
        let noPrice = ExampleLines(prices: [:], expect: "PRICE_UNAVAILABLE")
        let otherAccount = ExampleLines(
            account: ["id": "x", "equity": "1000"],
            order: ["account": "y", "symbol": "BTCUSDT", "side": "buy", "quantity": "0.1"], expect: "ACCOUNT_UNKNOWN")
        #expect(try outcome([Self.leverage], noAccount, noEquity, noPrice, otherAccount) == [])
    }

    @Test func `positions and working orders count`() throws {
        let rules = [["id: p", "metric: position_quantity", "max: 5"]]
        func example(_ quantity: String, _ expect: String) -> ExampleLines {
            ExampleLines(
                positions: [["symbol": "BTCUSDT", "side": "LONG", "quantity": "3"]],
                pendingOrders: [["symbol": "BTCUSDT", "side": "buy", "quantity": "1.5", "price": "49000"]],
                order: ["symbol": "BTCUSDT", "side": "buy", "quantity": quantity, "price": "50000"], expect: expect)
        }
        #expect(try outcome(rules, example("0.5", "approved"), example("0.6", "POSITION_LIMIT_EXCEEDED")) == [])
    }

    @Test func `a short position is closed by a buy`() throws {
        func example(_ side: String, _ expect: String) -> ExampleLines {
            ExampleLines(
                account: ["equity": "1"], positions: [["symbol": "BTCUSDT", "side": "short", "quantity": "3"]],
                order: ["symbol": "BTCUSDT", "side": side, "quantity": "1", "reduce_only": "true"], expect: expect)
        }
        #expect(
            try outcome([Self.leverage], example("buy", "approved"), example("sell", "REDUCE_ONLY_WOULD_INCREASE"))
                == [])
    }

    @Test func `names, type and time in force reach the rules`() throws {
        let rules = [
            ["id: s", "metric: strategy", "allow: [grid]"], ["id: t", "metric: type", "allow: [limit, stop]"],
            ["id: f", "metric: time_in_force", "allow: [GTC]"], ["id: a", "metric: account", "allow: [mm-*, example]"],
        ]
        func example(_ changes: [String: String], _ expect: String) -> ExampleLines {
            let value = { (key: String, usual: String) in changes[key] ?? usual }
            return ExampleLines(
                order: [
                    "symbol": "BTCUSDT", "side": "buy", "quantity": "1", "price": "50000", "stop_price": "51000",
                    "strategy": value("strategy", "grid"), "type": value("type", "limit"),
                    "time_in_force": value("time_in_force", "gtc"), "account": value("account", "example"),
                ], expect: expect)
        }
        #expect(
            try outcome(
                rules, example([:], "approved"), example(["account": "mm-9"], "approved"),
                example(["type": "stop"], "approved"), example(["strategy": "trend"], "STRATEGY_NOT_PERMITTED"),
                example(["type": "post_only"], "ORDER_TYPE_NOT_PERMITTED"),
                example(["time_in_force": "IOC"], "TIME_IN_FORCE_NOT_PERMITTED"),
                example(["account": "x"], "ACCOUNT_NOT_PERMITTED"), example(["account": "EXAMPLE"], "ORDER_MALFORMED"))
                == [])
    }

    @Test func `a reject by a list names its rule`() throws {
        let rules = [["id: s", "metric: symbol", "deny: [BTC*]"]]
        #expect(
            try outcome(rules, ExampleLines()) == [
                """
                a.yaml:104:20: the example "an example" expects approved, but the set refuses it: SYMBOL_NOT_PERMITTED \
                (rule s)
                """
            ])
    }

    @Test func `a type is limit with a price and market without`() throws {
        let rules = [["id: t", "metric: type", "deny: [market]"]]
        let market = ExampleLines(
            order: ["symbol": "BTCUSDT", "side": "buy", "quantity": "1"], expect: "ORDER_TYPE_NOT_PERMITTED")
        #expect(try outcome(rules, ExampleLines(), market) == [])
    }

    @Test(arguments: [
        (ExampleLines(name: nil), "a.yaml:100:5: this example has no name: say what it shows"),
        (ExampleLines(expect: nil), "a.yaml:100:5: this example has no expect: write approved or a reason code"),
        (ExampleLines(order: nil), "a.yaml:100:5: this example has no order: write one"),
        (
            ExampleLines(expect: "LEVERAGE_EXCEDED"),
            "a.yaml:104:20: unknown reason \"LEVERAGE_EXCEDED\": did you mean LEVERAGE_EXCEEDED?"
        ),
        (
            ExampleLines(expect: "yes"),
            "a.yaml:104:20: unknown reason \"yes\": write approved or a reason code, as in LEVERAGE_EXCEEDED"
        ),
        (
            ExampleLines(account: ["equty": "1000"]),
            "a.yaml:101:20: unknown key \"equty\" of an example's account: did you mean \"equity\"?"
        ),
        (
            ExampleLines(account: ["equity": "lots"]),
            """
            a.yaml:101:20: equity "lots" is not a number: write digits, with a point before decimals, as in 250000 or 0.25
            """
        ),
        (
            ExampleLines(positions: [["symbol": "BTCUSDT", "side": "buy", "quantity": "1"]]),
            "a.yaml:101:20: unknown side \"buy\" of a position: write long or short"
        ),
        (
            ExampleLines(positions: [["side": "long", "quantity": "1"]]),
            "a.yaml:101:5: this position has no symbol: write one"
        ),
        (
            ExampleLines(pendingOrders: [["symbol": "BTCUSDT", "side": "buy", "quantity": "0"]]),
            "a.yaml:101:20: quantity 0 is not above 0"
        ),
        (ExampleLines(prices: ["BTCUSDT": "0"]), "a.yaml:102:20: the price of BTCUSDT 0 is not above 0"),
        (
            ExampleLines(order: ["symbol": "BTCUSDT", "quantity": "1"]),
            "a.yaml:103:5: this order has no side: write one"
        ),
        (
            ExampleLines(order: ["symbol": "BTCUSDT", "side": "long", "quantity": "1"]),
            "a.yaml:103:20: unknown side \"long\": write buy or sell"
        ),
        (
            ExampleLines(order: ["symbol": "BTCUSDT", "side": "buy", "type": "limt", "quantity": "1"]),
            "a.yaml:103:20: unknown order type \"limt\": did you mean \"limit\"?"
        ),
        (
            ExampleLines(order: ["symbol": "BTCUSDT", "side": "buy", "type": "limit", "quantity": "1"]),
            "a.yaml:103:5: a limit order needs a price: write one"
        ),
        (
            ExampleLines(order: ["symbol": "BTCUSDT", "side": "buy", "type": "stop", "quantity": "1"]),
            "a.yaml:103:5: a stop_market order needs a stop_price: write one"
        ),
        (
            ExampleLines(order: ["symbol": "BTCUSDT", "side": "buy", "quantity": "1", "reduce_only": "yes"]),
            "a.yaml:103:20: reduce_only is true or false, not \"yes\""
        ),
    ])
    func `an example with one fault of form is refused`(_ example: ExampleLines, _ message: String) {
        #expect(formProblems(example) == [message])
        #expect(formProblems(ExampleLines()) == [])
    }
}
