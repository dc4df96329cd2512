/// A scheduled timer. The generation makes a stale id harmless.
package struct TimerID: BitwiseCopyable, Equatable {
    var index: UInt32
    var generation: UInt32
    package static let none = TimerID(index: .max, generation: 0)
}

/// A hashed timer wheel of one-millisecond ticks: scheduling and cancelling cost O(1) and allocate nothing once the
/// node pool has grown to the largest number of timers alive at once (Varghese and Lauck, 1987, scheme 6).
package final class TimerWheel {
    private struct Node: BitwiseCopyable {
        var target: Unmanaged<EventTarget>?
        var context: UInt64
        var tick: Int64
        var generation: UInt32
        var next: UInt32
        var previous: UInt32
    }

    private static let tickLength: Int64 = 1_000_000
    private static let slotCount = 4096
    private static let none = UInt32.max

    private let heads: UnsafeMutablePointer<UInt32>
    /// One bit a slot: set where its list is not empty.
    private let occupied: UnsafeMutablePointer<UInt64>
    private var nodes: UnsafeMutablePointer<Node>
    private var capacity: Int
    private var firstFree: UInt32
    /// The last tick whose slot was served.
    private var served: Int64
    private var alive = 0

    package init(now: Int64) {
        heads = .allocate(capacity: Self.slotCount)
        heads.initialize(repeating: Self.none, count: Self.slotCount)
        occupied = .allocate(capacity: Self.slotCount / 64)
        occupied.initialize(repeating: 0, count: Self.slotCount / 64)
        capacity = 256
        nodes = .allocate(capacity: capacity)
        firstFree = Self.none
        served = now / Self.tickLength
        chainFree(from: 0, to: capacity)
    }

    deinit {
        heads.deallocate()
        occupied.deallocate()
        nodes.deallocate()
    }

    package func schedule(at deadline: Int64, target: EventTarget, context: UInt64) -> TimerID {
        if firstFree == Self.none { grow() }
        let index = firstFree
        let node = nodes + Int(index)
        firstFree = node.pointee.next
        // Rounded up, so that a timer never fires early; a deadline in the past is due at the next tick.
        let (sum, overflow) = deadline.addingReportingOverflow(Self.tickLength - 1)
        let tick = max(overflow ? Int64.max / Self.tickLength : sum / Self.tickLength, served + 1)
        let slot = Self.slot(of: tick)
        node.pointee.target = .passUnretained(target)
        node.pointee.context = context
        node.pointee.tick = tick
        node.pointee.previous = Self.none
        node.pointee.next = heads[slot]
        if heads[slot] != Self.none { nodes[Int(heads[slot])].previous = index }
        heads[slot] = index
        occupied[slot >> 6] |= 1 << UInt64(slot & 63)
        alive += 1
        return TimerID(index: index, generation: node.pointee.generation)
    }

    package func cancel(_ timer: TimerID) {
        guard timer.index < capacity else { return }
        let node = nodes + Int(timer.index)
        guard node.pointee.generation == timer.generation, node.pointee.target != nil else { return }
        remove(timer.index)
    }

    /// Fires what is due. A timer that is scheduled or cancelled by one that fires is respected in the same call.
    package func fire(now: Int64) {
        let current = now / Self.tickLength
        guard current > served else { return }
        guard alive > 0 else {
            served = current
            return
        }
        // One round serves every slot, however long the loop has slept.
        var tick = max(served + 1, current - Int64(Self.slotCount) + 1)
        while tick <= current {
            served = tick
            let slot = Self.slot(of: tick)
            if occupied[slot >> 6] & (1 << UInt64(slot & 63)) != 0 { fire(slot: slot, current: current) }
            tick += 1
        }
    }

    /// How long epoll may wait: -1 without timers, else milliseconds until the next occupied slot (whose timers may
    /// belong to a later round: waking early is harmless).
    package func millisecondsToNext(now: Int64) -> Int32 {
        guard alive > 0 else { return -1 }
        let start = Self.slot(of: served + 1)
        var distance = 0
        while distance < Self.slotCount {
            let slot = (start + distance) & (Self.slotCount - 1)
            let word = occupied[slot >> 6] >> UInt64(slot & 63)
            if word != 0 {
                distance += word.trailingZeroBitCount
                break
            }
            distance += 64 - (slot & 63)
        }
        let due = (served + 1 + Int64(distance)) * Self.tickLength
        let wait = (due - now + Self.tickLength - 1) / Self.tickLength
        return Int32(clamping: max(0, wait))
    }

    private func fire(slot: Int, current: Int64) {
        var index = heads[slot]
        while index != Self.none {
            let node = nodes[Int(index)]
            if node.tick <= current, let target = node.target {
                remove(index)
                target._withUnsafeGuaranteedRef { $0.fired(node.context) }
                // The callback may have changed this slot's list anywhere: begin again at its head.
                index = heads[slot]
            } else {
                index = node.next
            }
        }
    }

    private func remove(_ index: UInt32) {
        let node = nodes + Int(index)
        let slot = Self.slot(of: node.pointee.tick)
        if node.pointee.previous == Self.none {
            heads[slot] = node.pointee.next
        } else {
            nodes[Int(node.pointee.previous)].next = node.pointee.next
        }
        if node.pointee.next != Self.none { nodes[Int(node.pointee.next)].previous = node.pointee.previous }
        if heads[slot] == Self.none { occupied[slot >> 6] &= ~(1 << UInt64(slot & 63)) }
        node.pointee.target = nil
        node.pointee.generation &+= 1
        node.pointee.next = firstFree
        firstFree = index
        alive -= 1
    }

    private static func slot(of tick: Int64) -> Int {
        Int(truncatingIfNeeded: tick) & (slotCount - 1)
    }

    private func chainFree(from: Int, to: Int) {
        for index in from..<to {
            (nodes + index).initialize(
                to: Node(
                    target: nil, context: 0, tick: 0, generation: 0,
                    next: index + 1 < to ? UInt32(index + 1) : firstFree, previous: Self.none))
        }
        firstFree = UInt32(from)
    }

    private func grow() {
        let grown = UnsafeMutablePointer<Node>.allocate(capacity: capacity * 2)
        grown.moveInitialize(from: nodes, count: capacity)
        nodes.deallocate()
        nodes = grown
        chainFree(from: capacity, to: capacity * 2)
        capacity *= 2
    }
}
