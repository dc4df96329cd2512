// The rules that bind accounts, with no order in hand: what the monitor asks once a second of each account.
//
// It is the measure of an order of nothing: the same formulas, on what the account holds and has working.
extension RiskEngine {
    /// Judges an account as it stands by the rules of the tables Exposure and Loss, but for `volatility`, which is no
    /// account's. Counts nothing and sets no stop; allocates only at the first sight of a symbol of the account, and after a
    /// rule set was installed. Costs a measure for each rule, and one for each symbol of the account and each rule on a metric
    /// that is one symbol's.
    ///
    /// A rule is judged where its `applies_to` names the account or none, names no sides and types, and no strategies but
    /// such as an order that names none belongs to. A rule that names symbols is judged by those of them that the account
    /// holds or has orders in: on a metric that is one symbol's by each of these, on others as soon as there is one. Of a
    /// bound that is scaled by volatility the strictest counts that any of the account's symbols leaves.
    /// - Parameter now: monotonic nanoseconds.
    package func evaluate(account: NameID, now: Int64) -> AccountReport {
        monitor.begin(rules: plans.tables.ruleCount, installs: installs)
        exposures.advance(to: now)
        others.advance(to: now)
        let state = accounts + Int(account.index)
        let whole = factsOfNothing(account, .none, now: now)
        look(at: whole, isWhole: true)
        var place = state.pointee.firstExposure
        while place >= 0 {
            let exposure = exposures[place]
            place = exposure.pointee.next
            look(at: factsOfNothing(account, exposure.pointee.symbol, now: now), isWhole: false)
        }
        notes.pointee.reset()
        judgeWhole(whole)
        return AccountReport(
            account: account, missing: whole.accountMissing, metrics: metrics(whole), findings: monitor.findings,
            stops: monitor.trippedStops)
    }

    /// What a decision on an order of nothing would know.
    private func factsOfNothing(_ account: NameID, _ symbol: NameID, now: Int64) -> OrderFacts {
        facts(
            Order(
                account: account, strategy: .none, symbol: symbol, timeInForce: .none, side: .buy, type: .limit,
                reduceOnly: false, quantity: .zero, price: .zero, stopPrice: .zero, clientOrderID: .none),
            nil, connection: 0, now: now, counting: .peeks)
    }

    /// Takes up the rules that look at one symbol of the account, or at none, and judges those on a metric of the symbol.
    private func look(at facts: OrderFacts, isWhole: Bool) {
        guard let plan = plan(facts.order) else { return }
        notes.pointee.reset()
        for planned in plans.rules(.account, of: plan) {
            let rule = plans.rules + Int(planned.rule)
            guard rule.pointee.sides == Side.allBits, rule.pointee.types == OrderType.allBits,
                plans.isInForce(rule, wall: wall(facts.now))
            else { continue }
            if !rule.pointee.isOfSymbol {
                take(planned.rule, rule, facts, isWhole: isWhole)
            } else if isWhole {
                // Nothing held is nothing beyond the bound.
                var finding = AccountFinding(planned.rule, rule.pointee)
                finding.judge(facts.accountMissing.map { .missing($0) } ?? .amount(.zero), rule)
                monitor.append(finding)
            } else {
                judge(planned.rule, rule, facts)
            }
        }
    }

    /// Takes up a rule on a metric of the whole account, with the bound that the symbol leaves of it.
    private func take(
        _ index: Int32, _ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts, isWhole: Bool
    ) {
        if monitor.find(index) == nil { monitor.append(AccountFinding(index, rule.pointee)) }
        guard !isWhole, rule.pointee.scale >= 0, let finding = monitor.find(index) else { return }
        if let max = scaledMax(rule, facts) {
            finding.pointee.bound = Swift.min(finding.pointee.bound, max)
        } else {
            finding.pointee.outcome = .missing(.inputMissing)
        }
    }

    /// Judges a rule on a metric of one symbol, and keeps the worst symbol.
    private func judge(_ index: Int32, _ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) {
        var finding = AccountFinding(index, rule.pointee)
        finding.symbol = facts.order.symbol
        var measure = facts.accountMissing.map { .missing($0) } ?? measureAccount(rule, facts)
        if rule.pointee.scale >= 0 {
            if let max = scaledMax(rule, facts) {
                finding.bound = max
            } else if !measure.isMissing {
                measure = .missing(.inputMissing)
            }
        }
        finding.judge(measure, rule)
        if finding.outcome == .broken { stop(rule, finding, of: facts.order.account) }
        guard let worst = monitor.find(index) else { return monitor.append(finding) }
        if worst.pointee.symbol == .none || finding.isWorse(than: worst.pointee) { worst.pointee = finding }
    }

    /// Judges the rules on metrics of the whole account.
    private func judgeWhole(_ facts: OrderFacts) {
        for place in 0..<monitor.count {
            let finding = monitor[place]
            let rule = plans.rules + Int(finding.pointee.rule)
            guard !rule.pointee.isOfSymbol else { continue }
            var measure = facts.accountMissing.map { .missing($0) } ?? measureAccount(rule, facts)
            if case .missing(let reason) = finding.pointee.outcome, !measure.isMissing { measure = .missing(reason) }
            finding.pointee.judge(measure, rule)
            if finding.pointee.outcome == .broken { stop(rule, finding.pointee, of: facts.order.account) }
        }
    }

