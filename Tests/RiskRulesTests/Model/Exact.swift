import RiskRules

/// A decimal that is never rounded unless asked to: a whole number of 256 bits, and how many of its digits stand after the
/// point. What does not fit traps.
struct Exact: Comparable {
    private var digits: WideInteger
    private var places: Int

    private init(_ digits: WideInteger, places: Int) {
        self.digits = digits
        self.places = places
    }

    init(_ whole: Int) { self.init(WideInteger(Int128(whole)), places: 0) }
    init(_ value: FixedPoint) { self.init(WideInteger(value.units), places: Self.unitPlaces) }

    static let zero = Exact(0)
    /// 10^-10.
    static let unit = Exact(FixedPoint(units: 1))
    /// 10^18: nothing larger is ever an amount.
    static let largest = Exact(1_000_000_000_000_000_000)
    private static let unitPlaces = 10

    private func digits(at places: Int) -> WideInteger {
        digits * WideInteger(WideInteger.power(of: 10, places - self.places))
    }

    static func + (left: Self, right: Self) -> Self {
        let places = max(left.places, right.places)
        return Exact(left.digits(at: places) + right.digits(at: places), places: places)
    }

    static prefix func - (value: Self) -> Self { Exact(-value.digits, places: value.places) }
    static func - (left: Self, right: Self) -> Self { left + -right }
    static func * (left: Self, right: Self) -> Self {
        Exact(left.digits * right.digits, places: left.places + right.places)
    }
    static func += (left: inout Self, right: Self) { left = left + right }

    static func < (left: Self, right: Self) -> Bool { order(left, right) { $0 < $1 } }
    static func == (left: Self, right: Self) -> Bool { order(left, right) { $0 == $1 } }

    private static func order(_ left: Self, _ right: Self, _ holds: (WideInteger, WideInteger) -> Bool) -> Bool {
        let places = max(left.places, right.places)
        return holds(left.digits(at: places), right.digits(at: places))
    }

    var magnitude: Self { self < .zero ? -self : self }

    /// The whole unit at or above.
    var roundedUp: Self { -(-self).roundedDown }

    /// The whole unit at or below.
    var roundedDown: Self {
        guard places > Self.unitPlaces else { return self }
        let divisor = WideInteger.power(of: 10, places - Self.unitPlaces)
        return Exact(digits.dividedDown(by: divisor), places: Self.unitPlaces)
    }

    /// The quotient by what is above zero, as the whole unit at or above.
    func dividedUp(by divisor: Self) -> Self {
        let units = -(-digits(at: max(places, 2 * Self.unitPlaces))).dividedDown(
            by: divisor.digits(at: Self.unitPlaces).magnitude)
        return Exact(units, places: max(places, 2 * Self.unitPlaces) - Self.unitPlaces).roundedUp
    }

    /// Half of it, to the nearest unit, and from between two to the even one.
    var halfToEven: Self {
        let doubled = digits(at: Self.unitPlaces)
        let below = doubled.dividedDown(by: 2)
        let isHalfway = below + below != doubled
        let isOdd = below.dividedDown(by: 2) + below.dividedDown(by: 2) != below
        return Exact(isHalfway && isOdd ? below + WideInteger(1) : below, places: Self.unitPlaces)
    }

    func isMultiple(of step: Self) -> Bool {
        let places = max(self.places, step.places)
        let divisor = step.digits(at: places).magnitude
        let quotient = digits(at: places).dividedDown(by: divisor)
        return quotient * WideInteger(divisor) == digits(at: places)
    }

    /// The same value for the engine; nil where it has more than ten decimals or is larger than 10^18.
    var fixedPoint: FixedPoint? {
        guard roundedDown == self, magnitude <= Self.largest else { return nil }
        let units = places > Self.unitPlaces ? roundedDown.digits : digits(at: Self.unitPlaces)
        return FixedPoint(units: units.narrow)
    }
}

/// A whole number of 256 bits in two's complement: arithmetic by the book; what does not fit traps.
struct WideInteger: Comparable {
    private var high: Int128
    private var low: UInt128

    private init(high: Int128, low: UInt128) {
        self.high = high
        self.low = low
    }

    init(_ value: Int128) { self.init(high: value < 0 ? -1 : 0, low: UInt128(truncatingIfNeeded: value)) }
    init(_ value: UInt128) { self.init(high: 0, low: value) }
    init(_ value: Int) { self.init(Int128(value)) }

    static func power(of base: UInt128, _ exponent: Int) -> UInt128 {
        base == 10 && exponent < powers.count ? powers[exponent] : (0..<exponent).reduce(1) { power, _ in power * base }
    }

    private static let powers: [UInt128] = (0...38).map { (0..<$0).reduce(1) { power, _ in power * 10 } }

    private var isNegative: Bool { high < 0 }

    /// The absolute value, which has to have at most 128 bits.
    var magnitude: UInt128 {
        let value = isNegative ? -self : self
        precondition(value.high == 0, "more than 128 bits")
        return value.low
    }

    /// The value, which has to have at most 128 bits.
    var narrow: Int128 { isNegative ? -Int128(magnitude) : Int128(magnitude) }

    static func < (left: Self, right: Self) -> Bool {
        left.high != right.high ? left.high < right.high : left.low < right.low
    }

    static prefix func - (value: Self) -> Self {
        Self(high: ~value.high, low: ~value.low) + Self(high: 0, low: 1)
    }

    static func + (left: Self, right: Self) -> Self {
        let (low, carries) = left.low.addingReportingOverflow(right.low)
        let high = left.high &+ right.high &+ (carries ? 1 : 0)
        precondition(
            left.isNegative != right.isNegative || (high < 0) == left.isNegative, "more than 256 bits")
        return Self(high: high, low: low)
    }

    static func * (left: Self, right: Self) -> Self {
        let a = left.isNegative ? -left : left
        let b = right.isNegative ? -right : right
        precondition(a.high == 0 || b.high == 0, "more than 256 bits")
        let product = a.low.multipliedFullWidth(by: b.low)
        let high = product.high + UInt128(a.high) * b.low + a.low * UInt128(b.high)
        let magnitude = Self(high: Int128(high), low: product.low)
        return left.isNegative != right.isNegative ? -magnitude : magnitude
    }

    /// The quotient, and from between two whole numbers the one below.
    func dividedDown(by divisor: UInt128) -> Self {
        let value = isNegative ? -self : self
        let high = UInt128(value.high).quotientAndRemainder(dividingBy: divisor)
        let low = divisor.dividingFullWidth((high.remainder, value.low))
        let quotient = Self(high: Int128(high.quotient), low: low.quotient)
        guard isNegative else { return quotient }
        return low.remainder == 0 ? -quotient : -quotient + Self(-1)
    }
}
