// What an order costs, and how far from the market it is: the mirrored price of its symbol is needed.
extension RiskEngine {
    @inline(__always)
    func measurePrice(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        let metric = rule.pointee.metric
        if metric.asksPrice(facts.needsPriceToValue) { notes.pointee.looksAtPrice = true }
        switch metric {
        case .orderNotional:
            let notional = notional(facts)
            guard case .product(let product) = notional, !product.isExact else { return Measure(notional) }
            return .between(product.below, product.above)
        case .priceDeviation, .priceAggression, .spread:
            if let reason = facts.priceMissing { return .missing(reason) }
            return measureCollar(metric, facts)
        case .notionalSum: return notionalSum(rule, facts)
        case .volatility: return measureVolatility(rule, facts)
        default: return .outOfRange
        }
    }

    /// The instrument's minimum notional, which nothing that reduces risk has to reach.
    func checkMinNotional(_ facts: OrderFacts) {
        guard hasMinNotional(facts), !facts.isReducing else { return }
        let minimum = plans.instruments[Int(facts.symbol.pointee.instrument)].minNotional
        if facts.needsPriceToValue { notes.pointee.looksAtPrice = true }
        switch notional(facts) {
        case .product(let product):
            if product.below < minimum { report(.notionalBelowMinimum, value: product.below, bound: minimum) }
        case .missing(let reason): report(reason)
        case .outOfRange: report(.orderOutOfRange)
        }
    }

    func hasMinNotional(_ facts: OrderFacts) -> Bool {
        let index = facts.symbol.pointee.instrument
        return index >= 0 && plans.instruments[Int(index)].minNotional > .zero
    }

    /// The notional of the order, computed once a decision.
    @inline(__always)
    func notional(_ facts: OrderFacts) -> Notional {
        if !notes.pointee.hasNotional { noteNotional(facts) }
        return notes.pointee.notional
    }

    @inline(never)
    private func noteNotional(_ facts: OrderFacts) {
        notes.pointee.notional = facts.notional(of: facts.order.quantity)
        notes.pointee.hasNotional = true
    }

    private func measureCollar(_ metric: Metric, _ facts: OrderFacts) -> Measure {
        let order = facts.order
        let quote = facts.symbol.pointee.quote
        let bid = quote.hasBidAsk ? quote.bid : quote.mark
        let ask = quote.hasBidAsk ? quote.ask : quote.mark
        switch metric {
        case .priceDeviation:
            let distance = order.price.units &- quote.mark.units
            return .ratio(FixedPoint(units: distance < 0 ? 0 &- distance : distance), over: quote.mark)
        case .priceAggression where order.side == .buy:
            return .ratio(FixedPoint(units: order.price.units &- ask.units), over: ask)
        case .priceAggression:
            return .ratio(FixedPoint(units: bid.units &- order.price.units), over: bid)
        default:
            guard quote.hasBidAsk else { return .missing(.priceUnavailable) }
            return .ratio(FixedPoint(units: ask.units &- bid.units), over: quote.mark)
        }
    }
}
