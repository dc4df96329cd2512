/// Mean and standard deviation of values that come and go. The sums are kept in twice a double's digits, so that a million
/// comings and goings leave no trace in what remains, also where a value was far larger than those that stay.
struct Moments: BitwiseCopyable {
    private(set) var count = 0
    private var sum = DoubleDouble.zero
    private var squares = DoubleDouble.zero

    mutating func add(_ value: Double) {
        count &+= 1
        sum = sum + DoubleDouble(high: value, low: 0)
        squares = squares + DoubleDouble(value, times: value)
    }

    /// Takes out a value that was added.
    mutating func remove(_ value: Double) {
        count &-= 1
        guard count > 0 else {
            self = Moments()
            return
        }
        sum = sum - DoubleDouble(high: value, low: 0)
        squares = squares - DoubleDouble(value, times: value)
    }

    /// Of at least one value.
    var mean: Double { sum.high / Double(count) }

    /// With n - 1, of at least two values.
    var standardDeviation: Double {
        let number = DoubleDouble(high: Double(count), low: 0)
        let spread = squares * number - sum * sum
        return (Swift.max(0, spread.high) / (Double(count) * Double(count - 1))).squareRoot()
    }
}
