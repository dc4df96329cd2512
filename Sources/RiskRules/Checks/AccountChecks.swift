// The step of the account: its availability, then what the order does to its exposure, then what it has lost.
extension RiskEngine {
    func measureAccount(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        let metric = rule.pointee.metric
        notes.pointee.looksAtAccount = true
        let asksPrice = metric.asksPrice(of: facts.order)
        if asksPrice { notes.pointee.looksAtPrice = true }
        if let reason = facts.accountMissing {
            let isLinkDown = asksPrice && facts.priceMissing == .stateUnavailable
            return .missing(isLinkDown ? .stateUnavailable : reason)
        }
        switch metric {
        case .drawdownDaily, .drawdownMax, .dailyLoss, .equity:
            return measureLoss(metric, facts.account)
        case .valueAtRisk, .expectedShortfall: return measureReturns(rule, facts)
        case .marginRatio: return marginRatio(facts)
        default:
            guard facts.account.pointee.showsExposure else { return .missing(.inputMissing) }
            return measureExposure(metric, rule.pointee.per, facts)
        }
    }

    /// An order that asks to be taken as reducing is proved to reduce, or refused.
    func checkReduceOnly(_ facts: OrderFacts) {
        guard facts.order.reduceOnly, !facts.isReducing else { return }
        let hasSnapshot =
            facts.account.pointee.hasSnapshot && facts.accountMissing != .accountUnknown
        report(hasSnapshot ? .reduceOnlyWouldIncrease : facts.accountMissing ?? .accountUnknown)
    }
}
