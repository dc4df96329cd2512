import Glibc
import Hummingbird
import HummingbirdCore
package import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle

/// The admin HTTP/1.1 server: metrics, health and stops, on a thread of its own.
package struct AdminServer: Service {
    /// How the server is reached and by whom.
    package struct Configuration: Sendable {
        package var address: SocketAddress
        /// The text of `GATE_ADMIN_TOKEN`; nil or empty where there is none.
        package var token: String?
        /// Unix-socket peers that may resume and settle without the token.
        package var uids: Set<UInt32>
        package init(address: SocketAddress, token: String?, uids: Set<UInt32>) {
            self.address = address
            self.token = token
            self.uids = uids
        }
    }

    /// The address cannot be listened on.
    package struct BindError: Error, CustomStringConvertible {
        package let address: SocketAddress
        package let reason: String
        package var description: String { "cannot listen on the admin address \(address): \(reason)" }
    }

    /// Connections at a time; more wait in the backlog. Scrapes and people need a few.
    private static let connectionLimit = 64
    /// Silence after which a connection is closed.
    private static let idleTimeout = TimeAmount.seconds(60)
    /// How long requests that are under way at shutdown may take.
    private static let shutdownGrace = Duration.seconds(2)

    private let configuration: Configuration
    private let routes: AdminRoutes
    private let logger: Logger
    private let bound: @Sendable (SocketAddress) -> Void

    /// `bound` is called once with the address that is listened on, its port the real one.
    package init(
        configuration: Configuration, metrics: any MetricsSource, readiness: any ReadinessSource,
        stops: any StopControl, accounts: any AccountControl, logger: Logger,
        bound: @escaping @Sendable (SocketAddress) -> Void
    ) {
        self.configuration = configuration
        self.routes = AdminRoutes(
            metrics: metrics, readiness: readiness, stops: stops, accounts: accounts,
            rights: AdminRights(
                address: configuration.address, token: AdminToken(configuration.token), uids: configuration.uids))
        self.logger = logger
        self.bound = bound
    }

    /// Serves until graceful shutdown or cancellation. Throws `BindError` where the address cannot be had.
    package func run() async throws {
        try await refuseLiveSocket()
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        do {
            try await serve(on: group)
            try await group.shutdownGracefully()
        } catch {
            try await group.shutdownGracefully()
            throw describe(error)
        }
    }

    private func describe(_ error: any Error) -> any Error {
        switch error {
        case let error as IOError:
            BindError(address: configuration.address, reason: String(cString: strerror(error.errnoCode)))
        case let error as SocketAddressError:
            BindError(address: configuration.address, reason: "\(error)")
        default: error
        }
    }

    private func serve(on group: MultiThreadedEventLoopGroup) async throws {
        let application = application(on: group)
        try await withThrowingTaskGroup(of: Void.self) { tasks in
            tasks.addTask { try await application.run() }
            tasks.addTask {
                try await gracefulShutdown()
                try await Task.sleep(for: Self.shutdownGrace)
            }
            try await tasks.next()
            tasks.cancelAll()
        }
    }

    private func application(on group: MultiThreadedEventLoopGroup) -> Application<RouterResponder<AdminContext>> {
        var serverLogger = logger
        serverLogger.logLevel = max(logger.logLevel, .notice)
        let guarding = RequestGuard(address: configuration.address, hostName: Self.hostName)
        let address: BindAddress =
            switch configuration.address {
            case .tcp(let host, let port): .hostname(host, port: Int(port))
            case .unix(let path): .unixDomainSocket(path: path)
            }
        return Application(
            router: routes.router(guarding: guarding),
            server: .http1(
                configuration: HTTP1Channel.Configuration(
                    idleTimeout: Self.idleTimeout,
                    httpDecoderConfiguration: .init(
                        maxHeaderFieldSize: 16_384, maxHeaderListSize: 32_768, maxHeaderFieldCount: 100))),
            configuration: ApplicationConfiguration(
                address: address,
                availableConnectionsDelegate: .maximum(Self.connectionLimit, logger: serverLogger)),
            onServerRunning: { channel in report(channel) },
            eventLoopGroupProvider: .shared(group),
            logger: serverLogger)
    }

    private func report(_ channel: any Channel) {
        if case .tcp(let host, let port) = configuration.address {
            bound(.tcp(host: host, port: channel.localAddress?.port.map { UInt16(clamping: $0) } ?? port))
        } else {
            bound(configuration.address)
        }
    }

    /// Binding replaces a socket file that a dead process left. One that answers is somebody's, and stays.
    private func refuseLiveSocket() async throws {
        guard case .unix(let path) = configuration.address else { return }
        let bootstrap = ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        guard let channel = try? await bootstrap.connect(unixDomainSocketPath: path).get() else { return }
        try? await channel.close()
        throw BindError(address: configuration.address, reason: "another process listens on it")
    }

    private static var hostName: String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { buffer in
            guard let base = buffer.baseAddress, gethostname(base, 255) == 0 else { return "localhost" }
            buffer[255] = 0
            return String(cString: base)
        }
    }
}
