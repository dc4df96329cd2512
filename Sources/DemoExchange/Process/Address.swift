import ArgumentParser
import GRPCNIOTransportHTTP2Posix

/// An address as `host:port`, where `host` is a name or a literal.
struct HostPort: ExpressibleByArgument, CustomStringConvertible, Sendable {
    let host: String
    let port: Int

    init(host: String, port: Int) {
        self.host = host
        self.port = port
    }

    init?(argument: String) {
        guard let colon = argument.lastIndex(of: ":"), colon != argument.startIndex,
            let port = UInt16(argument[argument.index(after: colon)...])
        else { return nil }
        self.init(host: String(argument[..<colon]), port: Int(port))
    }

    var description: String { "\(host):\(port)" }
}

/// Where gRPC is served or called: `host:port` or `unix:/path`.
enum Address: ExpressibleByArgument, CustomStringConvertible, Sendable {
    case tcp(HostPort)
    case unix(path: String)

    init?(argument: String) {
        if argument.hasPrefix("unix:") {
            self = .unix(path: String(argument.dropFirst("unix:".count)))
        } else if let address = HostPort(argument: argument) {
            self = .tcp(address)
        } else {
            return nil
        }
    }

    /// - Precondition: a host that is an IPv4 literal or `localhost`.
    var listening: GRPCNIOTransportCore.SocketAddress {
        switch self {
        case .tcp(let address):
            .ipv4(host: address.host == "localhost" ? "127.0.0.1" : address.host, port: address.port)
        case .unix(let path): .unixDomainSocket(path: path)
        }
    }

    var target: any ResolvableTarget {
        switch self {
        case .tcp(let address): .dns(host: address.host, port: address.port)
        case .unix(let path): .unixDomainSocket(path: path)
        }
    }

    var description: String {
        switch self {
        case .tcp(let address): address.description
        case .unix(let path): "unix:\(path)"
        }
    }
}
