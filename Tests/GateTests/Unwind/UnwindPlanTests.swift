import Gate
import RiskRules
import Testing

/// One step of an unwinding after the other, with time and snapshots as the test says. Times are milliseconds.
@Suite struct UnwindPlanTests {
    /// A plan with round times: a snapshot settles 100 ms after an answer, 1000 ms after a loss; the second attempt comes after
    /// 10 ms.
    private struct Desk {
        var plan: UnwindPlan
        var now: Int64 = 1000
        var accounts: [String: UnwindPlan.Account] = [:]

        init(attempts: Int = 3, concurrency: Int = 8) {
            var settings = UnwindPlan.Settings()
            settings.attempts = attempts
            settings.concurrency = concurrency
            settings.backoff = 10_000_000
            settings.settleAfter = 100_000_000
            settings.unknownAfter = 1_000_000_000
            plan = UnwindPlan(settings)
        }

        mutating func stop(_ scope: String) throws {
            plan.begin(try target(scope), epoch: 5000, now: now * 1_000_000)
        }

        func target(_ scope: String) throws -> StopTarget { try #require(StopTarget(scope)) }

        func progress(_ scope: String) throws -> UnwindProgress {
            try #require(plan.progress(of: try target(scope)))
        }

        /// The account as it is now, or was `ago`.
        mutating func show(
            _ name: String = "a", _ positions: [String: Int]? = [:], orders: [String]? = [], ago: Int64 = 0
        ) {
            accounts[name] = UnwindPlan.Account(
                name: name,
                positions: positions?.sorted { $0.key < $1.key }.map {
                    .init(symbol: $0.key, quantity: units($0.value), currentPrice: nil)
                },
                pending: orders?.map(Self.order), takenAt: (now - ago) * 1_000_000)
        }

        /// `BTC buy 3 o-1`.
        private static func order(_ text: String) -> AccountSnapshot.PendingOrder {
            let words = text.split(separator: " ").map(String.init)
            return .init(
                clientOrderID: nil, orderID: words[3], symbol: words[0], side: words[1] == "buy" ? .buy : .sell,
                quantity: units(Int(words[2]) ?? 0), price: nil)
        }

        /// What is to be done now, as words.
        mutating func next() -> [String] { steps().map { Self.words($0.action) } }

        mutating func steps() -> [UnwindPlan.Step] {
            plan.next(Array(accounts.values), now: now * 1_000_000, wallNow: (6000 + now) * 1_000_000)
        }

        static func words(_ action: UnwindPlan.Action) -> String {
            switch action {
            case .cancel(let cancel): "cancel \(cancel.account) \(cancel.symbol) \(cancel.orderID ?? "")"
            case .close(let close): "close \(close.account) \(close.symbol) \(close.side) \(close.quantity)"
            }
        }

        mutating func resolve(_ step: UnwindPlan.Step, _ outcome: UnwindPlan.Outcome) {
            plan.resolve(step.number, outcome, now: now * 1_000_000)
        }

        /// Expects one step, and says what became of it.
        mutating func expect(_ words: String, _ outcome: UnwindPlan.Outcome) throws {
            let steps = steps()
            try #require(steps.map { Self.words($0.action) } == [words])
            resolve(steps[0], outcome)
        }
    }

    // MARK: What there is to do

    @Test func `orders are cancelled, then positions closed, then it is completed`() throws {
        var desk = Desk()
        try desk.stop("account:a")
        desk.show("a", ["BTC": 2, "ETH": -3], orders: ["BTC buy 1 o-1", "BTC sell 1 o-2"])
        let first = desk.steps()
        #expect(
            first.map { Desk.words($0.action) } == [
                "cancel a BTC o-1", "cancel a BTC o-2", "close a ETH buy 3",
            ])
        for step in first { desk.resolve(step, .done) }
        #expect(try desk.progress("account:a").ordersCanceled == 2)
        // One of them worked to reduce the position: how much is left of that, the next snapshot tells.
        #expect(desk.next() == [])
        desk.now += 50
        desk.show("a", ["BTC": 1])
        let second = desk.steps()
        #expect(second.map { Desk.words($0.action) } == ["close a BTC sell 1"])
        #expect(try desk.progress("account:a").positionsClosed == 1)
        desk.resolve(second[0], .done)
        desk.now += 100
        desk.show("a")
        #expect(desk.next() == [])
        #expect(try desk.progress("account:a").positionsClosed == 2)
        #expect(try !desk.progress("account:a").isCompleted, "taken no later than settle_after")
        desk.now += 1
        desk.show("a")
        #expect(desk.next() == [])
        #expect(try desk.progress("account:a").isCompleted)
        #expect(try desk.progress("account:a").completedAt == (6000 + desk.now) * 1_000_000)
        #expect(!desk.plan.isActive)
    }

