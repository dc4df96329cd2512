import Gate
import RiskRules
import Testing

struct ExplanationTextTests {
    private func lines(rules: String, order: String) throws -> [String] {
        let log = ProblemLog()
        let document = try #require(RuleFileReader.read(Array(rules.utf8), file: "a.yaml", into: log))
        let ruleSet = try RuleCompiler.compile([document], version: "v").get()
        let reader = try #require(OrderFileReader(order: Array(order.utf8), file: "order.json", into: log))
        let scene = try OrderScene.read(reader.document, account: reader.account).get()
        return ExplanationText(try scene.explain(by: ruleSet).get(), ruleSet).lines
    }

    @Test func `the decision, the largest quantity and a line for each bound are told`() throws {
        let rules = """
            instruments:
              - {symbol: BTC, tick_size: 1, lot_size: 0.1}
            rules:
              - {id: who, metric: account, allow: ["mm-*"]}
              - {id: lev, metric: leverage, max: 3}
              - {id: watched, metric: order_quantity, max: 3, mode: shadow}
              - {id: day, metric: drawdown_daily, max: 0.1, on_missing: skip}
            """
        let order = """
            {"account": "mm-1", "symbol": "BTC", "side": "buy", "quantity": 4, "price": 100.5, "prices": {"BTC": 100},
             "account_state": {"equity": 100, "positions": [], "pending_orders": []}}
            """
        #expect(
            try lines(rules: rules, order: order) == [
                "rejected: PRICE_TICK_INVALID", "no quantity of this order would pass", "",
                "Refused by checks that are no rules:", "  PRICE_TICK_INVALID: 100.5 against 1", "",
                "RULE     METRIC          VALUE  BOUND       USE      RESULT",
                "who      account         mm-1   allow mm-*  -        passed",
                "watched  order_quantity  4      max 3       133.4 %  ORDER_QUANTITY_EXCEEDED (shadow: only counted)",
                "lev      leverage        4      max 3       133.4 %  LEVERAGE_EXCEEDED",
                "day      drawdown_daily  -      max 0.1     -        skipped: INPUT_MISSING", "",
                """
                With this order: order_quantity 4, order_notional 402, price_deviation 0.005, price_aggression 0.005, \
                position_quantity 4, position_notional 400, gross_exposure 400, net_exposure 400, leverage 4, \
                concentration 4, open_orders 1, open_order_notional 402, equity 100
                """,
            ])
        let passing = order.replacing("100.5", with: "100").replacing(#""quantity": 4"#, with: #""quantity": 3"#)
        #expect(
            try lines(rules: rules, order: passing).prefix(2) == [
                "approved", "largest quantity of this order that would pass: 3",
            ])
    }
}
