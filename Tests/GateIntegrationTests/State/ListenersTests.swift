import CLinux
import Gate
import TestSupport
import Testing

/// Whether a Gate knows that it is alone on a real redis-server.
@Suite(.serialized)
struct ListenersTests {
    private let directories: [StateDirectory]

    init() throws {
        directories = try (0..<2).map { _ in try StateDirectory() }
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

    @Test func `a Gate knows that it is alone, that another came as soon as that is live, and that it went`() throws {
        let server = try RedisServer()
        let one = try harness(server, 0)
        try one.wait("it is alone") { one.isAlone }
        let began = gate_monotonic_ns()
        let other = try harness(server, 1)
        try one.wait("another came") { !one.isAlone }
        print("another Gate was noticed within \((gate_monotonic_ns() - began) / 1000) us of its start")
        try other.waitUntilLive()
        #expect(!other.isAlone)
        other.stop()
        try one.wait("it is alone again") { one.isAlone }
    }

    @Test func `a Gate that has lost its Redis is not alone, and is again when it is back`() throws {
        let server = try RedisServer()
        let one = try harness(server, 0)
        try one.wait("it is alone") { one.isAlone }
        server.kill()
        try one.wait("nobody knows") { !one.isAlone }
        try server.start()
        try one.wait("it is alone again") { one.isAlone }
    }
}
