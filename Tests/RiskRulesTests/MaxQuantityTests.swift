import RiskRules
import Testing

/// The largest quantity that passes, in random worlds, held against trying every quantity.
struct MaxQuantityTests {
    private struct World {
        var random: SplitMix
        let lot: Int
        let count: Int
        let desk: Desk
        let order: Order

        init(seed: UInt64, onLattice: Bool) throws {
            random = SplitMix(seed: seed)
            lot = onLattice ? Int.random(in: 1...7, using: &random) : 0
            count = Int.random(in: 5...60, using: &random)
            var instrument = ["symbol: S0", "contract_multiplier: \(random.pick(["1", "0.001", "3"]))"]
            if onLattice {
                instrument += ["lot_size: \(lot)", "max_quantity: \(lot * count)"]
                if Int.random(in: 0...2, using: &random) == 0 {
                    instrument.append("min_quantity: \(lot * Int.random(in: 1...5, using: &random))")
                }
            }
            if Int.random(in: 0...2, using: &random) == 0 {
                instrument.append("min_notional: \(Int.random(in: 1...2000, using: &random))")
            }
            let instruments = [instrument] + (1..<3).map { ["symbol: S\($0)", "initial_margin: 0.3"] }
            var rules = [["id: wide", "metric: side", "deny: [sell]", "mode: shadow"]]
            var metrics: Set<String> = []
            for number in 0..<Int.random(in: 0...4, using: &random) {
                let rule = Self.rule(number, &random)
                // Two rules on one metric may contradict one another.
                if metrics.insert(rule[1]).inserted { rules.append(rule) }
            }
            desk = try Desk(rules, instruments: instruments) {
                $0.refusesUngoverned = false
                $0.maxPlans = 4
                $0.maxReservations = 4
            }
            try Self.state(desk, &random)
            let type = random.pick([OrderType.limit, .market, .stopMarket, .limit])
            order = try desk.order(
                random.pick([.buy, .sell]), "\(Int.random(in: 1...50, using: &random) * max(lot, 1))",
                at: "\(Int.random(in: 5...15, using: &random))", symbol: "S0", type: type, stop: "9",
                reduceOnly: Int.random(in: 0...7, using: &random) == 0)
        }

        private static func rule(_ number: Int, _ random: inout SplitMix) -> [String] {
            let kinds: [(metric: String, key: String, bound: ClosedRange<Int>)] = [
                ("order_quantity", "max", 1...200), ("order_notional", "max", 1...3000),
                ("order_notional", "min", 1...600), ("position_quantity", "max", 0...150),
                ("position_notional", "max", 0...2000), ("gross_exposure", "max", 0...3000),
                ("net_exposure", "max", 0...1500), ("leverage", "max", 0...5), ("concentration", "max", 0...4),
                ("open_order_notional", "max", 0...2500), ("margin_ratio", "min", 0...8),
                ("available_margin", "min", -200...400), ("equity", "min", 0...700), ("open_orders", "max", 1...4),
                ("price_deviation", "max", 0...1),
            ]
            let kind = random.pick(kinds)
            var rule = [
                "id: r\(number)", "metric: \(kind.metric)",
                "\(kind.key): \(Int.random(in: kind.bound, using: &random))",
            ]
            if Int.random(in: 0...2, using: &random) == 0 { rule.append("exempt_reducing: false") }
            if kind.metric != "order_quantity", Int.random(in: 0...3, using: &random) == 0 {
                rule.append("on_missing: skip")
            }
            // One of all orders would contradict an instrument's smallest.
            if kind.key == "max", kind.metric.hasPrefix("order_") {
                rule.append("types: [limit, market, stop_market, stop_limit]")
            }
            if Int.random(in: 0...5, using: &random) == 0 { rule.append("severity: soft") }
            if Int.random(in: 0...5, using: &random) == 0 { rule.append("mode: shadow") }
            return rule
        }

