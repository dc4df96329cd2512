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
    /// For membership of accounts, strategies and symbols: whether this combination's name is not permitted.
    var isDenied: Bool
}

/// The rules that can apply to one combination of account, strategy and symbol, by step.
struct RulePlan: BitwiseCopyable {
    /// Ends of the steps' rules in the plans' list; each begins where the one before ends.
    fileprivate var first: Int32
    fileprivate var ends: (Int32, Int32, Int32, Int32)
    /// Bit `kind(side, type)` set where an enforced hard rule of the tables Order or Exposure binds such orders.
    fileprivate var governed: UInt16

    static func kind(_ side: Side, _ type: OrderType) -> UInt16 {
        1 << (UInt16(side.rawValue) * UInt16(OrderType.allCases.count) + UInt16(type.rawValue))
    }

    func governs(_ order: Order) -> Bool { governed & Self.kind(order.side, order.type) != 0 }
}

/// The rules in force, flat, and for each combination of names seen so far the few of them that can apply: found once by
/// `RuleSet.applicableRules`, and forgotten when another set is installed.
final class RulePlans {
    /// What of a membership rule depends on the rule alone.
    private struct Permissions: BitwiseCopyable {
        var sides: UInt8 = 0
        var types: UInt8 = 0
        var timesInForce: UInt64 = 0
    }

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
    private var permissions: UnsafeMutablePointer<Permissions>
    private(set) var rules: UnsafeMutablePointer<CompiledRule>
    private(set) var ruleCount = 0
    private(set) var instruments: UnsafeMutablePointer<CompiledInstrument>
    /// Whether the set names instruments: a symbol that is not among them is then refused.
    private(set) var hasInstruments = false
    private var candidates: [Int32] = []

    init(capacity: Int, seed: UInt64) {
        self.capacity = Swift.max(capacity, 1)
        self.seed = seed
        index = DigestIndex(capacity: self.capacity)
        plans = .allocate(capacity: self.capacity)
        planned = .allocate(capacity: plannedCapacity)
        permissions = .allocate(capacity: 1)
        rules = .allocate(capacity: 1)
        instruments = .allocate(capacity: 1)
    }

    deinit {
        instruments.deallocate()
        plans.deallocate()
        planned.deallocate()
        permissions.deallocate()
        rules.deallocate()
    }

    /// Takes over the rules of a set and forgets all plans.
    /// - Parameter timesInForce: the names known so far, by index.
    func install(_ ruleSet: RuleSet, timesInForce: NameInterner) {
        rules.deallocate()
        permissions.deallocate()
        ruleCount = ruleSet.rules.count
        rules = .allocate(capacity: Swift.max(ruleCount, 1))
        permissions = .allocate(capacity: Swift.max(ruleCount, 1))
        for (place, rule) in ruleSet.rules.enumerated() {
            (rules + place).initialize(to: rule)
            (permissions + place).initialize(to: Permissions())
            for side in Side.allCases where rule.metric == .side && permits(rule, side.ruleName, ruleSet) {
                permissions[place].sides |= side.bit
            }
            for type in OrderType.allCases where rule.metric == .type && permits(rule, type.ruleName, ruleSet) {
                permissions[place].types |= type.bit
            }
        }
        instruments.deallocate()
        instruments = .allocate(capacity: Swift.max(ruleSet.instruments.count, 1))
        hasInstruments = !ruleSet.instruments.isEmpty
        for (place, instrument) in ruleSet.instruments.enumerated() {
            (instruments + place).initialize(to: instrument)
        }
        for name in 0..<timesInForce.count {
            addTimeInForce(NameID(index: UInt32(name)), timesInForce, ruleSet)
        }
        removeAll()
    }

    /// Judges a time in force, seen for the first time, by every rule on them.
    func addTimeInForce(_ id: NameID, _ names: NameInterner, _ ruleSet: RuleSet) {
        for place in 0..<ruleCount
        where rules[place].metric == .timeInForce && permits(rules[place], names.name(id), ruleSet) {
            permissions[place].timesInForce |= 1 << UInt64(id.index)
        }
    }

