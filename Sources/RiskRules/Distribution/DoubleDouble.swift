/// An unevaluated sum of two doubles, about 32 decimal digits: what is added can be taken away again with an error far below
/// one double's (Dekker 1971; the sum is Knuth's).
struct DoubleDouble: BitwiseCopyable {
    var high: Double
    var low: Double

    static let zero = DoubleDouble(high: 0, low: 0)

    init(high: Double, low: Double) {
        self.high = high
        self.low = low
    }

    /// The exact product of two doubles.
    init(_ left: Double, times right: Double) {
        high = left * right
        low = (-high).addingProduct(left, right)
    }

    static func + (left: Self, right: Self) -> Self {
        let sum = left.high + right.high
        let part = sum - left.high
        let error = (left.high - (sum - part)) + (right.high - part) + (left.low + right.low)
        return normalised(sum, error)
    }

    static func - (left: Self, right: Self) -> Self { left + DoubleDouble(high: -right.high, low: -right.low) }

    static func * (left: Self, right: Self) -> Self {
        let product = DoubleDouble(left.high, times: right.high)
        return normalised(product.high, product.low + (left.high * right.low + left.low * right.high))
    }

    /// Two doubles of which the first is not the smaller.
    private static func normalised(_ large: Double, _ small: Double) -> Self {
        let high = large + small
        return DoubleDouble(high: high, low: small - (high - large))
    }
}
