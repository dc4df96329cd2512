import Foundation
import Synchronization

/// What the strategy's orders got, counted.
struct Tally: Sendable {
    struct Reject: Sendable {
        let at: Date
        let order: PlannedOrder
        let message: String
    }

    private static let recentRejects = 8

    private(set) var approved = 0
    /// By reason.
    private(set) var rejected: [String: Int] = [:]
    private(set) var refused = 0
    private(set) var failed = 0
    private(set) var cancels = 0
    private(set) var lastFailure = ""
    /// Newest first.
    private(set) var recent: [Reject] = []

    var rejectedTotal: Int { rejected.values.reduce(0, +) }

    mutating func count(_ outcome: CallOutcome, of order: PlannedOrder, at now: Date) {
        switch outcome {
        case .approved: approved += 1
        case .rejected(let reason, let message):
            rejected[reason, default: 0] += 1
            recent.insert(Reject(at: now, order: order, message: message.isEmpty ? reason : message), at: 0)
            recent.removeLast(max(0, recent.count - Self.recentRejects))
        case .refused(let message):
            refused += 1
            lastFailure = message
        case .failed(let message):
            failed += 1
            lastFailure = message
        }
    }

    mutating func countCancel(_ outcome: CallOutcome) {
        cancels += 1
        switch outcome {
        case .approved, .refused: break
        case .rejected(_, let message), .failed(let message):
            failed += 1
            lastFailure = "cancel: \(message)"
        }
    }

    mutating func noteStreamEnded(_ error: any Error) { lastFailure = "order updates: \(error)" }

    /// By reason, the most frequent first.
    var rejectedByReason: [(reason: String, count: Int)] {
        rejected.map { ($0.key, $0.value) }.sorted { ($1.1, $0.0) < ($0.1, $1.0) }
    }

    /// On one line.
    var summary: String {
        let reasons = rejectedByReason.map { "\($0.reason) \($0.count)" }.joined(separator: ", ")
        var text = "approved \(approved)  rejected \(rejectedTotal)" + (reasons.isEmpty ? "" : ": \(reasons)")
        text += "  refused by the exchange \(refused)  failed \(failed)  cancels \(cancels)"
        return text
    }
}

/// A tally that several threads count in.
final class SharedTally: Sendable {
    private let tally = Mutex(Tally())

    var current: Tally { tally.withLock(\.self) }

    func update(_ change: (inout Tally) -> Void) { tally.withLock { change(&$0) } }
}
