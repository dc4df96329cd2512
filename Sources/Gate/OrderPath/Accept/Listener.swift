import CLinux
import Glibc

/// The socket that strategies dial.
package final class Listener: EventTarget {
    private let descriptor: Int32
    private var registration = Registration.none
    private unowned let path: OrderPath
    private var isOpen = true
    /// A descriptor kept in reserve, so that a connection can be taken and closed when all others are used up.
    private var reserve: Int32

    /// Connections taken in one turn, so that a flood of them does not keep the others waiting.
    private static let acceptsPerTurn = 16

    init(owning descriptor: Int32, path: OrderPath) throws(SystemError) {
        self.descriptor = descriptor
        self.path = path
        reserve = gate_open("/dev/null", O_RDONLY | O_CLOEXEC, 0)
        super.init()
        registration = try path.loop.register(descriptor, events: EPOLLIN.rawValue, target: self)
    }

    deinit {
        shut()
    }

    override package func ready(_ events: UInt32) {
        for _ in 0..<Self.acceptsPerTurn {
            do throws(SystemError) {
                guard let client = try Sockets.accept(descriptor) else { return }
                path.accept(client)
            } catch {
                shedOne()
                return
            }
        }
    }

    /// No descriptor is left: without this, the waiting connection would wake the loop again at once, for ever.
    private func shedOne() {
        close(reserve)
        if let client = try? Sockets.accept(descriptor) { close(client) }
        reserve = gate_open("/dev/null", O_RDONLY | O_CLOEXEC, 0)
    }

    func shut() {
        guard isOpen else { return }
        isOpen = false
        path.loop.deregister(registration)
        close(descriptor)
        close(reserve)
    }
}
