import RiskRules
import Testing

struct ReturnSeriesTests {
    /// The formulas of the reference, as they stand there.
    private struct Formulas {
        var returns: [Double]

        var mean: Double { returns.reduce(0, +) / Double(returns.count) }
        var deviation: Double {
            let mean = mean
            return (returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(returns.count - 1)).squareRoot()
        }

        /// Type 7, in whole thousandths of confidence.
        func quantile(_ thousandths: Int) -> Double {
            let sorted = returns.sorted()
            let (lower, rest) = ((returns.count - 1) * (1000 - thousandths)).quotientAndRemainder(dividingBy: 1000)
            guard rest > 0 else { return sorted[lower] }
            return sorted[lower] + (sorted[lower + 1] - sorted[lower]) * Double(rest) / 1000
        }

        func valueAtRisk(_ thousandths: Int) -> Double { max(0, -quantile(thousandths)) }

        func shortfall(_ thousandths: Int) -> Double {
            let quantile = quantile(thousandths)
            let tail = returns.filter { $0 <= quantile }
            return max(0, -tail.reduce(0, +) / Double(tail.count))
        }
    }

    private static let confidences = [1, 300, 500, 900, 950, 975, 990, 999]

    private static func distribution(_ method: Distribution.Method, _ thousandths: Int) -> Distribution {
        Distribution(method, confidence: FixedPoint(units: FixedPoint.scale / 1000 * Int128(thousandths)))
    }

    private static func agree(_ value: Double?, _ expected: Double) -> Bool {
        guard let value else { return false }
        return (value - expected).magnitude <= 1e-12 * expected.magnitude + 1e-18
    }

    private static func check(_ series: ReturnSeries, _ returns: [Double], _ comment: Comment) {
        let formulas = Formulas(returns: returns)
        for thousandths in confidences {
            let historical = distribution(.historical, thousandths)
            let parametric = distribution(.parametric, thousandths)
            #expect(agree(series.valueAtRisk(historical), formulas.valueAtRisk(thousandths)), comment)
            #expect(agree(series.expectedShortfall(historical), formulas.shortfall(thousandths)), comment)
            let loss = max(0, -(formulas.mean + parametric.quantile * formulas.deviation))
            #expect(agree(series.valueAtRisk(parametric), loss), comment)
        }
    }

    private static func sample(_ random: inout SplitMix) -> Double {
        // About normal, of one percent; some as far out as returns get.
        let sum = (0..<12).reduce(-6.0) { sum, _ in sum + Double.random(in: 0..<1, using: &random) }
        return sum * (Int.random(in: 0..<50, using: &random) == 0 ? 0.2 : 0.01)
    }

    @Test func `quantile and tail are those of the formulas as returns arrive and leave`() {
        var random = SplitMix(seed: 21)
        let series = ReturnSeries()
        var returns: [Double] = []
        for place in 0..<5000 {
            returns.append(Self.sample(&random))
            if returns.count > ReturnSeries.capacity { returns.removeFirst() }
            series.add(returns[returns.count - 1])
            if place >= 30, place % 97 == 0 { Self.check(series, returns, "\(place)") }
        }
        Self.check(series, returns, "at the end")
    }

    @Test func `equal returns are counted each, in the tail and out of it`() {
        var random = SplitMix(seed: 22)
        let series = ReturnSeries()
        var returns: [Double] = []
        for place in 0..<3000 {
            returns.append(Double(Int.random(in: -3...3, using: &random)) / 64)
            if returns.count > ReturnSeries.capacity { returns.removeFirst() }
            series.add(returns[returns.count - 1])
            if place >= 30, place % 53 == 0 { Self.check(series, returns, "\(place)") }
        }
    }

    @Test func `lists that go on from one another, or do not, come to the same as each alone`() {
        var random = SplitMix(seed: 23)
        let series = ReturnSeries()
        var returns = (0..<40).map { _ in Self.sample(&random) }
        for place in 0..<600 {
            switch random.pick([0, 0, 0, 1, 1, 2, 3, 4, 5, 6]) {
            case 0: returns.append(Self.sample(&random))
            case 1: returns = returns.dropFirst() + [Self.sample(&random)]
            case 2: returns = Array(returns.dropFirst(returns.count > 60 ? 20 : 0))
            case 3: returns += (0..<200).map { _ in Self.sample(&random) }
            case 4: returns = (0..<Int.random(in: 30...300, using: &random)).map { _ in Self.sample(&random) }
            case 5: returns[Int.random(in: 0..<returns.count, using: &random)] = Self.sample(&random)
            default: break
            }
            series.update(returns)
            returns = Array(returns.suffix(1300))
            let latest = Array(returns.suffix(ReturnSeries.capacity))
            #expect(series.count == latest.count)
            if place % 5 == 0 { Self.check(series, latest, "\(place)") }
        }
    }

