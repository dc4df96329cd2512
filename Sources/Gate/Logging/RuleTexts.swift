import RiskRules

// How logs, metrics and the journal call what the rules know.

extension Side {
    var text: String { self == .buy ? "buy" : "sell" }
}

extension OrderType {
    var text: String {
        switch self {
        case .market: "market"
        case .limit: "limit"
        case .stopMarket: "stop_market"
        case .stopLimit: "stop_limit"
        case .postOnly: "post_only"
        }
    }
}

extension ReservationState {
    var text: String {
        switch self {
        case .inFlight: "in_flight"
        case .open: "open"
        case .closing: "closing"
        case .unknown: "unknown"
        }
    }
}

extension Severity {
    var text: String {
        switch self {
        case .soft: "soft"
        case .hard: "hard"
        case .emergency: "emergency"
        }
    }
}

extension RuleMode {
    var text: String { self == .enforce ? "enforce" : "shadow" }
}
