package import RiskRules

/// What a stop covers: everything, or one account, strategy or symbol. Written `global`, `account:A`, `strategy:S`,
/// `symbol:X`.
package struct StopTarget: Hashable, Sendable, CustomStringConvertible {
    package let scope: StopScope
    /// Empty for `global`.
    package let name: String
    package static let global = StopTarget(scope: .global, name: "")

    private init(scope: StopScope, name: String) {
        self.scope = scope
        self.name = name
    }

    /// nil where `text` is not of one of the four forms. A name is 1 to 64 visible ASCII characters.
    package init?(_ text: String) {
        if text == "global" {
            self = .global
            return
        }
        let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, (1...64).contains(parts[1].utf8.count),
            parts[1].utf8.allSatisfy({ (0x21...0x7e).contains($0) })
        else { return nil }
        switch parts[0] {
        case "account": scope = .account
        case "strategy": scope = .strategy
        case "symbol": scope = .symbol
        default: return nil
        }
        name = String(parts[1])
    }

    package var description: String {
        switch scope {
        case .global: "global"
        case .account: "account:\(name)"
        case .strategy: "strategy:\(name)"
        case .symbol: "symbol:\(name)"
        }
    }
}

/// A stop (`active`) or its end, latched.
package struct StopRecord: Hashable, Sendable {
    package var target: StopTarget
    package var active: Bool
    /// Unix milliseconds, or one more than the epoch before.
    package var epoch: Int64
    package var reason: String
    package var by: String
    /// Unix nanoseconds, whole milliseconds: what is written down and shared says no more.
    package var at: Int64
    /// How far its unwinding has come; nil where it is not unwound.
    package var unwind: UnwindProgress?
    package init(target: StopTarget, active: Bool, epoch: Int64, reason: String, by: String, at: Int64) {
        self.target = target
        self.active = active
        self.epoch = epoch
        self.reason = reason
        self.by = by
        self.at = at
    }

    /// Whether this record counts where both are known: the higher epoch, at equal epochs the stop. Records that differ even
    /// then are told apart by when, by whom and why, so that every Gate keeps the same one.
    package func supersedes(_ other: StopRecord) -> Bool {
        if epoch != other.epoch { return epoch > other.epoch }
        if active != other.active { return active }
        if at != other.at { return at > other.at }
        if by != other.by { return other.by.utf8.lexicographicallyPrecedes(by.utf8) }
        return other.reason.utf8.lexicographicallyPrecedes(reason.utf8)
    }

    /// Whether the epoch is further ahead of the clock than those of any Gate whose clock is right.
    package func isOfTheFuture(wallNow: Int64) -> Bool {
        epoch > wallNow / 1_000_000 + Self.maximumLead
    }

    /// Milliseconds that two hosts' clocks may be apart.
    static let maximumLead: Int64 = 60_000
}

/// A stop or its end on its way to the journal, with what set it off.
package final class StopNote: Sendable {
    let record: StopRecord
    let trigger: StopTrigger

    init(_ record: StopRecord, _ trigger: StopTrigger) {
        self.record = record
        self.trigger = trigger
    }
}
