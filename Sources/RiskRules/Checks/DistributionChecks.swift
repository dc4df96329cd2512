// How an account's returns are spread, and how a symbol's mark moves. These alone are binary floating point; a value is
// rounded to the nearest 10^-10 before it is held against its bound.
extension RiskEngine {
    /// The mark of every symbol whose volatility a rule asks for becomes a sample, once a second at most.
    ///
    /// To be called in each second of the monotonic clock, soon after it begins: in a second without a call, and in one in
    /// which the price is missing or too old, there is a gap.
    package func sampleVolatility(now: Int64) { volatilities.sample(now: now, linkUntil: pricesLinkUntil) }

    /// The volatility of a symbol over the window that ends now, which a rule asks for; nil where there are too few returns.
    package func volatility(of symbol: NameID, window: Int64, now: Int64) -> Double? {
        volatilities.value(of: symbols + Int(symbol.index), window: window, now: now)
    }

    func measureReturns(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        let distribution = parameters.distributions[Int(rule.pointee.distribution)]
        return Measure(rounding: returns.value(rule.pointee.metric, distribution, of: facts.order.account))
    }

    func measureVolatility(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        Measure(rounding: volatilities.value(of: facts.symbol, window: rule.pointee.window, now: facts.now))
    }

    /// The `max` of a rule as the symbol's volatility leaves it; nil where that is missing.
    func scaledMax(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> FixedPoint? {
        let scale = parameters.scales[Int(rule.pointee.scale)]
        return volatilities.value(of: facts.symbol, window: scale.window, now: facts.now).map {
            scale.scaled(rule.pointee.max, volatility: $0)
        }
    }

    /// Samples a symbol for the rules that its name is within the scope of.
    func wantVolatility(of symbol: NameID) {
        ruleSet?.forEachVolatilityWindow(of: symbolNames.name(symbol)) { volatilities.want(symbol, window: $0) }
    }
}

extension Measure {
    /// A floating-point value to the nearest 10^-10; nil: too few returns.
    fileprivate init(rounding value: Double?) {
        guard let value else {
            self = .missing(.inputMissing)
            return
        }
        let units = (value * Double(FixedPoint.scale)).rounded(.toNearestOrEven)
        // Above this no fraction is one: it counts as beyond every bound.
        self = Int64(exactly: units).map { .amount(FixedPoint(units: Int128($0))) } ?? .violated
    }
}
