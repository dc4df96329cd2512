import Foundation
import Gate
import Testing

/// Two ends talk to each other in memory: no socket, no clock.
@Suite struct TLSChannelTests {
    /// An authority and certificates of it, made with the openssl command.
    final class Certificates {
        let directory: TemporaryDirectory

        init() throws {
            directory = try TemporaryDirectory()
            try run("req", "-x509", "-subj", "/CN=authority", "-keyout", path("ca.key"), "-out", path("ca.crt"))
            try issue("server", "DNS:gate.test,IP:127.0.0.1")
            try issue("client", "DNS:mm.desk.test,URI:spiffe://desk.test/mm")
        }

        func path(_ name: String) -> String { directory.path(name) }

        var server: TLSCredentials { credentials("server") }
        var client: TLSCredentials { credentials("client") }
        var authorities: String { path("ca.crt") }

        func credentials(_ name: String) -> TLSCredentials {
            TLSCredentials(certificate: path("\(name).crt"), key: path("\(name).key"))
        }

        private func issue(_ name: String, _ names: String) throws {
            try run(
                "req", "-x509", "-subj", "/CN=\(name)", "-addext", "subjectAltName=\(names)", "-CA", path("ca.crt"),
                "-CAkey", path("ca.key"), "-keyout", path("\(name).key"), "-out", path("\(name).crt"))
        }

        private func run(_ arguments: String...) throws {
            let process = Process()
            process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
            process.arguments =
                arguments + ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"]
            process.standardError = FileHandle.nullDevice
            try process.run()
            process.waitUntilExit()
            try #require(process.terminationStatus == 0)
        }
    }

    /// What one end has read so far, and how that ended.
    struct Received {
        var bytes: [UInt8] = []
        var last = TLSChannel.Reading.nothing
    }

    /// Gives one end what the other has to send, `step` bytes at a time, and reads.
    private func carry(from source: TLSChannel, to target: TLSChannel, step: Int, into received: inout Received) {
        var buffer = [UInt8](repeating: 0, count: 4096)
        while !source.encrypted.isEmpty {
            let size = min(step, source.encrypted.count)
            target.receive(UnsafeRawBufferPointer(rebasing: source.encrypted.bytes[..<size]))
            source.left(size)
            while true {
                received.last = buffer.withUnsafeMutableBytes { target.read(into: $0, now: 0) }
                guard case .bytes(let count) = received.last else { break }
                received.bytes += buffer[..<count]
            }
            if received.last != .nothing { return }
        }
    }

    private func handshake(
        _ client: TLSChannel, _ server: TLSChannel, step: Int = .max
    ) -> (client: Received, server: Received) {
        var none = ByteQueue()
        var atClient = Received()
        var atServer = Received()
        for _ in 0..<4 {
            client.write(&none)
            carry(from: client, to: server, step: step, into: &atServer)
            server.write(&none)
            carry(from: server, to: client, step: step, into: &atClient)
        }
        return (atClient, atServer)
    }

    private func pair(
        _ certificates: Certificates, asksForCertificate: Bool = false, shows: TLSCredentials? = nil,
        name: String = "gate.test"
    ) throws -> (client: TLSChannel, server: TLSChannel) {
        let server = try TLSContext.server(
            certificates.server, clientAuthorities: asksForCertificate ? certificates.authorities : nil)
        let client = try TLSContext.client(authorities: certificates.authorities, credentials: shows)
        return (try TLSChannel(client: client, of: name, now: 0), try TLSChannel(server: server, now: 0))
    }

    @Test("bytes written at one end are read at the other, however they are cut", arguments: [1, 7, 1400, Int.max])
    func carries(step: Int) throws {
        let certificates = try Certificates()
        let (client, server) = try pair(certificates)
        _ = handshake(client, server, step: step)
        #expect(client.isSecure && server.isSecure)

        let sent = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        var queue = ByteQueue()
        defer { queue.deallocate() }
        _ = sent.withUnsafeBytes { queue.append($0, limit: .max) }
        client.write(&queue)
        #expect(queue.isEmpty)
        var received = Received()
        carry(from: client, to: server, step: step, into: &received)
        #expect(received.bytes == sent)
        client.end()
        carry(from: client, to: server, step: step, into: &received)
        #expect(received.last == .ended)
    }

