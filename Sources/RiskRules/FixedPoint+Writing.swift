extension FixedPoint: CustomStringConvertible {
    /// No value in range takes more bytes than this: a sign, 19 digits, a point, ten decimals.
    package static let maximumTextLength = 31

    /// Writes the shortest decimal text (`-12.5`, no trailing zeros) and returns how many bytes it took; nothing, and 0,
    /// where the buffer is smaller than `maximumTextLength`.
    package func write(into buffer: UnsafeMutableRawBufferPointer) -> Int {
        guard buffer.count >= Self.maximumTextLength else { return 0 }
        var whole: UInt128
        var fraction: UInt64
        (whole, fraction) = Self.parts(units.magnitude)
        var decimals = 10
        while decimals > 0, fraction % 10 == 0 {
            fraction /= 10
            decimals -= 1
        }
        var end = Self.digitCount(whole) + (units < 0 ? 1 : 0) + (decimals > 0 ? decimals + 1 : 0)
        let count = end
        guard count <= buffer.count else { return 0 }
        if decimals > 0 {
            for _ in 0..<decimals {
                end -= 1
                buffer[end] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: fraction % 10)
                fraction /= 10
            }
            end -= 1
            buffer[end] = UInt8(ascii: ".")
        }
        repeat {
            end -= 1
            buffer[end] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: whole % 10)
            whole /= 10
        } while whole != 0
        if units < 0 { buffer[0] = UInt8(ascii: "-") }
        return count
    }

    /// The shortest decimal text.
    package var description: String {
        withUnsafeTemporaryAllocation(byteCount: 64, alignment: 1) { buffer in
            String(decoding: UnsafeRawBufferPointer(buffer)[..<write(into: buffer)], as: UTF8.self)
        }
    }

    private static func parts(_ magnitude: UInt128) -> (whole: UInt128, fraction: UInt64) {
        let (quotient, remainder) = magnitude.quotientAndRemainder(dividingBy: UInt128(scale))
        return (quotient, UInt64(truncatingIfNeeded: remainder))
    }

    private static func digitCount(_ value: UInt128) -> Int {
        var count = 1
        var rest = value / 10
        while rest != 0 {
            count += 1
            rest /= 10
        }
        return count
    }
}
