import RiskRules
import Testing

struct UtilizationTests {
    private static func decimal(_ text: String) throws -> FixedPoint { try FixedPoint(parsing: text) }

    @Test(
        arguments: [
            ("5", "10", "0.5"), ("10", "10", "1"), ("11", "10", "1.1"), ("0", "10", "0"), ("-3", "10", "0"),
            ("0", "0", "1"), ("-1", "0", "0"), ("1", "0", nil),
            ("-2", "-1", "0.5"), ("-1", "-1", "1"), ("-0.5", "-1", "2"), ("0", "-1", nil), ("1", "-1", nil),
            ("1", "3", "0.3333333334"), ("1000000000000000000", "0.0000000001", nil),
        ] as [(String, String, String?)])
    func `of a maximum it is value over bound`(value: String, bound: String, share: String?) throws {
        let expected = try share.map { Utilization.share(try Self.decimal($0)) } ?? .infinite
        #expect(Utilization(of: try Self.decimal(value), max: try Self.decimal(bound)) == expected)
    }

    @Test(
        arguments: [
            ("2", "1", "0.5"), ("1", "1", "1"), ("0.5", "1", "2"), ("0", "1", nil), ("-1", "1", nil),
            ("0", "0", "1"), ("1", "0", "0"), ("-1", "0", nil),
            ("5", "-10", "0"), ("-5", "-10", "0.5"), ("-10", "-10", "1"), ("-11", "-10", "1.1"),
        ] as [(String, String, String?)])
    func `of a minimum it is bound over value`(value: String, bound: String, share: String?) throws {
        let expected = try share.map { Utilization.share(try Self.decimal($0)) } ?? .infinite
        #expect(Utilization(of: try Self.decimal(value), min: try Self.decimal(bound)) == expected)
    }

    @Test func `it is at most 1 exactly where the bound holds`() {
        var random = SplitMix(seed: 11)
        func number() -> FixedPoint {
            let magnitudes: [Int128] = [3, FixedPoint.scale, FixedPoint.maximumUnits]
            let largest = random.pick(magnitudes)
            return FixedPoint(units: Int128.random(in: -largest...largest, using: &random))
        }
        func isKept(_ utilization: Utilization) -> Bool {
            if case .share(let share) = utilization { share <= .one } else { false }
        }
        for _ in 0..<20_000 {
            let (value, bound) = (number(), number())
            #expect(isKept(Utilization(of: value, max: bound)) == (value <= bound), "\(value) \(bound)")
            #expect(isKept(Utilization(of: value, min: bound)) == (value >= bound), "\(value) \(bound)")
        }
    }
}
