import CLinux
import CNghttp2
import Glibc

/// A socket with an HTTP/2 session on it. Bytes are read as they come; what the session has to say is written once, at the end of
/// the turn, when the owner of the loop calls `flush`.
package class HTTP2Connection: HTTP2Peer {
    final let session: HTTP2Session
    private(set) final var isClosed = false
    /// In the owner's list of connections to flush.
    final var isDirty = false
    /// Set from inside the session's callbacks: the connection is to end for it.
    final var fault: HTTP2Fault?
    /// Its end has been said, and why.
    private(set) final var isClosing = false
    /// Since when the socket has taken nothing of what waits; 0: nothing waits.
    private(set) final var blockedSince: Int64 = 0
    /// Bytes that were read and are for the session's next turn.
    private let unread: UnsafeMutablePointer<ByteQueue>
    /// The socket takes no more for now.
    private(set) final var isBlocked = false

    final let loop: EventLoop
    private let descriptor: Int32
    private var registration = Registration.none
    private var watched: UInt32 = 0
    private let scratch: UnsafeMutableRawBufferPointer
    /// Between the session and the socket; nil: the bytes go as they are.
    final let tls: TLSChannel?

    /// Takes the socket over: it is closed with the connection. `scratch` is a read buffer of the loop.
    init(
        owning descriptor: Int32, loop: EventLoop, scratch: UnsafeMutableRawBufferPointer, session: HTTP2Session,
        tls: TLSChannel?
    ) {
        self.descriptor = descriptor
        self.loop = loop
        self.scratch = scratch
        self.session = session
        self.tls = tls
        unread = .allocate(capacity: 1)
        unread.initialize(to: ByteQueue())
        super.init()
        session.serve(self)
    }

    deinit {
        if !isClosed { close(descriptor) }
        unread.pointee.deallocate()
        unread.deallocate()
    }

    /// What a connection needs before it can be made; where there is no such thing, its socket is closed.
    final class func prepare<Made>(for descriptor: Int32, _ make: () throws -> Made) throws -> Made {
        do {
            return try make()
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Registers the socket for `events`.
    final func watch(_ events: UInt32) throws(SystemError) {
        registration = try loop.register(descriptor, events: events, target: self)
        watched = events
    }

    /// Bytes of the session's output that may have left since the connection began: what the socket has taken, and what was
    /// encrypted for it.
    final var writtenCount: UInt64 { session.serialisedCount &- UInt64(session.output.pointee.count) }

    /// The error with which connecting ended, 0 where it went well.
    final var connectError: Int32 { Sockets.connectError(descriptor) }

    /// This end of the connection.
    final var localAddress: ResolvedAddress? { isClosed ? nil : try? .bound(to: descriptor) }

    // MARK: For subclasses

    /// There is something to write: the owner should flush this connection at the end of the turn.
    func becameDirty() {}

    /// The connection has ended, for good or bad; `session` is still there, the socket is closed.
    func closed() {}

    /// What was gathered is about to be given to the kernel.
    func leaving() {}

    /// The socket takes no more, or takes bytes again.
    func blockedChanged() {}

    /// The session has read what came, and may be entered again.
    func received() {}

    /// Whether the connection closes once all it has to say is written.
    var isDone: Bool { session.isFinished }

    /// Whether the socket can be written to at all (it cannot while it connects).
    var canWrite: Bool { true }

    /// How many of these bytes may go to the session now, and whether the connection ends behind them.
    func admit(_ bytes: UnsafeRawBufferPointer) -> FrameGuard.Verdict {
        FrameGuard.Verdict(count: bytes.count, fault: nil)
    }

    /// The session has taken some bytes.
    func sessionFed() {}

    /// Some bytes were read that wait for the next turn: the owner should call `readAvailable` in it.
    func keptUnread() {}

    /// The socket takes no more bytes for now.
    func blocked() {}

    /// Whether a step of the peer's TLS handshake may be taken in this turn; where not, the next turn asks again.
    var mayShakeHands: Bool { true }

    /// A step of it was taken, in so many nanoseconds.
    func shookHands(for duration: Int64) {}

    /// What has become of the socket once the session has ended in order: it is closed.
    func letGo(_ descriptor: Int32) { close(descriptor) }

    // MARK: Reading

    /// Whether bytes were read that wait for the session.
    final var hasUnread: Bool { !unread.pointee.isEmpty }

    /// Reads what is there (bounded, so that one connection cannot keep the others waiting) and feeds it to the session.
    final func readAvailable() {
        guard !isClosed else { return }
        guard !hasUnread else {
            let count = feed(unread.pointee.bytes)
            unread.pointee.drop(count)
            if hasUnread { keptUnread() }
            return
        }
        if let tls, !tls.isSecure, !mayShakeHands {
            // The socket stays ready, so that the next turn comes here again.
            return
        }
        // Encrypted bytes take one half of the buffer, what is in them the other.
        let room = tls == nil ? scratch : UnsafeMutableRawBufferPointer(rebasing: scratch[..<(scratch.count / 2)])
        switch Sockets.receive(from: descriptor, into: room) {
        case .bytes(let count):
            let bytes = UnsafeRawBufferPointer(rebasing: room[..<count])
            if let tls { receive(bytes, through: tls) } else { receive(bytes) }
        case .wouldBlock: break
        case .ended, .failed: shut()
        }
    }

    /// Serialises at once instead of at the end of the turn. False: that failed, and the connection is closed. Not from inside the
    /// session's own callbacks.
    final func serialise() -> Bool {
        guard !isClosed else { return false }
        do throws(HTTP2Error) {
            try session.pump()
            return true
        } catch {
            failed(error)
            return false
        }
    }

    /// Gives the session what may come in this turn, and keeps the rest for the next.
    private func receive(_ bytes: UnsafeRawBufferPointer) {
        let isFirst = !hasUnread
        let count = isFirst ? feed(bytes) : 0
        guard count < bytes.count, !isClosed else { return }
        _ = unread.pointee.append(UnsafeRawBufferPointer(rebasing: bytes[count...]), limit: .max)
        if isFirst { keptUnread() }
    }

    private func receive(_ bytes: UnsafeRawBufferPointer, through tls: TLSChannel) {
        let isHandshake = !tls.isSecure
        let began = isHandshake ? gate_monotonic_ns() : 0
        let room = UnsafeMutableRawBufferPointer(rebasing: scratch[(scratch.count / 2)...])
        tls.receive(bytes)
        var reading = tls.read(into: room, now: loop.now)
        if isHandshake { shookHands(for: gate_monotonic_ns() - began) }
        // An answer of the handshake may have to leave, whatever else came.
        becameDirty()
        while true {
            switch reading {
            case .bytes(let count): receive(UnsafeRawBufferPointer(rebasing: room[..<count]))
            case .nothing: return
            case .flooded: refuse(.tlsFlood)
            case .ended, .failed:
                if reading == .failed { tlsFailed(tls.failure) }
                _ = Sockets.send(on: descriptor, tls.encrypted.bytes)
                shut()
            }
            guard !isClosed else { return }
            reading = tls.read(into: room, now: loop.now)
        }
    }

    /// Gives the session what may come now; how much that was.
    private func feed(_ bytes: UnsafeRawBufferPointer) -> Int {
        let verdict = admit(bytes)
        do throws(HTTP2Error) {
            try session.receive(UnsafeRawBufferPointer(rebasing: bytes[..<verdict.count]))
            becameDirty()
        } catch {
            failed(error)
            return bytes.count
        }
        sessionFed()
        received()
        if isClosed { return bytes.count }
        guard let fault = fault ?? verdict.fault else { return verdict.count }
        refuse(fault)
        return bytes.count
    }

    override package final var isFaulty: Bool { fault != nil }

    /// The session is beyond help: what it wants to say about it (a GOAWAY) is sent if the socket takes it.
    private func failed(_ error: HTTP2Error) {
        if let fault {
            refuse(fault)
            return
        }
        isClosing = true
        if error.isFlood { session.goAway(.enhanceYourCalm, "too many control frames") }
        protocolFailed(error)
        sayLast()
    }

    /// Ends the connection for a fault of the peer's, which is told if the socket takes it.
    final func refuse(_ fault: HTTP2Fault) {
        guard !isClosed, !isClosing else { return }
        isClosing = true
        session.goAway(fault.code, fault.text)
        refused(fault)
        sayLast()
    }

    /// Sends what the socket takes of what is left to say, and ends.
    private func sayLast() {
        if canWrite {
            try? session.pump()
            while true {
                let bytes = departing()
                guard !bytes.isEmpty, case .bytes(let count) = Sockets.send(on: descriptor, bytes) else { break }
                left(count)
            }
        }
        finish()
    }

    /// TLS with the peer failed; the connection is about to close.
    func tlsFailed(_ reason: String) {}

    /// The peer broke the protocol; the connection is about to close.
    func protocolFailed(_ error: HTTP2Error) {}

    /// The connection is about to close for this.
    func refused(_ fault: HTTP2Fault) {}

    // MARK: Writing

    /// Fills a frame with what the other side of a call has sent so far. nil: there is nothing yet, and there may be more.
    final func fill(
        _ room: UnsafeMutableRawBufferPointer, of stream: Int32, from body: inout ByteQueue, ended: Bool,
        trailers: HeaderBlock, taken: inout Int
    ) -> Data? {
        taken = body.take(into: room)
        guard body.isEmpty, ended else {
            return taken == 0 && !ended ? nil : Data(count: taken, ended: false, trailersFollow: false)
        }
        guard trailers.count > 0 else { return Data(count: taken, ended: true, trailersFollow: false) }
        _ = nghttp2_submit_trailer(session.raw, stream, trailers.pointer, trailers.count)
        return Data(count: taken, ended: true, trailersFollow: true)
    }

    /// Serialises and writes until the session has no more or the socket takes no more.
    final func flush() {
        guard !isClosed else { return }
        guard canWrite else {
            if isDone { shut() }
            return
        }
        // The socket takes no more: what it did not take is still there.
        if watched & EPOLLOUT.rawValue != 0 { return }
        while true {
            guard serialise() else { return }
            let bytes = departing()
            if bytes.isEmpty { break }
            // Stamped before the call: it may wake the receiver on this very core, and return when that has done its work.
            leaving()
            switch Sockets.send(on: descriptor, bytes) {
            case .bytes(let count):
                left(count)
                blockedSince = 0
            case .wouldBlock:
                if blockedSince == 0 { blockedSince = loop.now }
                change(EPOLLIN.rawValue | EPOLLOUT.rawValue)
                setBlocked(true)
                blocked()
                return
            case .ended, .failed:
                shut()
                return
            }
        }
        setBlocked(false)
        if let fault {
            refuse(fault)
        } else if isDone {
            finish()
        }
    }

    /// What the socket is to take next.
    private func departing() -> UnsafeRawBufferPointer {
        guard let tls else { return session.output.pointee.bytes }
        // One piece at a time: what waits encrypted is not bounded by the session.
        if tls.encrypted.isEmpty { tls.write(&session.output.pointee) }
        return tls.encrypted.bytes
    }

    private func left(_ count: Int) {
        if let tls { tls.left(count) } else { session.output.pointee.drop(count) }
    }

    private func setBlocked(_ blocked: Bool) {
        guard blocked != isBlocked else { return }
        isBlocked = blocked
        blockedChanged()
    }

    /// The socket takes bytes again.
    final func writeAvailable() {
        change(EPOLLIN.rawValue)
        becameDirty()
    }

    private func change(_ events: UInt32) {
        watched = events
        loop.modify(registration, events: events)
    }

    /// Ends a connection that has said all: the peer shall be able to read it, whatever it still sends itself.
    private func finish() {
        guard !isClosed else { return }
        if let tls {
            tls.end()
            _ = Sockets.send(on: descriptor, tls.encrypted.bytes)
        }
        isClosed = true
        loop.deregister(registration)
        letGo(descriptor)
        closed()
    }

    /// Closes the socket now. What was not written is lost; call `flush` first where it matters.
    final func shut() {
        guard !isClosed else { return }
        isClosed = true
        loop.deregister(registration)
        close(descriptor)
        closed()
    }
}
