import CLinux
import Glibc

/// The few things done with stream sockets. All of them are non-blocking and close on exec.
package enum Sockets {
    /// What a read or a write came to.
    enum Transfer: BitwiseCopyable {
        case bytes(Int)
        case wouldBlock
        /// The peer has ended its side (reads only).
        case ended
        case failed(Int32)
    }

    private static let streamFlags =
        Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)

    /// A listening socket. A unix path that a dead process left behind is taken over; one that somebody listens on is not, nor
    /// is a file that is no socket. `mode`: the permissions of a unix socket's file, never more than these even for a moment.
    package static func listen(
        on address: ResolvedAddress, backlog: Int32 = 1024, mode: UInt32 = 0o660
    ) throws(SystemError) -> Int32 {
        let descriptor = try checked("socket") { socket(address.family, streamFlags, 0) }
        do throws(SystemError) {
            if address.isUnix {
                try removeStale(address)
                // The file takes over the socket's own permissions, less the umask.
                try checked("fchmod") { fchmod(descriptor, mode) }
            } else {
                try set(descriptor, SOL_SOCKET, SO_REUSEADDR, 1)
            }
            try checked("bind") { address.withSockaddr { bind(descriptor, $0, $1) } }
            if address.isUnix { try checked("chmod") { chmod(address.path, mode) } }
            try checked("listen") { Glibc.listen(descriptor, backlog) }
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// Begins to connect; the socket becomes writable when that is done, one way or the other.
    /// `userTimeout`: milliseconds after which bytes that nobody acknowledges end the connection.
    static func connect(to address: ResolvedAddress, userTimeout: Int32) throws(SystemError) -> Int32 {
        let descriptor = try checked("socket") { socket(address.family, streamFlags, 0) }
        let result = address.withSockaddr { Glibc.connect(descriptor, $0, $1) }
        if result == -1, errno != EINPROGRESS {
            let error = SystemError("connect", errno: errno)
            close(descriptor)
            throw error
        }
        if !address.isUnix {
            tune(descriptor)
            try? set(descriptor, Int32(IPPROTO_TCP), TCP_USER_TIMEOUT, userTimeout)
        }
        return descriptor
    }

    /// Two sockets that are connected to each other.
    package static func pair() throws(SystemError) -> (Int32, Int32) {
        var ends: (Int32, Int32) = (-1, -1)
        try withUnsafeMutableBytes(of: &ends) { ends throws(SystemError) in
            let first = ends.bindMemory(to: Int32.self).baseAddress
            try checked("socketpair") { socketpair(AF_UNIX, streamFlags, 0, first) }
        }
        return ends
    }

    /// The error with which connecting ended, 0 where it went well.
    static func connectError(_ descriptor: Int32) -> Int32 {
        var code: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &code, &length) == 0 ? code : errno
    }

    /// Takes one waiting connection; nil where none waits. Throws where descriptors have run out.
    static func accept(_ listener: Int32) throws(SystemError) -> Int32? {
        while true {
            let descriptor = gate_accept(listener)
            if descriptor >= 0 {
                tune(descriptor)
                return descriptor
            }
            switch errno {
            case EAGAIN: return nil
            // The connection died before we took it: the next one may be well.
            case EINTR, ECONNABORTED, EPROTO: continue
            default: throw SystemError("accept4", errno: errno)
            }
        }
    }

    /// The user at the other end of a unix socket, as the kernel noted when it connected (unix(7), SO_PEERCRED); nil where the
    /// socket is none.
    static func peerUser(of descriptor: Int32) -> UInt32? {
        var domain: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0, domain == AF_UNIX else {
            return nil
        }
        var peer = ucred()
        length = socklen_t(MemoryLayout<ucred>.size)
        return getsockopt(descriptor, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 ? peer.uid : nil
    }

    static func receive(from descriptor: Int32, into buffer: UnsafeMutableRawBufferPointer) -> Transfer {
        let count = retryingInterrupts { recv(descriptor, buffer.baseAddress, buffer.count, 0) }
        if count > 0 { return .bytes(count) }
        if count == 0 { return .ended }
        return errno == EAGAIN ? .wouldBlock : .failed(errno)
    }

    static func send(on descriptor: Int32, _ bytes: UnsafeRawBufferPointer) -> Transfer {
        let flags = Int32(MSG_NOSIGNAL)
        let count = retryingInterrupts { Glibc.send(descriptor, bytes.baseAddress, bytes.count, flags) }
        if count >= 0 { return .bytes(count) }
        return errno == EAGAIN ? .wouldBlock : .failed(errno)
    }

    /// Segments leave at once, a dead peer is noticed. Failures are of no consequence (unix sockets have no such options). A client
    /// has no TCP_USER_TIMEOUT: it would end one that takes its time to read, too.
    private static func tune(_ descriptor: Int32) {
        try? set(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        try? set(descriptor, SOL_SOCKET, SO_KEEPALIVE, 1)
        try? set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPIDLE, 10)
        try? set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPINTVL, 3)
        try? set(descriptor, Int32(IPPROTO_TCP), TCP_KEEPCNT, 3)
    }

    /// Where a connection was meant to go before the host's packet filter redirected it; nil where it was not redirected.
    static func originalDestination(_ descriptor: Int32) -> ResolvedAddress? {
        guard let here = try? ResolvedAddress.bound(to: descriptor) else { return nil }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        // An IPv4 connection to an IPv6 socket was redirected by IPv4's tables.
        let level = here.family == AF_INET6 && !here.isMappedIPv4 ? Int32(SOL_IPV6) : Int32(SOL_IP)
        guard getsockopt(descriptor, level, gate_original_destination(), &storage, &length) == 0,
            let meant = ResolvedAddress(storage, length: length)
        else { return nil }
        return meant.hostAndPort == here.hostAndPort ? nil : meant
    }

    private static func set(_ descriptor: Int32, _ level: Int32, _ option: Int32, _ value: Int32) throws(SystemError) {
        var value = value
        try checked("setsockopt") {
            setsockopt(descriptor, level, option, &value, socklen_t(MemoryLayout<Int32>.size))
        }
    }

    /// Removes the file of a unix socket on which nobody listens.
    static func removeStale(_ address: ResolvedAddress) throws(SystemError) {
        // To connect to a file that is no socket is refused as well.
        guard gate_is_socket(address.path) != 0 else { return }
        let probe = try checked("socket") { socket(AF_UNIX, streamFlags, 0) }
        defer { close(probe) }
        let result = address.withSockaddr { Glibc.connect(probe, $0, $1) }
        if result == -1, errno == ECONNREFUSED { unlink(address.path) }
    }
}
