import CLinux
import Glibc

/// One level-triggered epoll set. A token is the caller's own; it comes back with each event.
final class Poller {
    private let descriptor: Int32
    private let events: UnsafeMutablePointer<epoll_event>
    private let capacity = 256

    init() throws {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw SystemError("epoll_create1") }
        events = .allocate(capacity: capacity)
    }

    deinit {
        close(descriptor)
        events.deallocate()
    }

    func add(_ socket: Int32, token: UInt64) throws {
        var event = gate_epoll_event(EPOLLIN.rawValue, token)
        guard epoll_ctl(descriptor, EPOLL_CTL_ADD, socket, &event) == 0 else { throw SystemError("epoll_ctl") }
    }

    /// Reports when `socket` takes bytes again, or stops doing so.
    func watchWritable(_ socket: Int32, token: UInt64, _ writable: Bool) {
        var event = gate_epoll_event(writable ? EPOLLIN.rawValue | EPOLLOUT.rawValue : EPOLLIN.rawValue, token)
        epoll_ctl(descriptor, EPOLL_CTL_MOD, socket, &event)
    }

    /// Calls `each` with the token of every ready socket; returns how many there were, 0 when `milliseconds` have passed
    /// without one.
    func wait(milliseconds: Int32, _ each: (UInt64) throws -> Void) throws -> Int {
        let count = epoll_wait(descriptor, events, Int32(capacity), milliseconds)
        guard count >= 0 else {
            if errno == EINTR { return 0 }
            throw SystemError("epoll_wait")
        }
        for index in 0..<Int(count) { try each(gate_epoll_token(events + index)) }
        return Int(count)
    }
}
