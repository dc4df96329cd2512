// From a restart to the first snapshot after it, what an account looks like is what the last run remembered.
extension RiskEngine {
    /// Has an account's orders be `RECOVERING`, except reducing ones, which the snapshot that was restored and the ledger
    /// judge, until a snapshot is applied that was taken after the start: whose `as_of` is later, or, where it has none,
    /// that was read later. The same snapshot read again is one, where it carries no `as_of`. Others settle what they settle.
    ///
    /// The account counts as not fetched yet. To be called after its snapshot is restored.
    /// - Parameters:
    ///   - startedAtWall: when the process started, unix nanoseconds.
    ///   - now: when the first snapshot could be read, in the clock of `AccountSnapshot.readAt`.
    package func beginRecovery(of account: NameID, startedAtWall: Int64, now: Int64) {
        let state = accounts + Int(account.index)
        state.pointee.availability = .unfetched
        state.pointee.recovery = AccountState.Recovery(isOn: true, startedAtWall: startedAtWall, startedAt: now)
    }

    /// Whether an account's orders are `RECOVERING`.
    package func isRecovering(_ account: NameID) -> Bool { accounts[Int(account.index)].recovery.isOn }

    /// A snapshot is applied.
    func endRecovery(_ state: UnsafeMutablePointer<AccountState>, by snapshot: AccountSnapshot) {
        guard state.pointee.recovery.isOn else { return }
        let recovery = state.pointee.recovery
        let isLater = snapshot.values.asOf.map { $0 > recovery.startedAtWall } ?? (snapshot.readAt > recovery.startedAt)
        if isLater { state.pointee.recovery.isOn = false }
    }

    /// Of an order that could make risk larger, before anything else that the account would say of it.
    func checkRecovery(_ facts: OrderFacts) {
        guard facts.account.pointee.recovery.isOn, !facts.isReducing else { return }
        notes.pointee.looksAtAccount = true
        report(facts.accountMissing ?? .recovering)
    }
}
