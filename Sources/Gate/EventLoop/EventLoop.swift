import CLinux
import Glibc

/// A descriptor's place in an event loop. The generation tells a late event of a closed descriptor from one of the
/// descriptor that took its place.
package struct Registration: BitwiseCopyable, Equatable {
    var slot: UInt32
    var generation: UInt32
    package static let none = Registration(slot: .max, generation: 0)
}

/// One thread's loop over epoll (level-triggered), timers of a millisecond and wake-ups from other threads.
///
/// It works in turns: wait, `turnBegan`, events, timers, `turnEnded`. Everything belongs to the thread that runs it; only `waker`
/// may be touched from elsewhere.
package final class EventLoop {
    /// Monotonic nanoseconds, read once per turn and by `readClock`.
    package var now: Int64 { clock }
    /// Wakes the loop from any thread.
    package let waker: LoopWaker
    /// Hears of each turn's begin and end. Unowned: it outlives the loop's run.
    package var turnTarget: Unmanaged<EventTarget>?

    // Not seen by other modules: the compiler then knows all that is done with it, and checks no access at run time.
    private var clock: Int64
    private let epoll: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    private var slots: UnsafeMutablePointer<Slot>
    private var slotCapacity: Int
    private var firstFree: UInt32
    private let timers: TimerWheel
    private let spin: Int64
    /// Until when the loop does not sleep.
    private var awakeUntil: Int64 = 0
    private var running = false
    private var mustNotWait = false

    private static let eventCapacity = 256
    private static let wakeToken = UInt64.max

    private struct Slot: BitwiseCopyable {
        var target: Unmanaged<EventTarget>?
        var descriptor: Int32
        var generation: UInt32
        var nextFree: UInt32
    }

    /// Throws where the kernel gives no epoll or eventfd descriptor.
    /// - Parameters:
    ///   - waker: made beforehand where other threads must know it before the loop exists.
    ///   - spin: nanoseconds after the last event in which the loop asks for the next without sleeping.
    package init(waker: LoopWaker? = nil, spin: Int64 = 0) throws(SystemError) {
        self.spin = spin
        epoll = try checked("epoll_create1") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        self.waker = if let waker { waker } else { try LoopWaker() }
        events = .allocate(capacity: Self.eventCapacity)
        slotCapacity = 256
        slots = .allocate(capacity: slotCapacity)
        firstFree = 0
        clock = gate_monotonic_ns()
        timers = TimerWheel(now: clock)
        Self.chainFree(slots, from: 0, to: slotCapacity)
        var event = gate_epoll_event(EPOLLIN.rawValue, Self.wakeToken)
        let wakeup = self.waker.descriptor
        try checked("epoll_ctl") { epoll_ctl(epoll, EPOLL_CTL_ADD, wakeup, &event) }
    }

    deinit {
        events.deallocate()
        slots.deallocate()
        close(epoll)
    }

    /// Reads the monotonic clock into `now`.
    @discardableResult
    package func readClock() -> Int64 {
        clock = gate_monotonic_ns()
        return clock
    }

    // MARK: Descriptors

    /// Watches `descriptor` for `events`; `target.ready` is called while any of them holds.
    package func register(
        _ descriptor: Int32, events: UInt32, target: EventTarget
    ) throws(SystemError) -> Registration {
        if firstFree == .max { growSlots() }
        let index = firstFree
        let slot = slots + Int(index)
        var event = gate_epoll_event(events, Self.token(index, slot.pointee.generation))
        try checked("epoll_ctl") { epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) }
        firstFree = slot.pointee.nextFree
        slot.pointee.target = .passUnretained(target)
        slot.pointee.descriptor = descriptor
        return Registration(slot: index, generation: slot.pointee.generation)
    }

    /// Changes what a descriptor is watched for. A registration that is gone is left alone.
    package func modify(_ registration: Registration, events: UInt32) {
        guard let slot = live(registration) else { return }
        var event = gate_epoll_event(events, Self.token(registration.slot, registration.generation))
        _ = epoll_ctl(epoll, EPOLL_CTL_MOD, slot.pointee.descriptor, &event)
    }

    /// Ends the watch; call it before closing the descriptor. Events of this turn that still wait are dropped.
    package func deregister(_ registration: Registration) {
        guard let slot = live(registration) else { return }
        var event = gate_epoll_event(0, 0)
        _ = epoll_ctl(epoll, EPOLL_CTL_DEL, slot.pointee.descriptor, &event)
        slot.pointee.target = nil
        slot.pointee.generation &+= 1
        slot.pointee.nextFree = firstFree
        firstFree = registration.slot
    }

    private func live(_ registration: Registration) -> UnsafeMutablePointer<Slot>? {
        guard registration.slot < slotCapacity else { return nil }
        let slot = slots + Int(registration.slot)
        return slot.pointee.generation == registration.generation && slot.pointee.target != nil ? slot : nil
    }

    private static func token(_ slot: UInt32, _ generation: UInt32) -> UInt64 {
        UInt64(generation) << 32 | UInt64(slot)
    }

    private static func chainFree(_ slots: UnsafeMutablePointer<Slot>, from: Int, to: Int) {
        for index in from..<to {
            let next = index + 1 < to ? UInt32(index + 1) : UInt32.max
            (slots + index).initialize(to: Slot(target: nil, descriptor: -1, generation: 0, nextFree: next))
        }
    }

    private func growSlots() {
        let capacity = slotCapacity * 2
        let grown = UnsafeMutablePointer<Slot>.allocate(capacity: capacity)
        grown.moveInitialize(from: slots, count: slotCapacity)
        slots.deallocate()
        Self.chainFree(grown, from: slotCapacity, to: capacity)
        firstFree = UInt32(slotCapacity)
        slots = grown
        slotCapacity = capacity
    }

    // MARK: Timers

    /// Calls `target.fired(context)` once, in the first turn at or after `deadline` (monotonic nanoseconds; resolution
    /// one millisecond, never early).
    package func schedule(at deadline: Int64, target: EventTarget, context: UInt64) -> TimerID {
        timers.schedule(at: deadline, target: target, context: context)
    }

    /// Forgets a timer. One that has fired or was cancelled is left alone.
    package func cancel(_ timer: TimerID) {
        timers.cancel(timer)
    }

    // MARK: Running

    /// Runs turns until `stop` is called.
    package func run() {
        running = true
        while running { turn(wait: true) }
    }

    /// Ends `run` after the turn under way. Call it on the loop's own thread.
    package func stop() {
        running = false
    }

    /// The next turn follows this one at once: something was left over.
    package func runAgain() {
        mustNotWait = true
    }

    /// One turn. Without `wait` it only takes what is ready already.
    package func turn(wait: Bool) {
        let count = nextEvents(wait: wait)
        mustNotWait = false
        clock = gate_monotonic_ns()
        let turnTarget = turnTarget
        var index = 0
        while index < Int(count) {
            if gate_epoll_token(events + index) == Self.wakeToken { waker.drain() }
            index += 1
        }
        waker.clear()
        turnTarget?._withUnsafeGuaranteedRef { $0.turnBegan() }
        index = 0
        while index < Int(count) {
            dispatch(events + index)
            index += 1
        }
        timers.fire(now: clock)
        turnTarget?._withUnsafeGuaranteedRef { $0.turnEnded() }
    }

    /// Waits for events or the next timer, awake at first where the loop spins.
    private func nextEvents(wait: Bool) -> Int32 {
        guard wait, !mustNotWait else { return poll(timeout: 0) }
        var now = gate_monotonic_ns()
        while now < awakeUntil {
            let count = poll(timeout: 0)
            now = gate_monotonic_ns()
            if count > 0 { awakeUntil = now &+ spin }
            if count != 0 || timers.millisecondsToNext(now: now) == 0 { return count }
        }
        let count = poll(timeout: timers.millisecondsToNext(now: now))
        if spin > 0, count > 0 { awakeUntil = gate_monotonic_ns() &+ spin }
        return count
    }

    private func poll(timeout: Int32) -> Int32 {
        retryingInterrupts { epoll_wait(epoll, events, Int32(Self.eventCapacity), timeout) }
    }

    private func dispatch(_ event: UnsafeMutablePointer<epoll_event>) {
        let token = gate_epoll_token(event)
        if token == Self.wakeToken { return }
        let registration = Registration(
            slot: UInt32(truncatingIfNeeded: token), generation: UInt32(truncatingIfNeeded: token >> 32))
        guard let slot = live(registration), let target = slot.pointee.target else { return }
        let events = event.pointee.events
        target._withUnsafeGuaranteedRef { $0.ready(events) }
    }
}
