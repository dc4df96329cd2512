import ArgumentParser
import CLinux
import Glibc

/// Where to listen or what to dial: `host:port`, `[host]:port` or `unix:/path`.
enum Address: ExpressibleByArgument, CustomStringConvertible {
    case network(host: String, port: String)
    case unix(path: String)

    init?(argument: String) {
        if argument.hasPrefix("unix:") {
            let path = String(argument.dropFirst(5))
            guard !path.isEmpty, path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else {
                return nil
            }
            self = .unix(path: path)
            return
        }
        guard let colon = argument.lastIndex(of: ":"), let _ = UInt16(argument[argument.index(after: colon)...]) else {
            return nil
        }
        var host = argument[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") { host = host.dropFirst().dropLast() }
        guard !host.isEmpty else { return nil }
        self = .network(host: String(host), port: String(argument[argument.index(after: colon)...]))
    }

    var description: String {
        switch self {
        case .network(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// What requests name as `:authority`; a path is none.
    var authority: String {
        if case .unix = self { return "localhost" }
        return description
    }
}

/// A call of the operating system that failed.
struct SystemError: Error, CustomStringConvertible {
    let call: String
    let code: Int32

    /// Reads `errno`, so it has to be made right after the call.
    init(_ call: String) {
        self.call = call
        code = errno
    }

    var description: String { "\(call): \(String(cString: strerror(code)))" }
}

extension Address {
    /// Opens a listener that does not block; a port of 0 becomes one that is free.
    func listen() throws -> Int32 {
        if case .unix(let path) = self { unlink(path) }
        let descriptor = try withSocket(options: SOCK_NONBLOCK) { descriptor, address, length in
            var on: Int32 = 1
            setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
            guard bind(descriptor, __CONST_SOCKADDR_ARG(__sockaddr__: address), length) == 0 else {
                throw SystemError("bind \(self)")
            }
        }
        guard CLinux.listen(descriptor, 1024) == 0 else { throw SystemError("listen \(self)") }
        return descriptor
    }

    /// Dials and waits until the other side has accepted.
    func connect() throws -> Int32 {
        let descriptor = try withSocket { descriptor, address, length in
            guard CLinux.connect(descriptor, __CONST_SOCKADDR_ARG(__sockaddr__: address), length) == 0 else {
                throw SystemError("connect \(self)")
            }
        }
        Address.sendAtOnce(descriptor)
        return descriptor
    }

    /// What `descriptor` is bound to, for the port that the system chose.
    func bound(_ descriptor: Int32) throws -> Address {
        guard case .network(let host, _) = self else { return self }
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let port = try withUnsafeMutableBytes(of: &storage) { bytes throws -> UInt16 in
            guard let base = bytes.baseAddress,
                getsockname(
                    descriptor, __SOCKADDR_ARG(__sockaddr__: base.assumingMemoryBound(to: sockaddr.self)), &length) == 0
            else { throw SystemError("getsockname") }
            // sin_port and sin6_port stand at the same place.
            return UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        }
        return .network(host: host, port: String(port))
    }

    /// Turns Nagle's algorithm off; a unix socket has none and refuses, which is as good.
    static func sendAtOnce(_ descriptor: Int32) {
        var on: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &on, socklen_t(MemoryLayout<Int32>.size))
    }

    private func withSocket(
        options: __socket_type = __socket_type(0), _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) throws -> Void
    ) throws -> Int32 {
        switch self {
        case .network(let host, let port):
            var hints = addrinfo()
            hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
            var found: UnsafeMutablePointer<addrinfo>?
            guard getaddrinfo(host, port, &hints, &found) == 0, let info = found, let address = info.pointee.ai_addr
            else { throw ValidationError("\(self): the host name cannot be resolved") }
            defer { freeaddrinfo(info) }
            return try open(family: info.pointee.ai_family, options) { try use($0, address, info.pointee.ai_addrlen) }
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
            return try open(family: AF_UNIX, options) { descriptor in
                try withUnsafeBytes(of: &address) { bytes in
                    guard let base = bytes.baseAddress else { return }
                    try use(descriptor, base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
                }
            }
        }
    }

    private func open(family: Int32, _ options: __socket_type, _ use: (Int32) throws -> Void) throws -> Int32 {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | options.rawValue), 0)
        guard descriptor >= 0 else { throw SystemError("socket") }
        do {
            try use(descriptor)
        } catch {
            close(descriptor)
            throw error
        }
        return descriptor
    }
}
