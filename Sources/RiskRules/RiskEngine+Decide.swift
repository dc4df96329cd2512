// One order against everything. Steps and their order are the contract: the first violation is the reason.
extension RiskEngine {
    /// Counts and judges an order. The result is valid until the next decision of this engine.
    /// - Parameters:
    ///   - replacing: the order that this one replaces: what is left of it is no part of the exposure that the order is
    ///     judged with, and its client order id may come again. Where it is not known, the order counts as a new one.
    ///   - connection: what rate rules `per: connection` count by.
    ///   - now: monotonic nanoseconds.
    package func decide(
        _ order: Order, replacing: OrderReference? = nil, connection: UInt32, now: Int64
    ) -> Verdict {
        judge(order, replacing, connection: connection, now: now, counting: .counts)
    }

    /// The same decision, without counting anything and without tripping a stop.
    package func check(
        _ order: Order, replacing: OrderReference? = nil, connection: UInt32, now: Int64
    ) -> Verdict {
        judge(order, replacing, connection: connection, now: now, counting: .peeks)
    }

    /// The same decision on an order that was counted before: one that the endpoint provably did not process and that is
    /// to be sent again.
    package func decideAgain(
        _ order: Order, replacing: OrderReference? = nil, connection: UInt32, now: Int64
    ) -> Verdict {
        judge(order, replacing, connection: connection, now: now, counting: .counted)
    }

    /// What the rules that can apply to an order need and the mirror has not fetched yet, so that the order may wait for it.
    /// Hours are not looked at: a rule that is not in force yet may be when the wait is over.
    package func unfetchedInputs(_ order: Order, replacing: OrderReference? = nil) -> (price: Bool, account: Bool) {
        let lacksPrice = symbols[Int(order.symbol.index)].quote.availability == .unfetched
        let lacksAccount = accounts[Int(order.account.index)].availability == .unfetched
        guard lacksPrice || lacksAccount, let plan = plan(order) else { return (false, false) }
        let facts = facts(order, replacing, connection: 0, now: 0, counting: .peeks)
        var price = facts.needsPriceToValue && !facts.isReducing && hasMinNotional(facts)
        let isRecovering = accounts[Int(order.account.index)].recovery.isOn
        var account = order.reduceOnly || stops.covers(order) || isRecovering && !facts.isReducing
        for step in EvaluationStep.allCases {
            for planned in plans.rules(step, of: plan) {
                let rule = plans.rules + Int(planned.rule)
                guard plans.covers(rule, order), !(facts.isReducing && rule.pointee.exemptsReducing) else { continue }
                if rule.pointee.metric.asksPrice(facts.needsPriceToValue),
                    !(facts.isReducing && rule.pointee.exemptsReducingWithoutPrice)
                {
                    price = true
                }
                if step == .account { account = true }
            }
        }
        return (lacksPrice && price, lacksAccount && account)
    }

    /// Counts a cancel, which is never refused. One that names no account counts per connection only.
    package func countCancel(
        account: NameID?, strategy: NameID = .none, symbol: NameID = .none, connection: UInt32, now: Int64
    ) {
        guard let account else {
            for place in plans.tables.connectionMessageRules {
                let rule = plans.rules + Int(place)
                if plans.isInForce(rule, wall: wall(now)) {
                    let slot = windowSlots[Int(rule.pointee.windowIndex)]
                    let key = windows.digest(slot: slot, key: connection)
                    _ = windows.counts.add(1, slot: slot, key: key, now: now)
                }
            }
            return
        }
        let cancel = Order(cancelOf: account, strategy: strategy, symbol: symbol)
        guard let plan = plan(cancel) else { return }
        for planned in plans.rules(.counters, of: plan) {
            let rule = plans.rules + Int(planned.rule)
            if rule.pointee.metric == .messageCount, plans.isInForce(rule, wall: wall(now)) {
                _ = count(cancel, rule, connection: connection, now: now)
            }
        }
    }

    /// Counts a reject of an approved order that came after its decision (in-flight limit, deadline, journal, endpoint);
    /// the rejects that a decision makes are counted by it.
    package func countReject(_ order: Order, connection: UInt32, now: Int64) {
        guard let plan = plan(order) else { return }
        countReject(order, plan, connection: connection, now: now)
    }

