import Gate
import Testing

struct AdminRightsTests {
    private static let loopback = SocketAddress.tcp(host: "127.0.0.1", port: 1)
    private static let everywhere = SocketAddress.tcp(host: "0.0.0.0", port: 1)
    private static let socket = SocketAddress.unix(path: "/run/gate.sock")

    private func verdict(
        _ action: AdminRights.Action, at address: SocketAddress, token: String?, uids: Set<UInt32> = [],
        authorization: String? = nil, uid: UInt32? = nil
    ) -> String {
        let rights = AdminRights(address: address, token: AdminToken(token), uids: uids)
        return switch rights.judge(action, by: .init(authorization: authorization, uid: uid)) {
        case .allowed: "allowed"
        case .needsToken: "needs token"
        case .forbidden: "forbidden"
        }
    }

    @Test(arguments: [loopback, socket, .tcp(host: "localhost", port: 1), .tcp(host: "::1", port: 1)])
    func `anybody stops at a local address, nobody resumes without a right`(address: SocketAddress) {
        #expect(verdict(.stop, at: address, token: nil) == "allowed")
        #expect(verdict(.stop, at: address, token: "s", authorization: "Bearer wrong") == "allowed")
        #expect(verdict(.resume, at: address, token: nil) == "forbidden")
        #expect(verdict(.resume, at: address, token: "") == "forbidden")
        #expect(verdict(.resume, at: address, token: "", authorization: "Bearer ") == "forbidden")
        #expect(verdict(.resume, at: address, token: "s") == "needs token")
    }

    @Test(arguments: [
        everywhere, .tcp(host: "127.0.0.1.example.com", port: 1), .tcp(host: "127.0.0.256", port: 1),
        .tcp(host: "10.0.0.1", port: 1), .tcp(host: "::", port: 1),
    ])
    func `a stop elsewhere needs the token`(address: SocketAddress) {
        #expect(verdict(.stop, at: address, token: nil) == "forbidden")
        #expect(verdict(.stop, at: address, token: "s") == "needs token")
        #expect(verdict(.stop, at: address, token: "s", authorization: "Bearer t") == "needs token")
        #expect(verdict(.stop, at: address, token: "s", authorization: "Bearer s") == "allowed")
    }

    @Test(arguments: [
        ("Bearer secret", "allowed"), ("bearer secret", "allowed"), ("BEARER secret", "allowed"),
        ("Bearer secre", "needs token"), ("Bearer secret2", "needs token"), ("Bearer Secret", "needs token"),
        ("Bearer secret ", "needs token"), ("Bearer", "needs token"), ("Bearer ", "needs token"),
        ("Basic secret", "needs token"), ("secret", "needs token"), ("", "needs token"),
    ])
    func `a resume needs exactly the token`(authorization: String, expected: String) {
        #expect(verdict(.resume, at: Self.loopback, token: "secret", authorization: authorization) == expected)
    }

    @Test(arguments: [loopback, everywhere, socket])
    func `to settle needs what to resume needs, wherever it is asked`(address: SocketAddress) {
        #expect(verdict(.settle, at: address, token: nil) == "forbidden")
        #expect(verdict(.settle, at: address, token: "s") == "needs token")
        #expect(verdict(.settle, at: address, token: "s", authorization: "Bearer t") == "needs token")
        #expect(verdict(.settle, at: address, token: "s", authorization: "Bearer s") == "allowed")
        #expect(verdict(.settle, at: address, token: nil, uids: [1000], uid: 1000) == "allowed")
        #expect(verdict(.settle, at: address, token: nil, uids: [1000], uid: 1001) == "forbidden")
    }

    @Test func `a listed user of the unix socket resumes, another does not`() {
        #expect(verdict(.resume, at: Self.socket, token: nil, uids: [1000], uid: 1000) == "allowed")
        #expect(verdict(.resume, at: Self.socket, token: nil, uids: [1000], uid: 1001) == "forbidden")
        #expect(verdict(.resume, at: Self.socket, token: nil, uids: [1000], uid: nil) == "forbidden")
        #expect(verdict(.resume, at: Self.socket, token: "s", uids: [1000], uid: 1001) == "needs token")
        #expect(verdict(.resume, at: Self.socket, token: nil, uids: [0], uid: nil) == "forbidden")
    }

    @Test func `tokens are equal byte for byte, whatever their lengths`() throws {
        let token = try #require(AdminToken("ab"))
        #expect(token.matches("ab"))
        for other in ["", "a", "b", "aa", "abab", "aba", "AB", "ab\0"] { #expect(!token.matches(other), "\(other)") }
        #expect(AdminToken("") == nil)
        #expect(AdminToken(nil) == nil)
    }
}

struct RequestGuardTests {
    private let tcp = RequestGuard(address: .tcp(host: "gate.example", port: 8083), hostName: "Box1")
    private let unix = RequestGuard(address: .unix(path: "/run/gate.sock"), hostName: "box1")

    @Test(arguments: [
        "gate.example", "gate.example:8083", "GATE.example:9", "localhost", "localhost:8083", "box1:8083",
        "127.0.0.1:8083", "10.1.2.3", "[::1]:8083", "[fe80::1]",
    ])
    func `our names and addresses are ours`(authority: String) {
        #expect(tcp.refusal(authority: authority, origin: nil) == nil)
    }

    @Test(arguments: [
        "evil.example", "evil.example:8083", "localhost.evil.example", "gate.example.", "127.0.0.1.evil.example",
        "2130706433", "[::1", "::1", "[localhost]", "localhost:", "localhost:80:80", "localhost:99999", ":8083", "[]:1",
    ])
    func `another name is foreign`(authority: String) {
        #expect(tcp.refusal(authority: authority, origin: nil) == .foreignHost(authority))
    }

    @Test func `a request without a host is refused`() {
        #expect(tcp.refusal(authority: nil, origin: nil) == .noHost)
        #expect(tcp.refusal(authority: "", origin: nil) == .noHost)
    }

    @Test func `the configured name counts only where it is configured`() {
        #expect(unix.refusal(authority: "gate.example", origin: nil) == .foreignHost("gate.example"))
        #expect(unix.refusal(authority: "localhost", origin: nil) == nil)
    }

    @Test func `a page of the same origin may ask, another may not`() {
        #expect(tcp.refusal(authority: "127.0.0.1:8083", origin: "http://127.0.0.1:8083") == nil)
        for origin in ["http://127.0.0.1:3000", "https://127.0.0.1:8083", "http://evil.example", "null", ""] {
            #expect(tcp.refusal(authority: "127.0.0.1:8083", origin: origin) == .foreignOrigin(origin))
        }
    }
}
