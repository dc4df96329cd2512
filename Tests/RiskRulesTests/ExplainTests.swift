import RiskRules
import Testing

struct ExplainTests {
    private func explain(_ desk: Desk, _ order: Order) -> OrderExplanation {
        desk.engine.explain(order, connection: 1, now: desk.now)
    }

    /// One line a bound: metric, value, bound, use, outcome.
    private func lines(_ explanation: OrderExplanation) -> [String] {
        explanation.rules.map { rule in
            let value =
                switch rule.value {
                case .amount(let amount): amount.description
                case .infinite: "infinite"
                case .name(let name): name
                case .none: "-"
                }
            let bound =
                switch rule.bound {
                case .max(let bound): "max \(bound)"
                case .min(let bound): "min \(bound)"
                case .names(let allow, let deny): "allow \(allow) deny \(deny)"
                }
            let use =
                switch rule.utilization {
                case .share(let share): share.description
                case .infinite: "infinite"
                case nil: "-"
                }
            let outcome =
                switch rule.outcome {
                case .passed: "passed"
                case .violated(let reason): "\(reason.code)"
                case .missing(let reason): "missing \(reason.code)"
                case .skipped(let reason): "skipped \(reason.code)"
                case .exempt: "exempt"
                }
            return "\(rule.metric.rawValue) \(value) \(bound) \(use) \(outcome)"
        }
    }

