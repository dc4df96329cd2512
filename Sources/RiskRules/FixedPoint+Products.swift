// Products and ratios: 128 bits hold every factor, 256 bits every product, so nothing is lost before it is compared.
extension FixedPoint {
    /// A product of magnitudes, in units of 10^-10: the whole units in it, and whether something below one was cut off.
    struct Product: BitwiseCopyable {
        var floor: UInt128
        var isExact: Bool

        /// Rounded away from zero. Cannot wrap: `floor` is at most `maximumUnits`.
        var ceiling: Int128 { Int128(truncatingIfNeeded: isExact ? floor : floor &+ 1) }
        /// The value at or below, and the one at or above.
        var below: FixedPoint { FixedPoint(units: Int128(truncatingIfNeeded: floor)) }
        var above: FixedPoint { FixedPoint(units: ceiling) }
    }

    /// `a * b` of magnitudes; nil where it is above 10^18 once rounded up.
    @inline(__always)
    static func product(_ a: UInt128, _ b: UInt128) -> Product? {
        if (a | b) >> 64 == 0 {
            let full = UInt64(truncatingIfNeeded: a).multipliedFullWidth(by: UInt64(truncatingIfNeeded: b))
            if full.high < scale64 {
                let (quotient, isExact) = dividedByScale(full.high, full.low)
                return Product(floor: UInt128(quotient), isExact: isExact)
            }
        }
        return wideProduct(a, b)
    }

    /// `a * b * c` of magnitudes, rounded once; nil where it is above 10^18 once rounded up.
    @inline(__always)
    static func product(_ a: UInt128, _ b: UInt128, _ c: UInt128) -> Product? {
        c == wideScale ? product(a, b) : wideProduct(a, b, c)
    }

    @inline(never)
    private static func wideProduct(_ a: UInt128, _ b: UInt128) -> Product? {
        let full = a.multipliedFullWidth(by: b)
        return quotient(full.high, full.low, by: wideScale)
    }

    @inline(never)
    private static func wideProduct(_ a: UInt128, _ b: UInt128, _ c: UInt128) -> Product? {
        if a == 0 || b == 0 || c == 0 { return Product(floor: 0, isExact: true) }
        let pair = a.multipliedFullWidth(by: b)
        // With `c` at least one unit, a pair above 10^48 units^2 makes the whole larger than 10^18; at most that, it has
        // 160 bits, and the whole less than 256.
        guard pair.high >> 32 == 0 else { return nil }
        let low = pair.low.multipliedFullWidth(by: c)
        let (high, overflow) = low.high.addingReportingOverflow(pair.high &* c)
        guard !overflow else { return nil }
        return quotient(high, low.low, by: wideScale * wideScale)
    }

    /// `a * b`, rounded away from zero to 10^-10; nil above 10^18 in magnitude.
    @inline(__always)
    package static func roundedUp(_ a: FixedPoint, times b: FixedPoint) -> FixedPoint? {
        signed(product(a.units.magnitude, b.units.magnitude), isNegative: (a.units < 0) != (b.units < 0))
    }

    /// `a * b * c`, rounded once and away from zero to 10^-10; nil above 10^18 in magnitude. What a notional is.
    package static func roundedUp(_ a: FixedPoint, times b: FixedPoint, times c: FixedPoint) -> FixedPoint? {
        let isNegative = ((a.units < 0) != (b.units < 0)) != (c.units < 0)
        return signed(product(a.units.magnitude, b.units.magnitude, c.units.magnitude), isNegative: isNegative)
    }

    /// `a * b / divisor` of values that are not below zero, rounded up once; nil above 10^18, or where the divisor is zero.
    static func roundedUp(_ a: FixedPoint, times b: FixedPoint, over divisor: FixedPoint) -> FixedPoint? {
        guard divisor.units > 0 else { return nil }
        let full = wide(a.units.magnitude, b.units.magnitude)
        return quotient(full.high, full.low, by: divisor.units.magnitude).map { $0.above }
    }

    /// Below, at or above zero as `numerator / denominator` is below, at or above `bound`: by cross-multiplication, exact.
    /// The denominator is above zero.
    @inline(__always)
    package static func compareRatio(
        _ numerator: FixedPoint, over denominator: FixedPoint, to bound: FixedPoint
    ) -> Int {
        if let numerator = small(numerator), let denominator = small(denominator), let bound = small(bound) {
            let left = numerator.multipliedFullWidth(by: scale64)
            let right = bound.multipliedFullWidth(by: denominator)
            if left.high != right.high { return left.high < right.high ? -1 : 1 }
            return left.low == right.low ? 0 : left.low < right.low ? -1 : 1
        }
        return compareWideRatio(numerator, over: denominator, to: bound)
    }

