/// Where and when a rule set is compiled: what `active` windows in local time need to become instants.
package struct RuleCalendar: Sendable {
    /// How long a set's windows are laid out ahead. Whoever holds a set renews them daily.
    package static let horizon: Int64 = 400 * 86400
    /// How far back they are laid out, for a clock that is set back.
    static let past: Int64 = 86400

    /// Unix nanoseconds, from which the windows are laid out.
    package var now: Int64
    /// The clocks of a zone by its IANA name, right from one unix second to another; nil where there is no such zone.
    package var clock: @Sendable (_ zone: String, _ from: Int64, _ to: Int64) -> ZoneClock?
    /// The names of all zones, to suggest one.
    package var zones: @Sendable () -> [String]

    package init(
        now: Int64, clock: @escaping @Sendable (_ zone: String, _ from: Int64, _ to: Int64) -> ZoneClock?,
        zones: @escaping @Sendable () -> [String]
    ) {
        self.now = now
        self.clock = clock
        self.zones = zones
    }

    /// A calendar that knows no zone but UTC.
    package static func utc(now: Int64) -> RuleCalendar {
        RuleCalendar(now: now, clock: { zone, _, _ in zone == "UTC" ? ZoneClock(offset: 0) : nil }, zones: { ["UTC"] })
    }
}
