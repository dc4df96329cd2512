/// The sliding windows that rate rules count in: one ring of events per window and key (account, strategy, symbol or
/// connection), found by hash. A window outlives the rule set where the next one has a window of the same identity.
///
/// An event at time t is in a window of length w as long as `now - w < t`.
final class RateWindows {
    private struct Window {
        var identity: String
        var slot: Int32
    }
    private struct Slot: BitwiseCopyable {
        var length: Int64
        var shape: EventRing.Shape
        var isUsed: Bool
    }
    private struct Key: BitwiseCopyable {
        var slot: Int32
        var ring: EventRing
    }
    /// How many keys a full table looks at for one whose events are all over.
    private static let sweep = 16

    private let seed: UInt64
    private let capacity: Int
    private let keys: UnsafeMutablePointer<Key>
    private let index: DigestIndex
    private var free: [Int32]
    private var used = 0
    private var hand = 0
    private var windows: [Window] = []
    private var slotCount = 0
    private var slotCapacity = 16
    private var slots: UnsafeMutablePointer<Slot>

    init(capacity: Int, seed: UInt64) {
        self.capacity = capacity
        self.seed = seed
        keys = .allocate(capacity: Swift.max(capacity, 1))
        index = DigestIndex(capacity: capacity)
        free = []
        slots = .allocate(capacity: slotCapacity)
    }

    deinit {
        for place in 0..<used { keys[place].ring.deallocate() }
        keys.deallocate()
        slots.deallocate()
    }

    /// Goes over to the windows of a rule set and returns the slot of each. Windows of the same identity go on; the
    /// events of those that are gone are forgotten.
    func install(_ ruleSet: RuleSet) -> [Int32] {
        for slot in 0..<slotCount { slots[slot].isUsed = false }
        let known = Dictionary(windows.map { ($0.identity, $0.slot) }, uniquingKeysWith: { first, _ in first })
        var next: [Window] = []
        for window in ruleSet.windows {
            let rule = ruleSet.rules[Int(window.ruleIndex)]
            let slot = known[window.identity] ?? freeSlot(besides: known)
            slots[Int(slot)] = Slot(length: rule.window, shape: EventRing.Shape(bound: rule.max), isUsed: true)
            next.append(Window(identity: window.identity, slot: slot))
        }
        windows = next
        for place in 0..<used where keys[place].slot >= 0 && !slots[Int(keys[place].slot)].isUsed { remove(place) }
        return next.map(\.slot)
    }

    /// Counts an event; nil where there is no room for another key: the count is then not known.
    func add(slot: Int32, key: UInt32, now: Int64) -> Int64? {
        let digest = digest(slot: slot, key: key)
        var place = index.find(digest)
        if place < 0 {
            guard let new = freePlace(now: now) else { return nil }
            keys[new] = Key(slot: slot, ring: EventRing())
            index.insert(digest, at: new)
            place = new
        }
        let window = slots[Int(slot)]
        keys[place].ring.expire(through: now &- window.length)
        keys[place].ring.add(at: now, shape: window.shape)
        return keys[place].ring.total
    }

    /// How many events of a key are in the window.
    func count(slot: Int32, key: UInt32, now: Int64) -> Int64 {
        let place = index.find(digest(slot: slot, key: key))
        guard place >= 0 else { return 0 }
        keys[place].ring.expire(through: now &- slots[Int(slot)].length)
        return keys[place].ring.total
    }

    private func digest(slot: Int32, key: UInt32) -> Digest {
        let pair = UInt64(UInt32(bitPattern: slot)) << 32 | UInt64(key)
        return Digest(low: SipHash.spread(pair ^ seed), high: pair)
    }

    private func freePlace(now: Int64) -> Int? {
        if let place = free.popLast() { return Int(place) }
        if used < capacity {
            used += 1
            return used - 1
        }
        for _ in 0..<Swift.min(Self.sweep, capacity) {
            hand = hand + 1 >= capacity ? 0 : hand + 1
            let length = slots[Int(keys[hand].slot)].length
            if keys[hand].ring.latest <= now &- length {
                remove(hand)
                return free.popLast().map(Int.init)
            }
        }
        return nil
    }

    private func remove(_ place: Int) {
        index.remove(at: place)
        keys[place].ring.deallocate()
        keys[place].slot = -1
        free.append(Int32(truncatingIfNeeded: place))
    }

    private func freeSlot(besides known: [String: Int32]) -> Int32 {
        let taken = Set(known.values)
        if let slot = (0..<slotCount).first(where: { !slots[$0].isUsed && !taken.contains(Int32($0)) }) {
            return Int32(slot)
        }
        if slotCount == slotCapacity {
            let grown = UnsafeMutablePointer<Slot>.allocate(capacity: slotCapacity * 2)
            grown.moveInitialize(from: slots, count: slotCount)
            slots.deallocate()
            slots = grown
            slotCapacity *= 2
        }
        slotCount += 1
        return Int32(slotCount - 1)
    }
}
