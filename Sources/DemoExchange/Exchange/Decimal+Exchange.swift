package import Foundation

extension Decimal {
    /// The shortest decimal that reads back as `value`, so that a client's 0.1 is 0.1; nil for what is not a number.
    package init?(wire value: Double) {
        guard value.isFinite, abs(value) < 1e18 else { return nil }
        self.init(string: value.description)
    }

    /// The nearest double. Through the digits: `NSDecimalNumber` multiplies by powers of ten and is off by some.
    package var wire: Double { Double(description) ?? .nan }

    package func isMultiple(of step: Decimal) -> Bool { rounded(to: step, .plain) == self }

    /// The multiple of `step` that `mode` picks.
    package func rounded(to step: Decimal, _ mode: RoundingMode) -> Decimal {
        (self / step).rounded(scale: 0, mode) * step
    }

    /// Rounded to `scale` decimals.
    package func rounded(scale: Int, _ mode: RoundingMode = .bankers) -> Decimal {
        var source = self
        var result = Decimal()
        NSDecimalRound(&result, &source, scale, mode)
        return result
    }
}
