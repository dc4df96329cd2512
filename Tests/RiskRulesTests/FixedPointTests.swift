import RiskRules
import Testing

struct FixedPointTests {
    private func bytes<R>(_ text: String, _ body: (UnsafeRawBufferPointer) throws -> R) rethrows -> R {
        var text = text
        return try text.withUTF8 { try body(UnsafeRawBufferPointer($0)) }
    }

    @Test(
        arguments: [
            ("0", 0), ("-0", 0), ("+1", 10_000_000_000), ("1", 10_000_000_000), ("0.1", 1_000_000_000),
            ("-12.5", -125_000_000_000), ("0.0000000001", 1), ("-0.0000000001", -1), ("007.50", 75_000_000_000),
            ("1000000000000000000", 10_000_000_000_000_000_000_000_000_000),
            ("-1000000000000000000.0000000000", -10_000_000_000_000_000_000_000_000_000),
            ("0000000000000000000000000000000000000000000000001", 10_000_000_000),
        ] as [(String, Int128)])
    func `an exact decimal is read to the unit`(text: String, units: Int128) throws {
        #expect(try FixedPoint(parsing: text).units == units)
    }

    @Test(
        arguments: [
            ("", .malformed), ("-", .malformed), (".5", .malformed), ("1.", .malformed), ("1e5", .malformed),
            ("1 ", .malformed), (" 1", .malformed), ("1,5", .malformed), ("0x10", .malformed), ("--1", .malformed),
            ("nan", .malformed), ("inf", .malformed), ("1.2.3", .malformed), ("1.00000000000", .tooManyDecimals),
            ("0.12345678901", .tooManyDecimals), ("1000000000000000000.0000000001", .outOfRange),
            ("-1000000000000000001", .outOfRange), ("99999999999999999999999999999999999999999999", .outOfRange),
        ] as [(String, FixedPoint.ParseError)])
    func `what is no exact decimal is refused with its reason`(text: String, error: FixedPoint.ParseError) {
        #expect(throws: error) { try FixedPoint(parsing: text) }
    }

    @Test(
        arguments: [
            ("1e3", 10_000_000_000_000), ("1.5E-3", 15_000_000), ("0.30000000000000004", 3_000_000_000),
            ("0.00000000005", 0), ("0.00000000015", 2), ("0.00000000025", 2), ("0.000000000250000000001", 3),
            ("-0.00000000015", -2), ("1e-30", 0), ("0e999999999999999999999", 0),
            ("1e18", 10_000_000_000_000_000_000_000_000_000),
            ("0.000000000000000000000000000000000000000000000000000000001e57", 10_000_000_000),
            ("12345678901234567.89012345678901234567890123456789", 123_456_789_012_345_678_901_234_568),
            ("0.00000000024999999999999999999999999999999999999999999999999", 2),
            ("0.00000000025000000000000000000000000000000000000000000000001", 3),
        ] as [(String, Int128)])
    func `a decimal of any length is rounded half-even to the unit`(text: String, units: Int128) throws {
        #expect(try FixedPoint(rounding: text).units == units)
    }

    @Test(
        arguments: [
            ("1e", .malformed), ("e5", .malformed), ("1e+", .malformed), ("nan", .malformed), ("-inf", .malformed),
            ("1e19", .outOfRange), ("1e99999999999999999999999999", .outOfRange),
            ("1000000000000000000.00000000006", .outOfRange),
        ] as [(String, FixedPoint.RoundingError)])
    func `what cannot be rounded is refused with its reason`(text: String, error: FixedPoint.RoundingError) {
        #expect(throws: error) { try FixedPoint(rounding: text) }
    }

