import RiskRules

/// The clocks of three zones in 2026, from the IANA time zone database, and instants as they are written.
enum Zones {
    private typealias Clocks = [(offset: Int64, start: String)]
    private static let london: Clocks = [
        (0, "1970-01-01T00:00:00Z"), (3600, "2026-03-29T01:00:00Z"), (0, "2026-10-25T01:00:00Z"),
    ]
    private static let newYork: Clocks = [
        (-18000, "1970-01-01T00:00:00Z"), (-14400, "2026-03-08T07:00:00Z"), (-18000, "2026-11-01T06:00:00Z"),
    ]
    /// Half an hour of daylight saving, on the southern half of the globe.
    private static let lordHowe: Clocks = [
        (39600, "1970-01-01T00:00:00Z"), (37800, "2026-04-04T15:00:00Z"), (39600, "2026-10-03T15:30:00Z"),
    ]

    /// A calendar that knows these and UTC.
    static func calendar(now: String) -> RuleCalendar {
        RuleCalendar(
            now: instant(now),
            clock: { zone, _, _ in
                switch zone {
                case "UTC": ZoneClock(offset: 0)
                case "Europe/London": clock(london)
                case "America/New_York": clock(newYork)
                case "Australia/Lord_Howe": clock(lordHowe)
                default: nil
                }
            },
            zones: { ["UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe"] })
    }

    private static func clock(_ spans: Clocks) -> ZoneClock {
        ZoneClock(spans.map { ZoneClock.Span(start: instant($0.start) / Desk.second, offset: $0.offset) })
    }

    /// Unix nanoseconds of `YYYY-MM-DDTHH:MM:SSZ`, by counting days.
    static func instant(_ text: String) -> Int64 {
        let fields = text.split { "-T:Z".contains($0) }.compactMap { Int64($0) }
        let (year, month, day) = (fields[0], fields[1], fields[2])
        func isLeap(_ year: Int64) -> Bool { year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) }
        let months: [Int64] = [31, isLeap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        let days =
            (1970..<year).reduce(0) { $0 + (isLeap($1) ? 366 : 365) } + months.prefix(Int(month) - 1).reduce(0, +) + day
            - 1
        return (((days * 24 + fields[3]) * 60 + fields[4]) * 60 + fields[5]) * Desk.second
    }
}
