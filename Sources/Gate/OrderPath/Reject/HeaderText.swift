/// Text as gRPC wants it in header values.
enum HeaderText {
    /// Percent-encodes what is not printable ASCII, and `%`, up to `limit` bytes; an escape is written whole or not at all.
    static func percentEncode(_ text: UnsafeRawBufferPointer, limit: Int, into writer: inout ByteWriter) {
        let end = writer.count + limit
        for byte in text {
            if byte >= 0x20, byte <= 0x7E, byte != UInt8(ascii: "%") {
                guard writer.count < end else { return }
                writer.append(byte)
            } else {
                guard writer.count + 3 <= end else { return }
                writer.append(UInt8(ascii: "%"))
                writer.append(hexDigit(byte >> 4))
                writer.append(hexDigit(byte & 0xF))
            }
        }
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
        while place < room.count {
            let left = bytes.count - index
            var group = UInt32(bytes[index]) << 16
            if left > 1 { group |= UInt32(bytes[index + 1]) << 8 }
            if left > 2 { group |= UInt32(bytes[index + 2]) }
            // The last group has as many digits as there is room for.
            var shift: UInt32 = 24
            while shift > 0, place < room.count {
                shift -= 6
                room[place] = digits[Int(group >> shift & 0x3F)]
                place += 1
            }
            index += 3
        }
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
}
