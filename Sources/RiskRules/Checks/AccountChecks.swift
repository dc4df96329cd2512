// The step of the account: its availability, then what the order does to its exposure, then what it has lost.
extension RiskEngine {
    @inline(always)
    func measureAccount(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        let metric = rule.pointee.metric
        notes.pointee.looksAtAccount = true
        let asksPrice = metric.asksPrice(facts.needsPriceToValue)
        if asksPrice { notes.pointee.looksAtPrice = true }
        if let reason = facts.accountMissing {
            let isLinkDown = asksPrice && facts.priceMissing == .stateUnavailable
            return .missing(isLinkDown ? .stateUnavailable : reason)
        }
        if metric == .valueAtRisk || metric == .expectedShortfall { return measureReturns(rule, facts) }
        return measureAccount(metric, rule.pointee.per, facts)
    }

    /// What a metric of the account that needs no distribution comes to where the snapshot counts.
    @inline(always)
    func measureAccount(_ metric: Metric, _ per: RuleKey, _ facts: OrderFacts) -> Measure {
        switch metric {
        case .drawdownDaily: drawdown(facts.account, since: facts.account.pointee.dailyStartEquity)
        case .drawdownMax: drawdown(facts.account, since: facts.account.pointee.peakEquity)
        case .dailyLoss: dailyLoss(facts.account)
        case .equity: equity(facts.account)
        case .marginRatio: marginRatio(facts)
        case .positionQuantity: exposure(facts, positionQuantity(facts))
        case .positionNotional: exposure(facts, positionNotional(facts))
        case .grossExposure: exposure(facts, gross(facts))
        case .netExposure: exposure(facts, net(facts))
        case .leverage: exposure(facts, overEquity(facts) { gross(facts) })
        case .concentration: exposure(facts, overEquity(facts) { positionNotional(facts) })
        case .openOrders: exposure(facts, openOrders(per, facts))
        case .openOrderNotional: exposure(facts, openOrderNotional(facts))
        case .availableMargin: exposure(facts, availableMargin(facts))
        default: .outOfRange
        }
    }

    @inline(always)
    private func exposure(_ facts: OrderFacts, _ measure: @autoclosure () -> Measure) -> Measure {
        facts.account.pointee.showsExposure ? measure() : .missing(.inputMissing)
    }

    /// An order that asks to be taken as reducing is proved to reduce, or refused.
    func checkReduceOnly(_ facts: OrderFacts) {
        guard facts.order.reduceOnly, !facts.isReducing else { return }
        let hasSnapshot =
            facts.account.pointee.hasSnapshot && facts.accountMissing != .accountUnknown
        report(hasSnapshot ? .reduceOnlyWouldIncrease : facts.accountMissing ?? .accountUnknown)
    }
}
