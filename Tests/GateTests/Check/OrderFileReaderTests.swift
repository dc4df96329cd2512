import Gate
import RiskRules
import Testing

struct OrderFileReaderTests {
    private static let rules = """
        rules:
          - id: leverage
            metric: leverage
            max: 10
        """

    private func problems(_ order: String, account: String? = nil, prices: String? = nil) -> [String] {
        let log = ProblemLog()
        var reader = OrderFileReader(order: Array(order.utf8), file: "order.json", into: log)
        if let account { reader?.read(account: Array(account.utf8), file: "account.json", into: log) }
        if let prices { reader?.read(prices: Array(prices.utf8), file: "prices.json", into: log) }
        guard let reader, log.isEmpty else { return log.problems.map(\.description) }
        switch OrderScene.read(reader.document, account: reader.account) {
        case .success: return []
        case .failure(let failure): return failure.problems.map(\.description)
        }
    }

    private func explanation(_ order: String, rules: String = Self.rules) throws -> OrderExplanation {
        let log = ProblemLog()
        let document = try #require(RuleFileReader.read(Array(rules.utf8), file: "a.yaml", into: log))
        let ruleSet = try RuleCompiler.compile([document], version: "v").get()
        let reader = try #require(OrderFileReader(order: Array(order.utf8), file: "order.json", into: log))
        #expect(log.problems == [])
        return try OrderScene.read(reader.document, account: reader.account).flatMap { $0.explain(by: ruleSet) }.get()
    }

    @Test func `an order with a snapshot as it stands in Redis is explained`() throws {
        let explanation = try explanation(
            """
            {
            \t"account": "mm-1", "symbol": "BTC", "side": "BUY", "quantity": "2", "price": 100,
            \t"account_state": {"seq": 4, "as_of": 1760000000.125, "equity": 1e2, "MarginUsed": 0, "positions": [
            \t  {"symbol": "ETH", "side": "LONG", "quantity": 3, "entry_price": 90, "margin": 1}], "pending_orders": []},
            \t"prices": {"BTC": 100, "ETH": {"bid_price": 99, "ask_price": 101}}
            }
            """)
        #expect(explanation.reason == nil)
        #expect(explanation.rules.map(\.value) == [.amount(try FixedPoint(parsing: "5"))])
        #expect(explanation.maxQuantity == FixedPoint(whole: 7))
    }

    @Test func `what is not given is missing`() throws {
        let bare = #"{"account": "a", "symbol": "BTC", "side": "buy", "quantity": 1}"#
        #expect(try explanation(bare).reason == .accountUnknown)
        let unpriced =
            #"{"account": "a", "symbol": "BTC", "side": "buy", "quantity": 1, "account_state": {"equity": 1, "positions": [], "pending_orders": []}}"#
        #expect(try explanation(unpriced).reason == .priceUnavailable)
    }

    @Test func `bid and ask tell the spread`() throws {
        let rules = "rules:\n  - {id: s, metric: spread, max: 0.02}\n"
        let order =
            #"{"account": "a", "symbol": "BTC", "side": "buy", "quantity": 1, "prices": {"BTC": {"bid_price": 99, "ask_price": 101}}}"#
        let explanation = try explanation(order, rules: rules)
        #expect(explanation.reason == nil)
        #expect(explanation.rules.first?.utilization == .share(.one))
    }

    @Test(
        arguments: [
            (
                #"{"account": "a", "symbol": "B", "side": "bye", "quantity": 1}"#,
                [#"order.json:1:41: unknown side "bye": write buy or sell"#]
            ),
            (
                #"{"account": "a", "symbol": "B", "side": "buy", "quantity": 0}"#,
                ["order.json:1:60: quantity 0 is not above 0"]
            ),
            (
                #"{"symbol": "B", "side": "buy", "quantity": 1}"#,
                ["order.json:1:1: the key account is missing and needed"]
            ),
            (
                #"{"account": "a", "symbol": "B", "side": "buy", "quantity": 1, "prise": 2}"#,
                [
                    #"order.json:1:63: unknown key "prise"; did you mean price? (known keys: account, strategy, symbol, side, type, time_in_force, quantity, price, stop_price, reduce_only, account_state, prices)"#
                ]
            ),
            (
                #"{"account": "a", "symbol": "B", "side": "buy", "quantity": 1, "account_state": {"equty": 1}}"#,
                [#"order.json:1:81: unknown field "equty": did you mean "equity"?"#]
            ),
            (
                #"{"account": "a", "symbol": "B", "side": "buy", "quantity": 1, "account_state": {"margin_used": -1}}"#,
                ["order.json:1:80: the account's state is refused: margin_used is -1; it cannot be negative"]
            ),
            (
                #"{"account": "a", "symbol": "B", "side": "buy", "quantity": 1, "prices": {"B": {"bid_price": 2, "ask_price": 1}}}"#,
                ["order.json:1:93: bid_price 2 is above ask_price 1: exchange them"]
            ),
        ])
    func `each fault is told with its place`(order: String, expected: [String]) {
        #expect(problems(order) == expected)
    }

    @Test func `state and prices in files of their own are read, and not twice`() {
        let order = #"{"account": "a", "symbol": "B", "side": "buy", "quantity": 1}"#
        #expect(problems(order, account: #"{"equity": 5}"#, prices: #"{"B": 3}"#) == [])
        let full = order.dropLast() + #", "account_state": {}, "prices": {"B": 1}}"#
        #expect(
            problems(String(full), account: "{}", prices: "{}") == [
                "account.json:1:1: the order's file has an account_state too: leave one of them out",
                "prices.json:1:1: the order's file has prices too: leave one of them out",
            ])
    }
}
