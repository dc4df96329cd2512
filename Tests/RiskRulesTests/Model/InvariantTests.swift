import RiskRules
import Testing

/// What holds of every decision, whatever the rules and the state: looked at where random sequences lead.
struct InvariantTests {
    /// Calls `body` now and then along a sequence, with a generator of its own.
    private func wander(
        seeds: Int, part: Int, _ body: (inout ScenarioRun, inout ScenarioGenerator) throws -> Void
    ) throws {
        for seed in Scenario.seeds(part: part, of: 4, count: seeds) {
            let scenario = Scenario(seed: seed ^ 0xA11)
            var generator = ScenarioGenerator(seed: scenario.seed, isWild: false)
            var run = ScenarioRun(scenario.limits)
            for step in generator.opening(run) { try run.take(step) }
            for place in 0..<600 {
                try run.take(generator.next(run))
                if place % 10 == 9 { try body(&run, &generator) }
            }
        }
    }

    /// What a set of rules finds in an order, as a set and without trace.
    private func findings(_ order: Order, _ ruleSet: RuleSet, _ run: ScenarioRun) -> Set<[String]> {
        run.engine.install(ruleSet)
        let verdict = run.engine.check(order, connection: 1, now: run.model.now)
        return Set(
            verdict.violations.map {
                ["\($0.reason)", $0.rule < 0 ? "" : ruleSet.texts[Int($0.rule)].id, "\($0.value)"]
            })
    }

    private func loosen(_ rule: inout ModelRule, _ random: inout SplitMix) {
        let more = Exact(random.pick([1, 2, 5, 40]))
        if let max = rule.max { rule.max = rule.metric.isFraction ? Exact(1) : max + more }
        let least = rule.metric == .orderNotional ? Exact.unit : rule.metric == .availableMargin ? -Exact(100) : .zero
        if let min = rule.min { rule.min = Swift.max(least, min - more) }
    }

    @Test(arguments: 0..<4)
    func `a looser bound never refuses more`(part: Int) throws {
        var relieved = 0
        try wander(seeds: 16, part: part) { run, generator in
            var loose = run.model.ruleSet
            for place in loose.rules.indices where generator.chance(60) {
                loosen(&loose.rules[place], &generator.random)
            }
            guard case .success(let looser) = RuleCompiler.compile([loose.document], version: "v2"),
                let strict = run.engine.ruleSet
            else { return }
            for _ in 0..<10 {
                guard case .order(let order, _, _) = generator.order(run.model) else { continue }
                let decoded = run.decoded(order)
                let before = findings(decoded, strict, run)
                let after = findings(decoded, looser, run)
                let isMore = !Set(after.map { $0.prefix(2) }).isSubset(of: Set(before.map { $0.prefix(2) }))
                #expect(!isMore, "\(order): \(before), loosened \(after)")
                if after.count < before.count { relieved += 1 }
            }
            run.engine.install(strict)
        }
        #expect(relieved > 100 || Scenario.named != nil)
    }

    @Test(arguments: 0..<4)
    func `the verdict does not depend on the order of the rules, nor on their files`(part: Int) throws {
        var refused = 0
        try wander(seeds: 16, part: part) { run, generator in
            let first = run.model.ruleSet
            var second = ModelRuleSet(
                rules: first.rules.shuffled(using: &generator.random), instruments: first.instruments)
            let half = second.rules.count / 2
            var other = RuleLines(file: "b.yaml", rules: second.rules.prefix(half).map(\.lines))
            second.rules.removeFirst(half)
            other.instruments = []
            guard let shuffled = try? RuleLines.compile([second.document, other.document]),
                let strict = run.engine.ruleSet
            else { return }
            for _ in 0..<10 {
                guard case .order(let order, _, _) = generator.order(run.model) else { continue }
                let before = findings(run.decoded(order), strict, run)
                let after = findings(run.decoded(order), shuffled, run)
                #expect(before == after, "\(order)")
                if !before.isEmpty { refused += 1 }
            }
            run.engine.install(strict)
        }
        #expect(refused > 100 || Scenario.named != nil)
    }

    @Test(arguments: 0..<4)
    func `orders that are let through and taken back leave everything as it was`(part: Int) throws {
        let revealing = try RuleLines.compile(Self.revealing)
        try wander(seeds: 16, part: part) { run, generator in
            guard let strict = run.engine.ruleSet else { return }
            func state() -> [Set<[String]>] {
                ScenarioGenerator.accounts.flatMap { account in
                    ScenarioGenerator.symbols.flatMap { symbol in
                        Side.allCases.map { side in
                            let order = ModelOrder(
                                account: account, symbol: symbol, side: side, type: .market, quantity: Exact(1000),
                                clientID: "taken back")
                            return findings(run.decoded(order), revealing, run)
                        }
                    }
                }
            }
            let before = state()
            var ids: [ReservationID] = []
            for place in 0..<6 {
                guard case .order(var order, _, _) = generator.order(run.model) else { continue }
                order.clientID = place == 0 ? "taken back" : nil
                let reserved = run.engine.reserve(
                    run.decoded(order), replacing: nil, connection: 1, number: UInt64(place + 1), now: run.model.now)
                guard let id = reserved else { continue }
                if place % 3 == 1 { run.engine.accepted(id, orderID: .none, now: run.model.now, wallNow: 0) }
                if place % 3 == 2 { run.engine.unknown(id, now: run.model.now, wallNow: 0) }
                ids.append(id)
            }
            #expect(state() != before)
            run.engine.undo(ids[0])
            for id in ids.dropFirst().shuffled(using: &generator.random) { run.engine.release(id) }
            #expect(state() == before)
            run.engine.install(strict)
            // The rules that reveal the state have no windows: what was counted is forgotten.
            run.model.events = [:]
            run.model.sums = [:]
        }
    }

