import RiskRules

// What the metrics come to: the formulas of the reference, word for word.
extension ReferenceModel {
    enum Measure {
        case amount(Exact)
        /// The denominator is above zero.
        case ratio(Exact, over: Exact)
        case satisfied
        case violated
        case unknown(Set<Reason>)
    }

    /// Why a value cannot be told: one reason, or several of which the contract prefers none.
    struct Unknown: Error {
        var reasons: Set<Reason>

        init(_ reason: Reason) { reasons = [reason] }

        /// A link that is down comes before anything else.
        init(_ reasons: Set<Reason>) {
            self.reasons = reasons.contains(.stateUnavailable) ? [.stateUnavailable] : reasons
        }
    }

    func measure(_ body: () throws(Unknown) -> Measure) -> Measure {
        do throws(Unknown) {
            return try body()
        } catch {
            return .unknown(error.reasons)
        }
    }

    // MARK: Prices

    func priceMissing(_ symbol: String) -> Reason? {
        if now >= pricesLinkUntil { return .stateUnavailable }
        switch prices[symbol] ?? .unfetched {
        case .unfetched: return .stateUnavailable
        case .absent: return .priceUnavailable
        case .present(let price):
            if now >= price.expiresAt { return .priceUnavailable }
            return now >= price.freshUntil ? .priceStale : nil
        }
    }

    /// The mirrored price, where it counts.
    func quote(_ symbol: String) throws(Unknown) -> ModelPrice {
        if let reason = priceMissing(symbol) { throw Unknown(reason) }
        guard case .present(let price) = prices[symbol] else { throw Unknown(.priceUnavailable) }
        return price
    }

    private func multiplier(_ symbol: String) -> Exact { ruleSet.instruments[symbol]?.multiplier ?? Exact(1) }

    /// `p*`: what one unit of the order may cost.
    func cost(of order: ModelOrder) throws(Unknown) -> Exact {
        switch (order.type, order.side) {
        case (.market, .buy): return try quote(order.symbol).askOrMark
        case (.market, .sell): return try quote(order.symbol).bidOrMark
        case (.stopMarket, _): return max(order.stopPrice, try quote(order.symbol).mark)
        case (.limit, .sell), (.postOnly, .sell), (.stopLimit, .sell):
            return max(order.price, try quote(order.symbol).bidOrMark)
        case (.limit, .buy), (.postOnly, .buy), (.stopLimit, .buy):
            return order.mayBeMarket ? max(order.price, try quote(order.symbol).askOrMark) : order.price
        }
    }

    /// `quantity x p* x m`, not rounded.
    func notional(of order: ModelOrder, quantity: Exact? = nil) throws(Unknown) -> Exact {
        try inRange((quantity ?? order.quantity) * cost(of: order) * multiplier(order.symbol))
    }

    /// By the last price there was, where none counts; the largest amount where it is beyond it; nil without any price.
    func lastKnownNotional(of order: ModelOrder) -> Exact? {
        var model = self
        model.pricesLinkUntil = .max
        if case .present(var price) = prices[order.symbol] {
            price.freshUntil = .max
            price.expiresAt = .max
            model.prices[order.symbol] = .present(price)
        }
        do throws(Unknown) {
            return try model.notional(of: order).roundedUp
        } catch {
            return error.reasons == [.orderOutOfRange] ? .largest : nil
        }
    }

    private func inRange(_ amount: Exact) throws(Unknown) -> Exact {
        if amount.magnitude.roundedUp > .largest { throw Unknown(.orderOutOfRange) }
        return amount
    }

    /// Whether an order is judged by the price of its own symbol under a rule on this metric.
    func asksPrice(_ metric: Metric, _ order: ModelOrder) -> Bool {
        switch metric {
        case .positionNotional, .grossExposure, .netExposure, .leverage, .concentration: true
        case .openOrderNotional, .marginRatio, .availableMargin:
            order.side == .sell || !order.hasLimitPrice || order.mayBeMarket
        default: false
        }
    }

    /// The waterfall for a position: the mirrored price, else the position's own in the snapshot.
    private func mark(_ account: String, _ symbol: String) throws(Unknown) -> Exact {
        do throws(Unknown) {
            return try quote(symbol).mark
        } catch {
            let position = exposure(account)?.positions.last { $0.symbol == symbol && $0.currentPrice != nil }
            guard let price = position?.currentPrice else { throw error }
            return price
        }
    }

    // MARK: Exposure

    func accountMissing(_ name: String) -> Reason? {
        let account = accounts[name] ?? Account()
        if account.value == .unfetched || now >= accountsLinkUntil { return .stateUnavailable }
        if account.value == .refused { return .accountStale }
        if account.value == .absent || now >= account.expiresAt { return .accountUnknown }
        return now >= account.freshUntil ? .accountStale : nil
    }