    @Test func `each bound tells its value, its use and whether it holds`() throws {
        let desk = try Desk([
            ["id: lev", "metric: leverage", "max: 10"], ["id: margin", "metric: margin_ratio", "min: 1.5"],
            ["id: notional", "metric: order_notional", "max: 5000", "min: 10"],
            ["id: names", "metric: symbol", "deny: [LUNA, X*]"],
            ["id: watched", "mode: shadow", "metric: position_quantity", "max: 30"],
        ])
        try desk.price("BTC", "100")
        try desk.snapshot(equity: "1000", marginUsed: "400", availableMargin: "600")
        let explanation = explain(desk, try desk.order(.buy, "40", at: "100"))
        #expect(explanation.reason == .marginRatioBelowMinimum)
        #expect(
            lines(explanation) == [
                #"symbol BTC allow [] deny ["LUNA", "X*"] - passed"#,
                "order_notional 4000 max 5000 0.8 passed", "order_notional 4000 min 10 0.0025 passed",
                "leverage 4 max 10 0.4 passed", "margin_ratio 1.25 min 1.5 1.2 MARGIN_RATIO_BELOW_MINIMUM",
                "position_quantity 40 max 30 1.3333333334 POSITION_LIMIT_EXCEEDED",
            ])
        #expect(explanation.rules.map(\.blocks) == [false, false, false, false, true, false])
    }

    @Test func `what is missing is named, and what a rule skips or spares`() throws {
        let rules = [
            ["id: a", "metric: leverage", "max: 10"],
            ["id: b", "metric: drawdown_daily", "max: 0.1", "on_missing: skip"],
            ["id: c", "metric: order_notional", "max: 1000"], ["id: d", "metric: position_quantity", "max: 5"],
        ]
        let desk = try Desk(rules)
        try desk.noPrice()
        try desk.snapshot(equity: nil, dailyStart: nil, positions: [("BTC", "3", nil)])
        #expect(
            lines(explain(desk, try desk.order(.buy, "1"))) == [
                "order_notional - max 1000 - missing PRICE_UNAVAILABLE",
                "leverage - max 10 - missing INPUT_MISSING", "drawdown_daily - max 0.1 - skipped INPUT_MISSING",
                "position_quantity 4 max 5 0.8 passed",
            ])
        #expect(
            lines(explain(desk, try desk.order(.sell, "1"))) == [
                "order_notional - max 1000 - exempt", "leverage - max 10 - exempt",
                "drawdown_daily - max 0.1 - exempt", "position_quantity - max 5 - exempt",
            ])
    }

    @Test func `no equity uses a leverage without end, no margin in use none of its ratio`() throws {
        let desk = try Desk([
            ["id: a", "metric: leverage", "max: 10"],
            ["id: b", "metric: margin_ratio", "min: 1", "exempt_reducing: false"],
        ])
        try desk.price("BTC", "100")
        try desk.snapshot(equity: "0", marginUsed: "0")
        #expect(
            lines(explain(desk, try desk.order(.buy, "1"))) == [
                "leverage - max 10 infinite LEVERAGE_EXCEEDED",
                "margin_ratio - min 1 infinite MARGIN_RATIO_BELOW_MINIMUM",
            ])
        try desk.snapshot(equity: "100", marginUsed: "0", positions: [("BTC", "3", nil)])
        #expect(
            lines(explain(desk, try desk.order(.sell, "1"))) == [
                "leverage - max 10 - exempt", "margin_ratio infinite min 1 0 passed",
            ])
    }

    @Test func `it counts nothing, trips nothing and leaves out no violation`() throws {
        let rules =
            (0..<40).map { ["id: watched-\($0)", "severity: soft", "metric: symbol", "deny: [BTC, OTHER-\($0)]"] }
            + [
                ["id: rate", "metric: order_count", "window: 1s", "max: 1"],
                ["id: stop", "severity: emergency", "metric: equity", "min: 2000000"],
                ["id: size", "metric: order_quantity", "max: 100"],
            ]
        let desk = try Desk(rules)
        try desk.snapshot()
        let order = try desk.order(.buy, "1", at: "100")
        for _ in 0..<3 {
            let explanation = explain(desk, order)
            #expect(explanation.violations.count == 41)
            #expect(explanation.reason == .equityBelowMinimum)
        }
        #expect(!desk.engine.isStopped(.account, name: order.account))
        let outcome = desk.decide(order)
        #expect(outcome.reasons.count + outcome.omitted == 41)
        #expect(!outcome.reasons.contains(.orderRateExceeded))
    }

    @Test func `the metrics of the order and its account are told as far as they are known`() throws {
        let desk = try Desk()
        try desk.price("BTC", bid: "99", ask: "101")
        try desk.snapshot(equity: "1000", marginUsed: "100", availableMargin: nil, positions: [("BTC", "5", nil)])
        let explanation = explain(desk, try desk.order(.buy, "5", at: "101"))
        let metrics = Dictionary(uniqueKeysWithValues: explanation.metrics.map { ($0.metric, $0.value.description) })
        #expect(metrics[.orderNotional] == "505")
        #expect(metrics[.priceDeviation] == "0.01")
        #expect(metrics[.leverage] == "1")
        #expect(metrics[.marginRatio] == "6.6445182724")
        #expect(metrics[.spread] == nil, "of market orders and stops")
        #expect(metrics[.availableMargin] == nil, "which the snapshot leaves out")
    }

    @Test func `the largest quantity is the one at the bound`() throws {
        let desk = try Desk(
            [["id: a", "metric: position_notional", "max: 1000"]], instruments: [["symbol: BTC", "lot_size: 0.3"]])
        try desk.price("BTC", "100")
        try desk.snapshot(positions: [("BTC", "1", nil)])
        #expect(explain(desk, try desk.order(.buy, "100", at: "90")).maxQuantity?.description == "9")
        #expect(explain(desk, try desk.order(.sell, "1", at: "90")).maxQuantity?.description == "10.8")
        try desk.snapshot(positions: [("BTC", "10.1", nil)])
        #expect(explain(desk, try desk.order(.buy, "1", at: "90")).maxQuantity == nil)
        #expect(explain(desk, try desk.order(.sell, "1", at: "90")).maxQuantity?.description == "9.9")
    }

    @Test func `where only reducing orders pass, the largest is the position`() throws {
        let desk = try Desk([
            ["id: a", "metric: equity", "min: 2000000"], ["id: b", "metric: order_quantity", "max: 100"],
        ])
        try desk.price("BTC", "100")
        try desk.snapshot(positions: [("BTC", "7.25", nil)])
        #expect(explain(desk, try desk.order(.sell, "1", at: "90")).maxQuantity?.description == "7.25")
        #expect(explain(desk, try desk.order(.buy, "1", at: "90")).maxQuantity == nil)
    }

    @Test func `where nothing bounds the size, the largest is that of the numbers`() throws {
        let desk = try Desk()
        try desk.price("BTC", "100")
        #expect(explain(desk, try desk.order(.buy, "1")).maxQuantity?.description == "1000000000000000000")
    }

    @Test func `a sale from flat that brings the net exposure back has a largest quantity above a smallest`() throws {
        let desk = try Desk([["id: a", "metric: net_exposure", "max: 1000"]])
        try desk.price("BTC", "100")
        try desk.price("ETH", "10")
        try desk.snapshot(positions: [("ETH", "150", nil)])
        let small = explain(desk, try desk.order(.sell, "4.9999999999", at: "100"))
        #expect(small.reason == .netExposureExceeded)
        #expect(small.maxQuantity == nil, "with no sale filled the account is as long as before")
        try desk.snapshot(positions: [("ETH", "-150", nil)])
        #expect(explain(desk, try desk.order(.sell, "1", at: "100")).maxQuantity == nil)
    }

    @Test func `a quantity that was sent before is passed over for the largest that was not`() throws {
        let desk = try Desk([
            ["id: size", "metric: order_quantity", "max: 3"],
            ["id: again", "metric: duplicate_count", "window: 1m", "max: 1"],
        ])
        try desk.price("BTC", "100")
        for quantity in ["3", "2.9999999999", "2.9999999997"] {
            _ = desk.decide(try desk.order(.buy, quantity, at: "100"))
        }
        #expect(explain(desk, try desk.order(.buy, "1", at: "100")).maxQuantity?.description == "2.9999999998")
        #expect(explain(desk, try desk.order(.sell, "1", at: "100")).maxQuantity?.description == "3")
    }

    @Test func `what was sent leaves less of a sum`() throws {
        let desk = try Desk([
            ["id: sum", "metric: notional_sum", "window: 1m", "max: 1000"],
            ["id: size", "metric: order_quantity", "max: 100"],
        ])
        try desk.price("BTC", "100")
        try desk.send(try desk.order(.buy, "4", at: "100"))
        let explanation = explain(desk, try desk.order(.buy, "7", at: "100"))
        #expect(explanation.maxQuantity?.description == "6")
        #expect(lines(explanation).last == "notional_sum 1100 max 1000 1.1 WINDOW_NOTIONAL_EXCEEDED")
    }

    @Test func `the bound is the one in force, and what scales it is an input`() throws {
        let desk = try Desk([
            [
                "id: a", "metric: order_quantity", "max: 100", "share: 0.5",
                "by: volatility", "window of scale: 1m", "reference: 0.02", "floor: 0.25",
            ]
        ])
        try desk.price("BTC", "100")
        #expect(
            lines(explain(desk, try desk.order(.buy, "4", at: "100"))) == [
                "order_quantity - max 50 - missing INPUT_MISSING"
            ])
    }
}
