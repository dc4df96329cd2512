/// Sliding windows of one kind: a ring of events per window and key, found by hash. A window outlives the rule set where
/// the next one has a window of the same identity.
///
/// An event at time t is in a window of length w as long as `now - w < t`. The keys of a window stand in the order of their
/// latest events, so that those whose events are all over are found at once and make room: two at most an event, however
/// many there are. The first entries of every key are in memory that was taken at the start.
final class WindowTable<Amount: FixedWidthInteger & BitwiseCopyable> {
    typealias Ring = EventRing<Amount>

    /// A window of a rule set.
    struct Window: BitwiseCopyable {
        var identity: RuleSet.WindowKey
        /// What it counts by.
        var per: RuleKey
        var length: Int64
        var shape: RingShape
    }
    struct Slot: BitwiseCopyable {
        var length: Int64 = 0
        var per = RuleKey.account
        var shape = RingShape.exact
        var isUsed = false
        /// The keys, the longest untouched first; -1 where there are none.
        var first: Int32 = -1
        var last: Int32 = -1
        /// Until then an event that found no room for its key would be in the window.
        var lostUntil = Int64.min
    }
    struct Key: BitwiseCopyable {
        var slot: Int32
        var next: Int32
        var previous: Int32
        var ring: Ring
    }
    private static var firstEntries: Int { 4 }
    /// Keys given back an event; one is needed to keep up with new ones.
    private static var sweep: Int { 2 }
    /// Windows that a full table looks at for a key whose events are over.
    private static var slotSweep: Int { 16 }

    private let capacity: Int
    let keys: UnsafeMutablePointer<Key>
    private let entries: UnsafeMutablePointer<Ring.Entry>
    let index: DigestIndex
    private var used = 0
    private var firstFree: Int32 = -1
    private var hand = 0
    /// In the order of their identities.
    private(set) var known: [(identity: RuleSet.WindowKey, slot: Int32)] = []
    private var slotCount = 0
    private var slotCapacity = 16
    private(set) var slots: UnsafeMutablePointer<Slot>

    init(capacity: Int) {
        self.capacity = Swift.max(capacity, 1)
        keys = .allocate(capacity: self.capacity)
        entries = .allocate(capacity: self.capacity * Self.firstEntries)
        index = DigestIndex(capacity: self.capacity)
        slots = .allocate(capacity: slotCapacity)
    }

    deinit {
        for place in 0..<used where keys[place].slot >= 0 { keys[place].ring.deallocate() }
        keys.deallocate()
        entries.deallocate()
        slots.deallocate()
    }

    /// Goes over to the windows of a rule set and returns the slot of each. Windows of the same identity go on; the
    /// events of those that are gone are forgotten.
    /// - Parameter windows: in the order of their identities, so that one pass finds those that go on.
    func install(_ windows: [Window]) -> [Int32] {
        for slot in 0..<slotCount { slots[slot].isUsed = false }
        var next = [Int32](repeating: -1, count: windows.count)
        var place = 0
        for (index, window) in windows.enumerated() {
            while place < known.count, known[place].identity < window.identity { place += 1 }
            guard place < known.count, known[place].identity == window.identity else { continue }
            next[index] = known[place].slot
            slots[Int(known[place].slot)].isUsed = true
        }
        for slot in 0..<slotCount where !slots[slot].isUsed {
            while slots[slot].first >= 0 { remove(Int(slots[slot].first)) }
            slots[slot] = Slot()
        }
        var unused = (0..<slotCount).filter { !slots[$0].isUsed }
        for (index, window) in windows.enumerated() {
            if next[index] < 0 { next[index] = Int32(unused.popLast() ?? newSlot()) }
            let slot = slots + Int(next[index])
            slot.pointee.length = window.length
            slot.pointee.per = window.per
            slot.pointee.shape = window.shape
            slot.pointee.isUsed = true
        }
        known = zip(windows, next).map { ($0.identity, $1) }
        return next
    }

