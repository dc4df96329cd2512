import RiskRules

/// What other Gates of the same accounts are told of this one's orders, and what it hears of theirs.
extension OrderPath {
    /// Hands the sums of what is reserved to the state thread, of each account in which they changed, where the
    /// others are to be told; not while that thread has more than it takes.
    func shareReservations() {
        guard backlog.isEmpty, let dueAt = sharing.dueAt(revision: engine.ownRevision) else { return }
        guard loop.now >= dueAt else { return shareReservations(at: dueAt) }
        sharing.begin(revision: engine.ownRevision, now: loop.now)
        var account: UInt32 = 1
        while account <= engine.accountCount {
            let id = NameID(index: account)
            if sharing.tells(account, revision: engine.ownRevision(of: id)) { share(id) }
            account += 1
        }
    }

    private func shareReservations(at instant: Int64) {
        guard sharing.timer == .none || instant < sharing.timerAt else { return }
        loop.cancel(sharing.timer)
        sharing.timerAt = instant
        sharing.timer = loop.schedule(at: instant, target: self, context: TimerPurpose.share)
    }

    private func share(_ account: NameID) {
        let text = NameText(engine.accountName(account))
        let margin = engine.ownReservations(of: account) { symbol, sums in
            var request = StateRequest(kind: .reservedSymbol, name: account)
            request.text = text
            request.reject.symbol = NameText(engine.symbolName(symbol))
            request.reserved = sums
            send(request)
        }
        var request = StateRequest(kind: .reservedAccount, name: account)
        request.text = text
        request.reservedMargin = margin
        send(request)
    }

    /// Another Gate tells what it let through, or no longer does.
    func takeForeign(_ update: StateUpdate) {
        let told = update.object.map { Unmanaged<ForeignReservations>.fromOpaque($0).takeRetainedValue() }
        guard let account = update.text.withBytes({ engine.account($0).id }), account != .none else { return }
        engine.setForeign(
            told, of: account, instance: Digest(low: update.source, high: 1), expiresAt: update.until)
    }
}
