import RiskRules

/// What an integer on the wire is counted in: `1e-8`, `0.00000001` or, for a price in ticks, `0.25`. Exact.
package struct DecimalScale: Equatable, Sendable, BitwiseCopyable {
    /// Above zero, with no trailing zero in decimal.
    let mantissa: Int64
    /// The scale is `mantissa x 10^exponent`.
    let exponent: Int

    /// Furthest powers of ten that a scale may have.
    static let exponents = -18...18

    /// `digits[.digits][e[+-]digits]`, above zero; nil where the text is anything else or further than 10^18 from 1.
    package init?(_ text: String) {
        let parts = text.lowercased().split(separator: "e", maxSplits: 1, omittingEmptySubsequences: false)
        guard let decimal = parts.first, let (digits, decimals) = Self.digits(decimal) else { return nil }
        var exponent = -decimals
        if parts.count == 2 {
            guard parts[1].utf8.count <= 3, let written = Int(parts[1]) else { return nil }
            exponent += written
        }
        let significant = digits.drop { $0 == "0" }
        guard significant.utf8.count <= 18, var mantissa = Int64(significant) else { return nil }
        while mantissa % 10 == 0 {
            mantissa /= 10
            exponent += 1
        }
        guard Self.exponents.contains(exponent) else { return nil }
        self.mantissa = mantissa
        self.exponent = exponent
    }

    /// The digits of a decimal without its point, and how many of them stand behind it.
    private static func digits(_ text: Substring) -> (digits: String, decimals: Int)? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, parts.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(\.isASCIIDigit) }) else {
            return nil
        }
        let decimals = parts.count == 2 ? parts[1] : ""
        return (String(whole + decimals), decimals.utf8.count)
    }

    /// How many of it fit into a number that is not negative.
    func count(in number: FixedPoint) -> Int128 {
        let shift = exponent + FixedPoint.decimals
        // At most 10^28 units times 10^8: below 2^127.
        if shift < 0 { return number.units &* Self.power(-shift) / Int128(mantissa) }
        let (size, overflow) = Int128(mantissa).multipliedReportingOverflow(by: Self.power(shift))
        return overflow ? 0 : number.units / size
    }

    /// A power of ten, up to 10^28.
    private static func power(_ exponent: Int) -> Int128 { (0..<exponent).reduce(1) { product, _ in product &* 10 } }

    /// What so many of it are worth.
    enum Product: BitwiseCopyable {
        case number(FixedPoint)
        case tooLarge
        /// Not a whole number of 10^-10.
        case tooFine
    }

    /// `count` times the scale.
    func times(_ count: Int128) -> Product {
        // At most 2^64 times 10^18: below 2^127.
        var units = count &* Int128(mantissa)
        let shift = exponent + FixedPoint.decimals
        if shift >= 0 {
            for _ in 0..<shift where units != 0 {
                let (product, overflow) = units.multipliedReportingOverflow(by: 10)
                if overflow { return .tooLarge }
                units = product
            }
        } else {
            for _ in shift..<0 where units != 0 {
                let (quotient, remainder) = units.quotientAndRemainder(dividingBy: 10)
                if remainder != 0 { return .tooFine }
                units = quotient
            }
        }
        return FixedPoint(inRange: units).map(Product.number) ?? .tooLarge
    }
}

extension FixedPoint {
    /// Decimals of the smallest unit.
    fileprivate static let decimals = 10
}