    @Test("nothing in clear is taken before the handshake is over")
    func keepsUntilSecure() throws {
        let (client, server) = try pair(try Certificates())
        var queue = ByteQueue()
        defer { queue.deallocate() }
        _ = Array("order".utf8).withUnsafeBytes { queue.append($0, limit: .max) }
        client.write(&queue)
        #expect(queue.count == 5)
        _ = handshake(client, server)
        client.write(&queue)
        #expect(queue.isEmpty)
    }

    @Test(
        "a server is taken for the names of its certificate, and for no other",
        arguments: [
            ("gate.test", true), ("127.0.0.1", true), ("other.test", false), ("127.0.0.2", false), ("test", false),
        ])
    func verifiesNames(name: String, passes: Bool) throws {
        let (client, server) = try pair(try Certificates(), name: name)
        let received = handshake(client, server)
        #expect(client.isSecure == passes)
        #expect((received.client.last == .failed) == !passes)
        if !passes { #expect(client.failure.hasPrefix("the peer's certificate: ")) }
    }

    @Test("a server that an unknown authority vouches for is refused")
    func refusesStrangers() throws {
        let stranger = try Certificates()
        let certificates = try Certificates()
        let server = try TLSChannel(server: try .server(stranger.server, clientAuthorities: nil), now: 0)
        let client = try TLSChannel(
            client: try .client(authorities: certificates.authorities, credentials: nil), of: "gate.test", now: 0)
        _ = handshake(client, server)
        #expect(!client.isSecure)
        #expect(!server.isSecure)
    }

    @Test(
        "a client's verified certificate has its own names, letter for letter",
        arguments: [
            ("mm.desk.test", true), ("spiffe://desk.test/mm", true), ("other.desk.test", false),
            ("spiffe://desk.test/m", false), ("spiffe://desk.test/mm2", false), ("desk.test", false), ("", false),
        ])
    func namesOfClient(name: String, has: Bool) throws {
        let certificates = try Certificates()
        let (client, server) = try pair(certificates, asksForCertificate: true, shows: certificates.client)
        _ = handshake(client, server)
        try #require(server.isSecure)
        #expect(server.peerHas(name: name) == has)
    }

    @Test("a client that shows no certificate is refused where one is asked for, and has no name where none is")
    func asksForCertificates() throws {
        let certificates = try Certificates()
        let (stranger, strict) = try pair(certificates, asksForCertificate: true)
        #expect(handshake(stranger, strict).server.last == .failed)
        let (client, server) = try pair(certificates)
        _ = handshake(client, server)
        #expect(server.isSecure)
        #expect(!server.peerHas(name: "mm.desk.test"))
    }

    @Test("bytes that are no TLS are never taken for data, before the handshake or after it")
    func refusesGarbage() throws {
        let certificates = try Certificates()
        var random = SplitMix(seed: 20)
        var buffer = [UInt8](repeating: 0, count: 4096)
        var failures = 0
        for round in 0..<200 {
            let (client, server) = try pair(certificates)
            if round % 2 == 0 { _ = handshake(client, server) }
            let garbage = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) }
            garbage.withUnsafeBytes { server.receive($0) }
            let reading = buffer.withUnsafeMutableBytes { server.read(into: $0, now: 0) }
            if case .bytes = reading { Issue.record("garbage was taken for data") }
            if reading == .failed { failures += 1 }
        }
        // What looks like the beginning of a long record is waited for.
        #expect(failures > 150)
    }

    @Test("files that cannot be used are named")
    func refusesFiles() throws {
        let certificates = try Certificates()
        try certificates.directory.write("no certificate", to: "broken.crt")
        func refusal(_ certificate: String, _ key: String, _ authorities: String? = nil) -> String? {
            do throws(TLSError) {
                _ = try TLSContext.server(
                    TLSCredentials(certificate: certificates.path(certificate), key: certificates.path(key)),
                    clientAuthorities: authorities.map { certificates.path($0) })
                return nil
            } catch {
                return error.description
            }
        }
        #expect(refusal("server.crt", "server.key", "ca.crt") == nil)
        #expect(refusal("none.crt", "server.key")?.contains("none.crt holds no certificate") == true)
        #expect(refusal("broken.crt", "server.key")?.contains("broken.crt holds no certificate") == true)
        #expect(refusal("server.crt", "none.key")?.contains("none.key holds no private key") == true)
        #expect(refusal("server.crt", "client.key")?.contains("client.key holds no private key for") == true)
        #expect(
            refusal("server.crt", "server.key", "broken.crt")?.contains("broken.crt holds no certificate of an") == true
        )
    }
}
