/// The events of one key in a sliding window: when, and how many or how much. Adds up in amortised constant time.
///
/// A ring holds as many entries as its shape says. Where they do not suffice, the two oldest become one under the later
/// time: the total stays exact and what is old leaves late, which errs towards refusing.
struct EventRing<Amount: FixedWidthInteger & BitwiseCopyable>: BitwiseCopyable {
    struct Entry: BitwiseCopyable {
        var time: Int64
        var amount: Amount
    }

    private let first: UnsafeMutablePointer<Entry>
    private let firstCapacity: Int
    private var base: UnsafeMutablePointer<Entry>
    private var capacity: Int
    private var head = 0
    private var count = 0
    private(set) var total: Amount = 0
    /// Up to when events were forgotten.
    private var expired = Int64.min

    /// - Parameter first: memory of the owner for the first entries; more is allocated when they are not enough.
    init(first: UnsafeMutablePointer<Entry>, capacity: Int) {
        self.first = first
        firstCapacity = capacity
        base = first
        self.capacity = capacity
    }

    /// When the latest event was; the distant past where there is none.
    var latest: Int64 { count > 0 ? base[place(count &- 1)].time : .min }

    /// Entries in use.
    var entries: Int { count }

    /// Forgets what happened at or before `instant`.
    @inline(__always)
    mutating func expire(through instant: Int64) {
        expired = Swift.max(expired, instant)
        while count > 0, base[head].time <= instant {
            total &-= base[head].amount
            head = head &+ 1 == capacity ? 0 : head &+ 1
            count &-= 1
        }
    }

    /// Adds what is not below zero. Times do not go back. A total that would not fit, beyond every bound, stays as it is.
    @inline(__always)
    mutating func add(_ amount: Amount, at now: Int64, shape: RingShape) {
        let (sum, overflow) = total.addingReportingOverflow(amount)
        guard !overflow else { return }
        total = sum
        if count > 0 {
            let last = base + place(count &- 1)
            if last.pointee.time >= now || last.pointee.amount < Amount(truncatingIfNeeded: shape.eventsPerEntry) {
                last.pointee.time = Swift.max(last.pointee.time, now)
                last.pointee.amount &+= amount
                return
            }
        }
        if count == capacity { makeRoom(shape) }
        base[place(count)] = Entry(time: now, amount: amount)
        count &+= 1
    }

    /// Takes back what was added at an instant, unless it was forgotten: it stands in the first entry that is not older.
    mutating func remove(_ amount: Amount, at instant: Int64) {
        guard instant > expired else { return }
        var low = 0
        var high = count
        while low < high {
            let middle = (low &+ high) / 2
            if base[place(middle)].time < instant { low = middle &+ 1 } else { high = middle }
        }
        guard low < count else { return }
        let entry = base + place(low)
        let taken = Swift.min(amount, entry.pointee.amount)
        entry.pointee.amount &-= taken
        total &-= taken
    }

    /// Calls `body` with each entry, the oldest first.
    func forEach(_ body: (Entry) -> Void) {
        for offset in 0..<count { body(base[place(offset)]) }
    }

    mutating func deallocate() {
        if base != first { base.deallocate() }
        self = EventRing(first: first, capacity: firstCapacity)
    }

    private func place(_ offset: Int) -> Int {
        let sum = head &+ offset
        return sum >= capacity ? sum &- capacity : sum
    }

    /// Grows up to the shape's size; after that the two oldest entries become one.
    private mutating func makeRoom(_ shape: RingShape) {
        if capacity >= shape.entries {
            let oldest = base[head].amount
            head = head &+ 1 == capacity ? 0 : head &+ 1
            base[head].amount &+= oldest
            count &-= 1
            return
        }
        let grown = Swift.min(capacity * 2, shape.entries)
        let entries = UnsafeMutablePointer<Entry>.allocate(capacity: grown)
        for offset in 0..<count { (entries + offset).initialize(to: base[place(offset)]) }
        if base != first { base.deallocate() }
        base = entries
        capacity = grown
        head = 0
    }
}

/// How large a ring grows, and how many events share an entry.
struct RingShape: Hashable, BitwiseCopyable {
    private static let fewest: Int128 = 1024
    private static let most: Int128 = 65536

    var entries: Int
    /// An entry that holds fewer takes the next event too.
    var eventsPerEntry: Int64

    /// Up to 4,096 entries, one an event: what sums of money and repetitions are kept in.
    static let exact = RingShape(entries: 4096, eventsPerEntry: 0)

    private init(entries: Int, eventsPerEntry: Int64) {
        self.entries = entries
        self.eventsPerEntry = eventsPerEntry
    }

    /// To know whether a count is above a bound of N, no more than the latest N + 1 events are needed, so the ring holds
    /// that many (and at least 1,024). Bounds of more than 65,535 are kept in as many entries: each takes several events
    /// and counts them at the time of the latest, which errs towards refusing.
    /// - Parameter bound: the count that is still allowed; fractions count as the whole number below.
    init(bound: FixedPoint) {
        let needed = Swift.max(bound.units / FixedPoint.scale, 0) + 2
        let entries = Swift.min(Swift.max(needed, Self.fewest), Self.most)
        self.entries = Int(entries)
        // One entry is being filled and one holds all that is older: the others together hold what is needed.
        let shared = needed <= entries ? 1 : (needed + entries - 3) / (entries - 2)
        eventsPerEntry = Int64(clamping: shared)
    }
}
