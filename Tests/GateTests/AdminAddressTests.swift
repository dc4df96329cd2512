import Gate
import Testing

struct AdminAddressTests {
    @Test func `the option goes before the variable, the variable before the default`() throws {
        let environment = ["GATE_ADMIN": "unix:/run/gate.sock"]
        #expect(
            try AdminAddress.choose(option: "10.0.0.1:1", environment: environment) == .tcp(host: "10.0.0.1", port: 1))
        #expect(try AdminAddress.choose(option: nil, environment: environment) == .unix(path: "/run/gate.sock"))
        #expect(try AdminAddress.choose(option: nil, environment: [:]) == .tcp(host: "127.0.0.1", port: 8083))
    }

    @Test func `what is no address is refused with where it was said`() {
        #expect(throws: AdminAddress.Malformed.self) { try AdminAddress.choose(option: "8083", environment: [:]) }
        let error = #expect(throws: AdminAddress.Malformed.self) {
            try AdminAddress.choose(option: nil, environment: ["GATE_ADMIN": ""])
        }
        #expect(error?.description.hasPrefix("GATE_ADMIN: ") ?? false)
    }
}

struct ReadinessTests {
    @Test func `ready only with every part, and not while draining`() {
        let readiness = Readiness()
        #expect(readiness.reasonsNotReady().count == 3)
        readiness.set(.rules, true)
        readiness.set(.mirror, true)
        #expect(readiness.reasonsNotReady() == ["upstream: the endpoint is not connected"])
        readiness.set(.upstream, true)
        #expect(readiness.reasonsNotReady().isEmpty)
        readiness.set(.mirror, false)
        #expect(readiness.reasonsNotReady() == ["mirror: not following Redis"])
        readiness.set(.mirror, true)
        readiness.beginDraining()
        #expect(readiness.reasonsNotReady().count == 1)
    }
}
