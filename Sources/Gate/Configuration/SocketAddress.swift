/// Where to listen or dial: `host:port`, `[IPv6]:port` or `unix:/path`. Names are not resolved here.
package enum SocketAddress: Hashable, Sendable, CustomStringConvertible {
    /// A host name or IP address (an IPv6 one without its brackets) and a port; port 0 means any free one.
    case tcp(host: String, port: UInt16)
    /// The absolute path of a unix socket.
    case unix(path: String)

    /// What a unix socket's path may have in bytes: `sun_path` less its terminator (unix(7)).
    package static let longestPath = 107

    /// Why a text is no address, for a message behind the address.
    package struct Malformed: Error, Equatable {
        package let reason: String
    }

    /// Reads `host:port | [IPv6]:port | unix:/path`.
    package init(_ text: String) throws(Malformed) {
        if text.hasPrefix("unix:") {
            try self.init(unixPath: String(text.dropFirst("unix:".count)))
        } else {
            try self.init(hostAndPort: text)
        }
    }

    private init(unixPath path: String) throws(Malformed) {
        guard path.hasPrefix("/") else { throw Malformed(reason: "the path after unix: must start with /") }
        guard path.utf8.count <= Self.longestPath else {
            throw Malformed(
                reason: "the path has \(path.utf8.count) bytes; a unix socket's has at most \(Self.longestPath)")
        }
        self = .unix(path: path)
    }

    private init(hostAndPort text: String) throws(Malformed) {
        guard let colon = text.lastIndex(of: ":") else {
            throw Malformed(reason: "write host:port or unix:/path")
        }
        let digits = text[text.index(after: colon)...]
        guard (1...5).contains(digits.utf8.count), digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
            let port = UInt16(digits)
        else {
            throw Malformed(reason: "the port must be a number from 0 to 65535")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
            guard host.contains(":"), host.utf8.allSatisfy(Self.isIPv6Byte) else {
                throw Malformed(reason: "between the brackets belongs an IPv6 address")
            }
        } else if host.contains(":") {
            throw Malformed(reason: "an IPv6 address needs brackets: [\(host)]:\(port)")
        } else if host.isEmpty {
            throw Malformed(reason: "the host is missing; 0.0.0.0:\(port) means every interface")
        }
        guard host.utf8.count <= 253, host.utf8.allSatisfy({ Self.isHostByte($0) || $0 == UInt8(ascii: ":") }) else {
            throw Malformed(reason: "a host is a name or an IP address")
        }
        self = .tcp(host: String(host), port: port)
    }

    private static func isHostByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"),
            UInt8(ascii: "%"):
            true
        default: false
        }
    }

    /// Hexadecimal groups, an embedded IPv4 address, and a zone (`%eth0`).
    private static func isIPv6Byte(_ byte: UInt8) -> Bool { isHostByte(byte) || byte == UInt8(ascii: ":") }

    package var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}
