import RiskRules
import Testing

/// The codes, gRPC statuses and FIX codes as the reference of the controls lists them.
struct ReasonTests {
    private static let invalid = 3
    private static let deadline = 4
    private static let exists = 6
    private static let permission = 7
    private static let exhausted = 8
    private static let precondition = 9

    private static let table: [(code: String, status: Int, fix: UInt8)] = [
        ("SYMBOL_NOT_PERMITTED", permission, 0), ("ACCOUNT_NOT_PERMITTED", permission, 15),
        ("STRATEGY_NOT_PERMITTED", permission, 15), ("SIDE_NOT_PERMITTED", permission, 11),
        ("ORDER_TYPE_NOT_PERMITTED", permission, 11), ("TIME_IN_FORCE_NOT_PERMITTED", permission, 11),
        ("PRICE_TICK_INVALID", invalid, 18), ("QUANTITY_LOT_INVALID", invalid, 13),
        ("QUANTITY_BELOW_MINIMUM", invalid, 13), ("QUANTITY_ABOVE_MAXIMUM", invalid, 13),
        ("NOTIONAL_BELOW_MINIMUM", invalid, 13), ("INSTRUMENT_UNKNOWN", invalid, 1),
        ("ORDER_QUANTITY_EXCEEDED", precondition, 26), ("ORDER_NOTIONAL_EXCEEDED", precondition, 27),
        ("PRICE_COLLAR_BREACHED", precondition, 16),
        ("ORDER_RATE_EXCEEDED", exhausted, 99), ("MESSAGE_RATE_EXCEEDED", exhausted, 99),
        ("WINDOW_NOTIONAL_EXCEEDED", precondition, 3), ("DUPLICATE_ORDER", precondition, 6),
        ("REJECT_RATE_EXCEEDED", precondition, 21), ("DUPLICATE_CLIENT_ORDER_ID", exists, 6),
        ("POSITION_LIMIT_EXCEEDED", precondition, 3), ("GROSS_EXPOSURE_EXCEEDED", precondition, 3),
        ("NET_EXPOSURE_EXCEEDED", precondition, 3), ("LEVERAGE_EXCEEDED", precondition, 3),
        ("CONCENTRATION_EXCEEDED", precondition, 3), ("OPEN_ORDERS_EXCEEDED", precondition, 3),
        ("OPEN_ORDER_NOTIONAL_EXCEEDED", precondition, 3), ("MARGIN_RATIO_BELOW_MINIMUM", precondition, 25),
        ("INSUFFICIENT_MARGIN", precondition, 25), ("REDUCE_ONLY_WOULD_INCREASE", precondition, 21),
        ("DRAWDOWN_EXCEEDED", precondition, 21), ("DAILY_LOSS_EXCEEDED", precondition, 21),
        ("EQUITY_BELOW_MINIMUM", precondition, 25), ("VALUE_AT_RISK_EXCEEDED", precondition, 21),
        ("EXPECTED_SHORTFALL_EXCEEDED", precondition, 21), ("VOLATILITY_EXCEEDED", precondition, 21),
        ("EMERGENCY_STOP_ACTIVE", precondition, 0), ("PRICE_UNAVAILABLE", precondition, 19),
        ("PRICE_STALE", precondition, 19), ("ACCOUNT_UNKNOWN", precondition, 15), ("ACCOUNT_STALE", precondition, 0),
        ("INPUT_MISSING", precondition, 0), ("STATE_UNAVAILABLE", precondition, 0), ("RECOVERING", precondition, 0),
        ("ORDER_MALFORMED", invalid, 99), ("ORDER_OUT_OF_RANGE", invalid, 99), ("ORDER_TOO_LARGE", exhausted, 99),
        ("ORDER_COMPRESSED", 12, 99), ("ORDER_CARDINALITY", 12, 99), ("METHOD_NOT_PERMITTED", 12, 99),
        ("IN_FLIGHT_LIMIT", exhausted, 99), ("DEADLINE_EXCEEDED", deadline, 4),
        ("JOURNAL_UNAVAILABLE", precondition, 0), ("UPSTREAM_UNAVAILABLE", 14, 0), ("NO_RULE_APPLIES", precondition, 0),
        ("OUTCOME_UNKNOWN", 2, 99), ("INTERNAL", 13, 99),
    ]

    @Test func `every reason has the code, gRPC status and FIX code of the reference`() {
        let reasons = Dictionary(uniqueKeysWithValues: Reason.allCases.map { ("\($0.code)", $0) })
        #expect(Set(reasons.keys) == Set(Self.table.map(\.code)))
        for row in Self.table {
            #expect(reasons[row.code].map { Int($0.status.rawValue) } == row.status, "\(row.code)")
            #expect(reasons[row.code]?.fix == row.fix, "\(row.code)")
        }
    }
}
