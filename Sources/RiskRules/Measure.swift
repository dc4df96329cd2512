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

    @inline(__always)
    init(_ units: Int128) {
        self = FixedPoint(inRange: units).map { .amount($0) } ?? .outOfRange
    }

    @inline(__always)
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

/// Where a decision keeps what a metric came to, for the other rules on it: measures that depend on the order, its account
/// and its symbol alone have a place of their own.
struct MeasurePlace: BitwiseCopyable {
    /// Of measures that one rule alone asks for, until the next of them.
    static let unshared = MeasurePlace(index: 0)
    static let count = 20

    let index: UInt8

    private init(index: UInt8) { self.index = index }

    init(_ metric: Metric, _ per: RuleKey) {
        index =
            switch metric {
            case .orderNotional: 1
            case .priceDeviation: 2
            case .spread: 3
            case .priceAggression: 4
            case .positionQuantity: 5
            case .positionNotional: 6
            case .grossExposure: 7
            case .netExposure: 8
            case .leverage: 9
            case .concentration: 10
            case .openOrders: per == .symbol ? 11 : 12
            case .openOrderNotional: 13
            case .marginRatio: 14
            case .availableMargin: 15
            case .drawdownDaily: 16
            case .drawdownMax: 17
            case .dailyLoss: 18
            case .equity: 19
            case .symbol, .account, .strategy, .side, .type, .timeInForce, .orderQuantity, .orderCount, .messageCount,
                .notionalSum, .duplicateCount, .rejectCount, .valueAtRisk, .expectedShortfall, .volatility:
                0
            }
    }

    /// This place's bit in `DecisionNotes.measured`, which the unshared one never sets.
    var bit: UInt32 { 1 &<< UInt32(index) }
    var isShared: Bool { index > 0 }
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
