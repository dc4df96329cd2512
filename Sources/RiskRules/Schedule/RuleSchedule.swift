/// An `active` window laid out as instants over a stretch of time.
struct RuleSchedule: Sendable {
    /// Whether the rules of a schedule are in force, and in which time that answer holds (unix nanoseconds).
    struct Answer: BitwiseCopyable {
        var isActive: Bool
        var since: Int64
        /// Exclusive.
        var until: Int64

        func holds(at wall: Int64) -> Bool { wall >= since && wall < until }
    }

    let window: ActiveWindow
    /// What the layout covers, in unix nanoseconds; outside of it nobody knows, and the rules are in force.
    private let since: Int64
    private let until: Int64
    /// Begins and ends in turns.
    private let edges: [Int64]

    private init(_ window: ActiveWindow, since: Int64, until: Int64, edges: [Int64]) {
        self.window = window
        self.since = since
        self.until = until
        self.edges = edges
    }

    /// Laid out from the day before the calendar's now to its horizon.
    init(_ window: ActiveWindow, by calendar: RuleCalendar) {
        let now = calendar.now / Self.second
        let (start, end) = (now - RuleCalendar.past, now + RuleCalendar.horizon)
        guard let clock = calendar.clock(window.zone, start - 4 * ActiveWindow.day, end + 4 * ActiveWindow.day) else {
            self = .always(window)
            return
        }
        self.init(
            window, since: start * Self.second, until: end * Self.second,
            edges: window.edges(from: start, to: end, clock).map { $0 * Self.second })
    }

    private static let second: Int64 = 1_000_000_000

    /// In force whatever the time.
    static func always(_ window: ActiveWindow) -> RuleSchedule {
        RuleSchedule(window, since: .max, until: .max, edges: [])
    }

    /// Never in force.
    static func never(_ window: ActiveWindow) -> RuleSchedule {
        RuleSchedule(window, since: .min, until: .max, edges: [])
    }

    /// Whether its rules are in force at an instant.
    func answer(at wall: Int64) -> Answer {
        if wall < since { return Answer(isActive: true, since: .min, until: since) }
        if wall >= until { return Answer(isActive: true, since: until, until: .max) }
        var low = 0
        var high = edges.count
        while low < high {
            let middle = low + (high - low) / 2
            if edges[middle] <= wall { low = middle + 1 } else { high = middle }
        }
        return Answer(
            isActive: low % 2 == 1, since: low > 0 ? Swift.max(edges[low - 1], since) : since,
            until: low < edges.count ? Swift.min(edges[low], until) : until)
    }
}
