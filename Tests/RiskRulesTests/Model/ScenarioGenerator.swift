import RiskRules

/// Makes up what happens next, from a seed: a small world whose numbers are few, so that bounds are often met exactly.
struct ScenarioGenerator {
    static let accounts = ["A", "B"]
    static let strategies = ["", "grid", "trend"]
    static let symbols = ["BTC", "ETH", "SOL"]

    var random: SplitMix
    private var number = 0
    private var seq: Int64 = 0
    private let isWild: Bool

    /// - Parameter isWild: with numbers up to the ends of the range.
    init(seed: UInt64, isWild: Bool) {
        random = SplitMix(seed: seed)
        self.isWild = isWild
    }

    mutating func chance(_ percent: Double) -> Bool { Double.random(in: 0..<100, using: &random) < percent }

    private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

    private mutating func decimal(_ texts: [String]) -> Exact { Self.decimals[random.pick(texts)] ?? .zero }

    /// A number beside the usual ones: a unit more or less, the smallest, or one of any size.
    private mutating func odd(_ value: Exact) -> Exact {
        if chance(6) { return value + .unit }
        if chance(6) { return value - .unit }
        if chance(0.5) { return .unit }
        if isWild, chance(4) {
            let power = number(-10...18)
            let size = (0..<power + 10).reduce(Exact.unit) { size, _ in size * Exact(10) }
            return chance(50) ? size : min(size * Exact(number(1...9)) + Exact.unit, .largest)
        }
        return value
    }

    mutating func quantity() -> Exact {
        odd(decimal(["0.5", "1", "1", "1.5", "2", "2", "2.5", "3", "4", "5", "7.5", "10"]))
    }

    private mutating func price() -> Exact {
        odd(decimal(["8", "9", "9.5", "10", "10", "10", "10.5", "11", "12", "15"]))
    }

    private static let decimals: [String: Exact] = {
        let texts = [
            "-5", "-0.05", "0", "0.001", "0.05", "0.1", "0.2", "0.25", "0.3", "0.5", "1", "1.5", "2", "2.5", "3", "4",
            "5", "7.5",
            "8", "9", "9.5", "10", "10.5", "11", "12", "15", "20", "25", "30", "50", "75", "80", "90", "100", "120",
            "150", "200", "250", "300", "400", "500", "1000",
        ]
        var decimals: [String: Exact] = [:]
        for text in texts { decimals[text] = (try? FixedPoint(parsing: text)).map { Exact($0) } }
        return decimals
    }()

    // MARK: Steps

    /// What there is at the start: rules, and mostly prices and accounts.
    mutating func opening(_ run: ScenarioRun) -> [ScenarioStep] {
        var steps: [ScenarioStep] = [.install(ruleSet())]
        for symbol in Self.symbols where chance(85) { steps.append(.price(symbol, ModelPrice(last: price()))) }
        for _ in 0..<3 { steps.append(snapshot(run.model)) }
        return steps
    }

    mutating func next(_ run: ScenarioRun) -> ScenarioStep {
        let model = run.model
        if !model.stops.isEmpty, chance(25) {
            let stops = model.stops.sorted { "\($0)" < "\($1)" }
            return .stop(random.pick(stops), isActive: false)
        }
        switch number(0...999) {
        case 0..<3: return atBound(run.model)
        case 3..<560: return order(model)
        case 560..<720: return answer(model)
        case 720..<800: return movePrice(model)
        case 800..<870: return snapshot(model)
        case 870..<930: return pass()
        case 930..<945:
            return .cancel(
                account: chance(30) ? nil : random.pick(Self.accounts), strategy: random.pick(Self.strategies),
                symbol: random.pick(Self.symbols), connection: UInt32(number(1...2)))
        case 945..<955: return .lateReject(anyOrder(model), connection: UInt32(number(1...2)))
        case 955..<965: return .again(anyOrder(model), connection: UInt32(number(1...2)))
        case 965..<972: return account(model)
        case 972..<978: return links(model)
        case 978..<985: return .stop(stop(), isActive: chance(60))
        case 985..<990: return .install(changed(model.ruleSet))
        default: return .pass(Int64(number(0...3)))
        }
    }

    private mutating func pass() -> ScenarioStep {
        let milliseconds =
            chance(2) ? number(1...7000) : chance(20) ? random.pick([99, 100, 101, 500, 1000]) : number(0...200)
        return .pass(Int64(milliseconds) * 1_000_000)
    }

