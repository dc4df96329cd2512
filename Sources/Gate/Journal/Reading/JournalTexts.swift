// How the journal's lines call things.

extension JournalKind {
    package var text: String {
        switch self {
        case .start: "start"
        case .rules: "rules"
        case .name: "name"
        case .decision, .briefDecision: "decision"
        case .cancel: "cancel"
        case .reservation, .briefReservation: "reservation"
        case .change: "change"
        case .gone: "gone"
        case .outcome: "outcome"
        case .stop: "stop"
        case .snapshot: "snapshot"
        case .settle: "settle"
        case .gap: "gap"
        case .note: "note"
        case .end: "end"
        case .close: "close"
        case .checkpoint: "checkpoint"
        case .identifiers: "identifiers"
        case .window: "window"
        case .complete: "complete"
        }
    }
}

extension JournalNameKind {
    var text: String {
        switch self {
        case .account: "account"
        case .strategy: "strategy"
        case .symbol: "symbol"
        case .timeInForce: "time_in_force"
        case .reason: "reason"
        case .rule: "rule"
        }
    }
}

extension JournalOutcome.What {
    var text: String {
        switch self {
        case .accepted: "accepted"
        case .rejected: "rejected"
        case .ended: "ended"
        case .unknown: "unknown"
        case .cancelled: "cancelled"
        case .undone: "undone"
        case .observed: "observed"
        case .settled: "settled"
        }
    }
}

extension JournalNote.Topic {
    var text: String {
        switch self {
        case .alert: "alert"
        case .unwind: "unwind"
        }
    }
}
