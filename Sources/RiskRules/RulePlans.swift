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
    /// Bit `OrderKind.bit` set where the rule applies to such orders.
    var kinds: UInt16
    /// Where its measure is kept for the plan's other rules on it; unshared where there is none.
    var place: MeasurePlace
    /// Whether it is in force at all times, and its bound always the same.
    var isPlain: Bool
    /// Of a membership rule what it permits of this combination: of times in force by their bits, else of orders by the bit
    /// of their kind.
    var permitted: UInt64
}

/// The side and type of an order: what rules apply to beside its names.
enum OrderKind {
    static let all: UInt16 = 1 << UInt16(Side.allCases.count * OrderType.allCases.count) - 1

    @inline(__always)
    static func bit(_ side: Side, _ type: OrderType) -> UInt16 {
        1 << (UInt16(side.rawValue) * UInt16(OrderType.allCases.count) + UInt16(type.rawValue))
    }

    /// - Parameters: as in `CompiledRule`.
    static func bits(sides: UInt8, types: UInt8) -> UInt16 {
        var bits: UInt16 = 0
        for side in Side.allCases where sides & side.bit != 0 {
            for type in OrderType.allCases where types & type.bit != 0 { bits |= bit(side, type) }
        }
        return bits
    }
}

/// The rules that can apply to one combination of account, strategy and symbol, by step.
struct RulePlan: BitwiseCopyable {
    /// Ends of the steps' rules in the plans' list; each begins where the one before ends.
    fileprivate var first: Int32
    fileprivate var ends: (Int32, Int32, Int32, Int32)
    /// Bit `OrderKind.bit` set where an enforced hard rule of the tables Order or Exposure binds such orders at all times.
    fileprivate var governed: UInt16
    /// The same for rules that are in force in certain hours.
    fileprivate var governedInHours: UInt16
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
    func governs(_ plan: UnsafePointer<RulePlan>, _ order: Order, wall: Int64) -> Bool {
        let kind = OrderKind.bit(order.side, order.type)
        if plan.pointee.governed & kind != 0 { return true }
        guard plan.pointee.governedInHours & kind != 0 else { return false }
        return (plan.pointee.first..<plan.pointee.ends.3).contains { place in
            let rule = rules + Int(planned[Int(place)].rule)
            return rule.pointee.governs && applies(rule, to: order, wall: wall)
        }
    }

    /// The plan of an order's combination of names, valid until another is made or the rules change; nil where it was not seen
    /// under these rules.
    func find(_ order: Order) -> UnsafePointer<RulePlan>? {
        let place = index.find(digest(order.account, order.strategy, order.symbol))
        return place < 0 ? nil : UnsafePointer(plans + place)
    }

    /// Finds the rules that can apply to a combination of names and remembers them.
    /// - Parameter timesInForce: the names known so far; with another one the plans are to be forgotten.
    func make(
        _ order: Order, account: UnsafeRawBufferPointer, strategy: UnsafeRawBufferPointer,
        symbol: UnsafeRawBufferPointer, timesInForce: NameInterner, _ ruleSet: RuleSet
    ) -> UnsafePointer<RulePlan> {
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
                    case .side:
                        UInt64(
                            OrderKind.bits(
                                sides: bits(Side.allCases) { ruleSet.permits(rule, $0.ruleName) ? $0.bit : 0 },
                                types: OrderType.allBits))
                    case .type:
                        UInt64(
                            OrderKind.bits(
                                sides: Side.allBits,
                                types: bits(OrderType.allCases) { ruleSet.permits(rule, $0.ruleName) ? $0.bit : 0 }))
                    case .timeInForce:
                        (0..<timesInForce.count).reduce(0) { bits, index in
                            let name = timesInForce.name(NameID(index: UInt32(index)))
                            return ruleSet.permits(rule, name) ? bits | 1 << UInt64(index) : bits
                        }
                    default: .max
                    }
                self.append(
                    PlannedRule(
                        rule: candidate, kinds: OrderKind.bits(sides: rule.sides, types: rule.types),
                        place: MeasurePlace(rule.metric, rule.per),
                        isPlain: rule.schedule < 0 && rule.scale < 0, permitted: permitted))
            }
            return Int32(plannedCount)
        }
        plan.ends.0 = append(.counters)
        plan.ends.1 = append(.payload)
        plan.ends.2 = append(.price)
        plan.ends.3 = append(.account)
        keepShared(planned + Int(plan.first)..<planned + plannedCount)
        for candidate in candidates {
            let rule = rules[Int(candidate)]
            if rule.schedule < 0 {
                plan.governed |= governed(rule)
            } else {
                plan.governedInHours |= governed(rule)
            }
        }
        let place = planCount
        (plans + place).initialize(to: plan)
        index.insert(digest(order.account, order.strategy, order.symbol), at: place)
        planCount += 1
        return UnsafePointer(plans + place)
    }

    /// The rules of one step of a plan, in the order of the files.
    func rules(_ step: EvaluationStep, of plan: UnsafePointer<RulePlan>) -> UnsafeBufferPointer<PlannedRule> {
        let (first, end) =
            switch step {
            case .counters: (plan.pointee.first, plan.pointee.ends.0)
            case .payload: (plan.pointee.ends.0, plan.pointee.ends.1)
            case .price: (plan.pointee.ends.1, plan.pointee.ends.2)
            case .account: (plan.pointee.ends.2, plan.pointee.ends.3)
            }
        return UnsafeBufferPointer(start: planned + Int(first), count: Int(end &- first))
    }

    /// Takes from rules the places that no other rule has too.
    private func keepShared(_ plan: Range<UnsafeMutablePointer<PlannedRule>>) {
        var (seen, shared) = (UInt32(0), UInt32(0))
        for rule in plan {
            shared |= seen & rule.pointee.place.bit
            seen |= rule.pointee.place.bit
        }
        for rule in plan where shared & rule.pointee.place.bit == 0 { rule.pointee.place = .unshared }
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
        rule.governs ? OrderKind.bits(sides: rule.sides, types: rule.types) : 0
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
