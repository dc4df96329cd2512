import Glibc

/// The PROXY protocol's header, versions 1 and 2 (HAProxy, doc/proxy-protocol.txt), read strictly and within bounds from the
/// bytes that a connection begins with. It does no I/O: bytes in, what they say out.
package enum ProxyHeader {
    /// What the bytes so far are.
    package enum Parsed: Equatable {
        /// The beginning of a header; all of them belong to it.
        case incomplete
        /// A whole header in the first `length` bytes.
        case header(length: Int, source: Source)
        case malformed(Malformed)
    }

    /// Who connected to the proxy.
    package enum Source: Equatable, Sendable {
        /// The header does not say: the proxy's own check, or another family.
        case unknown
        case ipv4(address: UInt32, port: UInt16)
        case ipv6(high: UInt64, low: UInt64, port: UInt16)
    }

    package enum Malformed: String, CaseIterable, Equatable, Sendable {
        case signature = "no PROXY header"
        case line = "a PROXY line that is none"
        case tooLong = "a PROXY header that is too long"
        case version = "a version or command that there is not"
        case family = "an address family other than TCP or unix"
        case length = "a length that does not fit the addresses"
        case fields = "fields behind the addresses that do not fill the rest"
    }

    /// The longest line of version 1, with its end.
    package static let longestLine = 107
    /// The longest header of version 2 that is taken, with the fields behind its addresses.
    package static let longestHeader = 2048

    private static let signature: StaticString = "\r\n\r\n\0\r\nQUIT\n"
    private static let word: StaticString = "PROXY "
    private static let prefixSize = 16

    package static func parse(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        guard let first = bytes.first else { return .incomplete }
        let expected = first == UInt8(ascii: "P") ? word.bytes : signature.bytes
        guard bytes.prefix(expected.count).elementsEqual(expected.prefix(bytes.count)) else {
            return .malformed(.signature)
        }
        guard bytes.count >= expected.count else { return .incomplete }
        return first == UInt8(ascii: "P") ? line(bytes) : binary(bytes)
    }

    // MARK: Version 1

    private static func line(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        let window = UnsafeRawBufferPointer(rebasing: bytes.prefix(longestLine))
        guard let end = window.firstIndex(of: UInt8(ascii: "\n")) else {
            return bytes.count < longestLine ? .incomplete : .malformed(.tooLong)
        }
        guard end > 0, window[end - 1] == UInt8(ascii: "\r") else { return .malformed(.line) }
        let text = UnsafeRawBufferPointer(rebasing: window[word.utf8CodeUnitCount..<end - 1])
        let words = text.split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        if let family = words.first, family.elementsEqual("UNKNOWN".utf8) {
            return .header(length: end + 1, source: .unknown)
        }
        guard words.count == 5, let port = port(words[3]), self.port(words[4]) != nil else { return .malformed(.line) }
        let source: Source?
        if words[0].elementsEqual("TCP4".utf8) {
            source = ipv4(words[2]) == nil ? nil : ipv4(words[1]).map { .ipv4(address: $0, port: port) }
        } else if words[0].elementsEqual("TCP6".utf8) {
            source = ipv6(words[2]) == nil ? nil : ipv6(words[1]).map { .ipv6(high: $0.high, low: $0.low, port: port) }
        } else {
            source = nil
        }
        guard let source else { return .malformed(.line) }
        return .header(length: end + 1, source: source)
    }

    /// Digits without a leading zero.
    private static func port(_ word: Slice<UnsafeRawBufferPointer>) -> UInt16? {
        guard (1...5).contains(word.count), word.allSatisfy({ (0x30...0x39).contains($0) }),
            word.count == 1 || word.first != UInt8(ascii: "0")
        else { return nil }
        return UInt16(exactly: word.reduce(0) { $0 * 10 + Int($1) - 0x30 })
    }

    private static func ipv4(_ word: Slice<UnsafeRawBufferPointer>) -> UInt32? {
        presented(word, family: AF_INET).map { UInt32(truncatingIfNeeded: $0.high >> 32) }
    }

    private static func ipv6(_ word: Slice<UnsafeRawBufferPointer>) -> (high: UInt64, low: UInt64)? {
        presented(word, family: AF_INET6)
    }

    /// An address in text, as inet_pton takes it; an IPv4 address stands in the upper half of `high`.
    private static func presented(
        _ word: Slice<UnsafeRawBufferPointer>, family: Int32
    ) -> (high: UInt64, low: UInt64)? {
        guard (2..<Int(INET6_ADDRSTRLEN)).contains(word.count), !word.contains(0) else { return nil }
        return withUnsafeTemporaryAllocation(byteCount: Int(INET6_ADDRSTRLEN) + 16, alignment: 8) { room in
            room.initializeMemory(as: UInt8.self, repeating: 0)
            UnsafeMutableRawBufferPointer(rebasing: room[16...]).copyBytes(from: word)
            guard let base = room.baseAddress,
                inet_pton(family, (base + 16).assumingMemoryBound(to: CChar.self), base) == 1
            else { return nil }
            return (
                UInt64(bigEndian: base.load(as: UInt64.self)), UInt64(bigEndian: (base + 8).load(as: UInt64.self))
            )
        }
    }

    // MARK: Version 2

    private static func binary(_ bytes: UnsafeRawBufferPointer) -> Parsed {
        guard bytes.count > 12 else { return .incomplete }
        let command = bytes[12]
        guard command == 0x20 || command == 0x21 else { return .malformed(.version) }
        guard bytes.count > 13 else { return .incomplete }
        let family = bytes[13]
        guard let addresses = addressSize(family) else { return .malformed(.family) }
        guard bytes.count >= prefixSize else { return .incomplete }
        let size = Int(bytes[14]) << 8 | Int(bytes[15])
        let length = prefixSize + size
        guard length <= longestHeader else { return .malformed(.tooLong) }
        // The sender's own connection (LOCAL): whatever addresses there are mean nothing.
        let isLocal = command == 0x20
        guard isLocal || size >= addresses else { return .malformed(.length) }
        guard bytes.count >= length else { return .incomplete }
        if isLocal { return .header(length: length, source: .unknown) }
        guard fieldsFill(UnsafeRawBufferPointer(rebasing: bytes[(prefixSize + addresses)..<length])) else {
            return .malformed(.fields)
        }
        return .header(length: length, source: source(family, bytes))
    }

    /// nil: a family or transport that cannot be here.
    private static func addressSize(_ family: UInt8) -> Int? {
        switch family {
        case 0x00: 0
        case 0x11: 12
        case 0x21: 36
        case 0x31: 216
        default: nil
        }
    }

    private static func source(_ family: UInt8, _ bytes: UnsafeRawBufferPointer) -> Source {
        func number<Value: FixedWidthInteger>(at offset: Int, _ type: Value.Type) -> Value {
            Value(bigEndian: bytes.loadUnaligned(fromByteOffset: prefixSize + offset, as: Value.self))
        }
        return switch family {
        case 0x11: .ipv4(address: number(at: 0, UInt32.self), port: number(at: 8, UInt16.self))
        case 0x21:
            .ipv6(high: number(at: 0, UInt64.self), low: number(at: 8, UInt64.self), port: number(at: 32, UInt16.self))
        default: .unknown
        }
    }

    /// Type, length and value after one another, to the last byte.
    private static func fieldsFill(_ bytes: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset < bytes.count {
            guard bytes.count - offset >= 3 else { return false }
            offset += 3 + (Int(bytes[offset + 1]) << 8 | Int(bytes[offset + 2]))
        }
        return offset == bytes.count
    }
}

extension ProxyHeader.Source: CustomStringConvertible {
    /// `host:port`, `[host]:port` or `unknown`.
    package var description: String {
        switch self {
        case .unknown: "unknown"
        case .ipv4(let address, let port):
            [24, 16, 8, 0].map { String(address >> $0 & 0xFF) }.joined(separator: ".") + ":\(port)"
        case .ipv6(let high, let low, let port): "[\(Self.text(high, low))]:\(port)"
        }
    }

    private static func text(_ high: UInt64, _ low: UInt64) -> String {
        var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
        withUnsafeBytes(of: (high.bigEndian, low.bigEndian)) {
            _ = inet_ntop(AF_INET6, $0.baseAddress, &text, socklen_t(text.count))
        }
        return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
