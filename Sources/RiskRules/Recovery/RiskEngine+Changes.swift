// What a journal is told, so that the ledger outlives the process.
extension RiskEngine {
    /// Has the ledger note what changes from now on, to be drained after every call that may change it. All reservations that
    /// are there count as changed, but for those that `restore` takes over afterwards. `wallOffset` is to be kept right from
    /// before on.
    package func noteLedgerChanges() {
        ledger.noteChanges()
        asksWallTime = true
    }

    /// Whether there is something to drain.
    package var hasLedgerChanges: Bool { !ledger.changes.isEmpty }

    /// Hands out what changed in the ledger since it was last drained, until `write` says that it did not take it: that and
    /// the rest stays and is handed out again, with the latest content of each reservation, however long that takes. Until
    /// then the place of a reservation that ended is not free, and `reserve` refuses where no other is.
    ///
    /// Allocates nothing. `write` must not call the engine.
    package func drainLedgerChanges(_ write: (LedgerChange) -> Bool) { ledger.drainChanges(write) }
}
