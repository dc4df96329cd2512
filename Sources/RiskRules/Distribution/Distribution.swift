/// How a rule reads an account's returns.
package struct Distribution: Hashable, Sendable, BitwiseCopyable {
    package enum Method: UInt8, CaseIterable, Sendable, BitwiseCopyable {
        /// The returns themselves.
        case historical
        /// The normal distribution of their mean and standard deviation.
        case parametric
    }

    package let method: Method
    /// Above 0 and below 1.
    package let confidence: FixedPoint
    /// One less the confidence, in units of 10^-10.
    let tail: Int64
    /// The z below which the tail of the standard normal distribution lies.
    package let quantile: Double
    /// How many standard deviations below the mean that tail's own mean is.
    let shortfall: Double

    /// - Parameter confidence: above 0 and below 1.
    package init(_ method: Method, confidence: FixedPoint) {
        self.method = method
        self.confidence = confidence
        tail = Int64(truncatingIfNeeded: FixedPoint.scale - confidence.units)
        let share = Double(tail) / Double(FixedPoint.scale)
        // Of the smaller side, whose share is exact to more digits.
        let isSmaller = tail <= Int64(FixedPoint.scale / 2)
        quantile =
            isSmaller
            ? NormalDistribution.quantile(share)
            : -NormalDistribution.quantile(Double(confidence.units) / Double(FixedPoint.scale))
        shortfall = NormalDistribution.density(quantile) / share
    }

    static let standard = Distribution(.historical, confidence: FixedPoint(units: FixedPoint.scale / 100 * 95))
}
