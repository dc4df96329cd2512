import Gate
import RiskRules
import Testing

struct StateOutboxTests {
    private let mailbox: Mailbox<StateUpdate>
    private let outbox: StateOutbox
    private let loop: EventLoop

    init() throws {
        loop = try EventLoop()
        mailbox = Mailbox(capacity: 4, waker: loop.waker)
        let table = MirrorConfiguration.Table(database: 0, key: KeyTemplate(prefix: "", suffix: ""), maximumAge: 1)
        let metrics = MirrorMetrics()
        outbox = StateOutbox(
            mailbox: mailbox,
            prices: MirrorTable(kind: .prices, table: table, priceField: "", lookups: metrics.prices),
            accounts: MirrorTable(kind: .accounts, table: table, priceField: "", lookups: metrics.accounts))
    }

    /// Mirrors the value `text` of a key.
    private func read(_ table: MirrorTable, _ name: UInt32, _ text: String) {
        _ = table.watch(NameID(index: name), text: "\(name)")
        table.invalidate(key: "\(name)", now: 1)
        while let index = table.nextFetch(now: 1) {
            _ = Array(text.utf8).withUnsafeBytes { table.fetched(index, .bytes($0), now: 1, wallNow: 1) }
        }
    }

    private func taken() -> [StateUpdate] {
        var updates: [StateUpdate] = []
        while let update = mailbox.take() {
            if update.kind == .account, let object = update.object {
                Unmanaged<AccountSnapshot>.fromOpaque(object).release()
            }
            updates.append(update)
        }
        return updates
    }

    @Test func `a confirmed link follows the values that were read before it`() {
        outbox.confirm(pricesUntil: 5, accountsUntil: 6)
        read(outbox.prices, 1, "7")
        read(outbox.accounts, 2, "{}")
        #expect(outbox.flush())
        #expect(taken().map(\.kind) == [.price, .account, .pricesLink, .accountsLink])
    }

    @Test func `a lost link and a stop go before all values`() {
        read(outbox.prices, 1, "7")
        outbox.confirm(pricesUntil: 0, accountsUntil: 0)
        outbox.publish(stop: .global, name: NameText(), active: true)
        #expect(outbox.flush())
        #expect(taken().map(\.kind) == [.stop, .pricesLink, .accountsLink, .price])
    }

    @Test func `what finds no room waits, and only the newest of it`() {
        for name in 1...6 { read(outbox.prices, UInt32(name), "7") }
        outbox.confirm(pricesUntil: 5, accountsUntil: 5)
        #expect(!outbox.flush())
        #expect(taken().map(\.name.index) == [1, 2, 3, 4])
        read(outbox.prices, 5, "8")
        read(outbox.prices, 5, "9")
        outbox.confirm(pricesUntil: 8, accountsUntil: 9)
        #expect(outbox.flush())
        let rest = taken()
        #expect(rest.map(\.kind) == [.price, .price, .pricesLink, .accountsLink])
        #expect(rest.first?.quote.mark.description == "9")
        #expect(rest.map(\.until) == [0, 0, 8, 9])
        #expect(outbox.flush())
        #expect(taken().isEmpty)
    }

    @Test func `a link that was lost and found before anyone was told is told as found`() {
        outbox.confirm(pricesUntil: 0, accountsUntil: 0)
        outbox.confirm(pricesUntil: 5, accountsUntil: 6)
        #expect(outbox.flush())
        #expect(taken().map(\.until) == [5, 6])
    }

    @Test func `a rule set is handed over retained, the newest alone`() {
        final class Rules {}
        weak var old: Rules?
        weak var new: Rules?
        do {
            let first = Rules()
            let second = Rules()
            (old, new) = (first, second)
            outbox.publish(rules: first)
            outbox.publish(rules: second)
        }
        #expect(old == nil)
        #expect(outbox.flush())
        let update = taken().first
        #expect(update?.kind == .rules)
        #expect(new != nil)
        if let object = update?.object { Unmanaged<Rules>.fromOpaque(object).release() }
        #expect(new == nil)
    }
}
