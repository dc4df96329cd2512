import CLinux
import Gate
import RiskRules
import TestSupport
import Testing

/// Stops of two state threads on one real redis-server.
@Suite(.serialized)
struct SharedStopsTests {
    private let directories: [StateDirectory]

    init() throws {
        directories = try (0..<3).map { _ in try StateDirectory() }
    }

    private func harness(_ server: RedisServer, _ number: Int) throws -> StateHarness {
        let template = { KeyTemplate(prefix: $0, suffix: "") }
        let configuration = MirrorConfiguration(
            addresses: [.unix(path: server.socketPath)],
            prices: .init(database: 1, key: template("market:prices:"), maximumAge: 1_000_000_000),
            accounts: .init(database: 0, key: template("account:state:"), maximumAge: 1_000_000_000),
            instance: "test-\(number)")
        return try StateHarness(configuration, stateDirectory: directories[number].path)
    }

    @Test func `another Gate's order thread is told of a stop within 5 ms`() async throws {
        let server = try RedisServer()
        let (one, other) = (try harness(server, 0), try harness(server, 1))
        try one.waitUntilLive()
        try other.waitUntilLive()
        let target = try #require(StopTarget("account:A"))
        var taken: [Int64] = []
        for round in 1...50 {
            let before = other.stops.count
            let asked = gate_monotonic_ns()
            // Not by a task of its own: the thread that waits below may be the one that it would run on.
            one.handle.execute {
                $0.stops.stop(
                    target, reason: "r\(round)", by: "me", trigger: .person, wallNow: gate_realtime_ns())
            }
            try other.wait("the stop is told") { other.stops.count > before }
            taken.append(gate_monotonic_ns() - asked)
        }
        try one.wait("all are shared") { one.metrics.unsharedStops.value == 0 }
        taken.sort()
        print(
            "a stop told to another Gate: p50 \(taken[25] / 1000) us, p99 \(taken[49] / 1000) us of \(taken.count)")
        #expect(taken[25] < 5_000_000)
        try other.wait("all are counted") { other.metrics.stops.value(.peer) == 50 }
        #expect(await other.service.stops() == one.service.stops())
    }

    @Test func `many stops at once reach a Gate that was away, and one that is new`() async throws {
        let server = try RedisServer()
        let one = try harness(server, 0)
        try one.waitUntilLive()
        let count = 300
        var requests: [StateRequest] = []
        for number in 0..<count {
            var request = StateRequest(kind: .latchStop)
            request.scope = .account
            request.text = Array("A\(number)".utf8).withUnsafeBytes { NameText($0) }
            requests.append(request)
        }
        for request in requests { one.push(request) }
        try one.wait("all are shared") {
            one.metrics.activeStops.value(.account) == Int64(count) && one.metrics.unsharedStops.value == 0
        }
        let late = try harness(server, 1)
        try late.waitUntilLive()
        // Nothing counts as fresh before every stop is known.
        #expect(late.metrics.activeStops.value(.account) == Int64(count))
        try server.client().send("FLUSHALL")
        // Redis holds the Gates' heartbeats too, and before they know that their stops are gone, none is unshared.
        try one.wait("all are written again") {
            guard case .list(let keys) = try? server.client().send("KEYS", "gate:stop:*") else { return false }
            return keys.count == count && one.metrics.unsharedStops.value == 0
                && late.metrics.unsharedStops.value == 0
        }
        let new = try harness(server, 2)
        try new.waitUntilLive()
        #expect(new.metrics.activeStops.value(.account) == Int64(count))
    }

    @Test func `a stop is acknowledged soon where Redis hangs, and shared when it goes on`() async throws {
        let server = try RedisServer()
        let one = try harness(server, 0)
        try one.waitUntilLive()
        server.pause()
        let stop = try await one.service.stop(.global, reason: "r", by: "me")
        #expect(!stop.isShared)
        server.resume()
        try one.wait("it is shared") { one.metrics.unsharedStops.value == 0 }
        let lifted = try await one.service.resume(.global, reason: "r", authorizedBy: "me")
        #expect(lifted.isShared)
    }
}
