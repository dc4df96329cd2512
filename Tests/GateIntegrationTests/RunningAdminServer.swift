import Foundation
import Gate
import Logging
import NIOHTTP1
import RiskRules
import ServiceLifecycle

/// An admin server on a free port or a socket, in front of a keeper of stops that only remembers.
struct RunningAdminServer: Sendable {
    let address: SocketAddress
    let metrics: GateMetrics
    let readiness: Readiness
    let keeper: RememberingStops

    func client(token: String? = nil) -> AdminClient { AdminClient(address: address, token: token) }

    func get(_ path: String) async throws -> AdminReply { try await client().get(path) }

    func post(_ path: String, _ json: String, token: String? = nil) async throws -> AdminReply {
        try await client(token: token).post(path, json: Data(json.utf8))
    }

    func send(
        _ method: HTTPMethod, _ path: String, headers: HTTPHeaders = [:], body: String? = nil
    ) async throws -> AdminReply {
        try await client().send(method, path, headers: headers, body: body.map { Data($0.utf8) })
    }

    /// What `GET /api/v1/stops` lists.
    func stops() async throws -> [StopMessage] {
        try await client().get("/api/v1/stops", as: StopListMessage.self).stops
    }
}

/// Keeps stops in memory, at a fixed time; knows no strategies.
actor RememberingStops: StopControl {
    private var records: [StopTarget: StopRecord] = [:]
    private var isFull = false
    private var isShared = true

    /// From now on nothing can be written down.
    func fail() { isFull = true }

    /// From now on Redis is away.
    func isolate() { isShared = false }

    func stops() -> StopOverview {
        StopOverview(records.values.map { KnownStop($0, isShared: isShared) }, isRedisLive: isShared)
    }

    func stop(_ target: StopTarget, reason: String, by person: String) throws(StopControlError) -> KnownStop {
        if target.scope == .strategy { throw .unsupported("this Gate does not stop strategies") }
        if isFull { throw .notStored("No space left on device") }
        return keep(target, active: true, reason, person)
    }

    func resume(
        _ target: StopTarget, reason: String, authorizedBy person: String
    ) throws(StopControlError) -> KnownStop {
        guard records[target]?.active ?? false else { throw .notActive("\(target) is not stopped") }
        return keep(target, active: false, reason, person)
    }

    private func keep(_ target: StopTarget, active: Bool, _ reason: String, _ person: String) -> KnownStop {
        let record = StopRecord(
            target: target, active: active, epoch: (records[target]?.epoch ?? 1_760_000_000_124) + 1, reason: reason,
            by: person, at: 1_760_000_000_125_000_000)
        records[target] = record
        return KnownStop(record, isShared: isShared)
    }
}

/// One account with an order whose outcome is unknown, and one whose outcome is known.
actor RememberingAccounts: AccountControl {
    private var state: [String: ReservationState?] = ["lost": .unknown, "found": .open]
    private var names: [String] { state.keys.sorted() }

    func account(_ name: String) -> AccountView? {
        guard name == "a/1" else { return nil }
        var values = AccountSnapshot.Values()
        (values.seq, values.asOf, values.equity) = (412, 1_760_000_000_125_000_000, FixedPoint(whole: 1000))
        values.positions = [
            .init(
                symbol: "BTCUSDT", quantity: FixedPoint(units: -5_000_000_000), currentPrice: FixedPoint(whole: 50_000))
        ]
        return AccountView(
            name: name, age: 250_000_000, values: values, reservations: names.map(report), unlisted: 3)
    }

    func settle(_ settlement: OperatorSettlement) throws(SettlementError) -> ReservationView {
        guard let known = state[settlement.clientOrderID] else { throw .notFound("no such order") }
        guard known == .unknown else { throw .notUnknown("the order is open") }
        state[settlement.clientOrderID] = .some(settlement.outcome == .open ? .open : nil)
        return report(settlement.clientOrderID)
    }

    private func report(_ name: String) -> ReservationView {
        var text = name
        let id = text.withUTF8 { NameText(UnsafeRawBufferPointer($0)) }
        return ReservationView(
            clientOrderID: OrderIDName(id, .none), orderID: OrderIDName(NameText(), .none), symbol: "BTCUSDT",
            side: .sell, remaining: FixedPoint(units: 5_000_000_000), state: state[name] ?? nil)
    }
}

/// Runs `body` while an admin server listens, and shuts it down gracefully.
func withServer(
    address: SocketAddress = .tcp(host: "127.0.0.1", port: 0), token: String? = nil, uids: Set<UInt32> = [],
    _ body: @escaping @Sendable (RunningAdminServer) async throws -> Void
) async throws {
    let (bound, continuation) = AsyncStream.makeStream(of: SocketAddress.self)
    let metrics = GateMetrics()
    let readiness = Readiness()
    let keeper = RememberingStops()
    let silent = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    let server = AdminServer(
        configuration: AdminServer.Configuration(address: address, token: token, uids: uids), metrics: metrics,
        readiness: readiness, stops: keeper, accounts: RememberingAccounts(), logger: silent
    ) { address in
        continuation.yield(address)
        continuation.finish()
    }
    let group = ServiceGroup(
        configuration: ServiceGroupConfiguration(services: [server], logger: silent))
    try await withThrowingTaskGroup(of: Void.self) { tasks in
        tasks.addTask {
            defer { continuation.finish() }
            try await group.run()
        }
        if let address = await bound.first(where: { _ in true }) {
            do {
                try await body(
                    RunningAdminServer(address: address, metrics: metrics, readiness: readiness, keeper: keeper))
            } catch {
                await group.triggerGracefulShutdown()
                throw error
            }
        }
        await group.triggerGracefulShutdown()
        try await tasks.waitForAll()
    }
}

/// A socket file that no process listens on any more.
func leaveSocketBehind(_ path: String) throws {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let result = withUnsafePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
        }
    }
    let code = errno
    close(descriptor)
    guard result == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
}
