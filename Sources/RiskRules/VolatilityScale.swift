/// How a bound shrinks as a symbol grows volatile: `max x clamp(reference / volatility, floor, 1)`.
package struct VolatilityScale: Hashable, Sendable, BitwiseCopyable {
    /// What the volatility is measured over, in nanoseconds.
    package let window: Int64
    /// The volatility up to which the bound is whole. Above 0.
    package let reference: FixedPoint
    /// The part of the bound that always remains: 0 to less than 1.
    package let floor: FixedPoint

    private let referenceValue: Double
    private let floorValue: Double

    package init(window: Int64, reference: FixedPoint, floor: FixedPoint) {
        self.window = window
        self.reference = reference
        self.floor = floor
        referenceValue = Double(reference.units) / Double(FixedPoint.scale)
        floorValue = Double(floor.units) / Double(FixedPoint.scale)
    }

    /// The bound at a volatility, rounded down to 10^-10.
    /// - Parameter bound: not below 0.
    package func scaled(_ bound: FixedPoint, volatility: Double) -> FixedPoint {
        let factor = referenceValue / volatility
        // Also where nothing moved, and the quotient is infinite.
        guard factor < 1 else { return bound }
        guard factor > floorValue else { return bound.part(floor) }
        let bits = 62
        let parts = UInt128(UInt64(factor * 0x1p62))
        let (high, low) = bound.units.magnitude.multipliedFullWidth(by: parts)
        return FixedPoint(units: Int128(truncatingIfNeeded: high << (128 - bits) | low >> bits))
    }
}

extension FixedPoint {
    /// A part of an amount that is not below zero, rounded down: the stricter side of a maximum.
    /// - Parameter share: 0 to 1.
    func part(_ share: FixedPoint) -> FixedPoint {
        FixedPoint.product(units.magnitude, share.units.magnitude)?.below ?? .zero
    }
}