    @Test func `a cancelled order that worked to enlarge a position holds its close up no longer`() throws {
        var desk = Desk()
        try desk.stop("account:a")
        desk.show("a", ["BTC": 2], orders: ["BTC buy 1 o-1"])
        try desk.expect("cancel a BTC o-1", .done)
        #expect(desk.next() == ["close a BTC sell 2"])
    }

    @Test func `a stop reaches what it covers and nothing else`() throws {
        for (scope, expected) in [
            ("account:a", ["close a BTC sell 1", "close a ETH sell 2"]), ("account:c", []),
            ("symbol:BTC", ["close a BTC sell 1", "close b BTC sell 3"]),
            ("global", ["close a BTC sell 1", "close a ETH sell 2", "close b BTC sell 3", "close b ETH sell 4"]),
        ] {
            var desk = Desk()
            try desk.stop(scope)
            desk.show("a", ["BTC": 1, "ETH": 2])
            desk.show("b", ["BTC": 3, "ETH": 4])
            #expect(desk.next() == expected, "\(scope)")
        }
    }

    @Test func `a strategy's stop is not unwound, and says why`() throws {
        var desk = Desk()
        try desk.stop("strategy:s")
        desk.show("a", ["BTC": 1])
        #expect(desk.next() == [])
        let progress = try desk.progress("strategy:s")
        #expect(!progress.isCompleted)
        #expect(progress.lastError?.contains("not per strategy") == true)
        #expect(!desk.plan.isActive)
    }

    @Test func `two stops over one position close it once, and both count it`() throws {
        var desk = Desk()
        try desk.stop("account:a")
        try desk.stop("global")
        desk.show("a", ["BTC": 1])
        try desk.expect("close a BTC sell 1", .done)
        desk.now += 101
        desk.show("a")
        #expect(desk.next() == [])
        for scope in ["account:a", "global"] {
            #expect(try desk.progress(scope).positionsClosed == 1)
            #expect(try desk.progress(scope).isCompleted)
        }
    }

    @Test func `no more than concurrency is under way`() throws {
        var desk = Desk(concurrency: 2)
        try desk.stop("global")
        desk.show("a", ["BTC": 1, "ETH": 1, "SOL": 1])
        let first = desk.steps()
        #expect(first.count == 2)
        #expect(desk.next() == [])
        desk.resolve(first[0], .done)
        #expect(desk.next() == ["close a SOL sell 1"])
    }

    @Test func `every attempt has a client order id of its own, also after a restart`() throws {
        var ids: [String] = []
        for start in [Int64(1000), 1500] {
            var desk = Desk(attempts: 10)
            desk.now = start
            try desk.stop("account:a")
            for _ in 0..<5 {
                desk.show("a", ["BTC": 1])
                let step = try #require(desk.steps().first)
                guard case .close(let close) = step.action else { return }
                ids.append(close.clientOrderID)
                desk.resolve(step, .refused("no"))
                desk.now += 160
            }
        }
        #expect(Set(ids).count == ids.count)
        #expect(ids.first == "gate-unwind-5000-2000")
        #expect(ids.allSatisfy { $0.utf8.count <= 36 })
    }

    // MARK: Attempts that came to nothing

