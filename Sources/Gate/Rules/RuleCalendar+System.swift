import Foundation
package import RiskRules

extension RuleCalendar {
    /// The time zones that Foundation knows, which brings their rules with it: no tzdata of the host is read.
    /// - Parameter now: unix nanoseconds.
    package static func system(now: Int64) -> RuleCalendar {
        RuleCalendar(
            now: now, clock: { zone, from, to in timeZone(zone).map { clock(of: $0, from: from, to: to) } },
            zones: { ["UTC"] + TimeZone.knownTimeZoneIdentifiers })
    }

    /// Names of the IANA database only: Foundation also takes offsets and abbreviations for names.
    private static func timeZone(_ name: String) -> TimeZone? {
        name == "UTC" || name.contains("/") ? TimeZone(identifier: name) : nil
    }

    private static func clock(of zone: TimeZone, from: Int64, to: Int64) -> ZoneClock {
        var instant = Date(timeIntervalSince1970: Double(from))
        let end = Date(timeIntervalSince1970: Double(to))
        var spans = [ZoneClock.Span(start: .min, offset: Int64(zone.secondsFromGMT(for: instant)))]
        while let next = zone.nextDaylightSavingTimeTransition(after: instant), next > instant, next <= end {
            let start = Int64(next.timeIntervalSince1970.rounded())
            spans.append(ZoneClock.Span(start: start, offset: Int64(zone.secondsFromGMT(for: next))))
            instant = next
        }
        return ZoneClock(spans)
    }
}
