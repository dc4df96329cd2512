import Gate
import RiskRules
import Testing

/// Ages, epochs and publication of mirrored keys, on clocks of the test's own. Monotonic times are small numbers; the wall
/// clock is ahead of them by `wallOffset`.
struct MirrorTableTests {
    private static let wallOffset: Int64 = 1_760_000_000_000_000_000
    private static let second: Int64 = 1_000_000_000
    private let metrics = MirrorMetrics()

    private func table(_ kind: MirrorTable.Kind = .prices, judgesAge: Bool = true) -> MirrorTable {
        let configuration = MirrorConfiguration.Table(
            database: 0, key: KeyTemplate(prefix: "p:", suffix: ""), maximumAge: Self.second, judgesAge: judgesAge)
        return MirrorTable(
            kind: kind, table: configuration, priceField: "price",
            lookups: kind == .prices ? metrics.prices : metrics.accounts)
    }

    private func answer(
        _ table: MirrorTable, _ index: Int, _ text: String?, ttl: Int64 = -1, at now: Int64
    ) -> RefusedKey? {
        table.fetchedTTL(index, milliseconds: text == nil ? -2 : ttl)
        guard let text else { return table.fetched(index, .absent, now: now, wallNow: Self.wallOffset + now) }
        return Array(text.utf8).withUnsafeBytes {
            table.fetched(index, .bytes($0), now: now, wallNow: Self.wallOffset + now)
        }
    }

    /// Reads every key that waits to be read, at `now`.
    private func read(_ table: MirrorTable, _ text: String?, ttl: Int64 = -1, at now: Int64) {
        while let index = table.nextFetch(now: now) { _ = answer(table, index, text, ttl: ttl, at: now) }
    }

