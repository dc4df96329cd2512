/// Finds the place of a 128-bit key: open addressing with linear probing over preallocated memory, at most half full.
/// Places are numbers below the capacity that the owner gives out; a key may stand at several places.
///
/// Keys are expected to be mixed already (`SipHash`): their low bits are the hash.
final class DigestIndex {
    let capacity: Int
    private let keys: UnsafeMutablePointer<Digest>
    /// Place plus one; 0 where a slot is empty.
    private let slots: UnsafeMutablePointer<Int32>
    private let mask: Int

    init(capacity: Int) {
        self.capacity = capacity
        keys = .allocate(capacity: Swift.max(capacity, 1))
        var size = 2
        while size < capacity * 2 { size *= 2 }
        mask = size - 1
        slots = .allocate(capacity: size)
        slots.initialize(repeating: 0, count: size)
    }

    deinit {
        keys.deallocate()
        slots.deallocate()
    }

    /// The key at a place that is taken.
    func key(at place: Int) -> Digest { keys[place] }

    /// The first place of a key; -1 where it stands nowhere.
    func find(_ key: Digest) -> Int {
        var probe = start(key)
        return next(key, &probe)
    }

    /// Where to look for a key: what `next` takes.
    func start(_ key: Digest) -> Int { Int(truncatingIfNeeded: key.low) & mask }

    /// The next place of a key from `probe` on; -1 where there is none.
    func next(_ key: Digest, _ probe: inout Int) -> Int {
        while slots[probe] != 0 {
            let place = Int(slots[probe]) &- 1
            probe = (probe &+ 1) & mask
            if keys[place] == key { return place }
        }
        return -1
    }

    /// Puts a key at a place that is free.
    func insert(_ key: Digest, at place: Int) {
        var slot = start(key)
        while slots[slot] != 0 { slot = (slot &+ 1) & mask }
        slots[slot] = Int32(truncatingIfNeeded: place &+ 1)
        keys[place] = key
    }

    /// Frees a place that is taken. Keys behind it move up, so that no search meets a gap before its end.
    func remove(at place: Int) {
        var hole = start(keys[place])
        while Int(slots[hole]) != place &+ 1 { hole = (hole &+ 1) & mask }
        var slot = (hole &+ 1) & mask
        while slots[slot] != 0 {
            let home = start(keys[Int(slots[slot]) &- 1])
            if (slot &- home) & mask >= (slot &- hole) & mask {
                slots[hole] = slots[slot]
                hole = slot
            }
            slot = (slot &+ 1) & mask
        }
        slots[hole] = 0
    }

    func removeAll() { slots.update(repeating: 0, count: mask + 1) }
}
