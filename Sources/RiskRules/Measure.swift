/// What a metric came to for one order.
enum Measure: BitwiseCopyable {
    case amount(FixedPoint)
    /// An amount between two neighbouring units: a maximum is held against the one above, a minimum against the one below.
    case between(FixedPoint, FixedPoint)
    /// A quotient, kept as its parts so that it is compared exactly; the denominator is above zero.
    case ratio(FixedPoint, over: FixedPoint)
    /// Within any bound.
    case satisfied
    /// Beyond any bound.
    case violated
    /// An input does not count, for this reason.
    case missing(Reason)
    /// Larger than the exact range.
    case outOfRange

    init(_ units: Int128) {
        self = FixedPoint(inRange: units).map { .amount($0) } ?? .outOfRange
    }

    init(_ notional: Notional) {
        switch notional {
        case .product(let product): self = .amount(FixedPoint(units: product.ceiling))
        case .missing(let reason): self = .missing(reason)
        case .outOfRange: self = .outOfRange
        }
    }

    init(_ amount: FixedPoint?) {
        self = amount.map { .amount($0) } ?? .outOfRange
    }
}

extension Metric {
    /// The reason that a rule on this metric gives.
    /// - Parameter isMax: whether its `max` does not hold; otherwise its `min`.
    package func reason(isMax: Bool) -> Reason {
        switch self {
        case .symbol: .symbolNotPermitted
        case .account: .accountNotPermitted
        case .strategy: .strategyNotPermitted
        case .side: .sideNotPermitted
        case .type: .orderTypeNotPermitted
        case .timeInForce: .timeInForceNotPermitted
        case .orderQuantity: .orderQuantityExceeded
        case .orderNotional: isMax ? .orderNotionalExceeded : .notionalBelowMinimum
        case .priceDeviation, .spread, .priceAggression: .priceCollarBreached
        case .orderCount: .orderRateExceeded
        case .messageCount: .messageRateExceeded
        case .notionalSum: .windowNotionalExceeded
        case .duplicateCount: .duplicateOrder
        case .rejectCount: .rejectRateExceeded
        case .positionQuantity, .positionNotional: .positionLimitExceeded
        case .grossExposure: .grossExposureExceeded
        case .netExposure: .netExposureExceeded
        case .leverage: .leverageExceeded
        case .concentration: .concentrationExceeded
        case .openOrders: .openOrdersExceeded
        case .openOrderNotional: .openOrderNotionalExceeded
        case .marginRatio: .marginRatioBelowMinimum
        case .availableMargin: .insufficientMargin
        case .drawdownDaily, .drawdownMax: .drawdownExceeded
        case .dailyLoss: .dailyLossExceeded
        case .equity: .equityBelowMinimum
        case .valueAtRisk: .valueAtRiskExceeded
        case .expectedShortfall: .expectedShortfallExceeded
        case .volatility: .volatilityExceeded
        }
    }
}
