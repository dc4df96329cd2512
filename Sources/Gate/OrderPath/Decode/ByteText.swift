import Glibc

/// Work on text that stays bytes: nothing here makes a `String`.
extension UnsafeRawBufferPointer {
    /// No bytes: how an absent text is said on the order path.
    static var empty: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: nil, count: 0) }

    /// Whether both hold the same bytes.
    func equals(_ other: UnsafeRawBufferPointer) -> Bool {
        guard count == other.count else { return false }
        guard let left = baseAddress, let right = other.baseAddress else { return true }
        return memcmp(left, right, count) == 0
    }

    /// Whether the text in ASCII upper case equals `upper`, which is in upper case already.
    func equalsFolded(_ upper: UnsafeRawBufferPointer) -> Bool {
        guard count == upper.count else { return false }
        for index in 0..<count where self[index].asciiUppercased != upper[index] { return false }
        return true
    }

    /// Whether the bytes are well-formed UTF-8, as every protobuf string must be.
    var isUTF8: Bool {
        if isASCII { return true }
        do {
            _ = try UTF8Span(validating: assumingMemoryBound(to: UInt8.self).span)
            return true
        } catch {
            return false
        }
    }

    /// Whether no byte is above 127; of most texts that is known eight bytes at a time.
    private var isASCII: Bool {
        var highest: UInt64 = 0
        var offset = 0
        while offset + 8 <= count {
            highest |= loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            offset += 8
        }
        while offset < count {
            highest |= UInt64(self[offset])
            offset += 1
        }
        return highest & 0x8080_8080_8080_8080 == 0
    }

    /// Whether this can name an account, a strategy, a symbol or a time in force: 1 to 64 of `[A-Za-z0-9._:/@-]`.
    var isName: Bool {
        guard count >= 1, count <= 64 else { return false }
        for byte in self where !byte.isNameByte { return false }
        return true
    }
}

extension UInt8 {
    var asciiUppercased: UInt8 { self >= UInt8(ascii: "a") && self <= UInt8(ascii: "z") ? self & 0xDF : self }
    var asciiLowercased: UInt8 { self >= UInt8(ascii: "A") && self <= UInt8(ascii: "Z") ? self | 0x20 : self }
    var isASCIIDigit: Bool { self >= UInt8(ascii: "0") && self <= UInt8(ascii: "9") }

    fileprivate var isNameByte: Bool {
        switch self {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "-")...UInt8(ascii: ":"), UInt8(ascii: "@"), UInt8(ascii: "_"):
            true  // "-" to ":" is "-./0123456789:"
        default:
            false
        }
    }
}
