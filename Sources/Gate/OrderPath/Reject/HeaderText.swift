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
        var index = 0
        while index < bytes.count {
            let left = bytes.count - index
            let first = bytes[index]
            let second = left > 1 ? bytes[index + 1] : 0
            let third = left > 2 ? bytes[index + 2] : 0
            writer.append(base64Digit(first >> 2))
            writer.append(base64Digit((first & 0x03) << 4 | second >> 4))
            if left > 1 { writer.append(base64Digit((second & 0x0F) << 2 | third >> 6)) }
            if left > 2 { writer.append(base64Digit(third & 0x3F)) }
            index += 3
        }
    }

    private static let alphabet: StaticString = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

    private static func base64Digit(_ value: UInt8) -> UInt8 { alphabet.utf8Start[Int(value)] }
}
