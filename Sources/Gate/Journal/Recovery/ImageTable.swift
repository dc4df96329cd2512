import RiskRules

/// Images by their numbers: open addressing over places that are used again, the last freed first. So what few orders at a
/// time work on stays in few places, and nothing is copied to be found.
final class ImageTable {
    private struct Slot: BitwiseCopyable {
        var number: UInt64 = 0
        /// Place plus one; 0 where the slot is empty.
        var place: UInt32 = 0
    }

    private struct State: BitwiseCopyable {
        var slots: UnsafeMutablePointer<Slot>
        /// One less than a power of two; at most half of the slots are taken.
        var mask: Int
        var images: UnsafeMutablePointer<ReservationImage>
        /// Links of places that are free.
        var free: UnsafeMutablePointer<UInt32>
        var capacity: Int
        var firstFree: UInt32 = 0
        /// Places that were ever taken.
        var used = 0
        var count = 0
    }

    private let state: UnsafeMutablePointer<State>

    /// Images at first: it grows where there are more, and few are found in few cache lines.
    private static let firstCapacity = 1024

    init() {
        state = .allocate(capacity: 1)
        state.initialize(to: Self.made(capacity: Self.firstCapacity))
    }

    deinit {
        Self.free(state.pointee)
        state.deallocate()
    }

    private static func made(capacity: Int) -> State {
        var size = 2
        while size < capacity * 2 { size *= 2 }
        let slots = UnsafeMutablePointer<Slot>.allocate(capacity: size)
        slots.initialize(repeating: Slot(), count: size)
        return State(
            slots: slots, mask: size - 1, images: .allocate(capacity: capacity), free: .allocate(capacity: capacity),
            capacity: capacity)
    }

    private static func free(_ state: State) {
        state.slots.deallocate()
        state.images.deallocate()
        state.free.deallocate()
    }

    var count: Int { state.pointee.count }

    /// The image of a number; nil where there is none. Valid until the next call that adds one.
    func find(_ number: UInt64) -> UnsafeMutablePointer<ReservationImage>? {
        let slot = slot(of: number)
        let place = state.pointee.slots[slot].place
        return place == 0 ? nil : state.pointee.images + Int(place - 1)
    }

    /// Puts an image in the place of the one of its number, if there is one; true where there was none.
    @discardableResult
    func update(_ image: ReservationImage) -> Bool {
        if let known = find(image.number) {
            known.pointee = image
            return false
        }
        if state.pointee.count == state.pointee.capacity { grow() }
        let place: UInt32
        if state.pointee.firstFree > 0 {
            place = state.pointee.firstFree
            state.pointee.firstFree = state.pointee.free[Int(place - 1)]
        } else {
            state.pointee.used += 1
            place = UInt32(truncatingIfNeeded: state.pointee.used)
        }
        (state.pointee.images + Int(place - 1)).initialize(to: image)
        state.pointee.slots[slot(of: image.number)] = Slot(number: image.number, place: place)
        state.pointee.count += 1
        return true
    }

    /// Takes an image out. What `find` gave for it stays readable until the next call that adds one.
    func remove(_ number: UInt64) {
        var hole = slot(of: number)
        let place = state.pointee.slots[hole].place
        guard place > 0 else { return }
        state.pointee.free[Int(place - 1)] = state.pointee.firstFree
        state.pointee.firstFree = place
        state.pointee.count -= 1
        // Those behind it move up, so that no search meets a gap before its end.
        let (slots, mask) = (state.pointee.slots, state.pointee.mask)
        var slot = (hole &+ 1) & mask
        while slots[slot].place != 0 {
            if (slot &- home(of: slots[slot].number)) & mask >= (slot &- hole) & mask {
                slots[hole] = slots[slot]
                hole = slot
            }
            slot = (slot &+ 1) & mask
        }
        slots[hole] = Slot()
    }

    /// Calls `body` with each image, in no order.
    func forEach<Failure: Error>(_ body: (ReservationImage) throws(Failure) -> Void) throws(Failure) {
        for slot in 0...state.pointee.mask where state.pointee.slots[slot].place > 0 {
            try body(state.pointee.images[Int(state.pointee.slots[slot].place - 1)])
        }
    }

    /// Where a number stands, or would.
    private func slot(of number: UInt64) -> Int {
        let (slots, mask) = (state.pointee.slots, state.pointee.mask)
        var slot = home(of: number)
        while slots[slot].place != 0, slots[slot].number != number { slot = (slot &+ 1) & mask }
        return slot
    }

    /// Numbers are counted up: a multiplication (Knuth's, by the golden ratio) spreads them.
    private func home(of number: UInt64) -> Int {
        Int(truncatingIfNeeded: number &* 0x9E37_79B9_7F4A_7C15 >> 32) & state.pointee.mask
    }

    private func grow() {
        let old = state.pointee
        state.pointee = Self.made(capacity: old.capacity * 2)
        for slot in 0...old.mask where old.slots[slot].place > 0 {
            update(old.images[Int(old.slots[slot].place - 1)])
        }
        Self.free(old)
    }
}
