import Gate
import RiskRules
import Testing

@Suite struct RuleFileReaderTests {
    private let log = ProblemLog()

    private func read(_ text: String) throws -> RuleDocument {
        try #require(RuleFileReader.read(Array(text.utf8), file: "rules/a.yaml", into: log))
    }

    @Test("every key of a rule is kept as it was written, and where")
    func ruleIsKept() throws {
        let document = try read(
            """
            rules:
              - id: clip
                description: ""
                severity: hard
                metric: order_notional
                max: 250000.10
                min: 0.10
                window: 1s
                per: strategy
                allow: [A, "B*"]
                deny: []
                applies_to: {accounts: ["mm-*"], strategies: [s], symbols: [BTCUSDT], sides: [buy], types: [market]}
                stop: account
                mode: shadow
                on_missing: skip
                exempt_reducing: false
                active: {days: [mon], from: 22:00, to: "06:00", timezone: Europe/London}
                rollout: 25
            """)
        #expect(log.problems.isEmpty)
        let rule = try #require(document.rules.first)
        #expect(document.rules.count == 1)
        #expect(rule.location == SourceLocation(file: "rules/a.yaml", line: 2, column: 5))
        #expect(rule.id?.value == "clip")
        #expect(rule.description?.value == "")
        #expect(rule.severity?.value == "hard")
        #expect(rule.metric?.value == "order_notional")
        #expect(rule.max?.value == "250000.10")
        #expect(rule.max?.location == SourceLocation(file: "rules/a.yaml", line: 6, column: 10))
        #expect(rule.min?.value == "0.10")
        #expect(rule.window?.value == "1s")
        #expect(rule.per?.value == "strategy")
        #expect(rule.allow?.map(\.value) == ["A", "B*"])
        #expect(rule.deny?.map(\.value) == [])
        #expect(rule.appliesTo?.accounts.map(\.value) == ["mm-*"])
        #expect(rule.appliesTo?.strategies.map(\.value) == ["s"])
        #expect(rule.appliesTo?.symbols.map(\.value) == ["BTCUSDT"])
        #expect(rule.appliesTo?.sides.map(\.value) == ["buy"])
        #expect(rule.appliesTo?.types.map(\.value) == ["market"])
        #expect(rule.stop?.value == "account")
        #expect(rule.mode?.value == "shadow")
        #expect(rule.onMissing?.value == "skip")
        #expect(rule.exemptReducing?.value == "false")
        #expect(rule.active?.location == SourceLocation(file: "rules/a.yaml", line: 17, column: 13))
        #expect(rule.active?.days?.map(\.value) == ["mon"])
        let hours = [rule.active?.from, rule.active?.to, rule.active?.timezone]
        #expect(hours.map { $0?.value } == ["22:00", "06:00", "Europe/London"])
        #expect(rule.rollout?.value == "25")
    }

    @Test("what makes a bound smaller, and how returns are read, is kept")
    func parametersAreKept() throws {
        let document = try read(
            """
            rules:
              - scale: {by: volatility, window: 5m, reference: 0.02, floor: 0.25}
                share: 0.5
                confidence: 0.95
                method: historical
            examples:
              - account: {returns: [0.01, -0.02]}
            """)
        #expect(log.problems.isEmpty)
        let rule = try #require(document.rules.first)
        let scale = try #require(rule.scale)
        #expect(
            [scale.by, scale.window, scale.reference, scale.floor].map(\.?.value) == [
                "volatility", "5m", "0.02", "0.25",
            ])
        #expect(scale.location.line == 2)
        #expect([rule.share, rule.confidence, rule.method].map(\.?.value) == ["0.5", "0.95", "historical"])
        #expect(document.examples.first?.account?.returns?.map(\.value) == ["0.01", "-0.02"])
    }

    @Test("every key of an instrument is kept")
    func instrumentIsKept() throws {
        let document = try read(
            """
            instruments:
              - {symbol: BTCUSDT, tick_size: 0.1, lot_size: 0.001, min_quantity: 0.002, max_quantity: 1000,
                 min_notional: 5, contract_multiplier: 1, initial_margin: 0.05}
            """)
        #expect(log.problems.isEmpty)
        let instrument = try #require(document.instruments.first)
        let values = [
            instrument.symbol, instrument.tickSize, instrument.lotSize, instrument.minQuantity, instrument.maxQuantity,
            instrument.minNotional, instrument.contractMultiplier, instrument.initialMargin,
        ]
        #expect(values.map { $0?.value } == ["BTCUSDT", "0.1", "0.001", "0.002", "1000", "5", "1", "0.05"])
    }

    @Test("every key of an example is kept")
    func exampleIsKept() throws {
        let document = try read(
            """
            examples:
              - name: eleven times leverage is refused
                account:
                  id: mm-1
                  equity: 1000
                  daily_start_equity: 1100
                  positions: [{symbol: BTCUSDT, side: LONG, quantity: 0.5, current_price: 50000}]
                  pending_orders: [{symbol: BTCUSDT, side: BUY, quantity: 0.1, price: 49000}]
                prices: {BTCUSDT: 50000, ETHUSDT: 3000.5}
                order: {account: mm-1, strategy: s, symbol: BTCUSDT, side: buy, type: stop_limit, time_in_force: GTC,
                        quantity: 0.22, price: 50000, stop_price: 49999, reduce_only: true}
                at: 2026-03-29T01:00:00Z
                expect: LEVERAGE_EXCEEDED
              - name: no snapshot
            """)
        #expect(log.problems.isEmpty)
        #expect(document.examples.count == 2)
        let example = try #require(document.examples.first)
        #expect(example.name?.value == "eleven times leverage is refused")
        #expect(example.at?.value == "2026-03-29T01:00:00Z")
        #expect(example.expect?.value == "LEVERAGE_EXCEEDED")
        #expect(example.prices.map(\.symbol.value) == ["BTCUSDT", "ETHUSDT"])
        #expect(example.prices.map(\.price.value) == ["50000", "3000.5"])
        let account = try #require(example.account)
        #expect(account.id?.value == "mm-1")
        #expect(account.amounts.map(\.key.value) == ["equity", "daily_start_equity"])
        #expect(account.amounts.map(\.value.value) == ["1000", "1100"])
        let position = try #require(account.positions.first)
        let positionValues = [position.symbol, position.side, position.quantity, position.currentPrice]
        #expect(positionValues.map { $0?.value } == ["BTCUSDT", "LONG", "0.5", "50000"])
        let pending = try #require(account.pendingOrders.first)
        let pendingValues = [pending.symbol, pending.side, pending.quantity, pending.price]
        #expect(pendingValues.map { $0?.value } == ["BTCUSDT", "BUY", "0.1", "49000"])
        let order = try #require(example.order)
        let orderValues = [
            order.account, order.strategy, order.symbol, order.side, order.type, order.timeInForce, order.quantity,
            order.price, order.stopPrice, order.reduceOnly,
        ]
        #expect(
            orderValues.map { $0?.value } == [
                "mm-1", "s", "BTCUSDT", "buy", "stop_limit", "GTC", "0.22", "50000", "49999", "true",
            ])
        #expect(document.examples.last?.account == nil)
        #expect(document.examples.last?.order == nil)
    }
}
