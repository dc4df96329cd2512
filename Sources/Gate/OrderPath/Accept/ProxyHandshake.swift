import CLinux
import Glibc

/// A connection of which the PROXY header has not come yet. It takes from the socket what belongs to the header and not a byte
/// more, and hands the socket on.
final class ProxyHandshake: EventTarget {
    private let descriptor: Int32
    private let origin: ClientOrigin
    private unowned let path: OrderPath
    private var registration = Registration.none
    private var timer = TimerID.none
    private let header = UnsafeMutableRawBufferPointer.allocate(byteCount: ProxyHeader.longestHeader, alignment: 8)
    private var count = 0
    private var isOver = false

    /// Takes the socket over.
    init(owning descriptor: Int32, origin: ClientOrigin, path: OrderPath) throws(SystemError) {
        self.descriptor = descriptor
        self.origin = origin
        self.path = path
        super.init()
        registration = try path.loop.register(descriptor, events: EPOLLIN.rawValue, target: self)
        timer = path.loop.schedule(at: path.loop.now + path.configuration.proxyTimeout, target: self, context: 0)
    }

    deinit {
        header.deallocate()
        if !isOver { close(descriptor) }
    }

    override func ready(_ events: UInt32) {
        let room = UnsafeMutableRawBufferPointer(rebasing: header[count...])
        // Looked at and left there, until it is known how many of these bytes are the header's.
        let seen = retryingInterrupts { recv(descriptor, room.baseAddress, room.count, Int32(MSG_PEEK)) }
        guard seen > 0 else {
            if seen == 0 || errno != EAGAIN { refuse() }
            return
        }
        switch ProxyHeader.parse(UnsafeRawBufferPointer(rebasing: header[..<(count + seen)])) {
        case .incomplete: take(seen)
        case .malformed: refuse()
        case .header(let length, let source):
            take(length - count)
            guard !isOver else { return }
            end()
            var origin = origin
            if source != .unknown { origin.name = NameText(source.description) }
            path.admit(descriptor, origin)
        }
    }

    /// Takes bytes off the socket that were looked at before.
    private func take(_ size: Int) {
        let taken = retryingInterrupts { recv(descriptor, header.baseAddress.map { $0 + count }, size, 0) }
        guard taken == size else { return refuse() }
        count += size
    }

    override func fired(_ context: UInt64) { refuse() }

    /// Closes a connection that did not begin as it must.
    private func refuse() {
        path.metrics.refusedConnections.add(.proxyHeader)
        shut()
    }

    func shut() {
        guard !isOver else { return }
        end()
        close(descriptor)
    }

    private func end() {
        isOver = true
        path.loop.cancel(timer)
        path.loop.deregister(registration)
        path.handshakeEnded(self)
    }
}
