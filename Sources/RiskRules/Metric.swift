/// What a rule bounds. The names are those of the rule language; the formulas stand in the reference of the controls.
package enum Metric: String, CaseIterable, Sendable, BitwiseCopyable {
    case symbol, account, strategy, side, type
    case timeInForce = "time_in_force"
    case orderQuantity = "order_quantity"
    case orderNotional = "order_notional"
    case priceDeviation = "price_deviation"
    case spread
    case priceAggression = "price_aggression"
    case orderCount = "order_count"
    case messageCount = "message_count"
    case notionalSum = "notional_sum"
    case duplicateCount = "duplicate_count"
    case rejectCount = "reject_count"
    case positionQuantity = "position_quantity"
    case positionNotional = "position_notional"
    case grossExposure = "gross_exposure"
    case netExposure = "net_exposure"
    case leverage, concentration
    case openOrders = "open_orders"
    case openOrderNotional = "open_order_notional"
    case marginRatio = "margin_ratio"
    case availableMargin = "available_margin"
    case drawdownDaily = "drawdown_daily"
    case drawdownMax = "drawdown_max"
    case dailyLoss = "daily_loss"
    case equity
    case valueAtRisk = "value_at_risk"
    case expectedShortfall = "expected_shortfall"
    case volatility
}

extension Metric {
    /// The table of the controls that a metric stands in.
    package enum Table: Sendable, BitwiseCopyable {
        case order, rate, exposure, loss
    }

    /// What a rule on a metric must give.
    package enum BoundKind: Sendable, BitwiseCopyable {
        /// `allow` or `deny`: names.
        case names
        case max
        case min
        /// `max`, `min` or both.
        case maxOrMin
    }

    /// What a bound on a metric is measured in; decides which bounds make sense.
    package enum Unit: Sendable, BitwiseCopyable {
        case name, quantity, money, count
        /// A share of 1: 0.2 is 20 %.
        case fraction
        /// How many times equity, or margin: the largest that is taken for one, not for a percentage or an amount.
        case multiple(largest: Int)
    }

    /// What the rule language allows a rule on one metric to say.
    package struct Traits: Sendable, BitwiseCopyable {
        package var table: Table
        package var bound: BoundKind
        package var unit: Unit
        /// Whether a rule needs, and may have, a `window`.
        package var takesWindow = false
        /// Whether a rule may have a `confidence` and a `method`.
        package var takesDistribution = false
        /// Whether a price or an account must be there to evaluate it, so that `on_missing` has a meaning.
        package var needsInput = true
        /// Whether a bound below zero has a meaning.
        package var mayBeNegative = false
        /// The order types it is defined for, by bit `OrderType.rawValue`.
        package var types = OrderType.allBits
    }

    /// The row of this metric in the rule language.
    package var traits: Traits {
        switch self {
        case .symbol, .account, .strategy, .side, .type, .timeInForce:
            Traits(table: .order, bound: .names, unit: .name, needsInput: false)
        case .orderQuantity: Traits(table: .order, bound: .max, unit: .quantity, needsInput: false)
        case .orderNotional: Traits(table: .order, bound: .maxOrMin, unit: .money)
        case .priceDeviation: Traits(table: .order, bound: .max, unit: .fraction, types: OrderType.limitPriceBits)
        case .spread:
            Traits(table: .order, bound: .max, unit: .fraction, types: OrderType.market.bit | OrderType.stopPriceBits)
        case .priceAggression:
            Traits(
                table: .order, bound: .max, unit: .fraction, mayBeNegative: true, types: OrderType.limitPriceBits)
        case .orderCount, .messageCount, .rejectCount, .duplicateCount:
            Traits(table: .rate, bound: .max, unit: .count, takesWindow: true, needsInput: false)
        case .notionalSum: Traits(table: .rate, bound: .max, unit: .money, takesWindow: true)
        case .positionQuantity: Traits(table: .exposure, bound: .max, unit: .quantity)
        case .positionNotional, .grossExposure, .netExposure, .openOrderNotional:
            Traits(table: .exposure, bound: .max, unit: .money)
        case .leverage: Traits(table: .exposure, bound: .max, unit: .multiple(largest: 1000))
        case .concentration: Traits(table: .exposure, bound: .max, unit: .multiple(largest: 100))
        case .openOrders: Traits(table: .exposure, bound: .max, unit: .count)
        case .marginRatio: Traits(table: .exposure, bound: .min, unit: .multiple(largest: 50))
        case .availableMargin: Traits(table: .exposure, bound: .min, unit: .money, mayBeNegative: true)
        case .drawdownDaily, .drawdownMax: Traits(table: .loss, bound: .max, unit: .fraction)
        case .dailyLoss: Traits(table: .loss, bound: .max, unit: .money)
        case .equity: Traits(table: .loss, bound: .min, unit: .money)
        case .valueAtRisk, .expectedShortfall:
            Traits(table: .loss, bound: .max, unit: .fraction, takesDistribution: true)
        case .volatility: Traits(table: .loss, bound: .max, unit: .fraction, takesWindow: true)
        }
    }

    /// What `per` may say; empty where the metric has no `per`.
    package var keys: [RuleKey] {
        switch self {
        case .orderCount, .messageCount, .rejectCount, .duplicateCount, .notionalSum: RuleKey.allCases
        case .openOrders: [.account, .symbol]
        default: []
        }
    }

    /// Whether a risk-reducing order is not judged by a rule on this metric, unless the rule says otherwise.
    package var exemptsReducing: Bool {
        switch self {
        case .symbol, .notionalSum, .rejectCount: true
        default: traits.table == .exposure || traits.table == .loss
        }
    }

    /// Whether a risk-reducing order is not judged where the price that the rule needs is missing or too old.
    package var exemptsReducingWithoutPrice: Bool {
        switch self {
        case .orderNotional, .priceDeviation, .spread, .priceAggression: true
        default: exemptsReducing
        }
    }
}

extension Side {
    /// This side's bit in `CompiledRule.sides`.
    package var bit: UInt8 { 1 << rawValue }
    static let allBits = allCases.reduce(0) { $0 | $1.bit }

    /// The word for this side in rule files; read there without regard to letter case.
    package var ruleName: String {
        switch self {
        case .buy: "buy"
        case .sell: "sell"
        }
    }
}

extension OrderType {
    /// This type's bit in `CompiledRule.types`.
    package var bit: UInt8 { 1 << rawValue }
    static let allBits: UInt8 = bits { _ in true }
    static let limitPriceBits: UInt8 = bits(where: \.hasLimitPrice)
    static let stopPriceBits: UInt8 = bits(where: \.hasStopPrice)

    private static func bits(where holds: (OrderType) -> Bool) -> UInt8 {
        allCases.reduce(0) { holds($1) ? $0 | $1.bit : $0 }
    }

    /// The word for this type in rule files; read there without regard to letter case, `stop` as `stop_market`.
    package var ruleName: String {
        switch self {
        case .market: "market"
        case .limit: "limit"
        case .stopMarket: "stop_market"
        case .stopLimit: "stop_limit"
        case .postOnly: "post_only"
        }
    }
}
