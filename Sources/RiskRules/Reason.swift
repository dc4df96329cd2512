/// Why an order was refused: the stable code that clients, logs and metrics carry. A code is never renamed or reused.
///
/// The raw value indexes metric counters and is stable only within one build; `code` is the contract.
package enum Reason: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    // Step 1: decoding and framing.
    case orderMalformed, orderOutOfRange, orderTooLarge, orderCompressed, orderCardinality, methodNotPermitted
    // Step 3: stops.
    case emergencyStopActive
    // Step 4: counters.
    case duplicateClientOrderID, orderRateExceeded, messageRateExceeded, duplicateOrder, rejectRateExceeded
    // Step 5: payload.
    case symbolNotPermitted, accountNotPermitted, strategyNotPermitted, sideNotPermitted, orderTypeNotPermitted
    case timeInForceNotPermitted, instrumentUnknown, priceTickInvalid, quantityLotInvalid, quantityBelowMinimum
    case quantityAboveMaximum, orderQuantityExceeded
    // Step 6: price.
    case notionalBelowMinimum, orderNotionalExceeded, priceCollarBreached, volatilityExceeded, windowNotionalExceeded
    case priceUnavailable, priceStale
    // Step 7: account.
    case stateUnavailable, accountUnknown, accountStale, recovering, inputMissing, reduceOnlyWouldIncrease
    case positionLimitExceeded, grossExposureExceeded, netExposureExceeded, leverageExceeded, concentrationExceeded
    case openOrdersExceeded, openOrderNotionalExceeded, marginRatioBelowMinimum, insufficientMargin
    case drawdownExceeded, dailyLossExceeded, equityBelowMinimum, valueAtRiskExceeded, expectedShortfallExceeded
    case noRuleApplies
    // Step 8: forwarding.
    case inFlightLimit, deadlineExceeded, journalUnavailable, upstreamUnavailable
    // After forwarding, and our own bugs.
    case outcomeUnknown, `internal`
}

/// The gRPC status codes that Gate answers with (grpc/statuscodes.md).
package enum GRPCStatus: UInt8, Sendable, BitwiseCopyable {
    case ok = 0, cancelled = 1, unknown = 2, invalidArgument = 3, deadlineExceeded = 4, notFound = 5, alreadyExists = 6
    case permissionDenied = 7, resourceExhausted = 8, failedPrecondition = 9, aborted = 10, outOfRange = 11
    case unimplemented = 12, `internal` = 13, unavailable = 14, dataLoss = 15, unauthenticated = 16
}

extension Reason {
    /// The `UPPER_SNAKE` code on the wire, in logs and in metric labels.
    package var code: StaticString { row.code }
    /// The gRPC status a reject for this reason is answered with.
    package var status: GRPCStatus { row.status }
    /// FIX `OrdRejReason(103)`.
    package var fix: UInt8 { row.fix }