    @inline(always)
    func facts(
        _ order: Order, _ replacing: OrderReference?, connection: UInt32, now: Int64, counting: OrderFacts.Counting
    ) -> OrderFacts {
        let account = accounts + Int(order.account.index)
        let symbol = symbols + Int(order.symbol.index)
        let accountsUntil = accountsLinkUntil
        return OrderFacts(
            order, connection: connection, now: now, counting: counting,
            account: account, accountMissing: account.reasonMissing(now: now, linkUntil: accountsUntil),
            provesReduction: account.provesReduction(now: now, linkUntil: accountsUntil),
            symbol: symbol, priceMissing: symbol.pointee.quote.reasonMissing(now: now, linkUntil: pricesLinkUntil),
            exposure: exposures.find(order.account, order.symbol),
            replaced: UnsafePointer(replaced(by: order, replacing, symbol)))
    }

    /// What an order takes the place of, in memory that is used again for the next.
    private func replaced(
        by order: Order, _ reference: OrderReference?, _ symbol: UnsafeMutablePointer<SymbolState>
    ) -> UnsafeMutablePointer<ReplacedOrder> {
        guard let reference else { return replacedOrders }
        replacedOrders[1] = ledger.replaced(by: order, reference, symbol)
        return replacedOrders + 1
    }

    private func judge(
        _ order: Order, _ replacing: OrderReference?, connection: UInt32, now: Int64, counting: OrderFacts.Counting
    ) -> Verdict {
        violations.removeAll()
        notes.pointee.reset()
        exposures.advance(to: now)
        others.advance(to: now)
        let facts = facts(order, replacing, connection: connection, now: now, counting: counting)
        guard let plan = plan(order) else {
            report(.noRuleApplies)
            return verdict(facts)
        }
        if !facts.isReducing, stops.covers(order) { report(.emergencyStopActive) }
        checkCounters(plan, facts)
        checkPayload(plan, facts)
        checkPrice(plan, facts)
        checkAccount(plan, facts)
        if counting == .counts, let reason = violations.reason, reason != .rejectRateExceeded {
            countReject(order, plan, connection: connection, now: now)
        }
        return verdict(facts)
    }

    private func checkCounters(_ plan: UnsafePointer<RulePlan>, _ facts: OrderFacts) {
        let order = facts.order
        if order.clientOrderID != .none, order.clientOrderID != facts.replaced.pointee.ids.clientOrderID,
            orderIDs.contains(order.clientOrderID, of: order.account)
        {
            report(.duplicateClientOrderID)
        }
        judgeRules(.counters, plan, facts)
    }

    private func checkPayload(_ plan: UnsafePointer<RulePlan>, _ facts: OrderFacts) {
        checkInstrument(facts)
        judgeRules(.payload, plan, facts)
    }

    private func checkPrice(_ plan: UnsafePointer<RulePlan>, _ facts: OrderFacts) {
        checkMinNotional(facts)
        judgeRules(.price, plan, facts)
    }

    /// Without the account no rule of this step can be judged: each says so, before the built-in checks that follow.
    private func checkAccount(_ plan: UnsafePointer<RulePlan>, _ facts: OrderFacts) {
        checkRecovery(facts)
        let isMissing = facts.accountMissing != nil
        if isMissing { judgeAccount(plan, facts) }
        checkReduceOnly(facts)
        if limits.refusesUngoverned, !plans.governs(plan, facts.order, wall: wall(facts.now)) { report(.noRuleApplies) }
        if !isMissing { judgeAccount(plan, facts) }
    }

    @inline(never)
    private func judgeAccount(_ plan: UnsafePointer<RulePlan>, _ facts: OrderFacts) {
        judgeRules(.account, plan, facts)
    }

    /// Judges the rules of a step: a loop of its own in each of the few places where it is called.
    @inline(always)
    private func judgeRules(_ step: EvaluationStep, _ plan: UnsafePointer<RulePlan>, _ facts: OrderFacts) {
        let kind = facts.kind
        for planned in plans.rules(step, of: plan) where planned.kinds & kind != 0 {
            let rule = plans.rules + Int(planned.rule)
            guard planned.isPlain else {
                judgeSpecial(step, planned, rule, facts)
                continue
            }
            let isExempt = facts.isReducing && rule.pointee.exemptsReducing
            // A rate counts the orders that it does not judge.
            guard !isExempt || step == .counters else { continue }
            let measure = measure(step, planned, rule, facts)
            if !isExempt { judge(measure, planned.rule, rule, facts) }
        }
    }

