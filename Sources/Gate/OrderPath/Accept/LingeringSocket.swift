import CLinux
import Glibc

/// The socket of a connection that has said its last. A socket that is closed while bytes of the peer wait unread resets the
/// connection, and the peer may never see the GOAWAY: so what it still sends is read and thrown away, for a moment.
final class LingeringSocket: EventTarget {
    private let descriptor: Int32
    private unowned let path: OrderPath
    private var registration = Registration.none
    private var timer = TimerID.none
    private var bytesLeft = 4_194_304

    /// How long the peer has to close.
    private static let patience: Int64 = 1_000_000_000

    init(owning descriptor: Int32, path: OrderPath) throws(SystemError) {
        self.descriptor = descriptor
        self.path = path
        super.init()
        shutdown(descriptor, Int32(SHUT_WR))
        registration = try path.loop.register(descriptor, events: EPOLLIN.rawValue, target: self)
        timer = path.loop.schedule(at: path.loop.now + Self.patience, target: self, context: 0)
    }

    override package func ready(_ events: UInt32) {
        switch Sockets.receive(from: descriptor, into: path.scratch) {
        case .bytes(let count):
            bytesLeft -= count
            if bytesLeft < 0 { shut() }
        case .wouldBlock: break
        case .ended, .failed: shut()
        }
    }

    override package func fired(_ context: UInt64) { shut() }

    func shut() {
        path.loop.cancel(timer)
        path.loop.deregister(registration)
        close(descriptor)
        path.lingered(self)
    }
}