    /// Rules that hardly anything keeps, so that what they measure is shown.
    private static let revealing: [[String]] = [
        ["metric: position_quantity", "max: 0"], ["metric: position_notional", "max: 0"],
        ["metric: gross_exposure", "max: 0"], ["metric: net_exposure", "max: 0"], ["metric: leverage", "max: 0"],
        ["metric: concentration", "max: 0"], ["metric: open_orders", "max: 0"],
        ["metric: open_orders", "max: 0", "per: symbol"], ["metric: open_order_notional", "max: 0"],
        ["metric: margin_ratio", "min: 50"], ["metric: available_margin", "min: 1000000"],
        ["metric: equity", "min: 1000000"],
    ].enumerated().map { ["id: r\($0)"] + $1 + ["exempt_reducing: false"] }

    /// So many that the model would be too slow: only what follows from the rules is looked at.
    @Test(arguments: 0..<4)
    func `in a long run a check tells each decision and no approval goes over a bound`(part: Int) throws {
        var random = SplitMix(seed: UInt64(part + 1))
        let desk = try Desk([
            ["id: quantity", "metric: order_quantity", "max: 4"],
            ["id: position", "metric: position_quantity", "max: 9"],
            ["id: gross", "metric: gross_exposure", "max: 2000"], ["id: open", "metric: open_orders", "max: 24"],
            ["id: rate", "metric: order_count", "window: 1s", "max: 850"],
        ])
        desk.snapshotAge = .max / 2
        try desk.snapshot()
        for symbol in ScenarioGenerator.symbols {
            desk.engine.update(
                price: PriceQuote(
                    availability: .present, hasBidAsk: false, mark: try desk.decimal("100"), bid: .zero, ask: .zero,
                    since: 0, freshUntil: .max, expiresAt: .max), symbol: try desk.symbol(symbol))
        }
        let orders = try ScenarioGenerator.symbols.flatMap { symbol in
            try Side.allCases.flatMap { side in
                try ["0.5", "1", "2.5", "4", "4.0000000001"].map { try desk.order(side, $0, symbol: symbol) }
            }
        }
        var working: [(id: ReservationID, order: Order)] = []
        var totals: [UInt32: (buys: Int128, sells: Int128)] = [:]
        var approved = 0
        let count = Effort.of(125_000)
        for _ in 0..<count {
            desk.now += Int64.random(in: 0...2_400_000, using: &random)
            let order = random.pick(orders)
            let checked = desk.engine.check(order, connection: 1, now: desk.now).reason
            let reason = desk.engine.decide(order, connection: 1, now: desk.now).reason
            try #require(reason == checked)
            let index = order.symbol.index
            if reason == nil, let id = desk.reserve(order) {
                approved += 1
                working.append((id, order))
                if order.side == .buy {
                    totals[index, default: (0, 0)].buys += order.quantity.units
                } else {
                    totals[index, default: (0, 0)].sells += order.quantity.units
                }
                let worst = totals.values.map { max($0.buys, $0.sells) }
                try #require(order.quantity.units <= 4 * FixedPoint.scale && working.count <= 24)
                try #require(worst.allSatisfy { $0 <= 9 * FixedPoint.scale })
                try #require(worst.reduce(0, +) <= 20 * FixedPoint.scale)
            }
            guard !working.isEmpty, working.count > 20 || Bool.random(using: &random) else { continue }
            let ended = working.swapRemove(at: Int.random(in: working.indices, using: &random))
            desk.engine.release(ended.id)
            if ended.order.side == .buy {
                totals[ended.order.symbol.index]?.buys -= ended.order.quantity.units
            } else {
                totals[ended.order.symbol.index]?.sells -= ended.order.quantity.units
            }
        }
        #expect(approved > count / 13 && approved < count * 12 / 13, "\(approved) approved")
    }

    @Test func `as time passes a window only empties`() throws {
        var random = SplitMix(seed: 3)
        let windows = [("order_count", 100), ("message_count", 250), ("order_count", 700)]
        let rules = windows.enumerated().map {
            ["id: r\($0)", "metric: \($1.0)", "max: \($1.0 == "order_count" ? 1 : 2)", "window: \($1.1)ms"]
        }
        for _ in 0..<200 {
            let desk = try Desk(rules + [["id: wide", "metric: symbol", "deny: [NEVER]"]])
            let order = try desk.order()
            for _ in 0..<random.pick([1, 5, 20]) {
                _ = desk.decide(order)
                if Bool.random(using: &random) {
                    desk.engine.countCancel(account: order.account, connection: 1, now: desk.now)
                }
                desk.now += Int64.random(in: 0...80_000_000, using: &random)
            }
            var before = [Int32: FixedPoint](uniqueKeysWithValues: (0..<3).map { ($0, FixedPoint(units: .max)) })
            for _ in 0..<40 {
                let found = desk.engine.check(order, connection: 1, now: desk.now).violations
                let now = [Int32: FixedPoint](uniqueKeysWithValues: found.map { ($0.rule, $0.value) })
                #expect(now.allSatisfy { $1 <= before[$0] ?? .zero })
                before = now
                desk.now += Int64.random(in: 1...40_000_000, using: &random)
            }
            desk.now += 700_000_000
            #expect(desk.engine.check(order, connection: 1, now: desk.now).approved)
        }
    }
}

extension Metric {
    fileprivate var isFraction: Bool {
        if case .fraction = traits.unit { return true }
        return false
    }
}

extension Array {
    /// Takes an element out and puts the last one in its place.
    fileprivate mutating func swapRemove(at index: Int) -> Element {
        swapAt(index, count - 1)
        return removeLast()
    }
}