    private var row: (code: StaticString, status: GRPCStatus, fix: UInt8) {
        switch self {
        case .orderMalformed: ("ORDER_MALFORMED", .invalidArgument, 99)
        case .orderOutOfRange: ("ORDER_OUT_OF_RANGE", .invalidArgument, 99)
        case .orderTooLarge: ("ORDER_TOO_LARGE", .resourceExhausted, 99)
        case .orderCompressed: ("ORDER_COMPRESSED", .unimplemented, 99)
        case .orderCardinality: ("ORDER_CARDINALITY", .unimplemented, 99)
        case .methodNotPermitted: ("METHOD_NOT_PERMITTED", .unimplemented, 99)
        case .emergencyStopActive: ("EMERGENCY_STOP_ACTIVE", .failedPrecondition, 0)
        case .duplicateClientOrderID: ("DUPLICATE_CLIENT_ORDER_ID", .alreadyExists, 6)
        case .orderRateExceeded: ("ORDER_RATE_EXCEEDED", .resourceExhausted, 99)
        case .messageRateExceeded: ("MESSAGE_RATE_EXCEEDED", .resourceExhausted, 99)
        case .duplicateOrder: ("DUPLICATE_ORDER", .failedPrecondition, 6)
        case .rejectRateExceeded: ("REJECT_RATE_EXCEEDED", .failedPrecondition, 21)
        case .symbolNotPermitted: ("SYMBOL_NOT_PERMITTED", .permissionDenied, 0)
        case .accountNotPermitted: ("ACCOUNT_NOT_PERMITTED", .permissionDenied, 15)
        case .strategyNotPermitted: ("STRATEGY_NOT_PERMITTED", .permissionDenied, 15)
        case .sideNotPermitted: ("SIDE_NOT_PERMITTED", .permissionDenied, 11)
        case .orderTypeNotPermitted: ("ORDER_TYPE_NOT_PERMITTED", .permissionDenied, 11)
        case .timeInForceNotPermitted: ("TIME_IN_FORCE_NOT_PERMITTED", .permissionDenied, 11)
        case .instrumentUnknown: ("INSTRUMENT_UNKNOWN", .invalidArgument, 1)
        case .priceTickInvalid: ("PRICE_TICK_INVALID", .invalidArgument, 18)
        case .quantityLotInvalid: ("QUANTITY_LOT_INVALID", .invalidArgument, 13)
        case .quantityBelowMinimum: ("QUANTITY_BELOW_MINIMUM", .invalidArgument, 13)
        case .quantityAboveMaximum: ("QUANTITY_ABOVE_MAXIMUM", .invalidArgument, 13)
        case .orderQuantityExceeded: ("ORDER_QUANTITY_EXCEEDED", .failedPrecondition, 26)
        case .notionalBelowMinimum: ("NOTIONAL_BELOW_MINIMUM", .invalidArgument, 13)
        case .orderNotionalExceeded: ("ORDER_NOTIONAL_EXCEEDED", .failedPrecondition, 27)
        case .priceCollarBreached: ("PRICE_COLLAR_BREACHED", .failedPrecondition, 16)
        case .volatilityExceeded: ("VOLATILITY_EXCEEDED", .failedPrecondition, 21)
        case .windowNotionalExceeded: ("WINDOW_NOTIONAL_EXCEEDED", .failedPrecondition, 3)
        case .priceUnavailable: ("PRICE_UNAVAILABLE", .failedPrecondition, 19)
        case .priceStale: ("PRICE_STALE", .failedPrecondition, 19)
        case .stateUnavailable: ("STATE_UNAVAILABLE", .failedPrecondition, 0)
        case .accountUnknown: ("ACCOUNT_UNKNOWN", .failedPrecondition, 15)
        case .accountStale: ("ACCOUNT_STALE", .failedPrecondition, 0)
        case .recovering: ("RECOVERING", .failedPrecondition, 0)
        case .inputMissing: ("INPUT_MISSING", .failedPrecondition, 0)
        case .reduceOnlyWouldIncrease: ("REDUCE_ONLY_WOULD_INCREASE", .failedPrecondition, 21)
        case .positionLimitExceeded: ("POSITION_LIMIT_EXCEEDED", .failedPrecondition, 3)
        case .grossExposureExceeded: ("GROSS_EXPOSURE_EXCEEDED", .failedPrecondition, 3)
        case .netExposureExceeded: ("NET_EXPOSURE_EXCEEDED", .failedPrecondition, 3)
        case .leverageExceeded: ("LEVERAGE_EXCEEDED", .failedPrecondition, 3)
        case .concentrationExceeded: ("CONCENTRATION_EXCEEDED", .failedPrecondition, 3)
        case .openOrdersExceeded: ("OPEN_ORDERS_EXCEEDED", .failedPrecondition, 3)
        case .openOrderNotionalExceeded: ("OPEN_ORDER_NOTIONAL_EXCEEDED", .failedPrecondition, 3)
        case .marginRatioBelowMinimum: ("MARGIN_RATIO_BELOW_MINIMUM", .failedPrecondition, 25)
        case .insufficientMargin: ("INSUFFICIENT_MARGIN", .failedPrecondition, 25)
        case .drawdownExceeded: ("DRAWDOWN_EXCEEDED", .failedPrecondition, 21)
        case .dailyLossExceeded: ("DAILY_LOSS_EXCEEDED", .failedPrecondition, 21)
        case .equityBelowMinimum: ("EQUITY_BELOW_MINIMUM", .failedPrecondition, 25)
        case .valueAtRiskExceeded: ("VALUE_AT_RISK_EXCEEDED", .failedPrecondition, 21)
        case .expectedShortfallExceeded: ("EXPECTED_SHORTFALL_EXCEEDED", .failedPrecondition, 21)
        case .noRuleApplies: ("NO_RULE_APPLIES", .failedPrecondition, 0)
        case .inFlightLimit: ("IN_FLIGHT_LIMIT", .resourceExhausted, 99)
        case .deadlineExceeded: ("DEADLINE_EXCEEDED", .deadlineExceeded, 4)
        case .journalUnavailable: ("JOURNAL_UNAVAILABLE", .failedPrecondition, 0)
        case .upstreamUnavailable: ("UPSTREAM_UNAVAILABLE", .unavailable, 0)
        case .outcomeUnknown: ("OUTCOME_UNKNOWN", .unknown, 99)
        case .internal: ("INTERNAL", .internal, 99)
        }
    }
}
