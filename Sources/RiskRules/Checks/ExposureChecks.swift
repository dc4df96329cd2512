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
        Measure(value(facts.after.magnitude, facts.symbol, facts.exposure, now: facts.now))
    }

    private func gross(_ facts: OrderFacts) -> Measure {
        if let gross = notes.pointee.gross { return gross }
        var sum: Int128 = 0
        let problem = forEachExposure(facts) { worst, symbol, exposure in
            let value = value(worst.magnitude, symbol, exposure, now: facts.now)
            if case .product(let product) = value { sum &+= product.ceiling }
            return value
        }
        let gross = problem ?? Measure(sum)
        notes.pointee.gross = gross
        return gross
    }

    /// The larger of the two worst cases' absolute sums; each sum is bracketed from both sides, since its terms have signs.
    private func net(_ facts: OrderFacts) -> Measure {
        var long = Bracket()
        var short = Bracket()
        let problem = forEachExposure(facts) { worst, symbol, exposure in
            let longValue = value(worst.long.magnitude, symbol, exposure, now: facts.now)
            if case .product(let product) = longValue {
                long.add(product, isNegative: worst.long < 0)
            } else {
                return longValue
            }
            let shortValue = value(worst.short.magnitude, symbol, exposure, now: facts.now)
            if case .product(let product) = shortValue { short.add(product, isNegative: worst.short < 0) }
            return shortValue
        }
        return problem ?? Measure(Swift.max(long.magnitude, short.magnitude))
    }

    private func openOrders(_ per: RuleKey, _ facts: OrderFacts) -> Measure {
        let others =
            per == .symbol
            ? facts.exposure.map { $0.pointee.shownOrders + $0.pointee.openReservations } ?? 0
            : facts.account.pointee.shownOrders + facts.account.pointee.openReservations
        return Measure(FixedPoint(whole: Int128(others - facts.replaced.sums.orders) + 1))
    }

    private func openOrderNotional(_ facts: OrderFacts) -> Measure {
        let account = facts.account
        let own = facts.notional(of: facts.order.quantity)
        guard case .product(let notional) = own else { return Measure(own) }
        var sum = notional.ceiling &+ account.pointee.shownNotional &+ account.pointee.openNotional
        sum &-= facts.replaced.sums.notional
        if account.pointee.shownUnpriced > 0 || account.pointee.openUnpriced > 0 {
            var place = account.pointee.firstExposure
            while place >= 0 {
                let exposure = exposures[place]
                var quantity = exposure.pointee.shownUnpriced &+ exposure.pointee.openUnpriced
                if exposure == facts.exposure { quantity &-= facts.replaced.sums.unpricedQuantity }
                // Orders are valued by the mirrored price only; that of a position is for positions.
                switch value(quantity.magnitude, symbols + Int(exposure.pointee.symbol.index), nil, now: facts.now) {
                case .product(let product): sum &+= product.ceiling
                case .missing(let reason): return .missing(reason)
                case .outOfRange: return .outOfRange
                }
                place = exposure.pointee.next
            }
        }
        return Measure(sum)
    }

    /// A sum with signs, from below and from above.
    private struct Bracket: BitwiseCopyable {
        var lower: Int128 = 0
        var upper: Int128 = 0

        mutating func add(_ product: FixedPoint.Product, isNegative: Bool) {
            let floor = Int128(truncatingIfNeeded: product.floor)
            lower &+= isNegative ? 0 &- product.ceiling : floor
            upper &+= isNegative ? 0 &- floor : product.ceiling
        }

        var magnitude: Int128 { Swift.max(upper, 0 &- lower) }
    }

    /// `quantity x mark x m`: by the fresh mirrored price, else by the position's own in the snapshot, which is fresh
    /// wherever exposure is measured.
    private func value(
        _ quantity: UInt128, _ symbol: UnsafeMutablePointer<SymbolState>, _ exposure: UnsafeMutablePointer<Exposure>?,
        now: Int64
    ) -> Notional {
        if quantity == 0 { return .product(FixedPoint.Product(floor: 0, isExact: true)) }
        var mark = symbol.pointee.quote.mark
        if let reason = symbol.pointee.quote.reasonMissing(now: now, linkUntil: pricesLinkUntil) {
            guard let exposure, exposure.pointee.positionPrice.isPresent else { return .missing(reason) }
            mark = exposure.pointee.positionPrice.value
        }
        return Notional(quantity, at: mark, symbol.pointee.multiplier)
    }

    /// Goes over all symbols of the account with this order counted in, and returns what kept one from being valued:
    /// a link that is down before anything else.
    private func forEachExposure(
        _ facts: OrderFacts,
        _ body: (WorstCase, UnsafeMutablePointer<SymbolState>, UnsafeMutablePointer<Exposure>?) -> Notional
    ) -> Measure? {
        var problem: Measure?
        func note(_ value: Notional) {
            switch value {
            case .product: break
            case .missing(.stateUnavailable): problem = .missing(.stateUnavailable)
            case .missing(let reason): if problem == nil { problem = .missing(reason) }
            case .outOfRange: if problem == nil { problem = .outOfRange }
            }
        }
        if facts.exposure == nil { note(body(facts.after, facts.symbol, nil)) }
        var place = facts.account.pointee.firstExposure
        while place >= 0 {
            let exposure = exposures[place]
            let isOrders = exposure == facts.exposure
            note(
                body(
                    isOrders ? facts.after : exposure.pointee.working,
                    symbols + Int(exposure.pointee.symbol.index), exposure))
            place = exposure.pointee.next
        }
        return problem
    }
}