    /// Judges a rule that is in force in certain hours, or whose bound is scaled.
    @inline(never)
    private func judgeSpecial(
        _ step: EvaluationStep, _ planned: PlannedRule, _ rule: UnsafeMutablePointer<CompiledRule>,
        _ facts: OrderFacts
    ) {
        guard plans.isInForce(rule, wall: wall(facts.now)) else { return }
        let isExempt = facts.isReducing && rule.pointee.exemptsReducing
        guard !isExempt || step == .counters else { return }
        let measure = measure(step, planned, rule, facts)
        if isExempt { return }
        if rule.pointee.scale < 0 {
            judge(measure, planned.rule, rule, facts)
        } else {
            judgeScaled(measure, planned.rule, rule, facts)
        }
    }

    /// What a rule's metric comes to for an order that the rule covers and does not exempt.
    @inline(always)
    func measure(
        _ step: EvaluationStep, _ planned: PlannedRule, _ rule: UnsafeMutablePointer<CompiledRule>,
        _ facts: OrderFacts
    ) -> Measure {
        switch step {
        case .counters: return count(rule, facts)
        case .payload: return measurePayload(rule.pointee.metric, planned, facts)
        case .price, .account: break
        }
        let place = measures + Int(planned.place.index)
        if planned.place.isShared, notes.pointee.measured & planned.place.bit != 0 { return place.pointee }
        let measure = step == .price ? measurePrice(rule, facts) : measureAccount(rule, facts)
        if planned.place.isShared {
            place.initialize(to: measure)
            notes.pointee.measured |= planned.place.bit
        }
        return measure
    }

    /// Holds a value against its bound as the symbol's volatility leaves it, which is an input of the rule like any other.
    @inline(never)
    private func judgeScaled(
        _ measure: Measure, _ index: Int32, _ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts
    ) {
        if case .missing = measure { return judge(measure, index, rule, facts) }
        guard let max = scaledMax(rule, facts) else { return judge(.missing(.inputMissing), index, rule, facts) }
        var scaled = rule.pointee
        scaled.max = max
        withUnsafeMutablePointer(to: &scaled) { judge(measure, index, $0, facts) }
    }

    @inline(always)
    private func judge(
        _ measure: Measure, _ index: Int32, _ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts
    ) {
        switch measure {
        case .satisfied: return
        case .violated:
            report(nil, index, rule, isMax: !rule.pointee.hasMin, facts)
        case .missing(let reason):
            let isExempt = facts.isReducing && rule.pointee.exemptsReducingWithoutPrice
            if !isExempt, !rule.pointee.skipsMissing { report(reason, by: index, rule) }
        case .outOfRange: report(.orderOutOfRange, by: index, rule)
        case .amount(let value): judge(value, value, index, rule, facts)
        case .between(let below, let above): judge(below, above, index, rule, facts)
        case .ratio(let numerator, let denominator):
            if rule.pointee.hasMax, FixedPoint.compareRatio(numerator, over: denominator, to: rule.pointee.max) > 0 {
                report(numerator, over: denominator, index, rule, isMax: true, facts)
            }
            if rule.pointee.hasMin, FixedPoint.compareRatio(numerator, over: denominator, to: rule.pointee.min) < 0 {
                report(numerator, over: denominator, index, rule, isMax: false, facts)
            }
        }
    }

    /// An amount that lies between two units, or is both.
    @inline(always)
    private func judge(
        _ below: FixedPoint, _ above: FixedPoint, _ index: Int32, _ rule: UnsafeMutablePointer<CompiledRule>,
        _ facts: OrderFacts
    ) {
        if rule.pointee.hasMax, above > rule.pointee.max {
            report(above, index, rule, isMax: true, facts)
        }
        if rule.pointee.hasMin, below < rule.pointee.min {
            report(below, index, rule, isMax: false, facts)
        }
    }

    /// A rule's bound that a ratio does not hold.
    @inline(never)
    private func report(
        _ numerator: FixedPoint, over denominator: FixedPoint, _ index: Int32,
        _ rule: UnsafeMutablePointer<CompiledRule>, isMax: Bool, _ facts: OrderFacts
    ) {
        let value = FixedPoint.ratio(numerator, over: denominator, roundedUp: isMax)
        report(value, index, rule, isMax: isMax, facts)
    }

