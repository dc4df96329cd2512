// The table of exposure: what the account holds and has working, at worst, with this order counted in.
extension RiskEngine {
    @inline(always)
    func positionQuantity(_ facts: OrderFacts) -> Measure {
        Measure(Int128(truncatingIfNeeded: facts.after.magnitude))
    }

    @inline(always)
    func overEquity(_ facts: OrderFacts, _ exposure: () -> Measure) -> Measure {
        let equity = facts.account.pointee.equity
        guard equity.isPresent else { return .missing(.inputMissing) }
        guard equity.value > .zero else { return .violated }
        let measure = exposure()
        guard case .amount(let amount) = measure else { return measure }
        return .ratio(amount, over: equity.value)
    }

    @inline(always)
    func positionNotional(_ facts: OrderFacts) -> Measure {
        valueOwn(facts)
        return notes.pointee.own.problem.measure ?? Measure(notes.pointee.own.gross)
    }

    @inline(always)
    func gross(_ facts: OrderFacts) -> Measure {
        sumUp(facts)
        return notes.pointee.sums.problems.measure ?? Measure(notes.pointee.sums.gross)
    }

    /// The larger of the two worst cases' absolute sums.
    @inline(always)
    func net(_ facts: OrderFacts) -> Measure {
        sumUp(facts)
        return notes.pointee.sums.problems.measure
            ?? Measure(Swift.max(notes.pointee.sums.long.magnitude, notes.pointee.sums.short.magnitude))
    }

    /// Whether more of an order takes the sum of its side further from zero.
    func widensNet(_ facts: OrderFacts) -> Bool {
        sumUp(facts)
        let sums = notes.pointee.sums
        guard sums.problems.measure == nil else { return facts.takesSidePastZero }
        return facts.order.side == .buy
            ? sums.long.upper >= 0 &- sums.long.lower : 0 &- sums.short.lower >= sums.short.upper
    }

    /// Notes the account's sums with this order counted in.
    @inline(always)
    private func sumUp(_ facts: OrderFacts) {
        if !notes.pointee.hasSums { noteSums(facts) }
    }

    @inline(never)
    private func noteSums(_ facts: OrderFacts) {
        notes.pointee.hasSums = true
        valueOwn(facts)
        let isLinkDown = facts.now >= pricesLinkUntil
        guard let exposure = facts.exposure else {
            notes.pointee.sums = isLinkDown ? facts.account.pointee.fallback : facts.account.pointee.mirrored
            notes.pointee.sums.add(notes.pointee.own)
            return
        }
        notes.pointee.sums =
            isLinkDown
            ? facts.account.pointee.fallback.replacing(exposure.pointee.fallback, by: notes.pointee.own)
            : facts.account.pointee.mirrored.replacing(exposure.pointee.mirrored, by: notes.pointee.own)
    }

    /// Notes the worst case in the order's symbol with this order counted in: by the fresh mirrored price, else by the
    /// position's own in the snapshot, which is fresh wherever exposure is measured.
    @inline(always)
    private func valueOwn(_ facts: OrderFacts) {
        if !notes.pointee.hasOwn { noteOwn(facts) }
    }

    @inline(never)
    private func noteOwn(_ facts: OrderFacts) {
        notes.pointee.hasOwn = true
        let multiplier = facts.symbol.pointee.multiplier
        var price = facts.symbol.pointee.quote.mark
        if let reason = facts.priceMissing {
            guard let own = facts.exposure?.pointee.positionPrice, own.isPresent else {
                notes.pointee.own = ExposureValue(facts.after, missing: ValueProblem(reason))
                return
            }
            price = own.value
        }
        notes.pointee.own = ExposureValue(facts.after, at: price, multiplier)
    }

    @inline(always)
    func openOrders(_ per: RuleKey, _ facts: OrderFacts) -> Measure {
        let others =
            per == .symbol
            ? facts.exposure.map { $0.pointee.shownOrders + $0.pointee.openReservations } ?? 0
            : facts.account.pointee.shownOrders + facts.account.pointee.openReservations
        // The monitor asks with an order of nothing.
        let own = facts.order.quantity > .zero ? 1 : 0
        return Measure(FixedPoint(whole: Int128(others - facts.replaced.pointee.sums.orders + own)))
    }

    /// Orders are valued by the mirrored price only; that of a position is for positions.
    func openOrderNotional(_ facts: OrderFacts) -> Measure {
        let account = facts.account
        let own = Measure(notional(facts))
        let replaced = facts.replaced
        let unpricedOrders =
            account.pointee.shownUnpriced + account.pointee.openUnpriced - replaced.pointee.sums.unpricedOrders
        if unpricedOrders > 0, facts.now >= pricesLinkUntil { return .missing(.stateUnavailable) }
        var unpriced = account.pointee.unpriced
        if replaced.pointee.sums.unpricedOrders > 0, let exposure = facts.exposure {
            unpriced.subtract(exposure.pointee.unpriced)
            unpriced.add(
                UnpricedValue(
                    exposure.pointee.unpricedQuantity &- replaced.pointee.sums.unpricedQuantity,
                    at: facts.symbol.pointee.quote.mark, facts.symbol.pointee.multiplier,
                    standing: facts.priceMissing.map { ValueProblem($0) } ?? .none))
        }
        var problems = unpriced.problems
        problems.count(ValueProblem(own), by: 1)
        if let problem = problems.measure { return problem }
        guard case .amount(let notional) = own else { return own }
        let others = account.pointee.shownNotional &+ account.pointee.openNotional &- replaced.pointee.sums.notional
        return Measure(notional.units &+ others &+ unpriced.notional)
    }
}
