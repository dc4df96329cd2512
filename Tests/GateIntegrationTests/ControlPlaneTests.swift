import Foundation
import Gate
import Logging
import NIOHTTP1
import Synchronization
import Testing

/// These send signals to their own process, so they go one after the other.
@Suite(.serialized)
struct ControlPlaneTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private func plane(
        address: SocketAddress = .tcp(host: "127.0.0.1", port: 0),
        bound: @escaping @Sendable (SocketAddress) -> Void,
        drain: @escaping @Sendable () async -> Void
    ) -> ControlPlane {
        let admin = AdminServer(
            configuration: AdminServer.Configuration(address: address, token: nil, uids: []), metrics: GateMetrics(),
            readiness: Readiness(), stops: RememberingStops(), accounts: RememberingAccounts(), logger: logger,
            bound: bound)
        return ControlPlane(admin: admin, logger: logger, drain: drain)
    }

    @Test(arguments: [SIGTERM, SIGINT])
    func `a signal drains while the admin server still answers, then all ends`(signal: Int32) async throws {
        let (addresses, continuation) = AsyncStream.makeStream(of: SocketAddress.self)
        let status = Mutex<Int?>(nil)
        let address = Mutex<SocketAddress?>(nil)
        let plane = plane(bound: { continuation.yield($0) }) {
            guard let address = address.withLock({ $0 }) else { return }
            let reply = try? await AdminClient(address: address, token: nil).get("/healthz")
            status.withLock { $0 = reply?.status }
        }
        async let end: Void = plane.run()
        let bound = try #require(await addresses.first { _ in true })
        address.withLock { $0 = bound }
        kill(getpid(), signal)
        try await end
        #expect(status.withLock { $0 } == 200)
        await #expect(throws: AdminClientError.self) {
            try await AdminClient(address: bound, token: nil).get("/healthz")
        }
    }

    @Test func `an admin address that cannot be had ends it, after draining`() async throws {
        let drained = Mutex(false)
        let plane = plane(address: .unix(path: "/nonexistent/gate.sock"), bound: { _ in }) {
            drained.withLock { $0 = true }
        }
        await #expect(throws: AdminServer.BindError.self) { try await plane.run() }
        #expect(drained.withLock { $0 })
    }

    @Test func `a request that never ends does not hold the end up`() async throws {
        let (addresses, continuation) = AsyncStream.makeStream(of: SocketAddress.self)
        let plane = plane(bound: { continuation.yield($0) }, drain: {})
        async let end: Void = plane.run()
        let bound = try #require(await addresses.first { _ in true })
        async let reply = AdminClient(address: bound, token: nil, timeout: .seconds(20)).send(
            .POST, "/api/v1/stops", headers: ["Content-Type": "application/json", "Content-Length": "100"])
        _ = try await AdminClient(address: bound, token: nil).get("/healthz")
        let start = ContinuousClock.now
        kill(getpid(), SIGTERM)
        try await end
        #expect(ContinuousClock.now - start < .seconds(10))
        _ = try? await reply
    }
}
