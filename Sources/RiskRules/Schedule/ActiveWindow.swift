/// The hours in which a rule is in force, as `active` says them: days of the week and local times.
struct ActiveWindow: Hashable, Sendable {
    static let day: Int64 = 86400
    static let allDays: UInt8 = 0b111_1111
    /// As rule files name them, Monday first.
    static let dayNames = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]

    /// Bit 0 is Monday: the days on which a window starts.
    var days: UInt8
    /// Seconds of the local clock after midnight.
    var from: Int64
    /// The same, counted from the midnight of the day on which the window starts: above a day for one that ends on the
    /// next.
    var to: Int64
    /// IANA name of the time zone.
    var zone: String

    /// Whether it covers every moment.
    var isAlways: Bool { days == Self.allDays && to - from == Self.day }

    /// The instants at which windows begin and end, in turns, as unix seconds: those that touch the time from `start` to
    /// `end`. A local time that the clocks skip is the instant at which they do; of one that they show twice a window
    /// begins at the first and ends at the last.
    func edges(from start: Int64, to end: Int64, _ clock: ZoneClock) -> [Int64] {
        var edges: [Int64] = []
        // Local midnights are within a day of those of UTC, and a window ends on the next day at the latest.
        for day in Self.dayNumber(start) - 3...Self.dayNumber(end) + 1 where starts(on: day) {
            let begin = clock.first(showing: day * Self.day + from)
            let finish = clock.last(showing: day * Self.day + to)
            guard begin < finish, finish > start, begin < end else { continue }
            if let last = edges.last, begin <= last {
                edges[edges.count - 1] = Swift.max(last, finish)
            } else {
                edges += [begin, finish]
            }
        }
        return edges
    }

    private static func dayNumber(_ seconds: Int64) -> Int64 {
        seconds >= 0 ? seconds / day : (seconds - day + 1) / day
    }

    private func starts(on day: Int64) -> Bool {
        // 1970-01-01 was a Thursday.
        let weekday = ((day + 3) % 7 + 7) % 7
        return days >> UInt8(weekday) & 1 == 1
    }
}
