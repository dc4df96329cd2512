import Gate
import Testing

@Suite struct SocketAddressTests {
    private static let longestPath = "/" + String(repeating: "p", count: SocketAddress.longestPath - 1)

    @Test(
        "addresses are read, and written as they were",
        arguments: [
            ("127.0.0.1:50051", SocketAddress.tcp(host: "127.0.0.1", port: 50051)),
            ("localhost:0", .tcp(host: "localhost", port: 0)),
            ("exchange_1.test-net:65535", .tcp(host: "exchange_1.test-net", port: 65535)),
            ("[::1]:8083", .tcp(host: "::1", port: 8083)),
            ("[fe80::1%eth0]:8083", .tcp(host: "fe80::1%eth0", port: 8083)),
            ("unix:/run/gate.sock", .unix(path: "/run/gate.sock")),
            ("unix:" + longestPath, .unix(path: longestPath)),
        ])
    func addressIsRead(_ text: String, _ address: SocketAddress) throws {
        #expect(try SocketAddress(text) == address)
        #expect(address.description == text)
    }

    @Test(
        "what is no address is refused",
        arguments: [
            "", ":", "50051", "localhost", "localhost:", ":50051", "localhost:65536", "localhost:-1", "localhost:+1",
            "localhost:1x", "localhost:000001", "::1:50051", "[::1]", "[::1:50051", "::1]:50051", "[localhost]:1",
            "[]:1",
            "[[::1]]:1", "http://localhost:1", "local host:1", "höst:1", "unix:", "unix:gate.sock", "unix:@gate",
            "unix:" + longestPath + "p", String(repeating: "h", count: 254) + ":1",
        ])
    func addressIsRefused(_ text: String) {
        #expect(throws: SocketAddress.Malformed.self) { try SocketAddress(text) }
    }
}