    /// Notes the stop that a broken emergency rule asks for. Where there is no order, a strategy is not known, and a symbol
    /// only to a metric that is one symbol's: the account is stopped in the place of either.
    private func stop(_ rule: UnsafeMutablePointer<CompiledRule>, _ finding: AccountFinding, of account: NameID) {
        guard rule.pointee.severity == .emergency, rule.pointee.mode == .enforce, !limits.isShadow else { return }
        let stop: TrippedStop =
            switch rule.pointee.stop {
            case .global: TrippedStop(scope: .global, name: .none, rule: finding.rule)
            case .symbol where finding.symbol != .none:
                TrippedStop(scope: .symbol, name: finding.symbol, rule: finding.rule)
            case .account, .strategy, .symbol: TrippedStop(scope: .account, name: account, rule: finding.rule)
            }
        if !stops[stop.scope, stop.name] { monitor.append(stop) }
    }

    private func metrics(_ facts: OrderFacts) -> AccountMetrics {
        var metrics = AccountMetrics()
        guard facts.accountMissing == nil else { return metrics }
        let account = facts.account
        if account.pointee.equity.isPresent { metrics.equity = account.pointee.equity.value }
        if account.pointee.marginUsed.isPresent { metrics.marginUsed = account.pointee.marginUsed.value }
        metrics.drawdownDaily = drawdown(account, since: account.pointee.dailyStartEquity).rounded(up: true)
        metrics.drawdownMax = drawdown(account, since: account.pointee.peakEquity).rounded(up: true)
        metrics.dailyLoss = dailyLoss(account).rounded(up: true)
        if account.pointee.unknownMargins == 0 {
            metrics.reservedMargin = FixedPoint(inRange: account.pointee.reservedMargin)
        }
        metrics.marginRatio = marginRatio(facts).rounded(up: false)
        guard account.pointee.showsExposure else { return metrics }
        metrics.grossExposure = gross(facts).rounded(up: true)
        metrics.netExposure = net(facts).rounded(up: true)
        metrics.leverage = overEquity(facts) { gross(facts) }.rounded(up: true)
        metrics.availableMargin = availableMargin(facts).rounded(up: false)
        metrics.openOrders = openOrders(.account, facts).rounded(up: true)
        metrics.openOrderNotional = openOrderNotional(facts).rounded(up: true)
        return metrics
    }
}

extension CompiledRule {
    /// Whether its metric is one symbol's, not the whole account's.
    fileprivate var isOfSymbol: Bool {
        switch metric {
        case .positionQuantity, .positionNotional, .concentration: true
        case .openOrders: per == .symbol
        default: false
        }
    }
}

extension Measure {
    fileprivate var isMissing: Bool {
        if case .missing = self { true } else { false }
    }
}

extension AccountFinding {
    /// Of a rule that nothing is known of yet.
    fileprivate init(_ index: Int32, _ rule: CompiledRule) {
        self.init(
            rule: index, metric: rule.metric, severity: rule.severity, mode: rule.mode, outcome: .kept, symbol: .none,
            value: nil, bound: rule.hasMax ? rule.max : rule.min, boundIsMax: rule.hasMax, utilization: nil)
    }

    /// Holds what the metric comes to against the bound, exactly.
    fileprivate mutating func judge(_ measure: Measure, _ rule: UnsafeMutablePointer<CompiledRule>) {
        value = measure.rounded(up: boundIsMax)
        outcome = .kept
        switch measure {
        case .missing(let reason):
            outcome = rule.pointee.skipsMissing ? .skipped(reason) : .missing(reason)
            utilization = nil
            return
        case .satisfied: utilization = .share(.zero)
        // A sum beyond the exact range is beyond every bound.
        case .violated, .outOfRange:
            outcome = .broken
            utilization = .infinite
            return
        case .amount, .between:
            if let value, boundIsMax ? value > bound : value < bound { outcome = .broken }
        case .ratio(let numerator, let denominator):
            let order = FixedPoint.compareRatio(numerator, over: denominator, to: bound)
            if boundIsMax ? order > 0 : order < 0 { outcome = .broken }
        }
        guard let value else {
            if outcome == .broken { utilization = .infinite }
            return
        }
        utilization = boundIsMax ? Utilization(of: value, max: bound) : Utilization(of: value, min: bound)
    }

    fileprivate func isWorse(than other: AccountFinding) -> Bool {
        if rank != other.rank { return rank > other.rank }
        return switch (utilization, other.utilization) {
        case (.infinite?, .share?): true
        case (.share(let share)?, .share(let other)?): share > other
        default: false
        }
    }

    private var rank: Int {
        switch outcome {
        case .skipped: 0
        case .kept: 1
        case .missing: 2
        case .broken: 3
        }
    }
}
