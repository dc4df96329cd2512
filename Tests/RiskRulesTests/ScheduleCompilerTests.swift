import RiskRules
import Testing

/// What is said of `active`, `rollout` and `at`.
struct ScheduleCompilerTests {
    struct Case: Sendable, CustomTestStringConvertible {
        var refused: [String]
        var message: String
        var accepted: [String]
        var testDescription: String { message }
    }

    private static let active = ["days: [mon]", "from: 22:00", "to: 06:00", "timezone: UTC"]

    private static func active(_ line: Int, _ text: String) -> [String] {
        var lines = active
        lines[line] = text
        return lines
    }

    private static let cases = [
        Case(
            refused: active(0, "days: [mon, tues]"),
            message: "a.yaml:5:17: unknown day \"tues\": did you mean \"tue\"?",
            accepted: active(0, "days: [MON, tue]")),
        Case(
            refused: active(0, "days: [all]"),
            message: "a.yaml:5:12: unknown day \"all\": write one of mon, tue, wed, thu, fri, sat, sun",
            accepted: active(0, "days: []")),
        Case(
            refused: active(1, "from: 22"),
            message: "a.yaml:6:11: from \"22\" is not a time of day: write hours and minutes, as in \"06:30\"",
            accepted: active(1, "from: 22:00")),
        Case(
            refused: active(1, "from: 24:00"),
            message: "a.yaml:6:11: from \"24:00\" is no time of day: write one from 00:00 to 23:59",
            accepted: active(1, "from: 23:59")),
        Case(
            refused: active(2, "to: 24:01"),
            message: "a.yaml:7:9: to \"24:01\" is no time of day: write one from 00:00 to 24:00",
            accepted: active(2, "to: 24:00")),
        Case(
            refused: active(2, "to: 05:60"),
            message: "a.yaml:7:9: to \"05:60\" is no time of day: write one from 00:00 to 24:00",
            accepted: active(2, "to: 05:59")),
        Case(
            refused: active(2, "to: 22:00"),
            message: """
                a.yaml:7:9: active begins and ends at 22:00, so it never is: write another time, or leave both out for \
                whole days
                """,
            accepted: active(2, "to: 21:59")),
        Case(
            refused: ["from: 22:00", "timezone: UTC"],
            message: """
                a.yaml:5:11: active has from and no to: write until when, as in to: "24:00", or leave both out for whole \
                days
                """,
            accepted: ["from: 22:00", "to: 24:00", "timezone: UTC"]),
        Case(
            refused: ["to: 06:00", "timezone: UTC"],
            message: """
                a.yaml:5:9: active has to and no from: write from when, as in from: "00:00", or leave both out for whole \
                days
                """,
            accepted: ["from: 00:00", "to: 06:00", "timezone: UTC"]),
        Case(
            refused: ["days: [mon]"],
            message: """
                a.yaml:5:5: active has no timezone: write whose clocks count, as in timezone: Europe/London or UTC
                """,
            accepted: ["days: [mon]", "timezone: UTC"]),
        Case(
            refused: active(3, "timezone: Europe/Londn"),
            message: "a.yaml:8:15: unknown time zone \"Europe/Londn\": did you mean \"Europe/London\"?",
            accepted: active(3, "timezone: Europe/London")),
        Case(
            refused: active(3, "timezone: EST"),
            message: "a.yaml:8:15: unknown time zone \"EST\": write its IANA name, as in Europe/London, or UTC",
            accepted: active(3, "timezone: America/New_York")),
        Case(
            refused: ["from: 00:00", "to: 24:00", "timezone: UTC"],
            message: "a.yaml:5:5: active names every hour of the week: leave it out, or name days or hours",
            accepted: ["from: 00:00", "to: 23:59", "timezone: UTC"]),
        Case(
            refused: ["rollout: 0"],
            message: "a.yaml:5:14: rollout \"0\" is not a percentage of accounts: write a whole number from 1 to 100",
            accepted: ["rollout: 1"]),
        Case(
            refused: ["rollout: 101"],
            message: "a.yaml:5:14: rollout \"101\" is not a percentage of accounts: write a whole number from 1 to 100",
            accepted: ["rollout: 100"]),
        Case(
            refused: ["rollout: 25%"],
            message: "a.yaml:5:14: rollout \"25%\" is not a percentage of accounts: write a whole number from 1 to 100",
            accepted: ["rollout: 25"]),
        Case(
            refused: ["rollout: 61", "accounts: [mm-2]"],
            message: """
                a.yaml:5:14: this rule can never apply: none of the accounts that it names is among the 61 % of its \
                rollout; write a higher percentage, or leave rollout out
                """,
            accepted: ["rollout: 62", "accounts: [mm-2]"]),
    ]

    private func problems(_ lines: [String]) -> [String] {
        let rule = ["id: max-leverage", "metric: leverage", "max: 10"] + lines
        let calendar = Zones.calendar(now: "2026-01-01T00:00:00Z")
        switch RuleCompiler.compile([RuleLines(rules: [rule]).document], version: "", calendar: calendar) {
        case .success: return []
        case .failure(let failure): return failure.problems.map(\.description)
        }
    }

