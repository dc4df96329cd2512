import RiskRules
import Testing

/// When a rule with `active` binds, to the nanosecond on both sides of each edge.
struct ActiveTests {
    struct Hours: Sendable, CustomTestStringConvertible {
        var name: String
        var active: [String]
        /// The instants at which the rule comes into force and goes out of it, in turns; out of it before the first.
        var edges: [String]
        var testDescription: String { name }
    }

    private static let allHours = [
        Hours(
            name: "a plain day in summer", active: ["from: 09:00", "to: 17:30", "timezone: Europe/London"],
            edges: ["2026-07-01T08:00:00Z", "2026-07-01T16:30:00Z", "2026-07-02T08:00:00Z"]),
        Hours(
            name: "over midnight, by the days on which it starts",
            active: ["days: [mon, Fri]", "from: 22:00", "to: 06:00", "timezone: UTC"],
            edges: [
                "2026-06-29T22:00:00Z", "2026-06-30T06:00:00Z", "2026-07-03T22:00:00Z", "2026-07-04T06:00:00Z",
                "2026-07-06T22:00:00Z",
            ]),
        Hours(
            name: "whole days that follow one another are one window",
            active: ["days: [sat, sun, wed]", "timezone: America/New_York"],
            edges: [
                "2026-07-01T04:00:00Z", "2026-07-02T04:00:00Z", "2026-07-04T04:00:00Z", "2026-07-06T04:00:00Z",
            ]),
        Hours(
            name: "until the end of the day",
            active: ["days: [tue]", "from: 23:59", "to: 24:00", "timezone: UTC"],
            edges: ["2026-06-30T23:59:00Z", "2026-07-01T00:00:00Z", "2026-07-07T23:59:00Z"]),
        Hours(
            name: "London in spring: from a time that is skipped",
            active: ["days: [sun]", "from: 01:30", "to: 03:00", "timezone: Europe/London"],
            edges: ["2026-03-29T01:00:00Z", "2026-03-29T02:00:00Z", "2026-04-05T00:30:00Z"]),
        Hours(
            name: "London in spring: to a time that is skipped",
            active: ["days: [sun]", "from: 00:30", "to: 01:30", "timezone: Europe/London"],
            edges: ["2026-03-29T00:30:00Z", "2026-03-29T01:00:00Z", "2026-04-04T23:30:00Z"]),
        Hours(
            name: "London in spring: hours that are skipped are none",
            active: ["days: [sun]", "from: 01:10", "to: 01:50", "timezone: Europe/London"],
            edges: ["2026-04-05T00:10:00Z", "2026-04-05T00:50:00Z"]),
        Hours(
            name: "London in autumn: from the first of two, to the last",
            active: ["days: [sun]", "from: 01:15", "to: 01:45", "timezone: Europe/London"],
            edges: ["2026-10-25T00:15:00Z", "2026-10-25T01:45:00Z", "2026-11-01T01:15:00Z"]),
        Hours(
            name: "London in autumn: over midnight into the hour that comes twice",
            active: ["days: [sat]", "from: 22:00", "to: 01:30", "timezone: Europe/London"],
            edges: ["2026-10-24T21:00:00Z", "2026-10-25T01:30:00Z", "2026-10-31T22:00:00Z"]),
        Hours(
            name: "London in autumn: a day of 25 hours",
            active: ["days: [sun]", "timezone: Europe/London"],
            edges: ["2026-10-24T23:00:00Z", "2026-10-26T00:00:00Z", "2026-11-01T00:00:00Z"]),
        Hours(
            name: "London in autumn: what overlaps by the hour that comes twice is one window",
            active: ["days: [sat, sun]", "from: 01:30", "to: 01:15", "timezone: Europe/London"],
            edges: ["2026-10-24T00:30:00Z", "2026-10-26T01:15:00Z", "2026-10-31T01:30:00Z"]),
        Hours(
            name: "New York in spring",
            active: ["days: [sun]", "from: 02:30", "to: 09:30", "timezone: America/New_York"],
            edges: ["2026-03-08T07:00:00Z", "2026-03-08T13:30:00Z", "2026-03-15T06:30:00Z"]),
        Hours(
            name: "New York in autumn",
            active: ["days: [sun]", "from: 00:30", "to: 01:30", "timezone: America/New_York"],
            edges: ["2026-11-01T04:30:00Z", "2026-11-01T06:30:00Z", "2026-11-08T05:30:00Z"]),
        Hours(
            name: "Lord Howe in autumn, where half an hour comes twice",
            active: ["days: [sun]", "from: 01:40", "to: 01:50", "timezone: Australia/Lord_Howe"],
            edges: ["2026-04-04T14:40:00Z", "2026-04-04T15:20:00Z", "2026-04-11T15:10:00Z"]),
        Hours(
            name: "Lord Howe in spring, where half an hour is skipped",
            active: ["days: [sun]", "from: 02:15", "to: 03:00", "timezone: Australia/Lord_Howe"],
            edges: ["2026-10-03T15:30:00Z", "2026-10-03T16:00:00Z", "2026-10-10T15:15:00Z"]),
    ]

