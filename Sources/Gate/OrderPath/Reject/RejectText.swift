import RiskRules

/// What a reject says to a person: `LEVERAGE_EXCEEDED: leverage 11 exceeds max 10 (rule max-account-leverage)`.
enum RejectText {
    static func write(_ violation: RejectedViolation, into writer: inout ByteWriter) {
        writer.append(violation.reason.code)
        writer.append(": ")
        if violation.detail.utf8CodeUnitCount > 0 {
            writer.append(violation.detail)
        } else if let bound = violation.bound {
            writeComparison(violation, bound: bound, into: &writer)
        } else {
            writer.append(violation.reason.sentence)
        }
        if !violation.field.isEmpty {
            writer.append(" (field ")
            writer.append(printable: violation.field)
            writer.append(")")
        }
        if !violation.rule.isEmpty {
            writer.append(" (rule ")
            writer.append(printable: violation.rule)
            writer.append(")")
        }
    }

    private static func writeComparison(
        _ violation: RejectedViolation, bound: FixedPoint, into writer: inout ByteWriter
    ) {
        writer.append(violation.metric.utf8CodeUnitCount > 0 ? violation.metric : violation.reason.subject)
        if let value = violation.value {
            writer.append(" ")
            writer.append(value)
        }
        switch violation.reason {
        case .priceTickInvalid, .quantityLotInvalid: writer.append(" is not a multiple of ")
        default: writer.append(violation.boundIsMax ? " exceeds max " : " is below min ")
        }
        writer.append(bound)
    }
}

extension Reason {
    /// What a built-in check judged, where it names no metric.
    fileprivate var subject: StaticString {
        switch self {
        case .priceTickInvalid: "price"
        case .quantityLotInvalid, .quantityBelowMinimum, .quantityAboveMaximum: "quantity"
        case .notionalBelowMinimum: "order_notional"
        default: "value"
        }
    }

    /// What happened, where there are no numbers to compare.
    var sentence: StaticString {
        switch self {
        case .orderMalformed: "the order cannot be read"
        case .orderOutOfRange: "a number is out of range"
        case .orderTooLarge: "the message is above the size limit of orders"
        case .orderCompressed: "orders must be sent uncompressed"
        case .orderCardinality: "an order call must have exactly one message"
        case .methodNotPermitted: "the method is not permitted here"
        case .emergencyStopActive: "trading is stopped"
        case .duplicateClientOrderID: "an order with this client order id was approved before"
        case .orderRateExceeded: "too many orders"
        case .messageRateExceeded: "too many messages"
        case .duplicateOrder: "too many equal orders"
        case .rejectRateExceeded: "too many rejected orders"
        case .symbolNotPermitted: "the symbol is not permitted"
        case .accountNotPermitted: "the account is not permitted"
        case .strategyNotPermitted: "the strategy is not permitted"
        case .sideNotPermitted: "the side is not permitted"
        case .orderTypeNotPermitted: "the order type is not permitted"
        case .timeInForceNotPermitted: "the time in force is not permitted"
        case .instrumentUnknown: "the symbol is not among the instruments"
        case .priceTickInvalid: "the price is not a multiple of the tick size"
        case .quantityLotInvalid: "the quantity is not a multiple of the lot size"
        case .quantityBelowMinimum: "the quantity is below the minimum"
        case .quantityAboveMaximum: "the quantity is above the maximum"
        case .orderQuantityExceeded: "the quantity is above its limit"
        case .notionalBelowMinimum: "the order's value is below the minimum"
        case .orderNotionalExceeded: "the order's value is above its limit"
        case .priceCollarBreached: "the price is too far from the market"
        case .volatilityExceeded: "the market moves too much"
        case .windowNotionalExceeded: "too much was traded in the window"
        case .priceUnavailable: "there is no price of the symbol"
        case .priceStale: "the price of the symbol is too old"
        case .stateUnavailable: "prices or accounts cannot be read now"
        case .accountUnknown: "nothing is known of the account"
        case .accountStale: "what is known of the account is too old"
        case .recovering: "no snapshot of the account since the start"
        case .inputMissing: "an input of a rule is missing"
        case .reduceOnlyWouldIncrease: "a reduce-only order that would increase the exposure"
        case .positionLimitExceeded: "the position is above its limit"
        case .grossExposureExceeded: "the gross exposure is above its limit"
        case .netExposureExceeded: "the net exposure is above its limit"
        case .leverageExceeded: "the leverage is above its limit"
        case .concentrationExceeded: "the position is too large a part of the equity"
        case .openOrdersExceeded: "too many open orders"
        case .openOrderNotionalExceeded: "the open orders are worth too much"
        case .marginRatioBelowMinimum: "the margin ratio is below its minimum"
        case .insufficientMargin: "there is not enough margin"
        case .drawdownExceeded: "the drawdown is above its limit"
        case .dailyLossExceeded: "the day's loss is above its limit"
        case .equityBelowMinimum: "the equity is below its minimum"
        case .valueAtRiskExceeded: "the value at risk is above its limit"
        case .expectedShortfallExceeded: "the expected shortfall is above its limit"
        case .noRuleApplies: "no rule applies to the order"
        case .inFlightLimit: "too many orders are in flight"
        case .deadlineExceeded: "the deadline passed before the order was forwarded"
        case .journalUnavailable: "the decision cannot be recorded"
        case .upstreamUnavailable: "the endpoint is not connected; nothing was sent"
        case .outcomeUnknown: "the order was sent and its answer is lost"
        case .internal: "an error inside Gate; the order was not forwarded"
        }
    }
}

extension Metric {
    /// The metric's name in the rule language, without a `String`.
    package var label: StaticString {
        switch self {
        case .symbol: "symbol"
        case .account: "account"
        case .strategy: "strategy"
        case .side: "side"
        case .type: "type"
        case .timeInForce: "time_in_force"
        case .orderQuantity: "order_quantity"
        case .orderNotional: "order_notional"
        case .priceDeviation: "price_deviation"
        case .spread: "spread"
        case .priceAggression: "price_aggression"
        case .orderCount: "order_count"
        case .messageCount: "message_count"
        case .notionalSum: "notional_sum"
        case .duplicateCount: "duplicate_count"
        case .rejectCount: "reject_count"
        case .positionQuantity: "position_quantity"
        case .positionNotional: "position_notional"
        case .grossExposure: "gross_exposure"
        case .netExposure: "net_exposure"
        case .leverage: "leverage"
        case .concentration: "concentration"
        case .openOrders: "open_orders"
        case .openOrderNotional: "open_order_notional"
        case .marginRatio: "margin_ratio"
        case .availableMargin: "available_margin"
        case .drawdownDaily: "drawdown_daily"
        case .drawdownMax: "drawdown_max"
        case .dailyLoss: "daily_loss"
        case .equity: "equity"
        case .valueAtRisk: "value_at_risk"
        case .expectedShortfall: "expected_shortfall"
        case .volatility: "volatility"
        }
    }
}
