import NIOCore

/// Refuses requests that a web page on somebody's screen could have made: those for a host name that is not ours (a
/// name that an attacker points at this address) and those that another origin's page sends.
package struct RequestGuard: Sendable {
    package enum Refusal: Equatable, Sendable {
        case noHost
        case foreignHost(String)
        case foreignOrigin(String)
    }

    private let names: Set<String>

    /// `hostName`: this machine's name.
    package init(address: SocketAddress, hostName: String) {
        var names: Set = ["localhost", hostName.lowercased()]
        if case .tcp(let host, _) = address { names.insert(host.lowercased()) }
        self.names = names
    }

    /// `authority`: the `Host` header. An IP address is nobody's to point elsewhere and is never foreign.
    package func refusal(authority: String?, origin: String?) -> Refusal? {
        guard let authority, !authority.isEmpty else { return .noHost }
        guard let host = Self.host(of: authority), names.contains(host) || Self.isAddress(host) else {
            return .foreignHost(authority)
        }
        if let origin, origin.lowercased() != "http://\(authority.lowercased())" { return .foreignOrigin(origin) }
        return nil
    }

    /// The host of `host`, `host:port`, `[address]` or `[address]:port`, in lower case and without brackets.
    private static func host(of authority: String) -> String? {
        var host = authority[...]
        if let colon = host.lastIndex(of: ":"), !host.hasSuffix("]") {
            guard UInt16(host[host.index(after: colon)...]) != nil else { return nil }
            host = host[..<colon]
        }
        if host.hasPrefix("[") {
            guard host.hasSuffix("]"), host.contains(":") else { return nil }
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        return host.isEmpty ? nil : host.lowercased()
    }

    private static func isAddress(_ host: String) -> Bool {
        (try? NIOCore.SocketAddress(ipAddress: host, port: 0)) != nil
    }
}