    mutating func order(_ model: ReferenceModel) -> ScenarioStep {
        let order = anyOrder(model)
        number += 1
        return .order(order, number: number, connection: UInt32(number(1...2)))
    }

    /// An order of the largest quantity that still passes, or a unit more than that.
    private mutating func atBound(_ model: ReferenceModel) -> ScenarioStep {
        var order = anyOrder(model)
        order.clientID = nil
        func passes(_ units: Int128) -> Bool {
            var model = model
            order.quantity = Exact(FixedPoint(units: units))
            return model.decide(order, connection: 1, counting: .peeks).isApproved
        }
        var least: Int128 = 0
        var beyond: Int128 = 1000 * FixedPoint.scale
        while beyond - least > 1 {
            let middle = (least + beyond) / 2
            if passes(middle) { least = middle } else { beyond = middle }
        }
        order.quantity = Exact(FixedPoint(units: least == 0 || chance(50) ? beyond : least))
        number += 1
        return .order(order, number: number, connection: 1)
    }

    private mutating func anyOrder(_ model: ReferenceModel) -> ModelOrder {
        let type = random.pick([OrderType.market, .market, .limit, .limit, .limit, .postOnly, .stopMarket, .stopLimit])
        var order = ModelOrder(
            account: chance(75) ? "A" : "B", strategy: random.pick(Self.strategies),
            symbol: random.pick(Self.symbols), side: random.pick([.buy, .sell]), type: type, quantity: quantity(),
            timeInForce: random.pick(["", "GTC", "IOC"]), reduceOnly: chance(5))
        if order.hasLimitPrice || chance(10) { order.price = price() }
        if order.hasStopPrice { order.stopPrice = price() }
        order.mayBeMarket = type == .limit && chance(10)
        if chance(60) { order.clientID = "c\(chance(5) ? number(1...max(1, number)) : number + 1)" }
        if chance(25) { closePosition(&order, model) }
        return order
    }

    /// Makes it an order that takes the account to flat, or a unit past.
    private mutating func closePosition(_ order: inout ModelOrder, _ model: ReferenceModel) {
        let worst = model.worstCase(order.account, order.symbol)
        let (side, quantity): (Side, Exact) =
            worst.short > .zero ? (.sell, worst.short) : worst.long < .zero ? (.buy, -worst.long) : (.buy, .zero)
        guard quantity > .zero, quantity < .largest else { return }
        order.side = side
        order.quantity = chance(60) ? quantity : chance(50) ? quantity + .unit : max(.unit, quantity - .unit)
        order.reduceOnly = chance(30)
    }

    private mutating func answer(_ model: ReferenceModel) -> ScenarioStep {
        let waiting = model.reservations.keys.sorted()
        // One that is gone, now and then: its late answer changes nothing.
        let picked = waiting.isEmpty || chance(5) ? number(1...max(1, number)) : random.pick(waiting)
        let reservation = model.reservations[picked]
        switch number(0...9) {
        case 0...3: return .accept(picked, orderID: chance(70) ? "o\(picked)" : nil)
        case 4: return .end(picked, filled: nil)
        case 5:
            let whole = reservation?.remaining ?? Exact(1)
            let part = chance(40) ? whole : chance(30) ? .zero : chance(30) ? .unit : decimal(["0.5", "1", "-5"])
            return .end(picked, filled: part)
        case 6: return .loseAnswer(picked)
        case 7: return .release(picked)
        case 8: return .undo(picked)
        default:
            let account = reservation?.order.account ?? "A"
            return .cancelled(
                orderID: chance(60) ? reservation?.orderID : nil, clientID: reservation?.order.clientID,
                account: chance(80) ? account : nil, filled: chance(50) ? nil : decimal(["0", "0.5", "1"]))
        }
    }

    private mutating func movePrice(_ model: ReferenceModel) -> ScenarioStep {
        let symbol = random.pick(Self.symbols)
        if chance(6) { return .price(symbol, nil) }
        var price = ModelPrice()
        if chance(50) {
            price.last = self.price()
        } else {
            let bid = self.price()
            price.bid = bid
            price.ask = min(.largest, bid + odd(decimal(["0.5", "1", "0.5", "2"])).magnitude)
        }
        if chance(15) { price.freshUntil = model.now + Int64(number(0...300)) * 1_000_000 }
        if chance(10) { price.expiresAt = model.now + Int64(number(0...500)) * 1_000_000 }
        return .price(symbol, price)
    }

