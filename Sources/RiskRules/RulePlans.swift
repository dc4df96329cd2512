/// A step of the order of evaluation in which rules are judged.
enum EvaluationStep: Int, CaseIterable {
    case counters, payload, price, account
}

extension Metric {
    /// The step in which rules on this metric are judged.
    var step: EvaluationStep {
        switch self {
        case .orderCount, .messageCount, .duplicateCount, .rejectCount: .counters
        case .symbol, .account, .strategy, .side, .type, .timeInForce, .orderQuantity: .payload
        case .orderNotional, .priceDeviation, .priceAggression, .spread, .volatility, .notionalSum: .price
        case .positionQuantity, .positionNotional, .grossExposure, .netExposure, .leverage, .concentration,
            .openOrders, .openOrderNotional, .marginRatio, .availableMargin, .drawdownDaily, .drawdownMax, .dailyLoss,
            .equity, .valueAtRisk, .expectedShortfall:
            .account
        }
    }
}

/// One rule that can apply to a combination of account, strategy and symbol.
struct PlannedRule: BitwiseCopyable {
    /// Index into the rule set.
    var rule: Int32
    /// Of a membership rule what it permits of this combination: sides, order types and times in force by their bits; of
    /// accounts, strategies and symbols all bits where this combination's name is permitted, else none.
    var permitted: UInt64
}

/// The rules that can apply to one combination of account, strategy and symbol, by step.
struct RulePlan: BitwiseCopyable {
    /// Ends of the steps' rules in the plans' list; each begins where the one before ends.
    fileprivate var first: Int32
    fileprivate var ends: (Int32, Int32, Int32, Int32)
    /// Bit `kind(side, type)` set where an enforced hard rule of the tables Order or Exposure binds such orders at all
    /// times.
    fileprivate var governed: UInt16
    /// The same for rules that are in force in certain hours.
    fileprivate var governedInHours: UInt16

    static func kind(_ side: Side, _ type: OrderType) -> UInt16 {
        1 << (UInt16(side.rawValue) * UInt16(OrderType.allCases.count) + UInt16(type.rawValue))
    }
}

/// For each combination of names seen so far the few rules in force that can apply to it: found once by
/// `RuleSet.applicableRules`, and forgotten when another set is installed.
final class RulePlans {
    /// Rules that the plans of one combination are expected to have at most, on average.
    private static let rulesPerPlan = 32

    private let capacity: Int
    private let seed: UInt64
    private let index: DigestIndex
    private let plans: UnsafeMutablePointer<RulePlan>
    private var planCount = 0
    private var planned: UnsafeMutablePointer<PlannedRule>
    private var plannedCapacity = 1024
    private var plannedCount = 0
    private var candidates: [Int32] = []
    /// The set's own memory, kept by `tables`.
    private(set) var rules: UnsafeMutablePointer<CompiledRule>
    private(set) var instruments: UnsafeMutablePointer<CompiledInstrument>
    /// Whether the set names instruments: a symbol that is not among them is then refused.
    private(set) var hasInstruments = false
    private(set) var tables: RuleTables
    private let schedules = ScheduleClock()

    init(capacity: Int, seed: UInt64) {
        self.capacity = Swift.max(capacity, 1)
        self.seed = seed
        index = DigestIndex(capacity: self.capacity)
        plans = .allocate(capacity: self.capacity)
        planned = .allocate(capacity: plannedCapacity)
        tables = RuleTables(rules: [], instruments: [], windows: [], instrumentOfKnownSymbol: [])
        rules = tables.rules
        instruments = tables.instruments
    }

    deinit {
        plans.deallocate()
        planned.deallocate()
    }

    /// Goes over to the rules of a set and forgets all plans.
    func install(_ ruleSet: RuleSet) {
        tables = ruleSet.tables
        rules = tables.rules
        instruments = tables.instruments
        hasInstruments = tables.instrumentCount > 0
        schedules.install(ruleSet.schedules)
        forget()
    }

    /// Forgets all plans: what they were found by has changed.
    func forget() {
        index.removeAll()
        planCount = 0
        plannedCount = 0
    }

    /// Whether a rule applies to the order's side and type, and is in force at this moment.
    /// - Parameter wall: unix nanoseconds.
    func applies(_ rule: UnsafeMutablePointer<CompiledRule>, to order: Order, wall: Int64) -> Bool {
        covers(rule, order) && isInForce(rule, wall: wall)
    }

    /// Whether a rule applies to the order's side and type.
    func covers(_ rule: UnsafeMutablePointer<CompiledRule>, _ order: Order) -> Bool {
        rule.pointee.sides & order.side.bit != 0 && rule.pointee.types & order.type.bit != 0
    }

    /// Whether a rule is in force at this moment.
    func isInForce(_ rule: UnsafeMutablePointer<CompiledRule>, wall: Int64) -> Bool {
        rule.pointee.schedule < 0 || schedules.isActive(rule.pointee.schedule, at: wall)
    }

    /// Whether an enforced hard rule of the tables Order or Exposure binds an order at this moment.
    func governs(_ plan: RulePlan, _ order: Order, wall: Int64) -> Bool {
        let kind = RulePlan.kind(order.side, order.type)
        if plan.governed & kind != 0 { return true }
        guard plan.governedInHours & kind != 0 else { return false }
        return (plan.first..<plan.ends.3).contains { place in
            let rule = rules + Int(planned[Int(place)].rule)
            return rule.pointee.governs && applies(rule, to: order, wall: wall)
        }
    }

