package import RiskRules

/// The latest snapshot of each account and when it was taken, as far as that can be told. Kept also when the account's key
/// goes: it is then the last that is known. Times are monotonic nanoseconds.
package struct UnwindAccounts {
    private struct Entry {
        var snapshot: AccountSnapshot
        var takenAt: Int64
    }
    private var entries: [String: Entry] = [:]

    package init() {}

    /// Takes up the snapshot that the mirror has now. One that is older by its `as_of` than the one that is known is not
    /// taken. Without `as_of`, a snapshot shows what was so when the one before it was read.
    /// - Parameter wallNow: unix nanoseconds.
    package mutating func see(_ name: String, _ snapshot: AccountSnapshot, now: Int64, wallNow: Int64) {
        let known = entries[name]
        guard known?.snapshot !== snapshot else { return }
        let takenAt: Int64
        if let asOf = snapshot.values.asOf {
            takenAt = min(Clocks(now: now, wall: wallNow).monotonic(asOf), snapshot.readAt)
        } else if let known {
            // The same bytes found again are no new snapshot.
            takenAt = snapshot.readAt > known.snapshot.readAt ? known.snapshot.readAt : known.takenAt
        } else {
            takenAt = .min
        }
        if let known, takenAt < known.takenAt { return }
        entries[name] = Entry(snapshot: snapshot, takenAt: takenAt)
    }

    package var all: [UnwindPlan.Account] {
        entries.map { name, entry in
            UnwindPlan.Account(
                name: name, positions: entry.snapshot.values.positions, pending: entry.snapshot.values.pendingOrders,
                takenAt: entry.takenAt)
        }
    }
}