    /// The plan of an order's combination of names; nil where it was not seen under these rules.
    func find(_ order: Order) -> RulePlan? {
        let place = index.find(digest(order.account, order.strategy, order.symbol))
        return place < 0 ? nil : plans[place]
    }

    /// Finds the rules that can apply to a combination of names and remembers them.
    func make(
        _ order: Order, account: UnsafeRawBufferPointer, strategy: UnsafeRawBufferPointer,
        symbol: UnsafeRawBufferPointer, _ ruleSet: RuleSet
    ) -> RulePlan {
        if planCount == capacity || plannedCount >= capacity * Self.rulesPerPlan { removeAll() }
        ruleSet.applicableRules(account: account, strategy: strategy, symbol: symbol, into: &candidates)
        var plan = RulePlan(first: Int32(plannedCount), ends: (0, 0, 0, 0), governed: 0)
        plan.ends.0 = append(.counters, account, strategy, symbol, ruleSet)
        plan.ends.1 = append(.payload, account, strategy, symbol, ruleSet)
        plan.ends.2 = append(.price, account, strategy, symbol, ruleSet)
        plan.ends.3 = append(.account, account, strategy, symbol, ruleSet)
        for candidate in candidates { plan.governed |= governed(rules[Int(candidate)]) }
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
        let permitted = permissions[Int(planned.rule)]
        return switch rules[Int(planned.rule)].metric {
        case .side: permitted.sides & order.side.bit != 0
        case .type: permitted.types & order.type.bit != 0
        case .timeInForce: permitted.timesInForce >> UInt64(order.timeInForce.index) & 1 == 1
        default: !planned.isDenied
        }
    }

    private func removeAll() {
        index.removeAll()
        planCount = 0
        plannedCount = 0
    }

    private func append(
        _ step: EvaluationStep, _ account: UnsafeRawBufferPointer, _ strategy: UnsafeRawBufferPointer,
        _ symbol: UnsafeRawBufferPointer, _ ruleSet: RuleSet
    ) -> Int32 {
        for candidate in candidates where rules[Int(candidate)].metric.step == step {
            let rule = rules[Int(candidate)]
            let isDenied =
                switch rule.metric {
                case .account: !permits(rule, account, ruleSet)
                case .strategy: !permits(rule, strategy, ruleSet)
                case .symbol: !permits(rule, symbol, ruleSet)
                default: false
                }
            append(PlannedRule(rule: candidate, isDenied: isDenied))
        }
        return Int32(plannedCount)
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

    private func governed(_ rule: CompiledRule) -> UInt16 {
        let table = rule.metric.traits.table
        guard rule.mode == .enforce, rule.severity != .soft, table == .order || table == .exposure else { return 0 }
        var bits: UInt16 = 0
        for side in Side.allCases where rule.sides & side.bit != 0 {
            for type in OrderType.allCases where rule.types & type.bit != 0 { bits |= RulePlan.kind(side, type) }
        }
        return bits
    }

    private func permits(_ rule: CompiledRule, _ name: UnsafeRawBufferPointer, _ ruleSet: RuleSet) -> Bool {
        (rule.allow < 0 || ruleSet.matches(patternSet: rule.allow, name))
            && (rule.deny < 0 || !ruleSet.matches(patternSet: rule.deny, name))
    }

    private func permits(_ rule: CompiledRule, _ word: String, _ ruleSet: RuleSet) -> Bool {
        var word = word
        return word.withUTF8 { permits(rule, UnsafeRawBufferPointer($0), ruleSet) }
    }

    private func digest(_ account: NameID, _ strategy: NameID, _ symbol: NameID) -> Digest {
        let pair = UInt64(account.index) << 32 | UInt64(symbol.index)
        return Digest(low: SipHash.spread(pair ^ SipHash.spread(seed ^ UInt64(strategy.index))), high: pair)
    }
}
