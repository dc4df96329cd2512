package import RiskRules

/// The latest record of each target that was ever stopped. Pure: the clock is an argument.
package struct StopLedger {
    private var records: [StopTarget: StopRecord] = [:]
    private var active: [StopScope: Int] = [:]

    /// Targets whose records are kept at most; the oldest lifted stop makes room for a new one.
    static let maximumTargets = 65_536

    /// The newest first.
    package var all: [StopRecord] { records.values.sorted { ($0.at, $0.epoch) > ($1.at, $1.epoch) } }

    package init() {}

    package subscript(target: StopTarget) -> StopRecord? { records[target] }

    /// Stops of a scope that are in force.
    package func activeCount(of scope: StopScope) -> Int { active[scope] ?? 0 }

    /// The record that a stop, or its end, makes now: its epoch is the time, or one more than the target's last.
    package func next(
        _ target: StopTarget, active: Bool, reason: String, by person: String, wallNow: Int64
    ) -> StopRecord {
        let milliseconds = wallNow / 1_000_000
        let last = records[target]?.epoch ?? 0
        let epoch = last >= milliseconds ? (last == .max ? last : last + 1) : milliseconds
        return StopRecord(
            target: target, active: active, epoch: epoch, reason: reason, by: person, at: milliseconds * 1_000_000)
    }

    /// Takes a record where it supersedes the one that is kept.
    @discardableResult
    package mutating func apply(_ record: StopRecord) -> Bool {
        if let kept = records[record.target] {
            guard record.supersedes(kept) else { return false }
        } else if records.count >= Self.maximumTargets {
            makeRoom()
        }
        let change = (record.active ? 1 : 0) - (records[record.target]?.active == true ? 1 : 0)
        active[record.target.scope, default: 0] += change
        records[record.target] = record
        return true
    }

    private mutating func makeRoom() {
        let lifted = records.values.filter { !$0.active }.min { $0.epoch < $1.epoch }
        if let lifted { records[lifted.target] = nil }
    }
}
