import Gate
import Testing

@Suite struct ProxyHeaderTests {
    private static func parse(_ bytes: [UInt8]) -> ProxyHeader.Parsed {
        bytes.withUnsafeBytes { ProxyHeader.parse($0) }
    }

    private static let signature: [UInt8] = [0x0D, 0x0A, 0x0D, 0x0A, 0, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A]

    private static func binary(_ command: UInt8, _ family: UInt8, _ rest: [UInt8], size: Int? = nil) -> [UInt8] {
        let size = size ?? rest.count
        return signature + [command, family, UInt8(size >> 8), UInt8(size & 255)] + rest
    }

    private static let ipv4: [UInt8] = [10, 0, 0, 1, 10, 0, 0, 2, 0x11, 0x5C, 0xC3, 0x83]
    private static let ipv6: [UInt8] = [
        0x20, 0x01, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        187, 0, 1,
    ]

    private static let whole: [(bytes: [UInt8], source: String)] = [
        (Array("PROXY TCP4 10.0.0.1 10.0.0.2 4444 50051\r\n".utf8), "10.0.0.1:4444"),
        (Array("PROXY TCP4 255.255.255.255 0.0.0.0 0 65535\r\n".utf8), "255.255.255.255:0"),
        (Array("PROXY TCP6 2001:db8::1 ::1 443 1\r\n".utf8), "[2001:db8::1]:443"),
        (Array("PROXY UNKNOWN\r\n".utf8), "unknown"),
        (Array("PROXY UNKNOWN ffff::1 whatever 1 2\r\n".utf8), "unknown"),
        (Array(("PROXY UNKNOWN " + String(repeating: "x", count: 91) + "\r\n").utf8), "unknown"),
        (binary(0x21, 0x11, ipv4), "10.0.0.1:4444"),
        (binary(0x21, 0x21, ipv6), "[2001:db8::1]:443"),
        (binary(0x21, 0x31, [UInt8](repeating: 7, count: 216)), "unknown"),
        (binary(0x21, 0x00, []), "unknown"),
        (binary(0x20, 0x00, []), "unknown"),
        (binary(0x20, 0x11, [1, 2, 3]), "unknown"),
        (bytes(0x21, 0x11, 20, ipv4, [4, 0, 2, 9, 9, 5, 0, 0]), "10.0.0.1:4444"),
        (bytes(0x21, 0x11, 2032, ipv4, [4, 7, 225] + [UInt8](repeating: 0, count: 2017)), "10.0.0.1:4444"),
    ]

    @Test("a header says who connected, and ends where it ends", arguments: whole)
    func wholeHeader(_ bytes: [UInt8], _ source: String) {
        guard case .header(let length, let found) = Self.parse(bytes + Array("PRI * HTTP/2.0".utf8)) else {
            Issue.record("\(Self.parse(bytes))")
            return
        }
        #expect(length == bytes.count)
        #expect(found.description == source)
    }

    @Test("every beginning of a header is incomplete", arguments: whole)
    func beginnings(_ bytes: [UInt8], _ source: String) {
        for count in 0..<bytes.count { #expect(Self.parse(Array(bytes.prefix(count))) == .incomplete) }
    }

    private typealias Malformed = ProxyHeader.Malformed

    private static let lines: [(line: String, problem: Malformed)] = [
        ("PRI * HTTP/2.0", .signature),
        ("PR1", .signature),
        ("proxy TCP4", .signature),
        ("PROXY TCP4 10.0.0.1 10.0.0.2 4444 50051\n", .line),
        ("PROXY TCP4  10.0.0.1 10.0.0.2 4444 50051\r\n", .line),
        ("PROXY TCP4 10.0.0.1 10.0.0.2 4444 50051 \r\n", .line),
        ("PROXY TCP4 10.0.0.1 10.0.0.2 4444\r\n", .line),
        ("PROXY TCP4 10.0.0.01 10.0.0.2 4444 50051\r\n", .line),
        ("PROXY TCP4 10.0.0.256 10.0.0.2 4444 50051\r\n", .line),
        ("PROXY TCP4 ::1 ::1 4444 50051\r\n", .line),
        ("PROXY TCP6 10.0.0.1 10.0.0.2 4444 50051\r\n", .line),
        ("PROXY TCP4 10.0.0.1 10.0.0.2 65536 50051\r\n", .line),
        ("PROXY TCP4 10.0.0.1 10.0.0.2 04 50051\r\n", .line),
        ("PROXY TCP4 10.0.0.1 10.0.0.2 4444 +1\r\n", .line),
        ("PROXY UDP4 10.0.0.1 10.0.0.2 4444 50051\r\n", .line),
        ("PROXY \r\n", .line),
        ("PROXY UNKNOWN " + String(repeating: "x", count: 92) + "\r\n", .tooLong),
    ]

    @Test("a line that is no header is refused", arguments: lines)
    private func malformedLine(_ line: String, _ problem: Malformed) {
        #expect(Self.parse(Array(line.utf8)) == .malformed(problem))
    }

    private static func bytes(_ command: UInt8, _ family: UInt8, _ size: Int, _ addresses: [UInt8], _ rest: [UInt8])
        -> [UInt8]
    {
        binary(command, family, addresses + rest, size: size)
    }

    private static let binaries: [(bytes: [UInt8], problem: Malformed)] = [
        ([0x0D, 0x0A, 0x0D, 0x0D], .signature),
        ([0], .signature),
        (bytes(0x11, 0x11, 12, ipv4, []), .version),
        (bytes(0x22, 0x11, 12, ipv4, []), .version),
        (bytes(0x21, 0x12, 12, ipv4, []), .family),
        (bytes(0x21, 0x22, 36, ipv6, []), .family),
        (bytes(0x21, 0x11, 11, ipv4, []), .length),
        (bytes(0x21, 0x21, 12, ipv4, []), .length),
        (bytes(0x21, 0x11, 2033, [], []), .tooLong),
        (bytes(0x20, 0x00, 65535, [], []), .tooLong),
        (bytes(0x21, 0x11, 13, ipv4, [4]), .fields),
        (bytes(0x21, 0x11, 16, ipv4, [4, 0, 2, 9]), .fields),
        (bytes(0x21, 0x11, 15, ipv4, [4, 255, 255]), .fields),
    ]

    @Test("bytes that are no header are refused as early as they can be", arguments: binaries)
    private func malformed(_ bytes: [UInt8], _ problem: Malformed) {
        #expect(Self.parse(bytes) == .malformed(problem))
    }

    @Test("whatever the bytes, reading them ends within them", arguments: 1...20)
    func anyBytes(_ seed: UInt64) {
        var random = SplitMix(seed: seed)
        for _ in 0..<500 {
            var bytes = Self.whole[Int(random.next() % UInt64(Self.whole.count))].bytes
            for _ in 0..<Int(random.next() % 4) {
                bytes[Int(random.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: random.next())
            }
            bytes = Array(bytes.prefix(Int(random.next() % UInt64(bytes.count + 1))))
            switch Self.parse(bytes) {
            case .header(let length, _): #expect(length <= bytes.count && length >= 15)
            case .incomplete: #expect(bytes.count < ProxyHeader.longestHeader)
            case .malformed: break
            }
        }
    }
}
