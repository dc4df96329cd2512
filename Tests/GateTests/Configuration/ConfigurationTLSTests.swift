import Gate
import RiskRules
import Testing

@Suite struct ConfigurationTLSTests {
    private func read(
        _ text: String, listen: String = "127.0.0.1:50051", upstream: String = "orders.test:50061"
    ) -> Result<GateConfiguration, ConfigurationProblems> {
        let whole = "listen: \(listen)\nupstream: \(upstream)\norders: o.yaml\nrules: rules\n" + text
        return ConfigurationReader.read(file: "deploy/gate.yaml", environment: [:], hostName: "host-1") { _ in
            Array(whole.utf8)
        }
    }

    private func problems(_ text: String, listen: String = "127.0.0.1:50051", upstream: String = "o.test:1") -> [String]
    {
        guard case .failure(let failure) = read(text, listen: listen, upstream: upstream) else { return [] }
        return failure.problems.map(\.description)
    }

    @Test("without tls and identity both sides speak in clear and anybody trades for anybody")
    func defaults() throws {
        let configuration = try read("").get()
        #expect(configuration.tls == TLSSettings())
        #expect(configuration.identities.isEmpty)
    }

    @Test("files are found beside the configuration, and the endpoint's name is its host")
    func whole() throws {
        let configuration = try read(
            """
            tls:
              listen: {certificate: tls/a.crt, key: /etc/a.key, client_ca: tls/clients.pem}
              upstream: {ca: tls/ca.pem, certificate: tls/b.crt, key: tls/b.key}
            identity:
              - {certificate: mm.desk.test, accounts: ["mm-*"], strategies: [""]}
            """
        ).get()
        #expect(
            configuration.tls.listen
                == TLSSettings.Listen(
                    credentials: TLSCredentials(certificate: "deploy/tls/a.crt", key: "/etc/a.key"),
                    clientAuthorities: "deploy/tls/clients.pem"))
        #expect(
            configuration.tls.upstream
                == TLSSettings.Upstream(
                    authorities: "deploy/tls/ca.pem",
                    credentials: TLSCredentials(certificate: "deploy/tls/b.crt", key: "deploy/tls/b.key"),
                    name: "orders.test"))
        #expect(
            configuration.identities == [
                IdentityBinding(peer: .certificate("mm.desk.test"), accounts: ["mm-*"], strategies: [""])
            ])
    }

    @Test("an upstream section that says nothing trusts the system's authorities")
    func upstreamAlone() throws {
        #expect(try read("tls: {upstream: {}}").get().tls.upstream == TLSSettings.Upstream(name: "orders.test"))
        let named = try read("tls: {upstream: {name: o.test}}", upstream: "unix:/run/o.sock").get()
        #expect(named.tls.upstream?.name == "o.test")
    }

    @Test("a unix peer is known by its user")
    func unixPeer() throws {
        let configuration = try read("identity: [{uid: 1001, accounts: [a]}]", listen: "unix:/run/gate.sock").get()
        #expect(configuration.identities.first?.peer == .user(1001))
    }

    @Test(
        "what cannot be is refused with its place",
        arguments: [
            ("tls: {listen: {certificate: a.crt}}", "gate.yaml:5:15: tls.listen: the key key is missing and needed"),
            ("tls: {upstream: {key: a.key}}", "tls.upstream: the key certificate is missing and needed"),
            ("tls: {listen: {certificate: a, key: b, ca: c}}", "tls.listen: unknown key \"ca\""),
            ("identity: []", "gate.yaml:5:11: identity: an empty list lets nobody trade"),
            ("identity: [{accounts: [a]}]", "identity[0]: whose it is is missing"),
            ("identity: [{certificate: a, uid: 1}]", "identity[0]: certificate and uid are two ways"),
            ("identity: [{certificate: a.test}]", "identity[0].certificate: clients show no certificate"),
            ("identity: [{uid: 1}]", "identity[0].uid: only a unix socket tells its peer's user"),
            ("identity: [{uid: -1}]", "identity[0].uid: "),
            ("identity: [{uid: 1, account: [a]}]", "identity[0]: unknown key \"account\"; did you mean accounts?"),
            ("identity: [{uid: 1, accounts: []}]", "identity[0].accounts: an empty list covers nothing"),
        ])
    func refused(text: String, message: String) {
        #expect(problems(text).contains { $0.contains(message) }, "\(problems(text))")
    }

    @Test("a peer that stands twice is refused")
    func twice() {
        let text = "identity: [{uid: 1}, {uid: 1}]"
        #expect(problems(text, listen: "unix:/run/g.sock").contains { $0.contains("identity[1]: this peer stands") })
    }

    @Test("a unix endpoint without a name is refused")
    func unixEndpoint() {
        let found = problems("tls: {upstream: {}}", upstream: "unix:/run/o.sock")
        #expect(found.contains { $0.contains("tls.upstream: a unix socket has no host name") })
    }
}