    /// Positions and pending orders of the last known snapshot; nil where it leaves out either.
    func exposure(
        _ account: String
    ) -> (positions: [ModelSnapshot.Position], pending: [ModelSnapshot.Pending])? {
        guard let snapshot = accounts[account]?.snapshot, let positions = snapshot.positions,
            let pending = snapshot.pending
        else { return nil }
        return (positions, pending)
    }

    private func counted(_ account: String) -> [ModelReservation] {
        reservations.values.filter { !$0.isShown && $0.order.account == account }
    }

    /// `WCL` and `WCS`.
    func worstCase(
        _ account: String, _ symbol: String, with order: ModelOrder? = nil
    ) -> (long: Exact, short: Exact) {
        var long = Exact.zero
        var short = Exact.zero
        func add(_ side: Side, _ quantity: Exact) {
            if side == .buy { long += quantity } else { short += -quantity }
        }
        for position in exposure(account)?.positions ?? [] where position.symbol == symbol {
            long += position.quantity
            short += position.quantity
        }
        for pending in exposure(account)?.pending ?? [] where pending.symbol == symbol {
            add(pending.side, pending.quantity)
        }
        for reservation in counted(account) where reservation.order.symbol == symbol {
            add(reservation.order.side, reservation.remaining)
        }
        if let order, order.symbol == symbol { add(order.side, order.quantity) }
        return (long, short)
    }

    /// `L` and `S`.
    private func longAndShort(_ order: ModelOrder, isIncluded: Bool) -> (long: Exact, short: Exact) {
        let worst = worstCase(order.account, order.symbol, with: isIncluded ? order : nil)
        return (max(.zero, worst.long), max(.zero, -worst.short))
    }

    /// Proved on the last known position, however old, as long as its key is not known to be gone.
    func isReducing(_ order: ModelOrder) -> Bool {
        guard let account = accounts[order.account], exposure(order.account) != nil else { return false }
        guard now < account.expiresAt || now >= accountsLinkUntil else { return false }
        let before = longAndShort(order, isIncluded: false)
        let after = longAndShort(order, isIncluded: true)
        return after.long <= before.long && after.short <= before.short
    }

    func account(_ rule: ModelRule, _ order: ModelOrder) throws(Unknown) -> Measure {
        let snapshot = accounts[order.account]?.snapshot ?? ModelSnapshot()
        switch rule.metric {
        case .equity: return .amount(try given(snapshot.equity))
        case .dailyLoss:
            return .amount(try loss(snapshot.dailyStartEquity, snapshot))
        case .drawdownDaily:
            return .ratio(try loss(snapshot.dailyStartEquity, snapshot), over: try given(snapshot.dailyStartEquity))
        case .drawdownMax:
            return .ratio(try loss(snapshot.peakEquity, snapshot), over: try given(snapshot.peakEquity))
        case .marginRatio:
            let equity = try given(snapshot.equity)
            if equity <= .zero { return .violated }
            let used = try given(snapshot.marginUsed) + neededMargin(order)
            return try inRange(used) == .zero ? .satisfied : .ratio(equity, over: used)
        case .leverage, .concentration:
            guard exposure(order.account) != nil else { throw Unknown(.inputMissing) }
            let equity = try given(snapshot.equity)
            if equity <= .zero { return .violated }
            let amount = rule.metric == .leverage ? try gross(order) : try positionNotional(order, order.symbol)
            return .ratio(try inRange(amount), over: equity)
        default:
            guard exposure(order.account) != nil else { throw Unknown(.inputMissing) }
            return .amount(try exposureAmount(rule, order, snapshot))
        }
    }

    private func exposureAmount(
        _ rule: ModelRule, _ order: ModelOrder, _ snapshot: ModelSnapshot
    ) throws(Unknown) -> Exact {
        switch rule.metric {
        case .positionQuantity:
            let worst = worstCase(order.account, order.symbol, with: order)
            return max(worst.long.magnitude, worst.short.magnitude)
        case .positionNotional: return try positionNotional(order, order.symbol)
        case .grossExposure: return try gross(order)
        case .netExposure: return try net(order)
        case .openOrders: return Exact(openOrders(order, per: rule.per))
        case .openOrderNotional: return try openOrderNotional(order)
        default: return try given(snapshot.availableMargin) - neededMargin(order)
        }
    }

    private func given(_ amount: Exact?) throws(Unknown) -> Exact {
        guard let amount else { throw Unknown(.inputMissing) }
        return amount
    }

    private func loss(_ start: Exact?, _ snapshot: ModelSnapshot) throws(Unknown) -> Exact {
        let equity = try given(snapshot.equity)
        guard let start, start > .zero else { throw Unknown(.inputMissing) }
        return max(.zero, try inRange(start - equity))
    }

    private func positionNotional(_ order: ModelOrder, _ symbol: String) throws(Unknown) -> Exact {
        let worst = worstCase(order.account, symbol, with: order)
        return try value(max(worst.long.magnitude, worst.short.magnitude), order.account, symbol).roundedUp
    }

