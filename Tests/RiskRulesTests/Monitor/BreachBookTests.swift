import RiskRules
import Testing

/// What changes from one evaluation of an account to the next.
struct BreachBookTests {
    private static let minute = 60 * Desk.second

    /// Equity of 100 to be kept, by a hard rule, and one of 50, by a soft one.
    private func scene(capacity: Int = 64) throws -> (Desk, BreachBook) {
        let desk = try Desk([
            ["id: hard", "metric: equity", "min: 100"], ["id: soft", "metric: equity", "min: 50", "severity: soft"],
        ])
        desk.snapshotAge = .max / 2
        let book = BreachBook(accounts: 64, capacity: capacity)
        book.install(try #require(desk.engine.ruleSet))
        return (desk, book)
    }

    private struct Entry: Equatable {
        var id: String
        var transition: BreachBook.Transition
        var alerts: Bool

        init(_ id: String, _ transition: BreachBook.Transition, alerts: Bool = false) {
            self.id = id
            self.transition = transition
            self.alerts = alerts
        }
    }

    private func take(_ desk: Desk, _ book: BreachBook, equity: String?, account: String = "A") throws -> [Entry] {
        desk.advance(1)
        try desk.snapshot(account, equity: equity)
        return try take(desk, book, account)
    }

    private func take(_ desk: Desk, _ book: BreachBook, _ account: String = "A") throws -> [Entry] {
        let texts = try #require(desk.engine.ruleSet).texts
        var entries: [Entry] = []
        book.take(desk.engine.evaluate(account: try desk.account(account), now: desk.now), now: desk.now) {
            entries.append(Entry(texts[Int($0.rule)].id, $1.transition, alerts: $1.alerts))
        }
        return entries.sorted { $0.id < $1.id }
    }

    @Test func `a rule that is kept and then broken breaks once, and mends once`() throws {
        let (desk, book) = try scene()
        #expect(try take(desk, book, equity: "100") == [])
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .broke, alerts: true)])
        #expect(try take(desk, book, equity: "98") == [Entry("hard", .none)])
        #expect(
            try take(desk, book, equity: "40") == [Entry("hard", .none), Entry("soft", .broke, alerts: true)])
        #expect(try take(desk, book, equity: "100") == [Entry("hard", .mended), Entry("soft", .mended)])
        #expect(try take(desk, book, equity: "100") == [])
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .broke)])
    }

    @Test func `an alert for a rule and an account comes at most once in five minutes`() throws {
        let (desk, book) = try scene()
        #expect(try take(desk, book, equity: "100") == [])
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .broke, alerts: true)])
        #expect(try take(desk, book, equity: "99", account: "B") == [Entry("hard", .none, alerts: true)])
        let first = desk.now - Desk.second
        desk.now = first + 5 * Self.minute - 1
        #expect(try take(desk, book) == [Entry("hard", .none)])
        desk.now += 1
        #expect(try take(desk, book) == [Entry("hard", .none, alerts: true)])
        desk.now += Self.minute
        #expect(try take(desk, book) == [Entry("hard", .none)])
    }

    @Test func `what is broken when it is seen first was not seen to be kept`() throws {
        let (desk, book) = try scene()
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .none, alerts: true)])
        #expect(try take(desk, book, equity: "100") == [Entry("hard", .mended)])
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .broke)])
        // A rule that a reload brings is new; one that it keeps is not.
        desk.engine.install(
            try RuleLines.compile([
                ["id: new", "metric: daily_loss", "max: 0"], ["id: hard", "metric: equity", "min: 90"],
            ]))
        book.install(try #require(desk.engine.ruleSet))
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .mended), Entry("new", .none, alerts: true)])
        #expect(try take(desk, book, equity: "89") == [Entry("hard", .broke), Entry("new", .none)])
    }

    @Test func `an input that is missing for a while changes nothing`() throws {
        let (desk, book) = try scene()
        #expect(try take(desk, book, equity: "100") == [])
        #expect(try take(desk, book, equity: nil) == [])
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .broke, alerts: true)])
        #expect(try take(desk, book, equity: nil) == [])
        #expect(try take(desk, book, equity: nil) == [])
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .none)])
        desk.engine.accountsLinkUntil = 0
        #expect(try take(desk, book) == [])
        desk.engine.accountsLinkUntil = .max
        #expect(try take(desk, book) == [Entry("hard", .none)])
    }

    @Test func `an input that was missing when the account was seen first tells nothing`() throws {
        let (desk, book) = try scene()
        desk.engine.accountsLinkUntil = 0
        #expect(try take(desk, book, equity: "99") == [])
        desk.engine.accountsLinkUntil = .max
        #expect(try take(desk, book, equity: nil) == [])
        #expect(try take(desk, book, equity: "99") == [Entry("hard", .none, alerts: true)])
    }

    @Test func `a rule that looked at nothing for a while was kept`() throws {
        let desk = try Desk([["id: rule", "metric: position_quantity", "max: 1", "symbols: [BTC]"]])
        desk.snapshotAge = .max / 2
        let book = BreachBook(accounts: 64)
        book.install(try #require(desk.engine.ruleSet))
        func hold(_ quantity: String?) throws -> [Entry] {
            desk.advance(1)
            try desk.snapshot(positions: quantity.map { [("BTC", $0, nil)] } ?? [])
            return try take(desk, book)
        }
        #expect(try hold(nil) == [])
        #expect(try hold("2") == [Entry("rule", .broke, alerts: true)])
        #expect(try hold("2") == [Entry("rule", .none)])
        #expect(try hold(nil) == [])
        #expect(try hold("2") == [Entry("rule", .broke)])
    }

    @Test func `what there is no room for is counted, and room is made of what is over`() throws {
        let (desk, book) = try scene(capacity: 2)
        for account in ["A", "B", "C"] { #expect(try take(desk, book, equity: "100", account: account) == []) }
        for account in ["A", "B"] {
            #expect(
                try take(desk, book, equity: "99", account: account) == [Entry("hard", .broke, alerts: true)])
        }
        #expect(try take(desk, book, equity: "99", account: "C") == [Entry("hard", .none)])
        #expect(book.omitted == 1)
        #expect(try take(desk, book, equity: "100", account: "A") == [Entry("hard", .mended)])
        desk.now += 5 * Self.minute
        #expect(try take(desk, book, equity: "99", account: "C") == [Entry("hard", .broke, alerts: true)])
        #expect(book.omitted == 1)
    }
}
