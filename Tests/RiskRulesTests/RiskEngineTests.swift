import RiskRules
import Testing

struct RiskEngineTests {
    @Test func `without a rule set every order is refused`() throws {
        let engine = RiskEngine(limits: EngineLimits(hashSeed: 1))
        let name = Array("A".utf8)
        guard case .new(let id) = name.withUnsafeBytes({ engine.account($0) }),
            case .new(let symbol) = name.withUnsafeBytes({ engine.symbol($0) })
        else {
            Issue.record("names are not taken")
            return
        }
        let order = Order(
            account: id, strategy: .none, symbol: symbol, timeInForce: .none, side: .buy, type: .market,
            reduceOnly: false, quantity: .one, price: .zero, stopPrice: .zero, clientOrderID: .none)
        #expect(engine.decide(order, connection: 1, now: 0).reason == .noRuleApplies)
        #expect(engine.unfetchedInputs(order) == (false, false))
    }

    @Test func `every violation is listed, in the order of evaluation`() throws {
        let desk = try Desk(
            [
                ["id: loss", "metric: equity", "min: 100"], ["id: position", "metric: position_quantity", "max: 1"],
                ["id: notional", "metric: order_notional", "max: 10", "sides: [buy]"],
                ["id: clip", "metric: order_quantity", "max: 1.5"],
                ["id: side", "metric: side", "deny: [buy]"],
                ["id: rate", "metric: order_count", "window: 1s", "max: 1"],
            ], instruments: [["symbol: BTC", "tick_size: 0.5", "lot_size: 0.5", "min_notional: 1000"]])
        try desk.snapshot(equity: "1")
        _ = desk.reserve(try desk.order(.sell, "0.5", at: "10", clientID: "c"))
        _ = desk.decide(try desk.order())
        desk.engine.setStop(.global, name: .none, active: true)
        let outcome = desk.decide(try desk.order(.buy, "1.75", at: "10.2", reduceOnly: true, clientID: "c"))
        #expect(
            outcome.reasons == [
                .emergencyStopActive, .duplicateClientOrderID, .orderRateExceeded, .priceTickInvalid,
                .quantityLotInvalid, .orderQuantityExceeded, .sideNotPermitted, .notionalBelowMinimum,
                .orderNotionalExceeded, .reduceOnlyWouldIncrease, .equityBelowMinimum, .positionLimitExceeded,
            ])
        #expect(outcome.reason == .emergencyStopActive)
    }

    @Test func `the account's availability comes before reduce-only, and that before the rules`() throws {
        let desk = try Desk([
            ["id: loss", "metric: equity", "min: 1"], ["id: p", "metric: position_quantity", "max: 1"],
        ])
        try desk.snapshot(equity: "0")
        let order = try desk.order(.buy, "2", reduceOnly: true)
        #expect(desk.decide(order).reasons == [.reduceOnlyWouldIncrease, .equityBelowMinimum, .positionLimitExceeded])
        desk.advance(5)
        #expect(desk.decide(order).reasons == [.accountStale, .accountStale, .reduceOnlyWouldIncrease])
    }

    @Test func `violations that do not fit are counted, and the reason is always shown`() throws {
        let soft = ["B*", "BT*", "*C", "*T*", "B*C", "*BTC"].enumerated().map {
            ["id: soft-\($0)", "metric: order_quantity", "max: 6", "severity: soft", "symbols: [\($1)]"]
        }
        let desk = try Desk(soft + [["id: hard", "metric: order_quantity", "max: 50"]]) { $0.maxViolations = 4 }
        let outcome = desk.decide(try desk.order(.buy, "51"))
        #expect(outcome.reason == .orderQuantityExceeded)
        #expect(outcome.violations.count == 4 && outcome.omitted == 3)
        #expect(outcome.violations.filter(\.blocks).map(\.bound.description) == ["50"])
        #expect(desk.decide(try desk.order(.buy, "7")).reason == nil)
    }

    @Test func `an installed set decides the next order, and plans of the one before are forgotten`() throws {
        let desk = try Desk([["id: clip", "metric: order_quantity", "max: 1"]])
        let order = try desk.order(.buy, "2")
        #expect(desk.decide(order).reason == .orderQuantityExceeded)
        desk.engine.install(try RuleLines.compile([["id: clip", "metric: order_quantity", "max: 2"]]))
        #expect(desk.decide(order).reason == nil)
    }

    @Test func `more combinations than are remembered are judged as well`() throws {
        let desk = try Desk([
            ["id: clip", "metric: order_quantity", "max: 1", "symbols: [S1*]"],
            ["id: w", "metric: symbol", "deny: [X]"],
        ]) {
            $0.maxPlans = 8
        }
        for _ in 0..<3 {
            for number in 0..<50 {
                let reason = desk.decide(try desk.order(.buy, "2", symbol: "S\(number)")).reason
                #expect(reason == ("\(number)".hasPrefix("1") ? .orderQuantityExceeded : nil))
            }
        }
    }
}
