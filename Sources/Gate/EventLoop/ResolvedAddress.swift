import CLinux
import Glibc

/// An address as the kernel takes it: IPv4, IPv6 or a unix socket's path.
package struct ResolvedAddress: BitwiseCopyable, Sendable {
    private var storage: sockaddr_storage
    private var length: socklen_t

    package var family: Int32 { Int32(storage.ss_family) }
    package var isUnix: Bool { family == AF_UNIX }

    /// A unix socket's path, at most 107 bytes; nil where it is longer or empty.
    package init?(unixPath path: String) {
        var address = sockaddr_un()
        let bytes = Array(path.utf8)
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
        storage = sockaddr_storage()
        length = socklen_t(MemoryLayout<sockaddr_un>.size)
        withUnsafeMutableBytes(of: &storage) { target in
            withUnsafeBytes(of: &address) { target.copyMemory(from: $0) }
        }
    }

    private init(_ address: UnsafePointer<sockaddr>, length: socklen_t) {
        storage = sockaddr_storage()
        self.length = length
        let source = UnsafeRawBufferPointer(start: address, count: Int(length))
        withUnsafeMutableBytes(of: &storage) { target in
            target.copyMemory(from: UnsafeRawBufferPointer(rebasing: source.prefix(target.count)))
        }
    }

    /// Looks a host up, blocking: never call it on the order thread. The first address of the answer is taken.
    /// Throws where the name does not resolve.
    package static func resolve(host: String, port: Int) throws(ResolutionError) -> ResolvedAddress {
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        hints.ai_flags = AI_NUMERICSERV
        var list: UnsafeMutablePointer<addrinfo>?
        let code = getaddrinfo(host, String(port), &hints, &list)
        guard code == 0, let first = list, let address = first.pointee.ai_addr else {
            throw ResolutionError(host: host, message: String(cString: gai_strerror(code)))
        }
        defer { freeaddrinfo(first) }
        return ResolvedAddress(address, length: first.pointee.ai_addrlen)
    }

    /// Looks a host up on a thread of its own, which may block as long as it likes, and calls `then` there.
    package static func resolve(
        host: String, port: Int, then: @escaping @Sendable (Result<ResolvedAddress, ResolutionError>) -> Void
    ) {
        do throws(SystemError) {
            let thread = try LoopThread(name: "gate-resolve") {
                then(Result { () throws(ResolutionError) in try resolve(host: host, port: port) })
            }
            thread.detach()
        } catch {
            then(.failure(ResolutionError(host: host, message: "\(error)")))
        }
    }

    /// Whether a host is an address already, so that looking it up asks nobody.
    package static func isNumeric(_ host: String) -> Bool {
        var hints = addrinfo()
        hints.ai_flags = AI_NUMERICHOST
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return false }
        freeaddrinfo(list)
        return true
    }

    /// The local address that a socket is bound to.
    package static func bound(to descriptor: Int32) throws(SystemError) -> ResolvedAddress {
        try asked("getsockname") { getsockname(descriptor, $0, $1) }
    }

    /// The address at the other end of a connected socket.
    package static func peer(of descriptor: Int32) throws(SystemError) -> ResolvedAddress {
        try asked("getpeername") { getpeername(descriptor, $0, $1) }
    }

    /// What a call that fills an address in has to say.
    private static func asked(
        _ call: String, _ body: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(SystemError) -> ResolvedAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, &length) }
        }
        guard result == 0 else { throw SystemError(call, errno: errno) }
        return withUnsafePointer(to: &storage) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { ResolvedAddress($0, length: length) }
        }
    }

    /// What the kernel wrote; nil where it is neither IPv4 nor IPv6.
    init?(_ storage: sockaddr_storage, length: socklen_t) {
        self.storage = storage
        self.length = length
        guard family == AF_INET || family == AF_INET6 else { return nil }
    }

    /// An IPv6 address that stands for an IPv4 one (`::ffff:a.b.c.d`).
    var isMappedIPv4: Bool { family == AF_INET6 && numeric().host.hasPrefix("::ffff:") }

    /// The path of a unix socket.
    var path: String { String(text.dropFirst("unix:".count)) }

    /// The numeric host, an IPv4 address without its IPv6 mapping.
    package var host: String {
        let full = numeric().host
        return full.hasPrefix("::ffff:") && full.contains(".") ? String(full.dropFirst("::ffff:".count)) : full
    }

    /// What tells two addresses apart, however they are mapped.
    package var hostAndPort: String { isUnix ? text : "\(host) \(numeric().port)" }

    func withSockaddr<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        var copy = storage
        return withUnsafePointer(to: &copy) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, length) }
        }
    }

    /// `host:port`, `[host]:port` or `unix:/path`.
    package var text: String {
        if isUnix {
            var copy = storage
            let path = withUnsafeBytes(of: &copy) { bytes in
                bytes.dropFirst(MemoryLayout<sa_family_t>.size).prefix { $0 != 0 }.map { $0 }
            }
            return "unix:" + String(decoding: path, as: UTF8.self)
        }
        let (host, port) = numeric()
        return family == AF_INET6 ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    private func numeric() -> (host: String, port: String) {
        var host = [CChar](repeating: 0, count: Int(NI_MAXHOST))
        var port = [CChar](repeating: 0, count: Int(NI_MAXSERV))
        let code = withSockaddr { address, length in
            getnameinfo(
                address, length, &host, socklen_t(host.count), &port, socklen_t(port.count),
                NI_NUMERICHOST | NI_NUMERICSERV)
        }
        guard code == 0 else { return ("unknown", "0") }
        func text(_ characters: [CChar]) -> String {
            String(decoding: characters.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        }
        return (text(host), text(port))
    }
}

/// A host name that could not be looked up.
package struct ResolutionError: Error, CustomStringConvertible {
    package var host: String
    package var message: String
    package var description: String { "cannot resolve \(host): \(message)" }
}