    @inline(never)
    private static func compareWideRatio(
        _ numerator: FixedPoint, over denominator: FixedPoint, to bound: FixedPoint
    ) -> Int {
        let leftIsNegative = numerator.units < 0
        let rightIsNegative = bound.units < 0
        if leftIsNegative != rightIsNegative { return leftIsNegative ? -1 : 1 }
        let left = wide(numerator.units.magnitude, wideScale)
        let right = wide(bound.units.magnitude, denominator.units.magnitude)
        let isBelow = left.high != right.high ? left.high < right.high : left.low < right.low
        if left.high == right.high, left.low == right.low { return 0 }
        return isBelow != leftIsNegative ? -1 : 1
    }

    /// `numerator / denominator` in units of 10^-10, rounded up (towards positive infinity) or down; nil above 10^18 in
    /// magnitude or where the denominator is not above zero. For showing: bounds are compared by `compareRatio`.
    package static func ratio(
        _ numerator: FixedPoint, over denominator: FixedPoint, roundedUp: Bool
    ) -> FixedPoint? {
        guard denominator.units > 0 else { return nil }
        let isNegative = numerator.units < 0
        let full = wide(numerator.units.magnitude, wideScale)
        guard let product = quotient(full.high, full.low, by: denominator.units.magnitude) else { return nil }
        let awayFromZero = roundedUp != isNegative
        let units = awayFromZero ? product.ceiling : Int128(truncatingIfNeeded: product.floor)
        return FixedPoint(units: isNegative ? 0 &- units : units)
    }

    /// A number of two words by 10^10, and whether nothing is left of it; the high word is below 10^10.
    ///
    /// By multiplication with the reciprocal of the divisor shifted until its highest bit is set (Möller and Granlund 2011,
    /// "Improved division by invariant integers", algorithm 4).
    @inline(__always)
    private static func dividedByScale(_ high: UInt64, _ low: UInt64) -> (quotient: UInt64, isExact: Bool) {
        let divisor = scale64 &<< scaleShift
        let top = high &<< scaleShift | low &>> (64 &- scaleShift)
        let bottom = low &<< scaleShift
        let estimate = scaleReciprocal.multipliedFullWidth(by: top)
        let (fraction, carry) = estimate.low.addingReportingOverflow(bottom)
        var quotient = estimate.high &+ top &+ (carry ? 2 : 1)
        var remainder = bottom &- quotient &* divisor
        if remainder > fraction {
            quotient &-= 1
            remainder &+= divisor
        }
        if remainder >= divisor {
            quotient &+= 1
            remainder &-= divisor
        }
        return (quotient, remainder == 0)
    }

    private static let scale64: UInt64 = 10_000_000_000
    private static let scaleShift: UInt64 = 30
    /// (2^128 - 1) / (10^10 * 2^30) - 2^64.
    private static let scaleReciprocal: UInt64 = 13_244_520_931_996_183_421
    private static let wideScale: UInt128 = 10_000_000_000

    /// The units of a value that is not negative and fits one word: what nearly all are.
    private static func small(_ value: FixedPoint) -> UInt64? { UInt64(exactly: value.units) }

    private static func wide(_ a: UInt128, _ b: UInt128) -> (high: UInt128, low: UInt128) {
        if (a | b) >> 64 == 0 {
            let full = UInt64(truncatingIfNeeded: a).multipliedFullWidth(by: UInt64(truncatingIfNeeded: b))
            return (0, UInt128(full.high) << 64 | UInt128(full.low))
        }
        return a.multipliedFullWidth(by: b)
    }

    private static func quotient(_ high: UInt128, _ low: UInt128, by divisor: UInt128) -> Product? {
        let result: (quotient: UInt128, remainder: UInt128)
        if high == 0 {
            result = low.quotientAndRemainder(dividingBy: divisor)
        } else if high < divisor {
            result = divisor.dividingFullWidth((high, low))
        } else {
            return nil
        }
        let product = Product(floor: result.quotient, isExact: result.remainder == 0)
        let maximum = UInt128(truncatingIfNeeded: maximumUnits)
        return product.floor < maximum || (product.floor == maximum && product.isExact) ? product : nil
    }

    @inline(__always)
    private static func signed(_ product: Product?, isNegative: Bool) -> FixedPoint? {
        product.map { FixedPoint(units: isNegative ? 0 &- $0.ceiling : $0.ceiling) }
    }
}
