// The table of rates and repetition: sliding windows over Gate's own traffic.
extension RiskEngine {
    /// What a rate rule counts to with this order, which it counts unless it only peeks.
    func count(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        let slot = windowSlots[Int(rule.pointee.windowIndex)]
        let key = key(rule.pointee.per, facts.order, connection: facts.connection)
        let isOfRejects = rule.pointee.metric == .rejectCount
        if facts.counting == .counts, !isOfRejects {
            return count(facts.order, rule, connection: facts.connection, now: facts.now)
        }
        let count = windows.count(slot: slot, key: key, now: facts.now)
        let withThis = facts.counting == .peeks && !isOfRejects ? count &+ 1 : count
        return Measure(FixedPoint(whole: Int128(withThis)))
    }

    /// Counts an order or a cancel by one rule; without room for its key the count is not known, and the rule violated.
    func count(
        _ order: Order, _ rule: UnsafeMutablePointer<CompiledRule>, connection: UInt32, now: Int64
    ) -> Measure {
        let slot = windowSlots[Int(rule.pointee.windowIndex)]
        let key = key(rule.pointee.per, order, connection: connection)
        guard let count = windows.add(slot: slot, key: key, now: now) else { return .violated }
        return Measure(FixedPoint(whole: Int128(count)))
    }

    /// Counts a reject by every rule on rejects that applies to its order.
    func countReject(_ order: Order, _ plan: RulePlan, connection: UInt32, now: Int64) {
        for planned in plans.rules(.counters, of: plan) {
            let rule = plans.rules + Int(planned.rule)
            guard rule.pointee.metric == .rejectCount, rule.pointee.sides & order.side.bit != 0,
                rule.pointee.types & order.type.bit != 0
            else { continue }
            _ = count(order, rule, connection: connection, now: now)
        }
    }

    /// What a window is kept per; the orders of an account that name no strategy are one strategy of it.
    private func key(_ per: RuleKey, _ order: Order, connection: UInt32) -> UInt32 {
        switch per {
        case .account: order.account.index
        case .symbol: order.symbol.index
        case .connection: connection
        case .strategy: order.strategy != .none ? order.strategy.index : order.account.index | 1 << 31
        }
    }
}