    /// Adds an event and returns the key's total; nil where there is no room for another key: the total is then not known,
    /// nor that of other keys that the window has not seen, until the event would have left it.
    func add(_ amount: Amount, slot: Int32, key: Digest, now: Int64) -> Amount? {
        let window = slots + Int(slot)
        var passed = 0
        while passed < Self.sweep, isOver(window.pointee.first, now: now) {
            remove(Int(window.pointee.first))
            passed &+= 1
        }
        var place = index.find(key)
        if place >= 0 {
            if keys[place].next >= 0 {
                unlink(place)
                linkLast(place, window)
            }
        } else {
            guard makeRoom(now: now) else {
                window.pointee.lostUntil = Self.end(of: now, window.pointee.length)
                return nil
            }
            place = takePlace()
            let memory = entries + place * Self.firstEntries
            (keys + place).initialize(
                to: Key(slot: slot, next: -1, previous: -1, ring: Ring(first: memory, capacity: Self.firstEntries)))
            index.insert(key, at: place)
            linkLast(place, window)
        }
        keys[place].ring.expire(through: now &- window.pointee.length)
        keys[place].ring.add(amount, at: now, shape: window.pointee.shape)
        return keys[place].ring.total
    }

    /// A key's total in the window; nil where the key is not there and it is not known, or could not be kept, what it has.
    func total(slot: Int32, key: Digest, now: Int64) -> Amount? {
        let place = index.find(key)
        guard place >= 0 else { return now < slots[Int(slot)].lostUntil || !makeRoom(now: now) ? nil : 0 }
        keys[place].ring.expire(through: now &- slots[Int(slot)].length)
        return keys[place].ring.total
    }

    /// Takes back what was added at an instant.
    func remove(_ amount: Amount, at instant: Int64, key: Digest) {
        let place = index.find(key)
        if place >= 0 { keys[place].ring.remove(amount, at: instant) }
    }

    /// Forgets all events of a key.
    func forget(_ key: Digest) {
        let place = index.find(key)
        if place >= 0 { remove(place) }
    }

    static func end(of now: Int64, _ length: Int64) -> Int64 {
        let (end, overflow) = now.addingReportingOverflow(length)
        return overflow ? .max : end
    }

    /// Whether a key is there whose events have all left the window.
    func isOver(_ place: Int32, now: Int64) -> Bool {
        guard place >= 0 else { return false }
        let key = keys + Int(place)
        return key.pointee.ring.latest <= now &- slots[Int(key.pointee.slot)].length
    }

    /// Whether there is room for another key, made by giving back one that is over if need be.
    private func makeRoom(now: Int64) -> Bool {
        if firstFree >= 0 || used < capacity { return true }
        for _ in 0..<Swift.min(Self.slotSweep, slotCount) {
            hand = hand &+ 1 >= slotCount ? 0 : hand &+ 1
            if isOver(slots[hand].first, now: now) {
                remove(Int(slots[hand].first))
                return true
            }
        }
        return false
    }

    /// A free place; there is one.
    private func takePlace() -> Int {
        guard firstFree >= 0 else {
            used &+= 1
            return used &- 1
        }
        let place = Int(firstFree)
        firstFree = keys[place].next
        return place
    }

    private func remove(_ place: Int) {
        index.remove(at: place)
        unlink(place)
        keys[place].ring.deallocate()
        keys[place].slot = -1
        keys[place].next = firstFree
        firstFree = Int32(truncatingIfNeeded: place)
    }

    private func linkLast(_ place: Int, _ window: UnsafeMutablePointer<Slot>) {
        let last = window.pointee.last
        keys[place].previous = last
        keys[place].next = -1
        window.pointee.last = Int32(truncatingIfNeeded: place)
        if last >= 0 {
            keys[Int(last)].next = window.pointee.last
        } else {
            window.pointee.first = window.pointee.last
        }
    }

    private func unlink(_ place: Int) {
        let (previous, next) = (keys[place].previous, keys[place].next)
        let window = slots + Int(keys[place].slot)
        if previous >= 0 { keys[Int(previous)].next = next } else { window.pointee.first = next }
        if next >= 0 { keys[Int(next)].previous = previous } else { window.pointee.last = previous }
    }

    private func newSlot() -> Int {
        if slotCount == slotCapacity {
            let grown = UnsafeMutablePointer<Slot>.allocate(capacity: slotCapacity * 2)
            grown.moveInitialize(from: slots, count: slotCount)
            slots.deallocate()
            slots = grown
            slotCapacity *= 2
        }
        (slots + slotCount).initialize(to: Slot())
        slotCount += 1
        return slotCount - 1
    }
}