    /// A rule's bound that does not hold. An emergency rule stops its scope, here and now.
    @inline(never)
    private func report(
        _ value: FixedPoint?, _ index: Int32, _ rule: UnsafeMutablePointer<CompiledRule>, isMax: Bool,
        _ facts: OrderFacts
    ) {
        let hasBound = isMax ? rule.pointee.hasMax : rule.pointee.hasMin
        violations.append(
            Violation(
                reason: rule.pointee.metric.reason(isMax: isMax), rule: index, severity: rule.pointee.severity,
                mode: rule.pointee.mode,
                hasValue: value != nil, hasBound: hasBound, boundIsMax: isMax, value: value ?? .zero,
                bound: isMax ? rule.pointee.max : rule.pointee.min))
        if rule.pointee.severity == .emergency, rule.pointee.mode == .enforce, facts.counting != .peeks {
            trip(rule.pointee.stop, facts.order, rule: index)
        }
    }

    /// An input of a rule that does not count.
    @inline(never)
    private func report(_ reason: Reason, by index: Int32, _ rule: UnsafeMutablePointer<CompiledRule>) {
        violations.append(
            Violation(
                reason: reason, rule: index, severity: rule.pointee.severity, mode: rule.pointee.mode,
                hasValue: false, hasBound: false, boundIsMax: true, value: .zero, bound: .zero))
    }

    /// A built-in check that does not hold.
    @inline(never)
    func report(_ reason: Reason, value: FixedPoint? = nil, bound: FixedPoint? = nil, boundIsMax: Bool = false) {
        violations.append(
            Violation(
                reason: reason, rule: -1, severity: .hard, mode: .enforce, hasValue: value != nil,
                hasBound: bound != nil, boundIsMax: boundIsMax, value: value ?? .zero, bound: bound ?? .zero))
    }

    private func trip(_ scope: StopScope, _ order: Order, rule: Int32) {
        guard !limits.isShadow else { return }
        let stop: TrippedStop =
            switch scope {
            case .global: TrippedStop(scope: .global, name: .none, rule: rule)
            case .symbol: TrippedStop(scope: .symbol, name: order.symbol, rule: rule)
            case .strategy where order.strategy != .none:
                TrippedStop(scope: .strategy, name: order.strategy, rule: rule)
            // An order that names no strategy is its account's.
            case .account, .strategy: TrippedStop(scope: .account, name: order.account, rule: rule)
            }
        guard !stops[stop.scope, stop.name] else { return }
        stops[stop.scope, stop.name] = true
        violations.append(stop)
    }

    @inline(__always)
    private func verdict(_ facts: OrderFacts) -> Verdict {
        let priceSince = facts.symbol.pointee.quote.since
        let accountSince = facts.account.pointee.since
        let hasPrice = notes.pointee.looksAtPrice && facts.symbol.pointee.quote.availability == .present
        let hasAccount = notes.pointee.looksAtAccount && facts.account.pointee.availability == .present
        return Verdict(
            reason: violations.reason, violations: violations.violations, omitted: violations.omitted,
            trippedStops: violations.trippedStops, isReducing: facts.isReducing,
            priceAge: hasPrice ? Swift.max(0, facts.now &- priceSince) : -1,
            accountAge: hasAccount ? Swift.max(0, facts.now &- accountSince) : -1)
    }

    func plan(_ order: Order) -> UnsafePointer<RulePlan>? {
        if let plan = plans.find(order) { return plan }
        guard let ruleSet else { return nil }
        return plans.make(
            order, account: accountNames.name(order.account), strategy: strategyNames.name(order.strategy),
            symbol: symbolNames.name(order.symbol), timesInForce: timeInForceNames, ruleSet)
    }
}

extension Order {
    /// What rules on messages look at of a cancel.
    init(cancelOf account: NameID, strategy: NameID, symbol: NameID) {
        self.init(
            account: account, strategy: strategy, symbol: symbol, timeInForce: .none, side: .buy, type: .market,
            reduceOnly: false, quantity: .zero, price: .zero, stopPrice: .zero, clientOrderID: .none)
    }
}
