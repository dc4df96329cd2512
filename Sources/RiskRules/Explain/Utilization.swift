/// How much of a bound a value uses.
///
/// For a maximum, value over bound; for a minimum, bound over value, so that either way 1 is the bound itself and less is
/// better. A value at or below zero uses nothing of a maximum above zero, and a minimum above zero without end; of bounds
/// at or below zero the same is true with the signs turned round, and a bound of zero is used by 1 where the value is zero.
package enum Utilization: Hashable, Sendable, BitwiseCopyable {
    /// As a fraction of 1, rounded up to 10^-10: at most 1 exactly where the bound holds.
    case share(FixedPoint)
    /// Beyond any share: the bound cannot be met by any part of the value.
    case infinite

    /// What a value uses of a maximum.
    package init(of value: FixedPoint, max bound: FixedPoint) {
        let (part, whole) = (value.units, bound.units)
        if whole == 0 {
            self = part < 0 ? .share(.zero) : part == 0 ? .share(.one) : .infinite
        } else if whole > 0 {
            self = part <= 0 ? .share(.zero) : Self.quotient(value, bound)
        } else {
            self = part >= 0 ? .infinite : Self.quotient(bound.negated, value.negated)
        }
    }

    /// What a value uses of a minimum.
    package init(of value: FixedPoint, min bound: FixedPoint) {
        self.init(of: value.negated, max: bound.negated)
    }

    private static func quotient(_ part: FixedPoint, _ whole: FixedPoint) -> Utilization {
        FixedPoint.ratio(part, over: whole, roundedUp: true).map { .share($0) } ?? .infinite
    }
}

extension FixedPoint {
    fileprivate var negated: FixedPoint { FixedPoint(units: 0 &- units) }
}