    @Test(arguments: cases)
    func `hours or a rollout with one problem are refused and their neighbours accepted`(_ one: Case) {
        #expect(problems(one.refused) == [one.message])
        #expect(problems(one.accepted) == [])
    }

    @Test func `rules of other hours or rollouts are not compared`() throws {
        let rules = [
            ["id: a", "metric: leverage", "max: 10"],
            ["id: b", "metric: leverage", "max: 5", "days: [sun]", "timezone: UTC"],
            ["id: c", "metric: leverage", "max: 7", "rollout: 50"],
            ["id: d", "metric: leverage", "max: 6", "rollout: 50"],
        ]
        _ = try RuleLines.compile(rules)
        let alike = [
            ["id: a", "metric: leverage", "max: 10", "days: [sun]", "timezone: UTC"],
            ["id: b", "metric: leverage", "max: 5", "days: [sun]", "timezone: UTC"],
        ]
        #expect(
            RuleLines.problems(of: [RuleLines(rules: alike).document]) == [
                """
                a.yaml:4:10: 10 binds nothing: the rule b at a.yaml:7:5 already holds leverage of the same orders to 5; \
                take one of them out
                """
            ])
    }

    private func outcome(_ at: String?, _ quantity: String, _ expect: String) throws -> [String] {
        let rules = [
            ["id: night", "metric: order_quantity", "max: 1", "from: 22:00", "to: 06:00", "timezone: Europe/London"],
            ["id: day", "metric: order_quantity", "max: 5"],
        ]
        var lines = ExampleLines(
            order: ["symbol": "BTCUSDT", "side": "buy", "quantity": quantity, "price": "1"], expect: expect)
        lines.at = at
        var document = RuleLines(rules: rules).document
        document.examples = [lines.example]
        let calendar = Zones.calendar(now: "2026-01-01T00:00:00Z")
        let set = try RuleCompiler.compile([document], version: "", calendar: calendar).get()
        return RuleExamples.run([document], against: set, calendar: calendar).map(\.description)
    }

    @Test func `an example is decided at the instant that it names`() throws {
        // A summer night begins at 21:00 UTC; years beyond the set's own layout are as near.
        for year in ["1999", "2026", "2199"] {
            #expect(try outcome("\(year)-07-01T20:59:59.999999999Z", "2", "approved") == [])
            #expect(try outcome("\(year)-07-01T22:00:00Z", "2", "ORDER_QUANTITY_EXCEEDED") == [])
        }
        #expect(try outcome("2026-07-01T21:00:00Z", "2", "ORDER_QUANTITY_EXCEEDED") == [])
        #expect(try outcome("2026-07-02T06:59:59.5+02:00", "2", "ORDER_QUANTITY_EXCEEDED") == [])
        #expect(try outcome("2026-07-02T00:00:00-05:00", "2", "approved") == [])
    }

    @Test func `an example without an instant has to come out at every hour`() throws {
        #expect(try outcome(nil, "1", "approved") == [])
        #expect(try outcome(nil, "6", "ORDER_QUANTITY_EXCEEDED") == [])
        #expect(
            try outcome(nil, "2", "approved") == [
                """
                a.yaml:100:5: the example "an example" comes out only outside the hours of a rule with active: write when \
                it is decided, as in at: 2026-03-29T01:00:00Z
                """
            ])
        #expect(
            try outcome(nil, "2", "ORDER_QUANTITY_EXCEEDED") == [
                """
                a.yaml:100:5: the example "an example" comes out only within the hours of a rule with active: write when \
                it is decided, as in at: 2026-03-29T01:00:00Z
                """
            ])
        #expect(
            try outcome(nil, "1", "LEVERAGE_EXCEEDED") == [
                "a.yaml:104:20: the example \"an example\" expects LEVERAGE_EXCEEDED, but the set approves it"
            ])
    }

    @Test(arguments: [
        "2026-03-29", "2026-03-29T01:00:00", "2026-03-29 01:00:00Z", "2026-02-29T01:00:00Z", "2026-13-01T01:00:00Z",
        "2026-03-29T24:00:00Z", "2026-03-29T01:60:00Z", "2026-03-29T01:00:00.Z", "2026-03-29T01:00:00.1234567890Z",
        "2026-03-29T01:00:00+1:00", "1969-12-31T00:00:00Z", "2200-01-01T00:00:00Z", "2026-03-29T01:00:00ZZ", "now", "",
    ])
    func `what is no instant is refused`(_ text: String) {
        var lines = ExampleLines()
        lines.at = text
        var document = RuleLines(rules: [["id: a", "metric: leverage", "max: 10"]]).document
        document.examples = [lines.example]
        #expect(
            RuleLines.problems(of: [document]) == [
                "a.yaml:104:20: at \"\(text)\" is not an instant: write date, time and zone, as in 2026-03-29T01:00:00Z"
            ])
        document.examples[0].at?.value = "2024-02-29T23:59:59.123456789-00:30"
        #expect(RuleLines.problems(of: [document]) == [])
    }
}