        private static func state(_ desk: Desk, _ random: inout SplitMix) throws {
            for symbol in 0..<3 {
                switch Int.random(in: 0...4, using: &random) {
                case 0: try desk.noPrice("S\(symbol)")
                case 1: try desk.price("S\(symbol)", bid: "9.5", ask: "10.25")
                default: try desk.price("S\(symbol)", "\(Int.random(in: 5...15, using: &random))")
                }
            }
            if Int.random(in: 0...12, using: &random) == 0 { return desk.engine.accountAbsent(try desk.account("A")) }
            let positions = (0..<3).compactMap { symbol -> (symbol: String, quantity: String, price: String?)? in
                guard Int.random(in: 0...3, using: &random) > 0 else { return nil }
                return (
                    "S\(symbol)", "\(Int.random(in: -80...80, using: &random))",
                    Int.random(in: 0...1, using: &random) == 0 ? "10" : nil
                )
            }
            let pending = (0..<Int.random(in: 0...3, using: &random)).map { _ -> Desk.Pending in
                (
                    "S\(Int.random(in: 0...2, using: &random))", random.pick([.buy, .sell]),
                    "\(Int.random(in: 1...40, using: &random))", random.pick(["10", nil]), nil, nil
                )
            }
            try desk.snapshot(
                equity: "\(Int.random(in: -10...1000, using: &random))",
                marginUsed: "\(Int.random(in: 0...300, using: &random))",
                availableMargin: "\(Int.random(in: 0...500, using: &random))",
                positions: positions.filter { $0.quantity != "0" }, pending: pending)
        }

        func passes(_ quantity: FixedPoint) -> Bool {
            var order = order
            order.quantity = quantity
            return desk.engine.check(order, connection: 1, now: desk.now).approved
        }

        var explanation: OrderExplanation { desk.engine.explain(order, connection: 1, now: desk.now) }
    }

    @Test func `it is the largest of all quantities that pass when each is tried`() throws {
        var found = 0
        var none = 0
        var gaps = 0
        for seed in 0..<6000 as Range<UInt64> {
            let world = try World(seed: seed, onLattice: true)
            let passing = (1...world.count).map { FixedPoint(whole: Int128($0 * world.lot)) ?? .zero }
                .filter { world.passes($0) }
            let largest = world.explanation.maxQuantity
            guard largest == passing.last else {
                let expected = String(describing: passing.last)
                Issue.record("seed \(seed): \(String(describing: largest)) instead of \(expected)")
                return
            }
            if let largest {
                found += 1
                if passing.count < Int(largest.units / FixedPoint.scale) / world.lot { gaps += 1 }
            } else {
                none += 1
            }
        }
        // The worlds are worth trying: quantities pass, do not, and pass above others that do not.
        #expect(found > 1500 && none > 500 && gaps > 200, "\(found) \(none) \(gaps)")
    }

    @Test func `without a lot size it passes, and one unit more does not`() throws {
        for seed in 0..<3000 as Range<UInt64> {
            let world = try World(seed: seed, onLattice: false)
            guard let largest = world.explanation.maxQuantity else { continue }
            #expect(world.passes(largest), "seed \(seed)")
            guard largest.units < FixedPoint.maximumUnits else { continue }
            #expect(!world.passes(FixedPoint(units: largest.units + 1)), "seed \(seed)")
        }
    }

    @Test func `an explanation decides as a check does, and every rule that it tells of agrees with it`() throws {
        for seed in 0..<2000 as Range<UInt64> {
            let world = try World(seed: seed, onLattice: seed % 2 == 0)
            let explanation = world.explanation
            let checked = Desk.Outcome(world.desk.engine.check(world.order, connection: 1, now: world.desk.now))
            #expect(explanation.reason == checked.reason, "seed \(seed)")
            #expect(explanation.violations.map(\.reason) == checked.reasons, "seed \(seed)")
            #expect(explanation.isReducing == checked.isReducing)
            let violated = Set(explanation.violations.map(\.rule).filter { $0 >= 0 })
            #expect(Set(explanation.rules.filter { !$0.passed }.map(\.rule)) == violated, "seed \(seed)")
            for rule in explanation.rules {
                guard case .share(let share) = rule.utilization else { continue }
                #expect((share <= .one) == rule.passed, "seed \(seed) \(rule.metric)")
            }
        }
    }
}