    /// `quantity x mark x m`, not rounded; nothing is worth nothing, whatever the price.
    private func value(_ quantity: Exact, _ account: String, _ symbol: String) throws(Unknown) -> Exact {
        if quantity == .zero { return .zero }
        return try inRange(quantity * mark(account, symbol) * multiplier(symbol))
    }

    /// All symbols that the account has something of, this order's included.
    private func symbols(_ order: ModelOrder) -> Set<String> {
        var symbols: Set = [order.symbol]
        for position in exposure(order.account)?.positions ?? [] { symbols.insert(position.symbol) }
        for pending in exposure(order.account)?.pending ?? [] { symbols.insert(pending.symbol) }
        for reservation in counted(order.account) { symbols.insert(reservation.order.symbol) }
        return symbols
    }

    /// Adds up what each symbol comes to; where some cannot be told, for any of their reasons.
    private func sum(_ symbols: Set<String>, _ amount: (String) throws(Unknown) -> Exact) throws(Unknown) -> Exact {
        var sum = Exact.zero
        var reasons: Set<Reason> = []
        for symbol in symbols {
            do throws(Unknown) {
                sum += try amount(symbol)
            } catch {
                reasons.formUnion(error.reasons)
            }
        }
        if !reasons.isEmpty { throw Unknown(reasons) }
        return sum
    }

    private func gross(_ order: ModelOrder) throws(Unknown) -> Exact {
        try sum(symbols(order)) { symbol throws(Unknown) in try positionNotional(order, symbol) }
    }

    /// Each term rounded against the order: what is summed towards the bound never too little.
    private func net(_ order: ModelOrder) throws(Unknown) -> Exact {
        var (longUp, longDown, shortUp, shortDown) = (Exact.zero, Exact.zero, Exact.zero, Exact.zero)
        _ = try sum(symbols(order)) { symbol throws(Unknown) in
            let worst = worstCase(order.account, symbol, with: order)
            let long = try value(worst.long.magnitude, order.account, symbol) * Exact(worst.long < .zero ? -1 : 1)
            let short = try value(worst.short.magnitude, order.account, symbol) * Exact(worst.short < .zero ? -1 : 1)
            longUp += long.roundedUp
            longDown += long.roundedDown
            shortUp += short.roundedUp
            shortDown += short.roundedDown
            return .zero
        }
        return max(longUp, -longDown, shortUp, -shortDown)
    }

    private func openOrders(_ order: ModelOrder, per: RuleKey) -> Int {
        func isOfKey(_ symbol: String) -> Bool { per != .symbol || symbol == order.symbol }
        let pending = (exposure(order.account)?.pending ?? []).count { isOfKey($0.symbol) }
        let own = counted(order.account).count { $0.isOpen && isOfKey($0.order.symbol) }
        return pending + own + 1
    }

    /// What of one symbol has no price of its own is worth its sum at the mark.
    private func openOrderNotional(_ order: ModelOrder) throws(Unknown) -> Exact {
        var reasons: Set<Reason> = []
        var sum = Exact.zero
        func add(_ amount: () throws(Unknown) -> Exact) {
            do throws(Unknown) {
                sum += try amount().roundedUp
            } catch {
                reasons.formUnion(error.reasons)
            }
        }
        add { () throws(Unknown) in try notional(of: order) }
        var unpriced: [String: Exact] = [:]
        for pending in exposure(order.account)?.pending ?? [] {
            if let price = pending.price {
                sum += (pending.quantity * price * multiplier(pending.symbol)).roundedUp
            } else {
                unpriced[pending.symbol, default: .zero] += pending.quantity
            }
        }
        for reservation in counted(order.account) where reservation.isOpen {
            if let notional = reservation.notional {
                sum += notional
            } else {
                unpriced[reservation.order.symbol, default: .zero] += reservation.remaining
            }
        }
        for (symbol, quantity) in unpriced {
            add { () throws(Unknown) in try inRange(quantity * quote(symbol).mark * multiplier(symbol)) }
        }
        if !reasons.isEmpty { throw Unknown(reasons) }
        return sum
    }

    // MARK: Margin

    /// By how much the larger of `L` and `S` grows, at what the order may cost.
    func requiredMargin(_ order: ModelOrder) throws(Unknown) -> Exact {
        let before = longAndShort(order, isIncluded: false)
        let after = longAndShort(order, isIncluded: true)
        let growth = max(after.long, after.short) - max(before.long, before.short)
        if growth <= .zero { return .zero }
        let margin = ruleSet.instruments[order.symbol]?.initialMargin ?? limits.initialMargin
        return (try notional(of: order, quantity: growth).roundedUp * margin).roundedUp
    }

    /// `reserved + required`.
    private func neededMargin(_ order: ModelOrder) throws(Unknown) -> Exact {
        guard exposure(order.account) != nil else { throw Unknown(.inputMissing) }
        var sum = Exact.zero
        for reservation in counted(order.account) {
            guard let margin = reservation.margin else { throw Unknown(.priceUnavailable) }
            sum += margin
        }
        return try inRange(sum + requiredMargin(order))
    }
}
