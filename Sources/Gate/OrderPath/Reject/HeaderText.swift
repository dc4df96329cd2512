/// Text as gRPC wants it in header values.
enum HeaderText {
    /// Percent-encodes what is not printable ASCII, and `%`, up to `limit` bytes; an escape is written whole or not at all.
    static func percentEncode(_ text: UnsafeRawBufferPointer, limit: Int, into writer: inout ByteWriter) {
        let end = writer.count + limit
        var rest = text[...]
        while !rest.isEmpty {
            let plain = rest.prefix(while: isPlain).prefix(end - writer.count)
            writer.append(UnsafeRawBufferPointer(rebasing: plain))
            rest = rest.dropFirst(plain.count)
            guard let byte = rest.first, !isPlain(byte), writer.count + 3 <= end else { return }
            writer.append(UInt8(ascii: "%"))
            writer.append(hexDigit(byte >> 4))
            writer.append(hexDigit(byte & 0xF))
            rest = rest.dropFirst()
        }
    }

    private static func isPlain(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte <= 0x7E && byte != UInt8(ascii: "%")
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }

    /// Base64 without padding, as binary headers carry their values.
    static func base64(_ bytes: UnsafeRawBufferPointer, into writer: inout ByteWriter) {
        guard let room = writer.room((bytes.count * 4 + 2) / 3) else { return }
        let digits = alphabet.utf8Start
        var index = 0
        var place = 0
        while index + 3 <= bytes.count {
            let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
            room[place] = digits[Int(group >> 18)]
            room[place + 1] = digits[Int(group >> 12 & 0x3F)]
            room[place + 2] = digits[Int(group >> 6 & 0x3F)]
            room[place + 3] = digits[Int(group & 0x3F)]
            index += 3
            place += 4
        }
        guard index < bytes.count else { return }
        let second = index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0
        var group = UInt32(bytes[index]) << 16 | second << 8
        while place < room.count {
            room[place] = digits[Int(group >> 18 & 0x3F)]
            group <<= 6
            place += 1
        }
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
}