    private func published(_ table: MirrorTable) -> [StateUpdate] {
        var updates: [StateUpdate] = []
        #expect(
            table.drain {
                updates.append($0)
                return true
            })
        return updates
    }

    private func quote(_ table: MirrorTable) throws -> PriceQuote { try #require(published(table).last).quote }

    private func snapshot(_ table: MirrorTable) throws -> AccountSnapshot {
        let object = try #require(published(table).last?.object)
        return Unmanaged<AccountSnapshot>.fromOpaque(object).takeRetainedValue()
    }

    private func watched(_ kind: MirrorTable.Kind = .prices, judgesAge: Bool = true) -> MirrorTable {
        let table = table(kind, judgesAge: judgesAge)
        #expect(table.watch(NameID(index: 3), text: "A"))
        return table
    }

    @Test func `a first read counts its age from the reading`() throws {
        let table = watched()
        read(table, "5", at: 100)
        let update = try #require(published(table).first)
        #expect(update.kind == .price && update.name == NameID(index: 3))
        #expect(update.quote.availability == .present)
        #expect(update.quote.since == 100)
        #expect(update.quote.freshUntil == 100 + Self.second)
        #expect(update.quote.expiresAt == .max)
    }

    @Test func `a write of the same value makes it younger, a resynchronisation does not`() throws {
        let table = watched()
        read(table, "5", at: 100)
        #expect(try quote(table).since == 100)
        table.invalidate(key: "p:A", now: 200)
        read(table, "5", at: 210)
        #expect(try quote(table).since == 200)
        table.resynchronise()
        read(table, "5", at: 300)
        #expect(try quote(table).since == 200)
        table.invalidateAll()
        read(table, "5", at: 400)
        #expect(try quote(table).since == 200)
        table.resynchronise()
        read(table, "6", at: 500)
        #expect(try quote(table).since == 500)
    }

    @Test func `a value that was gone is a first read when it is back`() throws {
        let table = watched()
        read(table, "5", at: 100)
        table.resynchronise()
        read(table, nil, at: 200)
        #expect(try quote(table).availability == .absent)
        table.resynchronise()
        read(table, "5", at: 300)
        #expect(try quote(table).since == 300)
    }

    @Test func `as_of is what age counts from, on whichever clock`() throws {
        let table = watched()
        let now = 5 * Self.second
        read(table, #"{"price": 5, "as_of": 1760000004.5}"#, at: now)
        let quote = try quote(table)
        #expect(quote.since == now - Self.second / 2)
        #expect(quote.freshUntil == now + Self.second / 2)
    }

    @Test func `an as_of up to a second ahead is taken as now, one further ahead is refused`() throws {
        let table = watched()
        let now = 5 * Self.second
        read(table, #"{"price": 5, "as_of": 1760000006.0}"#, at: now)
        #expect(try quote(table).since == now)
        table.invalidate(key: "p:A", now: now)
        let index = try #require(table.nextFetch(now: now))
        let refused = answer(table, index, #"{"price": 5, "as_of": 1760000006.000000001}"#, at: now)
        #expect(refused?.key == "p:A")
        #expect(refused?.reason.contains("ahead") == true)
        #expect(try quote(table).availability == .absent)
        #expect(metrics.prices.value(.refused) == 1)
    }

    @Test func `a price with a lower as_of is ignored and counted`() throws {
        let table = watched()
        read(table, #"{"price": 5, "as_of": 1760000004.5}"#, at: 5 * Self.second)
        _ = try quote(table)
        table.invalidate(key: "p:A", now: 5 * Self.second)
        read(table, #"{"price": 6, "as_of": 1760000004.4}"#, at: 5 * Self.second)
        #expect(try quote(table).mark.description == "5")
        #expect(metrics.prices.value(.outdated) == 1)
        table.invalidate(key: "p:A", now: 5 * Self.second)
        read(table, #"{"price": 7, "as_of": 1760000004.5}"#, at: 5 * Self.second)
        #expect(try quote(table).mark.description == "7")
    }

    @Test func `without judging age a value is fresh for ever, and as_of is not looked at`() throws {
        let table = watched(judgesAge: false)
        read(table, #"{"price": 5, "as_of": 1860000000}"#, ttl: 50, at: 100)
        let quote = try quote(table)
        #expect(quote.availability == .present)
        #expect(quote.freshUntil == .max)
        #expect(quote.expiresAt == 100 + 50_000_000)
    }

    @Test func `a key expires here when it does in Redis, counted from the sending`() throws {
        let table = watched()
        let index = try #require(table.nextFetch(now: 100))
        _ = answer(table, index, "5", ttl: 1500, at: 900_000)
        #expect(try quote(table).expiresAt == 100 + 1_500_000_000)
        table.invalidate(key: "p:A", now: 1_000_000)
        read(table, "5", ttl: .max, at: 1_000_000)
        #expect(try quote(table).expiresAt == .max)
    }

    @Test func `a value without a key is absent`() throws {
        let table = watched()
        let index = try #require(table.nextFetch(now: 100))
        table.fetchedTTL(index, milliseconds: -2)
        _ = Array("5".utf8).withUnsafeBytes { table.fetched(index, .bytes($0), now: 100, wallNow: 100) }
        #expect(try quote(table).availability == .absent)
    }

    @Test func `a change during a read has the key read again, and only once`() throws {
        let table = watched()
        let index = try #require(table.nextFetch(now: 100))
        table.invalidate(key: "p:A", now: 110)
        table.invalidate(key: "p:A", now: 120)
        #expect(table.nextFetch(now: 130) == nil)
        _ = answer(table, index, "5", at: 140)
        #expect(try quote(table).mark.description == "5")
        #expect(table.nextFetch(now: 150) == index)
        #expect(table.nextFetch(now: 150) == nil)
        _ = answer(table, index, "6", at: 160)
        let quote = try quote(table)
        #expect(quote.mark.description == "6")
        #expect(quote.since == 120)
        #expect(table.nextFetch(now: 170) == nil)
    }

    @Test func `an answer of a connection that is gone is ignored`() throws {
        let table = watched()
        let index = try #require(table.nextFetch(now: 100))
        table.linkLost()
        _ = answer(table, index, "5", at: 110)
        #expect(published(table).isEmpty)
        #expect(table.nextFetch(now: 120) == nil)
        table.resynchronise()
        #expect(table.nextFetch(now: 130) == index)
    }

    @Test func `is resynchronised when every key has been read since`() throws {
        let table = table()
        for name in ["A", "B", "C"] { #expect(table.watch(NameID(index: 1), text: name)) }
        table.resynchronise()
        for expected in [false, false, true] {
            #expect(!table.isResynchronised)
            let index = try #require(table.nextFetch(now: 100))
            // A key that changes all the time must not keep the link from coming up.
            table.invalidate(key: "p:A", now: 105)
            _ = answer(table, index, "5", at: 110)
            #expect(table.isResynchronised == expected)
        }
    }

    @Test func `an unsound value is refused, and told of once`() throws {
        let table = watched()
        for (text, isNews) in [("x", true), ("y", true), ("5", false), ("x", true), ("z", false)] {
            table.invalidate(key: "p:A", now: 100)
            let index = try #require(table.nextFetch(now: 100))
            let refused = answer(table, index, text, at: 100)
            if text == "y" {
                #expect(refused == nil)
            } else {
                #expect((refused != nil) == isNews)
            }
        }
        #expect(metrics.prices.value(.refused) == 4)
        #expect(metrics.prices.value(.present) == 1)
    }

    @Test func `a refused account is told apart from an absent one`() throws {
        let table = watched(.accounts)
        read(table, "garbage", at: 100)
        #expect(published(table).map(\.kind) == [.accountRefused])
        table.invalidate(key: "p:A", now: 200)
        read(table, nil, at: 200)
        #expect(published(table).map(\.kind) == [.accountAbsent])
        table.invalidate(key: "p:A", now: 300)
        let index = try #require(table.nextFetch(now: 300))
        _ = table.fetched(index, .refused("WRONGTYPE"), now: 300, wallNow: 300)
        #expect(published(table).map(\.kind) == [.accountRefused])
    }

    @Test func `a snapshot is a new one when it was written, not when it was only read again`() throws {
        let table = watched(.accounts)
        read(table, #"{"equity": 1}"#, at: 100)
        let first = try snapshot(table)
        #expect(first.readAt == 100 && first.since == 100 && first.freshUntil == 100 + Self.second)
        table.resynchronise()
        read(table, #"{"equity": 1}"#, ttl: 10, at: 200)
        let same = try snapshot(table)
        #expect(same.readAt == 100 && same.since == 100 && same.expiresAt == 200 + 10_000_000)
        table.invalidate(key: "p:A", now: 300)
        read(table, #"{"equity": 1}"#, at: 310)
        let written = try snapshot(table)
        #expect(written.readAt == 310 && written.since == 300)
    }

    @Test func `an account of the future is refused even where age is not judged`() throws {
        let table = watched(.accounts, judgesAge: false)
        read(table, #"{"as_of": 1860000000}"#, at: 100)
        #expect(published(table).map(\.kind) == [.accountRefused])
        table.invalidate(key: "p:A", now: 200)
        read(table, #"{"as_of": 1760000000}"#, at: 200)
        #expect(try snapshot(table).freshUntil == .max)
    }

    @Test func `a full mailbox leaves the newest value for another try`() throws {
        let table = watched()
        read(table, "5", at: 100)
        #expect(!table.drain { _ in false })
        table.invalidate(key: "p:A", now: 200)
        read(table, "6", at: 200)
        let updates = published(table)
        #expect(updates.count == 1)
        #expect(updates.first?.quote.mark.description == "6")
        #expect(published(table).isEmpty)
    }

    @Test func `keys that are not watched are nobody's business`() {
        let table = watched()
        table.invalidate(key: "p:B", now: 100)
        #expect(table.nextFetch(now: 100) == 0)
        #expect(table.nextFetch(now: 100) == nil)
        #expect(table.watch(NameID(index: 3), text: "A"))
        #expect(table.nextFetch(now: 200) == nil)
    }

    @Test func `a key that is followed no more is neither read nor told, and its place is used again`() throws {
        let table = watched()
        #expect(table.watch(NameID(index: 4), text: "B"))
        read(table, "5", at: 100)
        table.unwatch(text: "A")
        #expect(table.count == 1)
        // What was read and not handed over is forgotten.
        #expect(published(table).map(\.name) == [NameID(index: 4)])
        table.invalidate(key: "p:A", now: 200)
        table.invalidateAll()
        #expect(table.nextFetch(now: 200) == 1)
        _ = answer(table, 1, "6", at: 210)
        #expect(table.nextFetch(now: 220) == nil)
        #expect(table.watch(NameID(index: 5), text: "C"))
        #expect(table.nextFetch(now: 300) == 0)
        _ = answer(table, 0, "7", at: 310)
        #expect(published(table).map(\.name) == [NameID(index: 4), NameID(index: 5)])
        table.unwatch(text: "nobody")
        #expect(table.count == 2)
    }

    @Test func `an answer for a key that was dropped meanwhile is nobody's, even where it is followed again`() throws {
        let table = watched()
        let index = try #require(table.nextFetch(now: 100))
        table.unwatch(text: "A")
        #expect(table.watch(NameID(index: 3), text: "A"))
        let again = try #require(table.nextFetch(now: 110))
        #expect(again != index)
        _ = answer(table, index, "5", at: 120)
        #expect(published(table).isEmpty)
        _ = answer(table, again, "6", at: 130)
        #expect(try quote(table).mark.description == "6")
        #expect(table.watch(NameID(index: 4), text: "B"))
        #expect(table.nextFetch(now: 140) == index)
    }

    @Test func `a resynchronisation ends though a key that it waits for is dropped`() throws {
        let table = watched()
        #expect(table.watch(NameID(index: 4), text: "B"))
        table.resynchronise()
        let index = try #require(table.nextFetch(now: 100))
        table.unwatch(text: "A")
        table.unwatch(text: "B")
        _ = answer(table, index, "5", at: 110)
        #expect(!table.isResynchronised)
        read(table, "5", at: 120)
        #expect(table.isResynchronised)
        #expect(published(table).isEmpty)
        table.resynchronise()
        #expect(table.isResynchronised)
    }

    @Test func `changes that one read serves are counted`() throws {
        let table = watched()
        #expect(metrics.prices.coalescedCount == 0)
        table.invalidate(key: "p:A", now: 90)
        #expect(metrics.prices.coalescedCount == 1)
        let index = try #require(table.nextFetch(now: 100))
        table.invalidate(key: "p:A", now: 110)
        #expect(metrics.prices.coalescedCount == 1)
        table.invalidate(key: "p:A", now: 120)
        #expect(metrics.prices.coalescedCount == 2)
        _ = answer(table, index, "5", at: 130)
        #expect(table.nextFetch(now: 140) == index)
    }

    @Test func `watches as many names as it says and no more`() {
        let table = table()
        for index in 0..<16_384 { #expect(table.watch(NameID(index: UInt32(index)), text: "\(index)")) }
        #expect(!table.watch(NameID(index: 1), text: "one too many"))
        #expect(table.watch(NameID(index: 1), text: "1"))
    }
}
