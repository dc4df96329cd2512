/// `quantity x price x multiplier` before rounding, or why there is none.
enum Notional: BitwiseCopyable {
    case product(FixedPoint.Product)
    case missing(Reason)
    case outOfRange

    @inline(__always)
    init(_ quantity: UInt128, at price: FixedPoint, _ multiplier: FixedPoint) {
        let product = FixedPoint.product(quantity, price.units.magnitude, multiplier.units.magnitude)
        self = product.map { .product($0) } ?? .outOfRange
    }
}

extension Order {
    /// Whether the mirrored price is needed to know what the order may cost.
    var needsPriceToValue: Bool {
        @inline(__always) get { side == .sell || !type.hasLimitPrice || mayBeMarket }
    }

    /// `p*`: what one unit may cost or bring; a sell limit below the market is worth what the market gives for it.
    /// - Parameter quote: the mirrored price, or nil where it does not count; the result is nil where it is needed then.
    @inline(__always)
    func cost(at quote: PriceQuote?) -> FixedPoint? {
        if !needsPriceToValue { return price }
        guard let quote else { return nil }
        let bid = quote.hasBidAsk ? quote.bid : quote.mark
        switch type {
        case .market: return side == .sell ? bid : quote.hasBidAsk ? quote.ask : quote.mark
        case .stopMarket: return Swift.max(stopPrice, quote.mark)
        case .limit, .stopLimit, .postOnly:
            // A buy gets here only where the endpoint may take it for a market order.
            return Swift.max(price, side == .sell ? bid : quote.hasBidAsk ? quote.ask : quote.mark)
        }
    }
}

extension Metric {
    /// Whether an order is judged by the mirrored price of its symbol under a rule on this metric.
    /// - Parameter needsPriceToValue: of the order.
    @inline(__always)
    func asksPrice(_ needsPriceToValue: Bool) -> Bool {
        switch self {
        case .priceDeviation, .priceAggression, .spread, .positionNotional, .grossExposure, .netExposure, .leverage,
            .concentration:
            true
        case .orderNotional, .notionalSum, .openOrderNotional, .marginRatio, .availableMargin: needsPriceToValue
        default: false
        }
    }
}