    @Test func `a double's text that is not zero may not round to zero`() throws {
        #expect(try bytes("-1.25e-07") { try FixedPoint(scientific: $0) }.units == -1250)
        #expect(try bytes("0.30000000000000004") { try FixedPoint(scientific: $0) }.units == 3_000_000_000)
        #expect(try bytes("0") { try FixedPoint(scientific: $0) } == .zero)
        #expect(try bytes("-0.0e5") { try FixedPoint(scientific: $0) } == .zero)
        #expect(try bytes("5.1e-11") { try FixedPoint(scientific: $0) }.units == 1)
        #expect(throws: FixedPoint.RoundingError.roundsToZero) { try bytes("5e-11") { try FixedPoint(scientific: $0) } }
        #expect(throws: FixedPoint.RoundingError.roundsToZero) {
            try bytes("5e-324") { try FixedPoint(scientific: $0) }
        }
        #expect(throws: FixedPoint.RoundingError.outOfRange) {
            try bytes("1.7e+308") { try FixedPoint(scientific: $0) }
        }
        #expect(throws: FixedPoint.RoundingError.malformed) { try bytes("inf") { try FixedPoint(scientific: $0) } }
    }

    @Test(arguments: [
        ("0", "0"), ("-0.50", "-0.5"), ("12.0", "12"), ("0.0000000001", "0.0000000001"), ("100", "100"),
        ("-1000000000000000000", "-1000000000000000000"),
        ("999999999999999999.9999999999", "999999999999999999.9999999999"),
    ])
    func `a value is written without trailing zeros`(text: String, written: String) throws {
        #expect(try FixedPoint(parsing: text).description == written)
    }

    @Test func `nothing is written into a buffer that may be too small`() throws {
        let value = try FixedPoint(parsing: "-999999999999999999.9999999999")
        var small = [UInt8](repeating: 0, count: FixedPoint.maximumTextLength - 1)
        #expect(small.withUnsafeMutableBytes { value.write(into: $0) } == 0)
        #expect(small.allSatisfy { $0 == 0 })
        var enough = [UInt8](repeating: 0, count: FixedPoint.maximumTextLength)
        let count = enough.withUnsafeMutableBytes { value.write(into: $0) }
        #expect(String(decoding: enough[..<count], as: UTF8.self) == "-999999999999999999.9999999999")
    }

    @Test func `what is written is read back as the same value`() throws {
        var random = SplitMix(seed: 1)
        for _ in 0..<20_000 {
            let value = random.fixedPoint()
            #expect(try FixedPoint(parsing: value.description) == value)
            #expect(try FixedPoint(rounding: value.description) == value)
        }
    }

    @Test func `sums are exact, and none outside the range`() throws {
        #expect(try FixedPoint(parsing: "0.1").adding(FixedPoint(parsing: "0.2")) == FixedPoint(parsing: "0.3"))
        let largest = FixedPoint(units: FixedPoint.maximumUnits)
        #expect(largest.adding(.zero) == largest)
        #expect(largest.adding(FixedPoint(units: 1)) == nil)
        #expect(FixedPoint(units: -FixedPoint.maximumUnits).subtracting(FixedPoint(units: 1)) == nil)
        #expect(largest.subtracting(largest) == .zero)
    }

    @Test func `products agree with school arithmetic, rounded up once`() {
        var random = SplitMix(seed: 2)
        let limit = DigitNumber("\(FixedPoint.maximumUnits)")
        var inRange = 0
        for _ in 0..<5000 {
            let (a, b, c) = (random.fixedPoint(), random.fixedPoint(), random.fixedPoint())
            let pair = Self.ceiling(DigitNumber(a) * DigitNumber(b), places: 10)
            let product = FixedPoint.roundedUp(a, times: b)
            #expect(product.map { "\($0.units.magnitude)" } == (pair > limit ? nil : pair.text))
            let triple = Self.ceiling(DigitNumber(a) * DigitNumber(b) * DigitNumber(c), places: 20)
            let notional = FixedPoint.roundedUp(a, times: b, times: c)
            #expect(notional.map { "\($0.units.magnitude)" } == (triple > limit ? nil : triple.text))
            if let notional, notional != .zero {
                inRange += 1
                #expect((notional < .zero) == (((a < .zero) != (b < .zero)) != (c < .zero)))
            }
        }
        #expect(inRange > 1000)
    }

    private static func ceiling(_ number: DigitNumber, places: Int) -> DigitNumber {
        let (whole, isExact) = number.shifted(by: places)
        return isExact ? whole : whole.plusOne()
    }

    @Test(
        arguments: [
            ("1000000000000", "0.00000001", "1", "10000"), ("0.1", "0.1", "1", "0.01"),
            ("0.0000000001", "0.1", "1", "0.0000000001"), ("1000000000000000000", "1", "1", "1000000000000000000"),
            ("1000000000000000000", "1.0000000001", "1", nil),
            ("1000000000000000000", "0.5", "2", "1000000000000000000"),
            ("1000000000000000000", "1000000000000000000", "0.0000000001", nil), ("3", "0.3333333333", "0.1", "0.1"),
        ] as [(String, String, String, String?)])
    func `a notional is rounded up, and refused above the range`(q: String, p: String, m: String, expected: String?)
        throws
    {
        let product = FixedPoint.roundedUp(
            try FixedPoint(parsing: q), times: try FixedPoint(parsing: p), times: try FixedPoint(parsing: m))
        #expect(product == (try expected.map { try FixedPoint(parsing: $0) }))
    }

    @Test func `ratios are compared as their cross products`() {
        var random = SplitMix(seed: 3)
        for _ in 0..<5000 {
            let numerator = random.fixedPoint()
            let denominator = FixedPoint(units: Int128(random.fixedPoint().units.magnitude) + 1)
            let bound = random.fixedPoint()
            let left = DigitNumber(numerator) * DigitNumber("10000000000")
            let right = DigitNumber(denominator) * DigitNumber(bound)
            let magnitude = left < right ? -1 : left == right ? 0 : 1
            let expected: Int
            switch (numerator < .zero, bound < .zero) {
            case (false, false): expected = magnitude
            case (true, true): expected = -magnitude
            case (true, false): expected = -1
            case (false, true): expected = 1
            }
            #expect(FixedPoint.compareRatio(numerator, over: denominator, to: bound) == expected)
        }
    }

    @Test(arguments: [
        ("11", "1", "11", 0), ("10", "3", "3.3333333333", 1), ("10", "3", "3.3333333334", -1), ("0", "5", "0", 0),
        ("-1", "3", "-0.3333333333", -1), ("-1", "3", "-0.3333333334", 1), ("-1", "4", "-0.25", 0),
        ("1000000000000000000", "0.0000000001", "1000000000000000000", 1),
    ])
    func `a ratio that equals its bound is neither above nor below`(n: String, d: String, bound: String, order: Int)
        throws
    {
        let sign = FixedPoint.compareRatio(
            try FixedPoint(parsing: n), over: try FixedPoint(parsing: d), to: try FixedPoint(parsing: bound))
        #expect(sign == order)
    }

    @Test func `a ratio that is shown is rounded the way it is asked to`() throws {
        let third = FixedPoint.ratio(.one, over: try FixedPoint(parsing: "3"), roundedUp: false)
        #expect(third == (try FixedPoint(parsing: "0.3333333333")))
        #expect(
            FixedPoint.ratio(.one, over: try FixedPoint(parsing: "3"), roundedUp: true)
                == (try FixedPoint(parsing: "0.3333333334")))
        let negative = FixedPoint(units: -FixedPoint.scale)
        #expect(
            FixedPoint.ratio(negative, over: try FixedPoint(parsing: "3"), roundedUp: true)
                == (try FixedPoint(parsing: "-0.3333333333")))
        #expect(FixedPoint.ratio(.one, over: .zero, roundedUp: true) == nil)
    }

    @Test(arguments: [
        ("0.3", "0.1", true), ("0.30000001", "0.1", false), ("1000000000000", "0.00000001", true), ("0", "5", true),
        ("-0.3", "0.1", true), ("1000000000000000000", "3", false), ("999999999999999999", "3", true),
        ("1", "0", false),
    ])
    func `multiples of a step are exact`(value: String, step: String, isMultiple: Bool) throws {
        #expect(try FixedPoint(parsing: value).isMultiple(of: FixedPoint(parsing: step)) == isMultiple)
    }

    @Test(
        arguments: [(1, 2, 2), (2, 3, 2), (3, 4, 4), (-1, -2, -2), (-2, -3, -2), (4, 4, 4)]
            as [(Int128, Int128, Int128)])
    func `the middle is rounded half-even`(first: Int128, second: Int128, middle: Int128) {
        #expect(FixedPoint.middle(FixedPoint(units: first), FixedPoint(units: second)).units == middle)
    }

    @Test func `whole numbers fit up to 10 to the 18th`() {
        #expect(FixedPoint(whole: 1_000_000_000_000_000_000)?.units == FixedPoint.maximumUnits)
        #expect(FixedPoint(whole: 1_000_000_000_000_000_001) == nil)
        #expect(FixedPoint(whole: .min) == nil)
    }
}

extension DigitNumber {
    /// The magnitude of a value, in units.
    init(_ value: FixedPoint) { self.init("\(value.units.magnitude)") }
}

extension SplitMix {
    /// A value in range of any size: as many small ones as large ones, some at the ends.
    mutating func fixedPoint() -> FixedPoint {
        let digits = Int.random(in: 0...28, using: &self)
        var units: Int128 = 0
        for _ in 0..<digits { units = units * 10 + Int128.random(in: 0...9, using: &self) }
        if Int.random(in: 0..<50, using: &self) == 0 { units = FixedPoint.maximumUnits }
        return FixedPoint(units: Bool.random(using: &self) ? units : -units)
    }
}
