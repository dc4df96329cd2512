import RiskRules

/// What other Gates of the same accounts are told of this one's orders, and what it hears of theirs.
extension OrderPath {
    /// Hands the sums of what is reserved to the state thread, of each account in which they changed; at most once in a few
    /// milliseconds, so that a burst costs one telling.
    func shareReservations() {
        guard engine.ownRevision != sharing.revision else { return }
        guard loop.now >= sharing.nextAt else {
            if sharing.timer == .none {
                sharing.timer = loop.schedule(at: sharing.nextAt, target: self, context: TimerPurpose.share)
            }
            return
        }
        sharing.nextAt = loop.now &+ Sharing.interval
        sharing.revision = engine.ownRevision
        var account: UInt32 = 1
        while account <= engine.accountCount {
            let revision = engine.ownRevision(of: NameID(index: account))
            if revision != sharing.revisions[Int(account)] {
                sharing.revisions[Int(account)] = revision
                share(NameID(index: account))
            }
            account += 1
        }
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

/// When the others were last told of what.
struct Sharing: BitwiseCopyable {
    /// What several Gates may overshoot together is what is approved within one such interval and the way through Redis.
    static let interval: Int64 = 2_000_000

    var revision: UInt64 = 0
    var nextAt: Int64 = 0
    var timer = TimerID.none
    /// By account.
    let revisions: UnsafeMutablePointer<UInt64>

    init(accounts: Int) {
        revisions = .allocate(capacity: accounts)
        revisions.initialize(repeating: 0, count: accounts)
    }
}