    private static func rule(_ active: [String]) -> [String] {
        ["id: hours", "metric: order_quantity", "max: 1"] + active
    }

    private static func desk(_ rules: [[String]], now: String) throws -> Desk {
        let desk = try Desk()
        let set = try RuleCompiler.compile(
            [RuleLines(rules: rules).document], version: "v1", calendar: Zones.calendar(now: now)
        ).get()
        desk.engine.install(set)
        #expect(desk.engine.asksWallTime)
        return desk
    }

    @Test(arguments: allHours)
    func `a rule binds from the instant at which its hours begin until just before they end`(_ hours: Hours) throws {
        let wide = ["id: wide", "metric: order_quantity", "max: 5"]
        let first = try #require(hours.edges.first)
        let desk = try Self.desk([Self.rule(hours.active), wide], now: first)
        let order = try desk.order(.buy, "2", at: "1")
        for (index, edge) in hours.edges.enumerated() {
            desk.engine.wallOffset = Zones.instant(edge) - desk.now
            let beforeIsIn = index % 2 == 1
            #expect((desk.decide(order).reason != nil) == !beforeIsIn, "at \(edge)")
            desk.engine.wallOffset -= 1
            #expect((desk.decide(order).reason != nil) == beforeIsIn, "just before \(edge)")
        }
    }

    @Test func `time goes by between decisions of one engine`() throws {
        let desk = try Self.desk(
            [
                Self.rule(["from: 09:00", "to: 10:00", "timezone: UTC"]),
                ["id: wide", "metric: order_quantity", "max: 5"],
            ],
            now: "2026-07-01T08:59:59Z")
        desk.engine.wallOffset = Zones.instant("2026-07-01T08:59:59Z") - desk.now
        let order = try desk.order(.buy, "2", at: "1")
        #expect(desk.decide(order).reason == nil)
        desk.advance(1)
        #expect(desk.decide(order).reason == .orderQuantityExceeded)
        desk.advance(3599)
        #expect(desk.decide(order).reason == .orderQuantityExceeded)
        desk.advance(1)
        #expect(desk.decide(order).reason == nil)
        // The wall clock is set back.
        desk.engine.wallOffset -= Desk.second
        #expect(desk.decide(order).reason == .orderQuantityExceeded)
    }

    @Test func `hours reach 400 days ahead, and beyond them the rule is in force`() throws {
        let rules = [
            Self.rule(["from: 09:00", "to: 10:00", "timezone: UTC"]), ["id: wide", "metric: order_quantity", "max: 5"],
        ]
        let now = Zones.instant("2026-07-01T00:00:00Z")
        let desk = try Self.desk(rules, now: "2026-07-01T00:00:00Z")
        let order = try desk.order(.buy, "2", at: "1")
        func reason(_ wall: Int64) -> Reason? {
            desk.engine.wallOffset = wall - desk.now
            return desk.decide(order).reason
        }
        let end = now + 400 * 86400 * Desk.second
        #expect(reason(end - 1) == nil)
        #expect(reason(end) == .orderQuantityExceeded)
        #expect(reason(end + 1000 * Desk.second) == .orderQuantityExceeded)
        #expect(reason(now - 86400 * Desk.second) == nil)
        #expect(reason(now - 86400 * Desk.second - 1) == .orderQuantityExceeded)

        let set = try #require(desk.engine.ruleSet)
        var later = Zones.calendar(now: "2026-07-02T00:00:00Z")
        desk.engine.install(set.renewed(later))
        #expect(reason(end) == nil)
        #expect(reason(end + 86400 * Desk.second - 1) == nil)
        #expect(reason(end + 86400 * Desk.second) == .orderQuantityExceeded)
        #expect(desk.engine.ruleSet?.version == set.version)
        // A zone that is no longer known.
        later.clock = { _, _, _ in nil }
        desk.engine.install(set.renewed(later))
        #expect(reason(end) == .orderQuantityExceeded)
    }

