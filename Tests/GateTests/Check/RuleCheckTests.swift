import Gate
import RiskRules
import Testing

struct RuleCheckTests {
    private func check(_ text: String) throws -> RuleCheck {
        let directory = try TemporaryDirectory()
        try directory.write(text, to: "a.yaml")
        return RuleCheck(RuleDirectory(reading: directory.path))
    }

    private func findings(_ text: String) throws -> [String] {
        try check(text).findings.map { "\($0.line):\($0.column) \($0.severity.rawValue) \($0.message)" }
    }

    private static let example = """
        examples:
          - name: fits
            account: {equity: 1000}
            prices: {BTC: 1, ETH: 1}
            order: {symbol: BTC, side: buy, quantity: 1}
            expect: approved

        """

    @Test func `a set without an example is warned of, and is a problem only where warnings are`() throws {
        let check = try check("rules:\n  - {id: a, metric: order_quantity, max: 3}\n")
        #expect(check.findings.map(\.severity) == [.warning])
        #expect(check.exitCode(isStrict: false) == 0)
        #expect(check.exitCode(isStrict: true) == 1)
        let proved = try self.check("rules:\n  - {id: a, metric: order_quantity, max: 3}\n" + Self.example)
        #expect(proved.findings.isEmpty)
        #expect(proved.exitCode(isStrict: true) == 0)
    }

    @Test func `an instrument that no rule bounds the size of is warned of`() throws {
        let instruments = "instruments:\n  - {symbol: BTC}\n  - {symbol: ETH, max_quantity: 5}\n  - {symbol: SOL}\n"
        let rules = """
            rules:
              - {id: names, metric: symbol, deny: [X]}
              - {id: soft, metric: leverage, max: 3, severity: soft}
              - {id: watched, metric: position_notional, max: 3, mode: shadow}
              - {id: buys, metric: order_quantity, max: 9, applies_to: {symbols: ["S*"], sides: [buy]}}

            """
        #expect(
            try findings(instruments + rules + Self.example) == [
                """
                2:14 warning no rule bounds the size of an order in BTC: add a rule, as in metric: position_notional, \
                or give the instrument a max_quantity
                """,
                """
                4:14 warning no rule bounds the size of a sell market, sell limit, sell stop_market, sell stop_limit, \
                sell post_only order in SOL: add a rule, as in metric: position_notional, or give the instrument a \
                max_quantity
                """,
            ])
        let bound = rules + "  - {id: all, metric: gross_exposure, max: 9}\n"
        #expect(try findings(instruments + bound + Self.example) == [])
    }

    @Test func `the coverage names what each rule binds`() throws {
        let check = try check(
            """
            instruments:
              - {symbol: BTC}
            rules:
              - id: clip
                metric: order_notional
                max: 5
                applies_to: {accounts: ["mm-*"], strategies: [s], symbols: [BTC], sides: [sell], types: [market, limit]}
              - {id: wide, metric: leverage, max: 3, severity: emergency}
            """)
        let coverage = try #require(check.coverage)
        let clip = try #require(coverage.rules.first)
        #expect((clip.id, clip.line) == ("clip", 4))
        #expect(clip.accounts == ["mm-*"] && clip.strategies == ["s"] && clip.symbols == ["BTC"])
        #expect(clip.sides == ["sell"] && clip.types == ["market", "limit"])
        #expect(coverage.instruments.map(\.limits) == [["clip", "wide"]])
        #expect(
            coverage.lines == [
                "RULE  METRIC          SEVERITY   ACCOUNTS  STRATEGIES  SYMBOLS  SIDES  TYPES",
                "clip  order_notional  hard       mm-*      s           BTC      sell   market limit",
                "wide  leverage        emergency  all       all         all      all    all", "",
                "INSTRUMENT  BOUNDED IN SIZE BY", "BTC         clip wide",
            ])
    }

    @Test func `a problem is an error with its place, and there is no coverage then`() throws {
        let check = try check("rules:\n  - {id: a, metric: leverge, max: 3}\n")
        #expect(
            check.findings.map(\.description).first?.hasSuffix(
                #"a.yaml:2:21: unknown metric "leverge": did you mean "leverage"?"#) == true)
        #expect(check.findings.map(\.severity) == [.error])
        #expect(check.coverage == nil)
        #expect(check.exitCode(isStrict: false) == 1)
    }

    @Test func `a directory that cannot be read is 2`() {
        let check = RuleCheck(RuleDirectory(reading: "/nonexistent/rules"))
        #expect(check.exitCode(isStrict: false) == 2)
        #expect(check.counts.errors == 1)
    }
}
