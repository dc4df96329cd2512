extension FixedPoint {
    /// Why a text is not an exact decimal.
    package enum ParseError: Error, Sendable {
        /// Not `[+-]digits[.digits]`.
        case malformed
        /// More than ten decimals.
        case tooManyDecimals
        /// Above 10^18 in magnitude.
        case outOfRange
    }

    /// Why a text cannot be rounded to a decimal.
    package enum RoundingError: Error, Sendable {
        /// Not `[+-]digits[.digits][e[+-]digits]`; what is infinite or not a number is none.
        case malformed
        /// Above 10^18 in magnitude.
        case outOfRange
        /// Not zero, and nearer to zero than to 10^-10.
        case roundsToZero
    }

    /// Exactly the decimal that is written: `[+-]digits[.digits]`, at most ten decimals, nothing else.
    package init(parsing text: UnsafeRawBufferPointer) throws(ParseError) {
        guard let decimal = WrittenDecimal(text, allowsExponent: false) else { throw .malformed }
        guard decimal.decimals <= 10 else { throw .tooManyDecimals }
        guard let units = decimal.units else { throw .outOfRange }
        self.init(units: units)
    }

    /// The decimal that is written, with an exponent or without and with any number of decimals, rounded half-even to
    /// 10^-10; what rounds to zero is zero. For the numbers that the mirror reads.
    package init(rounding text: UnsafeRawBufferPointer) throws(RoundingError) {
        guard let decimal = WrittenDecimal(text, allowsExponent: true) else { throw .malformed }
        guard let units = decimal.units else { throw .outOfRange }
        self.init(units: units)
    }

    /// A binary floating-point number, given as its shortest decimal text (`-1.25e-07`), rounded half-even to 10^-10; what
    /// is not zero and rounds to zero is an error. For the numbers of an order.
    package init(scientific text: UnsafeRawBufferPointer) throws(RoundingError) {
        guard let decimal = WrittenDecimal(text, allowsExponent: true) else { throw .malformed }
        guard let units = decimal.units else { throw .outOfRange }
        guard units != 0 || decimal.mantissa == 0 else { throw .roundsToZero }
        self.init(units: units)
    }

    /// As `init(parsing:)` of the text's UTF-8.
    package init(parsing text: String) throws(ParseError) {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(ParseError) in try FixedPoint(parsing: UnsafeRawBufferPointer(bytes)) }
        }
        self = try result.get()
    }

    /// As `init(rounding:)` of the text's UTF-8.
    package init(rounding text: String) throws(RoundingError) {
        var text = text
        let result = text.withUTF8 { bytes in
            Result { () throws(RoundingError) in try FixedPoint(rounding: UnsafeRawBufferPointer(bytes)) }
        }
        self = try result.get()
    }
}

/// A decimal as it is written: `mantissa * 10^exponent`, cut after its first 38 significant digits.
private struct WrittenDecimal {
    var isNegative = false
    var mantissa: UInt128 = 0
    var exponent = 0
    /// Digits after the point, as written.
    var decimals = 0
    /// Whether a digit that is not zero was cut off.
    private var isCut = false

    /// 10^38 - 1 is the largest number of all nines in 128 bits.
    private static let maximumDigits = 38
    /// Exponents count no further: far more than any text in memory could make up for by its digits.
    private static let maximumExponent = 1 << 60

    init?(_ text: UnsafeRawBufferPointer, allowsExponent: Bool) {
        var position = 0
        if position < text.count, text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
            isNegative = text[position] == UInt8(ascii: "-")
            position += 1
        }
        var digits = 0
        let wholeStart = position
        readDigits(text, &position, &digits)
        guard position > wholeStart else { return nil }
        if position < text.count, text[position] == UInt8(ascii: ".") {
            position += 1
            let start = position
            readDigits(text, &position, &digits)
            decimals = position - start
            guard decimals > 0 else { return nil }
            exponent -= decimals
        }
        if allowsExponent, position < text.count, text[position] | 0x20 == UInt8(ascii: "e") {
            guard let written = Self.exponent(text, after: &position) else { return nil }
            exponent += written
        }
        guard position == text.count else { return nil }
    }

    private mutating func readDigits(_ text: UnsafeRawBufferPointer, _ position: inout Int, _ digits: inout Int) {
        while position < text.count, let digit = Self.digit(text[position]) {
            if digits < Self.maximumDigits {
                mantissa = mantissa &* 10 &+ UInt128(digit)
                if mantissa != 0 { digits += 1 }
            } else {
                exponent += 1
                if digit != 0 { isCut = true }
            }
            position += 1
        }
    }

    private static func exponent(_ text: UnsafeRawBufferPointer, after position: inout Int) -> Int? {
        position += 1
        var isNegative = false
        if position < text.count, text[position] == UInt8(ascii: "-") || text[position] == UInt8(ascii: "+") {
            isNegative = text[position] == UInt8(ascii: "-")
            position += 1
        }
        let start = position
        var value = 0
        while position < text.count, let digit = digit(text[position]) {
            if value < maximumExponent / 10 { value = value * 10 + Int(digit) } else { value = maximumExponent }
            position += 1
        }
        return position > start ? (isNegative ? -value : value) : nil
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        let digit = byte &- UInt8(ascii: "0")
        return digit <= 9 ? digit : nil
    }

    /// The value in units of 10^-10, rounded half-even; nil above 10^18 in magnitude.
    var units: Int128? {
        guard mantissa != 0 else { return 0 }
        let shift = exponent + 10
        var magnitude = mantissa
        if shift >= 0 {
            guard shift <= Self.maximumDigits else { return nil }
            let (product, overflow) = magnitude.multipliedReportingOverflow(by: Self.power(shift))
            guard !overflow else { return nil }
            magnitude = product
        } else if shift < -Self.maximumDigits {
            // The mantissa is below 10^38: less than half a unit is left.
            return 0
        } else {
            let divisor = Self.power(-shift)
            let (quotient, remainder) = mantissa.quotientAndRemainder(dividingBy: divisor)
            let half = divisor / 2
            let isAboveHalf = remainder > half || (remainder == half && isCut)
            let isTie = remainder == half && !isCut
            magnitude = isAboveHalf || (isTie && quotient & 1 == 1) ? quotient + 1 : quotient
        }
        guard magnitude <= UInt128(FixedPoint.maximumUnits) else { return nil }
        return isNegative ? -Int128(magnitude) : Int128(magnitude)
    }

    /// 10 to a power of at most 38.
    private static func power(_ exponent: Int) -> UInt128 {
        var result: UInt128 = 1
        for _ in 0..<exponent { result = result &* 10 }
        return result
    }
}
