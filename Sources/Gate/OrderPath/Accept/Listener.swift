import CLinux
import Glibc

/// The socket that strategies dial.
package final class Listener: EventTarget {
    private let descriptor: Int32
    private var registration = Registration.none
    private unowned let path: OrderPath
    private var isOpen = true
    private var timer = TimerID.none
    private let address: ResolvedAddress?
    /// A descriptor kept in reserve, so that a connection can be taken and closed when all others are used up.
    private var reserve: Int32

    /// Connections taken in one turn, so that a flood of them does not keep the others waiting.
    private static let acceptsPerTurn = 16

    init(owning descriptor: Int32, path: OrderPath) throws(SystemError) {
        self.descriptor = descriptor
        self.path = path
        address = try? .bound(to: descriptor)
        reserve = Self.openReserve()
        super.init()
        registration = try path.loop.register(descriptor, events: EPOLLIN.rawValue, target: self)
    }

    deinit {
        shut()
    }

    private static func openReserve() -> Int32 { gate_open("/dev/null", O_RDONLY | O_CLOEXEC, 0) }

    override package func ready(_ events: UInt32) {
        for _ in 0..<Self.acceptsPerTurn {
            do throws(SystemError) {
                guard let client = try Sockets.accept(descriptor) else { return }
                path.accept(client, isUnix: address?.isUnix == true)
            } catch {
                shedOne()
                pause()
                return
            }
        }
    }

    /// No descriptor is left: one that waits learns it at once.
    private func shedOne() {
        path.metrics.http2Errors.add(HTTP2ErrorLabels(side: .client, kind: .outOfDescriptors))
        if reserve >= 0 { close(reserve) }
        if let client = try? Sockets.accept(descriptor) { close(client) }
        reserve = Self.openReserve()
    }

    /// The others wait in the kernel's queue: they would wake the loop again and again, and to no end.
    private func pause() {
        path.loop.modify(registration, events: 0)
        timer = path.loop.schedule(
            at: path.loop.now + path.configuration.acceptPause, target: self, context: 0)
    }

    override package func fired(_ context: UInt64) {
        path.loop.modify(registration, events: EPOLLIN.rawValue)
    }

    func shut() {
        guard isOpen else { return }
        isOpen = false
        path.loop.cancel(timer)
        path.loop.deregister(registration)
        close(descriptor)
        if reserve >= 0 { close(reserve) }
        if let address, address.isUnix { try? Sockets.removeStale(address) }
    }
}
