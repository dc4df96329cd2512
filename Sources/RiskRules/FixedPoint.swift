/// An exact decimal: a whole number of 10^-10, at most 10^18 in magnitude. Quantities, prices, money and bounds.
package struct FixedPoint: Hashable, Comparable, Sendable, BitwiseCopyable {
    /// The value in units of 10^-10.
    package var units: Int128

    package init(units: Int128) { self.units = units }
    package static let zero = FixedPoint(units: 0)
    package static let one = FixedPoint(units: scale)
    /// Units in 1.
    package static let scale: Int128 = 10_000_000_000
    /// The largest magnitude, 10^18, in units.
    package static let maximumUnits: Int128 = 10_000_000_000_000_000_000_000_000_000

    package static func < (left: Self, right: Self) -> Bool { left.units < right.units }

    /// A whole number; nil above 10^18 in magnitude.
    @inline(__always)
    package init?(whole number: Int128) {
        guard number.magnitude <= UInt128(Self.maximumUnits / Self.scale) else { return nil }
        units = number &* Self.scale
    }

    /// Units that a computation gave; nil above 10^18 in magnitude.
    @inline(__always)
    package init?(inRange units: Int128) {
        // What fits one word is in range: nearly all.
        guard Int128(Int64(truncatingIfNeeded: units)) == units || Self.isInRange(units) else { return nil }
        self.units = units
    }

    @inline(never)
    private static func isInRange(_ units: Int128) -> Bool {
        units.magnitude <= UInt128(truncatingIfNeeded: maximumUnits)
    }

    /// The sum; nil above 10^18 in magnitude.
    @inline(__always)
    package func adding(_ other: FixedPoint) -> FixedPoint? {
        let (sum, overflow) = units.addingReportingOverflow(other.units)
        return overflow ? nil : FixedPoint(inRange: sum)
    }

    /// The difference; nil above 10^18 in magnitude.
    @inline(__always)
    package func subtracting(_ other: FixedPoint) -> FixedPoint? {
        let (difference, overflow) = units.subtractingReportingOverflow(other.units)
        return overflow ? nil : FixedPoint(inRange: difference)
    }

    /// Whether this is a whole multiple of a step; no value is one of a step that is not above zero.
    package func isMultiple(of step: FixedPoint) -> Bool {
        guard step.units > 0 else { return false }
        let value = units.magnitude
        let step = step.units.magnitude
        if (value | step) >> 64 == 0 {
            return UInt64(truncatingIfNeeded: value) % UInt64(truncatingIfNeeded: step) == 0
        }
        return value % step == 0
    }

    /// The middle of two values, rounded half-even: the mark between a bid and an ask.
    package static func middle(_ first: FixedPoint, _ second: FixedPoint) -> FixedPoint {
        let sum = first.units &+ second.units
        let floor = sum >> 1
        return FixedPoint(units: sum & 1 == 1 && floor & 1 == 1 ? floor &+ 1 : floor)
    }
}