    private mutating func links(_ model: ReferenceModel) -> ScenarioStep {
        let until = [Int64.max, .max, .max, model.now, model.now + 50_000_000]
        return .links(pricesUntil: random.pick(until), accountsUntil: random.pick(until))
    }

    private mutating func account(_ model: ReferenceModel) -> ScenarioStep {
        let account = random.pick(Self.accounts)
        switch number(0...3) {
        case 0: return .loseAccount(account)
        case 1: return .refuseAccount(account)
        default: return .reread(account, freshUntil: .max)
        }
    }

    private mutating func stop() -> ReferenceModel.Stop {
        switch number(0...7) {
        case 0: .global
        case 1...3: .account(random.pick(Self.accounts))
        case 4, 5: .strategy(random.pick(["grid", "trend"]))
        default: .symbol(random.pick(Self.symbols))
        }
    }

    // MARK: Snapshots

    private mutating func snapshot(_ model: ReferenceModel) -> ScenarioStep {
        let account = chance(70) ? "A" : "B"
        var snapshot = ModelSnapshot()
        if chance(60) {
            seq += 1
            snapshot.seq = chance(5) ? max(0, seq - 3) : seq
        }
        if chance(60) { snapshot.asOf = model.wallNow - Int64(number(-2...1500)) * 1_000_000 }
        snapshot.equity = amount(["100", "100", "100", "90", "80", "75", "50", "120", "200", "0", "-5"])
        snapshot.marginUsed = amount(["0", "0", "5", "10", "20"])
        snapshot.availableMargin = amount(["100", "50", "20", "10", "5", "-5"])
        snapshot.peakEquity = amount(["100", "120", "200", "0"])
        snapshot.dailyStartEquity = amount(["100", "90", "120", "0"])
        snapshot.positions = chance(4) ? nil : positions()
        snapshot.pending = chance(4) ? nil : pending(model, account)
        let freshUntil = chance(15) ? model.now + Int64(number(0...800)) * 1_000_000 : Int64.max
        let expiresAt = chance(8) ? model.now + Int64(number(0...1500)) * 1_000_000 : Int64.max
        return .snapshot(account, snapshot, freshUntil: freshUntil, expiresAt: expiresAt)
    }

    private mutating func amount(_ texts: [String]) -> Exact? { chance(4) ? nil : odd(decimal(texts)) }

    private mutating func positions() -> [ModelSnapshot.Position] {
        var positions: [ModelSnapshot.Position] = []
        for symbol in Self.symbols where chance(50) {
            let quantity = odd(decimal(["0.5", "1", "2", "2", "3", "5"]))
            positions.append(
                ModelSnapshot.Position(
                    symbol: symbol, quantity: chance(50) ? quantity : -quantity,
                    currentPrice: chance(60) ? price() : nil))
        }
        return positions.shuffled(using: &random)
    }

    /// Some of what was let through, whole or in part, and some that Gate never saw.
    private mutating func pending(_ model: ReferenceModel, _ account: String) -> [ModelSnapshot.Pending] {
        var pending: [ModelSnapshot.Pending] = []
        for (number, reservation) in model.reservations.sorted(by: { $0.key < $1.key })
        where reservation.order.account == account && pending.count < 6 && chance(40) {
            // A snapshot whose order is worth more than the range is refused when it is read.
            guard reservation.remaining < Exact(1_000_000) else { continue }
            let order = reservation.order
            pending.append(
                ModelSnapshot.Pending(
                    symbol: order.symbol, side: order.side,
                    quantity: chance(60) ? reservation.remaining : min(reservation.remaining, quantity()),
                    price: shownPrice(), clientID: chance(60) ? order.clientID : nil,
                    orderID: chance(60) ? "o\(number)" : nil))
        }
        while chance(25) {
            pending.append(
                ModelSnapshot.Pending(
                    symbol: random.pick(Self.symbols), side: random.pick([.buy, .sell]),
                    quantity: decimal(["0.5", "1", "2"]), price: shownPrice()))
        }
        return pending
    }

