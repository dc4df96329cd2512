/// The `grpc-timeout` header: how long the client will wait.
package enum GRPCTimeout {
    /// The timeout in nanoseconds, at most `Int64.max`; nil where the text is not 1 to 8 digits and one of `HMSmun`.
    package static func nanoseconds(_ text: UnsafeRawBufferPointer) -> Int64? {
        guard let unit = text.last, text.count >= 2, text.count <= 9 else { return nil }
        let scale: Int64
        switch unit {
        case UInt8(ascii: "H"): scale = 3_600_000_000_000
        case UInt8(ascii: "M"): scale = 60_000_000_000
        case UInt8(ascii: "S"): scale = 1_000_000_000
        case UInt8(ascii: "m"): scale = 1_000_000
        case UInt8(ascii: "u"): scale = 1_000
        case UInt8(ascii: "n"): scale = 1
        default: return nil
        }
        var count: Int64 = 0
        for byte in text.dropLast() {
            guard byte.isASCIIDigit else { return nil }
            count = count * 10 + Int64(byte - UInt8(ascii: "0"))
        }
        let (nanoseconds, overflow) = count.multipliedReportingOverflow(by: scale)
        return overflow ? .max : nanoseconds
    }
}
