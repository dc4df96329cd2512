package import FoundationEssentials
import NIOCore
package import NIOHTTP1
import NIOPosix

/// One answer of the admin server.
package struct AdminReply: Sendable {
    package var status: Int
    package var body: Data

    /// The body as text.
    package var text: String { String(decoding: body, as: UTF8.self) }
}

/// Why no answer came.
package enum AdminClientError: Error, CustomStringConvertible {
    case unreachable(SocketAddress, String)
    case silent(SocketAddress, Duration)
    case tooLarge(SocketAddress)

    package var description: String {
        switch self {
        case .unreachable(let address, let reason): "no Gate answers at \(address): \(reason)"
        case .silent(let address, let limit): "\(address) did not answer within \(limit)"
        case .tooLarge(let address): "the answer of \(address) is too large to be a Gate's"
        }
    }
}

/// Talks HTTP to the admin address of a running Gate: a connection per request.
package struct AdminClient: Sendable {
    private static let bodyLimit = 4 << 20

    private let address: SocketAddress
    private let token: String?
    private let timeout: Duration

    /// `timeout` bounds a whole request, the connecting included.
    package init(address: SocketAddress, token: String?, timeout: Duration = .seconds(5)) {
        self.address = address
        self.token = token
        self.timeout = timeout
    }

    package func get(_ path: String) async throws(AdminClientError) -> AdminReply {
        try await send(.GET, path)
    }

    package func post(_ path: String, json: Data) async throws(AdminClientError) -> AdminReply {
        try await send(.POST, path, headers: ["Content-Type": "application/json"], body: json)
    }

    /// Sends one request; `headers` replace those of the same name that every request has.
    package func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: Data? = nil
    ) async throws(AdminClientError) -> AdminReply {
        var head = HTTPRequestHead(version: .http1_1, method: method, uri: path, headers: standardHeaders)
        for (name, value) in headers { head.headers.replaceOrAdd(name: name, value: value) }
        if let body { head.headers.replaceOrAdd(name: "Content-Length", value: String(body.count)) }
        return try await send(head, body: body.map { ByteBuffer(bytes: $0) })
    }

    private var standardHeaders: HTTPHeaders {
        var headers = HTTPHeaders()
        switch address {
        case .tcp: headers.add(name: "Host", value: address.description)
        case .unix: headers.add(name: "Host", value: "localhost")
        }
        headers.add(name: "Connection", value: "close")
        if let token { headers.add(name: "Authorization", value: "Bearer \(token)") }
        return headers
    }

    private func send(_ head: HTTPRequestHead, body: ByteBuffer?) async throws(AdminClientError) -> AdminReply {
        do {
            return try await withThrowingTaskGroup(of: AdminReply.self) { tasks in
                tasks.addTask { try await exchange(head, body: body) }
                tasks.addTask {
                    try await Task.sleep(for: timeout)
                    throw AdminClientError.silent(address, timeout)
                }
                defer { tasks.cancelAll() }
                guard let reply = try await tasks.next() else { throw CancellationError() }
                return reply
            }
        } catch let error as AdminClientError {
            throw error
        } catch {
            throw .unreachable(address, Self.reason(error))
        }
    }

    private typealias Connection = NIOAsyncChannel<HTTPClientResponsePart, HTTPClientRequestPart>

    private func connect() async throws -> Connection {
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        let setUp: @Sendable (any Channel) -> EventLoopFuture<Connection> = { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHTTPClientHandlers()
                return try Connection(wrappingChannelSynchronously: channel)
            }
        }
        return switch address {
        case .tcp(let host, let port):
            try await bootstrap.connect(host: host, port: Int(port), channelInitializer: setUp)
        case .unix(let path):
            try await bootstrap.connect(unixDomainSocketPath: path, channelInitializer: setUp)
        }
    }

    private func exchange(_ head: HTTPRequestHead, body: ByteBuffer?) async throws -> AdminReply {
        try await connect().executeThenClose { inbound, outbound in
            let content = body.map { [HTTPClientRequestPart.body(.byteBuffer($0))] } ?? []
            // A server may answer and close before it has read everything: its answer counts, not the failed write.
            let failure: (any Error)?
            do {
                try await outbound.write(contentsOf: [.head(head)] + content + [.end(nil)])
                failure = nil
            } catch {
                failure = error
            }
            var reply: AdminReply?
            for try await part in inbound {
                switch part {
                case .head(let head): reply = AdminReply(status: Int(head.status.code), body: Data())
                case .body(let buffer):
                    reply?.body.append(contentsOf: buffer.readableBytesView)
                    guard reply?.body.count ?? 0 <= Self.bodyLimit else { throw AdminClientError.tooLarge(address) }
                case .end:
                    if let reply { return reply }
                }
            }
            throw failure ?? AdminClientError.unreachable(address, "the connection ended before the answer did")
        }
    }

    private static func reason(_ error: any Error) -> String {
        switch error {
        case let error as NIOConnectionError:
            if let failure = error.connectionErrors.first?.error ?? error.dnsAError ?? error.dnsAAAAError {
                reason(failure)
            } else {
                "\(error)"
            }
        case let error as IOError: String(cString: strerror(error.errnoCode))
        case is HTTPParserError: "what answers there is not HTTP"
        default: "\(error)"
        }
    }
}