    /// No price of any size, for the same reason.
    private mutating func shownPrice() -> Exact? {
        chance(80) ? decimal(["8", "9", "10", "11", "12"]) + (chance(10) ? .unit : .zero) : nil
    }

    // MARK: Rules

    mutating func ruleSet() -> ModelRuleSet {
        let count = number(1...10)
        var ruleSet = ModelRuleSet(rules: (0..<count).map { rule("r\($0)") })
        if chance(40) { ruleSet.instruments = instruments() }
        return ruleSet.accepted
    }

    /// Another set: some rules changed, taken out or put in; often under the ids they had, so that windows go on.
    private mutating func changed(_ ruleSet: ModelRuleSet) -> ModelRuleSet {
        if chance(30) { return self.ruleSet() }
        var changed = ruleSet
        for place in changed.rules.indices where chance(30) {
            let other = rule(changed.rules[place].id, changed.rules[place].metric)
            if chance(50) {
                changed.rules[place] = other
            } else {
                changed.rules[place].max = other.max
                changed.rules[place].min = other.min
            }
        }
        if chance(30), changed.rules.count > 1 { changed.rules.remove(at: number(0...changed.rules.count - 1)) }
        if chance(30) { changed.rules.append(rule("n\(number(100...999))")) }
        if chance(20) { changed.rules.shuffle(using: &random) }
        if chance(30) { changed.instruments = chance(60) ? instruments() : [:] }
        return changed.accepted
    }

    mutating func rule(_ id: String, _ metric: Metric? = nil) -> ModelRule {
        let metric = metric ?? self.metric()
        var rule = ModelRule(id: id, metric: metric)
        setBounds(&rule)
        setScope(&rule)
        if !metric.keys.isEmpty { rule.per = random.pick(metric.keys) }
        switch number(0...19) {
        case 0, 1: rule.severity = .soft
        case 2 where chance(60):
            rule.severity = .emergency
            rule.stop = random.pick(StopScope.allCases)
        case 3, 4: rule.mode = .shadow
        default: break
        }
        // Where one part of a sum is missing and another out of range, the contract prefers neither.
        let isSum = metric.traits.table == .exposure && isWild
        if metric.traits.needsInput, !isSum, chance(25) { rule.skipsMissing = true }
        if chance(20) { rule.exemptReducing = chance(70) ? false : true }
        if rule.max != nil, rule.min == nil, chance(10) { rule.share = decimal(["0.5", "0.3", "1", "0.001"]) }
        return rule
    }

    /// Of all metrics that there are; of those that refuse whatever the state the fewest.
    private mutating func metric() -> Metric {
        // Distributions are no exact numbers: they are held against formulas of their own.
        let metrics = Metric.allCases.filter { ![.valueAtRisk, .expectedShortfall, .volatility].contains($0) }
        let share = number(0...99)
        let table: Metric.Table = share < 40 ? .exposure : share < 65 ? .order : share < 85 ? .loss : .rate
        return random.pick(metrics.filter { $0.traits.table == table })
    }

    private mutating func setBounds(_ rule: inout ModelRule) {
        switch rule.metric {
        case .symbol: setNames(&rule, ["SOL", "E*", "?TC", "BTC", "ETH", "X"])
        case .account: setNames(&rule, ["B", "A", "?", "C*"])
        case .strategy: setNames(&rule, ["grid", "t*", "trend", "*d", "x"])
        case .side: setNames(&rule, ["buy", "sell"])
        case .type: setNames(&rule, ["market", "limit", "stop*", "post_only", "stop_limit"])
        case .timeInForce: setNames(&rule, ["gtc", "IOC", "?OC", "fok"])
        case .orderQuantity: rule.max = bound(["2", "3", "5", "7.5", "10"])
        case .orderNotional:
            let side = number(0...2)
            if side != 0 { rule.max = bound(["20", "25", "30", "50", "100"]) }
            if side != 1 { rule.min = bound(["5", "10", "15", "20"]) }
        case .priceDeviation, .spread: rule.max = bound(["0.05", "0.1", "0.2", "0.5"])
        case .priceAggression: rule.max = bound(["-0.05", "0", "0.05", "0.1"])
        case .orderCount, .messageCount, .rejectCount, .duplicateCount:
            rule.max = decimal(["0", "2", "3", "5", "8", "15", "20"])
        case .notionalSum: rule.max = bound(["50", "100", "200"])
        case .positionQuantity: rule.max = bound(["3", "5", "8", "10", "15"])
        case .positionNotional, .openOrderNotional: rule.max = bound(["50", "80", "100", "150", "200"])
        case .grossExposure, .netExposure: rule.max = bound(["80", "100", "150", "200", "300"])
        case .leverage: rule.max = bound(["1", "1.5", "2", "2.5", "3"])
        case .concentration: rule.max = bound(["0.5", "1", "1.5", "2"])
        case .openOrders: rule.max = decimal(["1", "2", "3", "5", "8"])
        case .marginRatio: rule.min = bound(["1", "1.5", "2", "5", "10"])
        case .availableMargin: rule.min = bound(["-5", "0", "5", "10", "50"])
        case .drawdownDaily, .drawdownMax, .valueAtRisk, .expectedShortfall, .volatility:
            rule.max = bound(["0.05", "0.1", "0.2", "0.25", "0.5"])
        case .dailyLoss: rule.max = bound(["5", "10", "20", "50"])
        case .equity: rule.min = bound(["0", "50", "75", "90", "100"])
        }
        if rule.metric.traits.takesWindow {
            rule.window = random.pick([100, 500, 1000, 3000]) * 1_000_000
        }
    }

