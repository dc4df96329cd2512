/// The events of one key in a sliding window: when, and how many. Counts in amortised constant time.
///
/// To know whether a count is above a bound of N, no more than the latest N + 1 events are needed, so the ring holds that
/// many (and at least 1,024, so that the count shown is right too). Bounds of more than 65,535 are kept in as many
/// entries: each takes several events and counts them at the time of the latest, which errs towards refusing.
struct EventRing: BitwiseCopyable {
    struct Entry: BitwiseCopyable {
        var time: Int64
        var events: Int64
    }

    /// How large a ring for one bound grows, and how many events share an entry.
    struct Shape: Hashable, BitwiseCopyable {
        private static let fewest: Int128 = 1024
        private static let most: Int128 = 65536

        var entries: Int
        var eventsPerEntry: Int64

        /// - Parameter bound: the count that is still allowed; fractions count as the whole number below.
        init(bound: FixedPoint) {
            let needed = Swift.max(bound.units / FixedPoint.scale, 0) + 2
            let entries = Swift.min(Swift.max(needed, Self.fewest), Self.most)
            self.entries = Int(entries)
            // One entry is being filled and one may have been given up: the others together hold what is needed.
            let shared = needed <= entries ? 1 : (needed + entries - 3) / (entries - 2)
            eventsPerEntry = Int64(clamping: shared)
        }
    }

    private static let firstCapacity = 8

    private var base: UnsafeMutablePointer<Entry>?
    private var capacity = 0
    private var head = 0
    private var count = 0
    private(set) var total: Int64 = 0

    /// When the latest event was; the distant past where there is none.
    var latest: Int64 {
        guard count > 0, let base else { return .min }
        return base[place(count &- 1)].time
    }

    /// Forgets what happened at or before `instant`.
    mutating func expire(through instant: Int64) {
        guard let base else { return }
        while count > 0, base[head].time <= instant {
            total &-= base[head].events
            head = head &+ 1 == capacity ? 0 : head &+ 1
            count &-= 1
        }
    }

    /// Counts one event. Times do not go back.
    mutating func add(at now: Int64, shape: Shape) {
        if count > 0, let base {
            let last = place(count &- 1)
            if base[last].time >= now || base[last].events < shape.eventsPerEntry {
                base[last].time = Swift.max(base[last].time, now)
                base[last].events &+= 1
                total &+= 1
                return
            }
        }
        if count == capacity { makeRoom(shape) }
        guard let base else { return }
        base[place(count)] = Entry(time: now, events: 1)
        count &+= 1
        total &+= 1
    }

    mutating func deallocate() {
        base?.deallocate()
        self = EventRing()
    }

    private func place(_ offset: Int) -> Int {
        let sum = head &+ offset
        return sum >= capacity ? sum &- capacity : sum
    }

    /// Grows up to the shape's size; after that the oldest entry goes.
    private mutating func makeRoom(_ shape: Shape) {
        if let base, capacity >= shape.entries {
            total &-= base[head].events
            head = head &+ 1 == capacity ? 0 : head &+ 1
            count &-= 1
            return
        }
        let grown = Swift.min(Swift.max(capacity * 2, Self.firstCapacity), shape.entries)
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: grown)
        if let base {
            for offset in 0..<count { entries[offset] = base[place(offset)] }
            base.deallocate()
        }
        base = entries
        capacity = grown
        head = 0
    }
}
