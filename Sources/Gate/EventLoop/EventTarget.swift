/// What an event loop calls. Objects that own a descriptor or a timer subclass it; the loop keeps an unowned
/// reference, so an object deregisters and cancels before it dies. Open, because tests subclass it too.
open class EventTarget {
    public init() {}

    /// A registered descriptor is ready. `events` holds epoll's bits (`EPOLLIN`, `EPOLLOUT`, `EPOLLERR`, `EPOLLHUP` …).
    open func ready(_ events: UInt32) {}

    /// A timer that was scheduled with this context is due.
    open func fired(_ context: UInt64) {}

    /// Called on the loop's turn target before the events of a turn: the place to drain mailboxes.
    open func turnBegan() {}

    /// Called on the loop's turn target after the events and timers of a turn: the place to write what was gathered.
    open func turnEnded() {}
}