    private mutating func bound(_ texts: [String]) -> Exact {
        let bound = decimal(texts)
        if isWild, chance(5) { return .largest }
        return chance(4) ? bound + .unit : bound
    }

    private mutating func setNames(_ rule: inout ModelRule, _ names: [String]) {
        let isAllowed = chance(40)
        let list = names.filter { _ in chance(isAllowed ? 75 : 15) }
        if isAllowed {
            rule.allow = list.isEmpty ? [names[0]] : list
        } else {
            rule.deny = list.isEmpty ? [names[0]] : list
        }
    }

    private mutating func setScope(_ rule: inout ModelRule) {
        if chance(15) { rule.accounts = [random.pick(["A", "B", "?", "*"])] }
        if chance(15) { rule.strategies = random.pick([["grid"], ["t*", "grid"], ["*"], ["trend"]]) }
        if chance(25) { rule.symbols = random.pick([["BTC"], ["ETH"], ["?T?", "SOL"], ["*O*"], ["BTC", "ETH"]]) }
        if chance(12) { rule.sides = [random.pick([.buy, .sell])] }
        if chance(15) {
            rule.types = random.pick([[.market], [.limit, .postOnly], [.stopMarket, .stopLimit, .market]])
        }
    }

    private mutating func instruments() -> [String: ModelInstrument] {
        var instruments: [String: ModelInstrument] = [:]
        for symbol in Self.symbols where chance(95) {
            var instrument = ModelInstrument()
            if chance(30) { instrument.tickSize = decimal(["0.5", "0.1", "1"]) }
            if chance(30) { instrument.lotSize = decimal(["0.5", "0.5", "0.1"]) }
            if chance(30) { instrument.minQuantity = decimal(["0.5", "1"]) }
            if chance(30) { instrument.maxQuantity = decimal(["5", "10", "50"]) }
            if chance(40) { instrument.minNotional = decimal(["5", "10", "20"]) }
            if chance(30) { instrument.multiplier = decimal(["0.1", "2", "1", "0.001", "0.3"]) }
            if chance(50) { instrument.initialMargin = decimal(["0.05", "0.1", "0.25", "0.5", "1"]) }
            instruments[symbol] = instrument
        }
        return instruments
    }
}

extension ModelRuleSet {
    /// The set without the rules that the compiler finds fault with: those that leave others nothing to bind, contradict
    /// them, or can never apply.
    var accepted: ModelRuleSet {
        var set = self
        while case .failure(let problems) = RuleCompiler.compile([set.document], version: "v1") {
            let line = problems.problems.map(\.location.line).max() ?? 0
            var end = 2
            var faulty: Int?
            for (place, rule) in set.rules.enumerated() where faulty == nil {
                end += rule.lines.count
                if line < end { faulty = place }
            }
            if let faulty { set.rules.remove(at: faulty) } else { set.instruments = [:] }
            if set.rules.isEmpty { set.rules = [ModelRule(id: "wide", metric: .symbol, deny: ["NEVER"])] }
        }
        return set
    }
}
