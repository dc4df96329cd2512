import Gate
import RiskRules
import Testing

/// Hours as a set laid out by the system's time zones has them.
@Suite struct RuleCalendarTests {
    private static let second: Int64 = 1_000_000_000

    private func set(zone: String, now: Int64) throws -> RuleSet {
        let log = ProblemLog()
        let text = """
            rules:
              - {id: hours, metric: order_quantity, max: 1, active: {from: "01:30", to: "03:00", timezone: \(zone)}}
            """
        let document = try #require(RuleFileReader.read(Array(text.utf8), file: "a.yaml", into: log))
        return try RuleCompiler.compile([document], version: "", calendar: .system(now: now)).get()
    }

    /// Whether the set's one rule governs, and so binds, an order at a unix second.
    private func binds(_ set: RuleSet, at second: Int64) -> Bool {
        let engine = RiskEngine(limits: EngineLimits(hashSeed: 1))
        engine.install(set)
        engine.wallOffset = second * Self.second
        func id(_ lookup: NameLookup) -> NameID {
            if case .new(let id) = lookup { id } else { .none }
        }
        let order = Order(
            account: id(Array("A".utf8).withUnsafeBytes(engine.account)), strategy: .none,
            symbol: id(Array("BTC".utf8).withUnsafeBytes(engine.symbol)), timeInForce: .none, side: .buy, type: .limit,
            reduceOnly: false, quantity: .one, price: .one, stopPrice: .zero, clientOrderID: .none)
        return engine.decide(order, connection: 0, now: 0).reason != .noRuleApplies
    }

    /// Days on which the clocks change, and as unix seconds when 01:30 is there first, and 03:00 last (from Python's zoneinfo).
    @Test(
        "the hours of a day on which the clocks change begin and end as they should",
        arguments: [
            ("Europe/London", 1_774_746_000, 1_774_749_600), ("Europe/London", 1_792_888_200, 1_792_897_200),
            ("America/New_York", 1_772_951_400, 1_772_953_200), ("America/New_York", 1_793_511_000, 1_793_520_000),
            ("Australia/Lord_Howe", 1_775_313_000, 1_775_320_200),
            ("Australia/Lord_Howe", 1_791_039_600, 1_791_043_200), ("UTC", 1_767_231_000, 1_767_236_400),
        ] as [(String, Int64, Int64)])
    func hoursOfTransitionDays(_ zone: String, _ begin: Int64, _ end: Int64) throws {
        let set = try set(zone: zone, now: 1_767_225_600 * Self.second)
        #expect(!binds(set, at: begin - 1))
        #expect(binds(set, at: begin))
        #expect(binds(set, at: end - 1))
        #expect(!binds(set, at: end))
    }

    @Test("only names of the time zone database are zones", arguments: ["GMT+2", "EST", "europe/london", "", "A/B"])
    func otherNamesAreNoZones(_ name: String) {
        let calendar = RuleCalendar.system(now: 0)
        #expect(calendar.clock(name, 0, 0) == nil)
        #expect(calendar.clock("Asia/Kolkata", 0, 0) != nil)
        #expect(calendar.zones().contains("Europe/London") && calendar.zones().contains("UTC"))
    }

    @Test("a loaded set is laid out anew once a day, or when the clock is set, and keeps its version")
    func renewal() throws {
        let directory = try TemporaryDirectory()
        try directory.write(
            """
            rules:
              - {id: hours, metric: order_quantity, max: 1, active: {days: [mon], timezone: UTC}}

            """, to: "a.yaml")
        var loader = RuleLoader()
        _ = loader.load(RuleDirectory(reading: directory.path), trigger: .requested)
        let first = try #require(loader.ruleSet)
        let day = 86_400 * Self.second
        #expect(loader.renew(by: .system(now: first.laidOutAt + day - 1)) == nil)
        let renewed = loader.renew(by: .system(now: first.laidOutAt + day))
        let second = try #require(renewed)
        #expect(second.version == first.version)
        #expect(second.laidOutAt == first.laidOutAt + day)
        #expect(loader.ruleSet === second)
        #expect(loader.renew(by: .system(now: first.laidOutAt + day)) == nil)
        #expect(loader.renew(by: .system(now: first.laidOutAt + day - 1)) != nil)

        try directory.write("rules: [{id: always, metric: order_quantity, max: 1}]\n", to: "a.yaml")
        _ = loader.load(RuleDirectory(reading: directory.path), trigger: .requested)
        #expect(loader.renew(by: .system(now: first.laidOutAt + 9 * day)) == nil)
    }
}
