import RiskRules

// How logs, metrics and the journal call what the rules know.

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