    @Test func `out of its hours a rule governs nothing`() throws {
        let desk = try Self.desk(
            [Self.rule(["from: 09:00", "to: 10:00", "timezone: UTC", "sides: [buy]"])], now: "2026-07-01T00:00:00Z")
        let order = try desk.order(.buy, "1", at: "1")
        desk.engine.wallOffset = Zones.instant("2026-07-01T09:00:00Z") - desk.now
        #expect(desk.decide(order).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "1", at: "1")).reason == .noRuleApplies)
        desk.engine.wallOffset = Zones.instant("2026-07-01T10:00:00Z") - desk.now
        #expect(desk.decide(order).reason == .noRuleApplies)
    }

    @Test func `a rate rule counts the orders and cancels of its hours only`() throws {
        let rate = { (id: String, metric: String, per: String) in
            [
                "id: \(id)", "metric: \(metric)", "window: 24h", "max: 2", "per: \(per)", "from: 09:00", "to: 10:00",
                "timezone: UTC",
            ]
        }
        let wide = ["id: wide", "metric: order_quantity", "max: 5"]
        for (metric, reason) in [("order_count", Reason.orderRateExceeded), ("message_count", .messageRateExceeded)] {
            let desk = try Self.desk([rate("r", metric, "connection"), wide], now: "2026-07-01T00:00:00Z")
            desk.engine.wallOffset = Zones.instant("2026-07-01T08:59:59Z") - desk.now
            let order = try desk.order(.buy, "1", at: "1")
            for _ in 0..<5 { #expect(desk.decide(order).reason == nil) }
            desk.engine.countCancel(account: nil, connection: 1, now: desk.now)
            desk.engine.countCancel(account: order.account, symbol: order.symbol, connection: 1, now: desk.now)
            desk.advance(1)
            #expect(desk.decide(order).reason == nil)
            #expect(desk.decide(order).reason == nil)
            #expect(desk.decide(order).reason == reason)
        }
        let desk = try Self.desk([rate("r", "message_count", "connection"), wide], now: "2026-07-01T00:00:00Z")
        desk.engine.wallOffset = Zones.instant("2026-07-01T09:00:00Z") - desk.now
        let order = try desk.order(.buy, "1", at: "1")
        desk.engine.countCancel(account: nil, connection: 1, now: desk.now)
        desk.engine.countCancel(account: order.account, symbol: order.symbol, connection: 1, now: desk.now)
        #expect(desk.decide(order).reason == .messageRateExceeded)
    }

    @Test func `rejects are counted by a rule on rejects in its hours only`() throws {
        let rejects = [
            "id: rejects", "metric: reject_count", "window: 24h", "max: 0", "from: 09:00", "to: 10:00", "timezone: UTC",
        ]
        let desk = try Self.desk(
            [rejects, ["id: small", "metric: order_quantity", "max: 5"]], now: "2026-07-01T00:00:00Z")
        desk.engine.wallOffset = Zones.instant("2026-07-01T08:59:59Z") - desk.now
        let large = try desk.order(.buy, "6", at: "1")
        let small = try desk.order(.buy, "1", at: "1")
        #expect(desk.decide(large).reason == .orderQuantityExceeded)
        desk.advance(1)
        #expect(desk.decide(small).reason == nil)
        #expect(desk.decide(large).reason == .orderQuantityExceeded)
        #expect(desk.decide(small).reason == .rejectRateExceeded)
    }

    @Test func `a sum takes the orders of its hours only`() throws {
        let sum = [
            "id: sum", "metric: notional_sum", "window: 24h", "max: 100", "from: 09:00", "to: 10:00", "timezone: UTC",
        ]
        let desk = try Self.desk(
            [sum, ["id: wide", "metric: order_quantity", "max: 99"]], now: "2026-07-01T00:00:00Z")
        desk.engine.wallOffset = Zones.instant("2026-07-01T08:59:59Z") - desk.now
        try desk.snapshot()
        try desk.price("BTC", "1")
        let order = try desk.order(.buy, "50", at: "1")
        for _ in 0..<3 { try desk.send(order) }
        desk.advance(1)
        for _ in 0..<2 { try desk.send(order) }
        #expect(desk.decide(order).reason == .windowNotionalExceeded)
    }
}