    @Test func `a refused close is tried again after a pause that doubles, and so often`() throws {
        var desk = Desk(attempts: 3)
        try desk.stop("account:a")
        desk.show("a", ["BTC": 1])
        for pause in [Int64(10), 20] {
            try desk.expect("close a BTC sell 1", .refused("too large"))
            desk.now += pause - 1
            #expect(desk.next() == [])
            desk.now += 1
        }
        try desk.expect("close a BTC sell 1", .refused("too large"))
        desk.now += 100_000
        desk.show("a", ["BTC": 1])
        #expect(desk.next() == [])
        let progress = try desk.progress("account:a")
        #expect(progress.lastError == "closing BTC of account a: refused: too large; not tried again")
        #expect(!progress.isCompleted)
        // A person has closed it.
        desk.show("a")
        #expect(desk.next() == [])
        #expect(try desk.progress("account:a").isCompleted)
        #expect(try desk.progress("account:a").lastError == nil)
        #expect(try desk.progress("account:a").positionsClosed == 0)
    }

    @Test func `what could not be sent is tried for as long as it takes`() throws {
        var desk = Desk(attempts: 2)
        try desk.stop("account:a")
        desk.show("a", ["BTC": 1])
        for _ in 0..<20 {
            try desk.expect("close a BTC sell 1", .unsent("the endpoint is down"))
            desk.now += 10_000
        }
        #expect(
            try desk.progress("account:a").lastError
                == "closing BTC of account a: not sent: the endpoint is down")
        #expect(desk.next() == ["close a BTC sell 1"])
    }

    @Test func `an unknown close is not repeated before a snapshot taken unknown_after later still shows the position`()
        throws
    {
        var desk = Desk()
        try desk.stop("account:a")
        desk.show("a", ["BTC": 3])
        try desk.expect("close a BTC sell 3", .unknown("reset"))
        desk.now += 1000
        desk.show("a", ["BTC": 1])
        #expect(desk.next() == [], "taken exactly then")
        desk.now += 5000
        #expect(desk.next() == [], "no later snapshot")
        desk.show("a", ["BTC": 1], ago: 4999)
        #expect(desk.next() == ["close a BTC sell 1"])
    }

    @Test func `an accepted close is not repeated before a snapshot taken settle_after later still shows the position`()
        throws
    {
        var desk = Desk()
        try desk.stop("account:a")
        desk.show("a", ["BTC": 3])
        try desk.expect("close a BTC sell 3", .done)
        desk.now += 100
        desk.show("a", ["BTC": 2])
        #expect(desk.next() == [])
        desk.now += 1
        desk.show("a", ["BTC": 2])
        #expect(desk.next() == ["close a BTC sell 2"])
    }

    @Test func `a close that comes to something does not use its attempts up`() throws {
        var desk = Desk(attempts: 2)
        try desk.stop("account:a")
        for left in [9, 8, 7, 6, 5] {
            desk.show("a", ["BTC": left])
            try desk.expect("close a BTC sell \(left)", .done)
            desk.now += 200
        }
        desk.show("a", ["BTC": 5])
        try desk.expect("close a BTC sell 5", .done)
        desk.now += 200
        desk.show("a", ["BTC": 5])
        #expect(desk.next() == [], "twice to no effect")
    }

    @Test func `a position that comes back while its close may still be filled is not closed a second time`() throws {
        var desk = Desk()
        try desk.stop("account:a")
        desk.show("a", ["BTC": 3])
        try desk.expect("close a BTC sell 3", .unknown("reset"))
        desk.now += 10
        desk.show("a", ["BTC": 0], orders: ["ETH buy 1 o-1"])
        #expect(desk.next() == ["cancel a ETH o-1"])
        desk.now += 10
        desk.show("a", ["BTC": 2], orders: ["ETH buy 1 o-1"])
        #expect(desk.next() == [])
        desk.now += 1000
        desk.show("a", ["BTC": 2], orders: ["ETH buy 1 o-1"])
        #expect(desk.next() == ["close a BTC sell 2"])
    }

    @Test func `what an order that cannot be cancelled works to reduce is left to it`() throws {
        var desk = Desk(attempts: 2)
        try desk.stop("account:a")
        desk.show("a", ["BTC": 3], orders: ["BTC sell 1 o-1", "BTC buy 5 o-2"])
        for _ in 0..<2 {
            for step in desk.steps() { desk.resolve(step, .refused("not now")) }
            #expect(desk.next().filter { $0.hasPrefix("close") } == (desk.now > 1000 ? ["close a BTC sell 2"] : []))
            desk.now += 1000
            desk.show("a", ["BTC": 3], orders: ["BTC sell 1 o-1", "BTC buy 5 o-2"])
        }
    }

    @Test func `an unknown cancel is repeated once a later snapshot still shows the order`() throws {
        var desk = Desk()
        try desk.stop("account:a")
        desk.show("a", [:], orders: ["BTC sell 1 o-1"])
        try desk.expect("cancel a BTC o-1", .unknown("reset"))
        desk.now += 50
        #expect(desk.next() == [])
        desk.show("a", [:], orders: ["BTC sell 1 o-1"])
        try desk.expect("cancel a BTC o-1", .done)
        #expect(try desk.progress("account:a").ordersCanceled == 1)
    }

    // MARK: The end

    @Test func `a resumed stop ends it, and what is under way is not repeated`() throws {
        var desk = Desk()
        try desk.stop("account:a")
        desk.show("a", ["BTC": 1, "ETH": 1])
        let steps = desk.steps()
        desk.plan.end(try desk.target("account:a"))
        for step in steps { desk.resolve(step, .refused("no")) }
        desk.now += 10_000
        desk.show("a", ["BTC": 1, "ETH": 1])
        #expect(desk.next() == [])
        #expect(!desk.plan.isActive)
        #expect(try !desk.progress("account:a").isCompleted)
    }

    @Test func `it is completed only when every account in scope has been seen to be flat`() throws {
        var desk = Desk()
        try desk.stop("global")
        #expect(desk.next() == [])
        #expect(try !desk.progress("global").isCompleted, "no account is known")
        desk.now += 200
        desk.show("a")
        desk.show("b", ago: 100)
        #expect(desk.next() == [])
        #expect(try !desk.progress("global").isCompleted, "taken no later than settle_after")
        desk.show("b", nil)
        #expect(desk.next() == [])
        #expect(try desk.progress("global").lastError == "account b: its state names no positions")
        desk.show("b")
        #expect(desk.next() == [])
        #expect(try desk.progress("global").isCompleted)
    }

    @Test func `a restart goes on with the counts of the run before`() throws {
        var desk = Desk()
        var progress = UnwindProgress()
        progress.ordersCanceled = 4
        progress.positionsClosed = 2
        desk.plan.begin(try desk.target("account:a"), epoch: 5000, progress: progress, now: desk.now * 1_000_000)
        desk.show("a", ["BTC": 1])
        try desk.expect("close a BTC sell 1", .done)
        desk.now += 101
        desk.show("a")
        #expect(desk.next() == [])
        #expect(try desk.progress("account:a").positionsClosed == 3)
        #expect(try desk.progress("account:a").ordersCanceled == 4)
        #expect(try desk.progress("account:a").isCompleted)
    }

    // MARK: Snapshots

    @Test func `a snapshot was taken at its as_of, or without one when the one before it was read`() {
        func snapshot(asOf: Int64?, readAt: Int64) -> AccountSnapshot {
            var values = AccountSnapshot.Values()
            values.asOf = asOf
            return AccountSnapshot(values: values, readAt: readAt, since: 0, freshUntil: 0, expiresAt: .max)
        }
        // The wall clock is 1000 ahead of the monotonic one.
        var accounts = UnwindAccounts()
        func see(_ snapshot: AccountSnapshot, now: Int64) -> Int64? {
            accounts.see("a", snapshot, now: now, wallNow: now + 1000)
            return accounts.all.first?.takenAt
        }
        #expect(see(snapshot(asOf: 1050, readAt: 60), now: 60) == 50)
        #expect(see(snapshot(asOf: 1040, readAt: 70), now: 70) == 50, "an older one is not taken")
        #expect(see(snapshot(asOf: 1090, readAt: 80), now: 80) == 80, "never later than it was read")

        accounts = UnwindAccounts()
        #expect(see(snapshot(asOf: nil, readAt: 60), now: 60) == .min)
        #expect(see(snapshot(asOf: nil, readAt: 70), now: 70) == 60)
        #expect(see(snapshot(asOf: nil, readAt: 70), now: 80) == 60, "the same bytes found again")
        #expect(see(snapshot(asOf: nil, readAt: 90), now: 90) == 70)
    }
}

private func units(_ count: Int) -> FixedPoint { FixedPoint(units: Int128(count) * FixedPoint.scale) }
