// The table of exposure: what the account holds and has working, at worst, with this order counted in.
extension RiskEngine {
    func measureExposure(_ metric: Metric, _ per: RuleKey, _ facts: OrderFacts) -> Measure {
        switch metric {
        case .positionQuantity: return Measure(Int128(clamping: facts.after.magnitude))
        case .positionNotional: return positionNotional(facts)
        case .grossExposure: return gross(facts)
        case .netExposure: return net(facts)
        case .leverage: return overEquity(facts.account) { gross(facts) }
        case .concentration: return overEquity(facts.account) { positionNotional(facts) }
        case .openOrders: return openOrders(per, facts)
        case .openOrderNotional: return openOrderNotional(facts)
        case .availableMargin: return availableMargin(facts)
        default: return .outOfRange
        }
    }

    private func overEquity(_ account: UnsafeMutablePointer<AccountState>, _ exposure: () -> Measure) -> Measure {
        let equity = account.pointee.equity
        guard equity.isPresent else { return .missing(.inputMissing) }
        guard equity.value > .zero else { return .violated }
        let measure = exposure()
        guard case .amount(let amount) = measure else { return measure }
        return .ratio(amount, over: equity.value)
    }

    private func positionNotional(_ facts: OrderFacts) -> Measure {
        let own = own(facts)
        var problems = ValueProblems()
        problems.count(own.problem, by: 1)
        return problems.measure ?? Measure(own.gross)
    }

    private func gross(_ facts: OrderFacts) -> Measure {
        let sums = sums(facts)
        return sums.problems.measure ?? Measure(sums.gross)
    }

    /// The larger of the two worst cases' absolute sums.
    private func net(_ facts: OrderFacts) -> Measure {
        let sums = sums(facts)
        return sums.problems.measure ?? Measure(Swift.max(sums.long.magnitude, sums.short.magnitude))
    }

    /// Whether more of an order takes the sum of its side further from zero.
    func widensNet(_ facts: OrderFacts) -> Bool {
        let sums = sums(facts)
        guard sums.problems.measure == nil else { return facts.takesSidePastZero }
        return facts.order.side == .buy
            ? sums.long.upper >= 0 &- sums.long.lower : 0 &- sums.short.lower >= sums.short.upper
    }

    /// The account's sums with this order counted in.
    private func sums(_ facts: OrderFacts) -> ExposureSums {
        if let sums = notes.pointee.sums { return sums }
        let isLinkDown = facts.now >= pricesLinkUntil
        var sums = isLinkDown ? facts.account.pointee.fallback : facts.account.pointee.mirrored
        if let exposure = facts.exposure {
            sums.subtract(isLinkDown ? exposure.pointee.fallback : exposure.pointee.mirrored)
        }
        sums.add(own(facts))
        notes.pointee.sums = sums
        return sums
    }

    /// The worst case in the order's symbol with this order counted in: by the fresh mirrored price, else by the position's
    /// own in the snapshot, which is fresh wherever exposure is measured.
    private func own(_ facts: OrderFacts) -> ExposureValue {
        if let own = notes.pointee.own { return own }
        let own: ExposureValue
        if let reason = facts.priceMissing {
            if let price = facts.exposure?.pointee.positionPrice, price.isPresent {
                own = ExposureValue(facts.after, at: price.value, facts.symbol.pointee.multiplier)
            } else {
                own = ExposureValue(facts.after, missing: ValueProblem(reason))
            }
        } else {
            own = ExposureValue(facts.after, at: facts.symbol.pointee.quote.mark, facts.symbol.pointee.multiplier)
        }
        notes.pointee.own = own
        return own
    }

    private func openOrders(_ per: RuleKey, _ facts: OrderFacts) -> Measure {
        let others =
            per == .symbol
            ? facts.exposure.map { $0.pointee.shownOrders + $0.pointee.openReservations } ?? 0
            : facts.account.pointee.shownOrders + facts.account.pointee.openReservations
        // The monitor asks with an order of nothing.
        let own = facts.order.quantity > .zero ? 1 : 0
        return Measure(FixedPoint(whole: Int128(others - facts.replaced.pointee.sums.orders + own)))
    }

    /// Orders are valued by the mirrored price only; that of a position is for positions.
    private func openOrderNotional(_ facts: OrderFacts) -> Measure {
        let account = facts.account
        let own = Measure(facts.notional(of: facts.order.quantity))
        let replaced = facts.replaced.pointee.sums
        var unpriced = account.pointee.unpriced
        if replaced.unpricedOrders > 0, let exposure = facts.exposure {
            unpriced.subtract(exposure.pointee.unpriced)
            unpriced.add(
                UnpricedValue(
                    exposure.pointee.unpricedQuantity &- replaced.unpricedQuantity, at: facts.symbol.pointee.quote.mark,
                    facts.symbol.pointee.multiplier, standing: facts.priceMissing.map { ValueProblem($0) } ?? .none))
        }
        let unpricedOrders = account.pointee.shownUnpriced + account.pointee.openUnpriced - replaced.unpricedOrders
        if unpricedOrders > 0, facts.now >= pricesLinkUntil { return .missing(.stateUnavailable) }
        var problems = unpriced.problems
        problems.count(ValueProblem(own), by: 1)
        if let problem = problems.measure { return problem }
        guard case .amount(let notional) = own else { return own }
        let others = account.pointee.shownNotional &+ account.pointee.openNotional &- replaced.notional
        return Measure(notional.units &+ others &+ unpriced.notional)
    }
}
