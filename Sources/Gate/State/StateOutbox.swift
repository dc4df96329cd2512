package import RiskRules

/// What the order thread is yet to be told: of each thing the newest only, so that a full mailbox costs memory for nothing
/// and an order thread that was busy is brought up to date at once.
///
/// Bad news overtakes: stops and a lost link go first. A link that was confirmed goes last, behind the values that were
/// read before it.
package final class StateOutbox {
    package let prices: MirrorTable
    package let accounts: MirrorTable
    private let mailbox: Mailbox<StateUpdate>
    private var stops: [StateUpdate] = []
    /// What is to be written into the journal.
    private var records: [(kind: StateUpdate.Kind, object: AnyObject)] = []
    private var foreign: [(update: StateUpdate, reservations: ForeignReservations?)] = []
    private var isAlone: Bool?
    private var rules: AnyObject?
    private var pricesUntil: Int64?
    private var accountsUntil: Int64?

    package init(mailbox: Mailbox<StateUpdate>, prices: MirrorTable, accounts: MirrorTable) {
        self.mailbox = mailbox
        self.prices = prices
        self.accounts = accounts
    }

    /// Values count while the link is confirmed alive: until these instants (monotonic nanoseconds; 0: not at all).
    package func confirm(pricesUntil: Int64, accountsUntil: Int64) {
        self.pricesUntil = pricesUntil
        self.accountsUntil = accountsUntil
    }

    /// Has the order thread decide by another rule set, an object that it knows how to take.
    package func publish(rules: AnyObject) {
        self.rules = rules
    }

    /// A stop was latched or lifted.
    package func publish(stop scope: StopScope, name: NameText, active: Bool) {
        var update = StateUpdate(kind: .stop)
        update.scope = scope
        update.text = name
        update.flag = active
        stops.append(update)
    }

    /// A stop or its end is in force, and is to be in the journal.
    func publish(record: StopNote) { records.append((.stopRecord, record)) }

    /// A step of an unwinding, for the journal.
    func publish(note: String) { records.append((.unwindNote, TextNote(note))) }

    /// What another Gate let through of an account, until it ends; nil: nothing any more.
    func publish(foreign reservations: ForeignReservations?, account: NameText, source: UInt64, until: Int64) {
        var update = StateUpdate(kind: .foreign)
        update.text = account
        update.source = source
        update.until = until
        foreign.append((update, reservations))
    }

    /// Whether no other Gate is connected to this one's Redis.
    func publish(isAlone: Bool) { self.isAlone = isAlone }

    /// Pushes what fits. False where something is left for another try.
    package func flush() -> Bool {
        flushStops()
            && (pricesUntil != 0 || flushLink(.pricesLink, &pricesUntil))
            && (accountsUntil != 0 || flushLink(.accountsLink, &accountsUntil))
            && flushRules()
            && flushForeign()
            && flushAlone()
            && flushRecords()
            && prices.drain(mailbox.push)
            && accounts.drain(mailbox.push)
            && flushLink(.pricesLink, &pricesUntil)
            && flushLink(.accountsLink, &accountsUntil)
    }

    private func flushStops() -> Bool {
        while let stop = stops.first {
            guard mailbox.push(stop) else { return false }
            stops.removeFirst()
        }
        return true
    }

    private func flushRecords() -> Bool {
        while let record = records.first {
            var update = StateUpdate(kind: record.kind)
            let object = Unmanaged.passRetained(record.object)
            update.object = object.toOpaque()
            guard mailbox.push(update) else {
                object.release()
                return false
            }
            records.removeFirst()
        }
        return true
    }

    private func flushForeign() -> Bool {
        var sent = 0
        defer { foreign.removeFirst(sent) }
        for (update, reservations) in foreign {
            var update = update
            let object = reservations.map { Unmanaged.passRetained($0) }
            update.object = object?.toOpaque()
            guard mailbox.push(update) else {
                object?.release()
                return false
            }
            sent += 1
        }
        return true
    }

    private func flushAlone() -> Bool {
        guard let isAlone else { return true }
        var update = StateUpdate(kind: .alone)
        update.flag = isAlone
        guard mailbox.push(update) else { return false }
        self.isAlone = nil
        return true
    }

    private func flushLink(_ kind: StateUpdate.Kind, _ until: inout Int64?) -> Bool {
        guard let instant = until else { return true }
        var update = StateUpdate(kind: kind)
        update.until = instant
        guard mailbox.push(update) else { return false }
        until = nil
        return true
    }

    private func flushRules() -> Bool {
        guard let rules else { return true }
        var update = StateUpdate(kind: .rules)
        let object = Unmanaged.passRetained(rules)
        update.object = object.toOpaque()
        guard mailbox.push(update) else {
            object.release()
            return false
        }
        self.rules = nil
        return true
    }
}