    /// The plan of an order's combination of names; nil where it was not seen under these rules.
    func find(_ order: Order) -> RulePlan? {
        let place = index.find(digest(order.account, order.strategy, order.symbol))
        return place < 0 ? nil : plans[place]
    }

    /// Finds the rules that can apply to a combination of names and remembers them.
    /// - Parameter timesInForce: the names known so far; with another one the plans are to be forgotten.
    func make(
        _ order: Order, account: UnsafeRawBufferPointer, strategy: UnsafeRawBufferPointer,
        symbol: UnsafeRawBufferPointer, timesInForce: NameInterner, _ ruleSet: RuleSet
    ) -> RulePlan {
        if planCount == capacity || plannedCount >= capacity * Self.rulesPerPlan { forget() }
        ruleSet.applicableRules(account: account, strategy: strategy, symbol: symbol, into: &candidates)
        var plan = RulePlan(first: Int32(plannedCount), ends: (0, 0, 0, 0), governed: 0, governedInHours: 0)
        func append(_ step: EvaluationStep) -> Int32 {
            for candidate in candidates where rules[Int(candidate)].metric.step == step {
                let rule = rules[Int(candidate)]
                let permitted: UInt64 =
                    switch rule.metric {
                    case .account: ruleSet.permits(rule, account) ? .max : 0
                    case .strategy: ruleSet.permits(rule, strategy) ? .max : 0
                    case .symbol: ruleSet.permits(rule, symbol) ? .max : 0
                    case .side: UInt64(bits(Side.allCases) { ruleSet.permits(rule, $0.ruleName) ? $0.bit : 0 })
                    case .type: UInt64(bits(OrderType.allCases) { ruleSet.permits(rule, $0.ruleName) ? $0.bit : 0 })
                    case .timeInForce:
                        (0..<timesInForce.count).reduce(0) { bits, index in
                            let name = timesInForce.name(NameID(index: UInt32(index)))
                            return ruleSet.permits(rule, name) ? bits | 1 << UInt64(index) : bits
                        }
                    default: .max
                    }
                self.append(PlannedRule(rule: candidate, permitted: permitted))
            }
            return Int32(plannedCount)
        }
        plan.ends.0 = append(.counters)
        plan.ends.1 = append(.payload)
        plan.ends.2 = append(.price)
        plan.ends.3 = append(.account)
        for candidate in candidates {
            let rule = rules[Int(candidate)]
            if rule.schedule < 0 {
                plan.governed |= governed(rule)
            } else {
                plan.governedInHours |= governed(rule)
            }
        }
        plans[planCount] = plan
        index.insert(digest(order.account, order.strategy, order.symbol), at: planCount)
        planCount += 1
        return plan
    }

    /// The rules of one step of a plan, in the order of the files.
    func rules(_ step: EvaluationStep, of plan: RulePlan) -> UnsafeBufferPointer<PlannedRule> {
        let (first, end) =
            switch step {
            case .counters: (plan.first, plan.ends.0)
            case .payload: (plan.ends.0, plan.ends.1)
            case .price: (plan.ends.1, plan.ends.2)
            case .account: (plan.ends.2, plan.ends.3)
            }
        return UnsafeBufferPointer(start: planned + Int(first), count: Int(end &- first))
    }

    /// Whether a membership rule permits an order.
    func permits(_ planned: PlannedRule, _ order: Order) -> Bool {
        switch rules[Int(planned.rule)].metric {
        case .side: planned.permitted & UInt64(order.side.bit) != 0
        case .type: planned.permitted & UInt64(order.type.bit) != 0
        case .timeInForce: planned.permitted >> UInt64(order.timeInForce.index) & 1 == 1
        default: planned.permitted != 0
        }
    }

    private func append(_ rule: PlannedRule) {
        if plannedCount == plannedCapacity {
            let grown = UnsafeMutablePointer<PlannedRule>.allocate(capacity: plannedCapacity * 2)
            grown.moveInitialize(from: planned, count: plannedCount)
            planned.deallocate()
            planned = grown
            plannedCapacity *= 2
        }
        (planned + plannedCount).initialize(to: rule)
        plannedCount += 1
    }

    private func bits<Element>(_ all: [Element], _ bit: (Element) -> UInt8) -> UInt8 {
        all.reduce(0) { $0 | bit($1) }
    }

    private func governed(_ rule: CompiledRule) -> UInt16 {
        guard rule.governs else { return 0 }
        var bits: UInt16 = 0
        for side in Side.allCases where rule.sides & side.bit != 0 {
            for type in OrderType.allCases where rule.types & type.bit != 0 { bits |= RulePlan.kind(side, type) }
        }
        return bits
    }

    private func digest(_ account: NameID, _ strategy: NameID, _ symbol: NameID) -> Digest {
        let pair = UInt64(account.index) << 32 | UInt64(symbol.index)
        return Digest(low: SipHash.spread(pair ^ SipHash.spread(seed ^ UInt64(strategy.index))), high: pair)
    }
}

extension CompiledRule {
    /// Whether it is an enforced hard rule of the tables Order or Exposure: an order that none of them binds is ungoverned.
    fileprivate var governs: Bool {
        let table = metric.traits.table
        return mode == .enforce && severity != .soft && (table == .order || table == .exposure)
    }
}