    @Test func `lists that agree for long before they do not are read anew`() {
        let series = ReturnSeries()
        series.update(Array(repeating: 0, count: 999) + [-0.5])
        series.update(Array(repeating: 0, count: 998) + [-0.25, 0])
        #expect(series.count == 1000)
        #expect(series.expectedShortfall(Self.distribution(.historical, 999)) == 0.25)
    }

    @Test func `with 29 returns nothing is known, with 30 it is`() {
        let series = ReturnSeries()
        for place in 1...30 {
            series.add(-0.01)
            #expect((series.valueAtRisk(Self.distribution(.historical, 950)) == nil) == (place < 30))
            #expect((series.expectedShortfall(Self.distribution(.parametric, 950)) == nil) == (place < 30))
        }
        series.update([])
        #expect(series.valueAtRisk(Self.distribution(.historical, 950)) == nil)
    }

    @Test func `gains are no loss`() {
        let series = ReturnSeries()
        series.update((1...50).map { Double($0) / 1000 })
        #expect(series.valueAtRisk(Self.distribution(.historical, 950)) == 0)
        #expect(series.expectedShortfall(Self.distribution(.historical, 950)) == 0)
    }

    @Test(arguments: [Double.nan, .infinity, -.infinity, 1e19, -1e300])
    func `a number that no return can be leaves none`(odd: Double) {
        let series = ReturnSeries()
        series.update(Array(repeating: -0.01, count: 40) + [odd])
        #expect(series.count == 0)
        series.update(Array(repeating: -0.01, count: 40))
        #expect(series.count == 40)
    }

    @Test func `what was far larger leaves no trace in mean and deviation`() throws {
        var random = SplitMix(seed: 24)
        let series = ReturnSeries()
        for _ in 0..<1000 { series.add(1e3 * Self.sample(&random)) }
        var returns: [Double] = []
        for _ in 0..<1000 {
            returns.append(1e-5 * Self.sample(&random))
            series.add(returns[returns.count - 1])
        }
        Self.check(series, returns, "after the storm")
    }

    /// Values of the quantile function to 17 digits, computed with 40.
    @Test(arguments: [
        ("0.0000000001", -6.3613409024040562), ("0.000001", -4.7534243088228989), ("0.0001", -3.7190164854556806),
        ("0.001", -3.0902323061678135), ("0.01", -2.3263478740408411), ("0.025", -1.9599639845400542),
        ("0.05", -1.6448536269514727), ("0.07", -1.4757910281791707), ("0.08", -1.4050715603096326),
        ("0.1", -1.2815515655446005), ("0.25", -0.67448975019608174), ("0.4", -0.25334710313579980), ("0.5", 0),
        ("0.75", 0.67448975019608174), ("0.95", 1.6448536269514727), ("0.99", 2.3263478740408411),
        ("0.9999", 3.7190164854556806),
    ])
    func `the normal quantile is right to fifteen digits`(share: String, expected: Double) throws {
        let tail = try FixedPoint(parsing: share)
        let confidence = FixedPoint(units: FixedPoint.scale - tail.units)
        let quantile = Distribution(.parametric, confidence: confidence).quantile
        #expect((quantile - expected).magnitude <= 2e-15 * expected.magnitude)
    }

    /// Density over tail, from the same computation.
    @Test(arguments: [("0.9", 1.7549833193248683), ("0.95", 2.0627128075074260), ("0.99", 2.6652142203458048)])
    func `the parametric shortfall is that of the normal distribution`(confidence: String, deviations: Double) throws {
        var random = SplitMix(seed: 25)
        let series = ReturnSeries()
        let returns = (0..<500).map { _ in Self.sample(&random) }
        series.update(returns)
        let formulas = Formulas(returns: returns)
        let distribution = Distribution(.parametric, confidence: try FixedPoint(parsing: confidence))
        #expect(Self.agree(series.expectedShortfall(distribution), deviations * formulas.deviation - formulas.mean))
    }
}
