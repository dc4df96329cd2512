import RiskRules
import Testing

/// `share` and `scale`: what makes a bound smaller.
struct BoundPartsTests {
    private static let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]

    @Test(arguments: [
        ("order_quantity", "10", "0.5", "5", "5.0000000001"),
        ("order_quantity", "1", "0.3333333333", "0.3333333333", "0.3333333334"),
        // Half of an odd last digit is rounded down.
        ("order_quantity", "0.0000000003", "0.5", "0.0000000001", "0.0000000002"),
        ("position_quantity", "7", "0.1", "0.7", "0.7000000001"),
    ])
    func `a share of the bound passes, and what is above it is refused`(
        metric: String, max: String, share: String, passing: String, refused: String
    ) throws {
        let desk = try Desk([Self.wide, ["id: part", "metric: \(metric)", "max: \(max)", "share: \(share)"]])
        try desk.snapshot()
        #expect(desk.decide(try desk.order(.buy, passing)).reason == nil)
        let outcome = desk.decide(try desk.order(.buy, refused))
        #expect(outcome.reason != nil)
        #expect(outcome.violations[0].bound.description == passing)
    }

    @Test func `a share of a count and of a ratio binds alike`() throws {
        let desk = try Desk([
            Self.wide, ["id: rate", "metric: order_count", "window: 1s", "max: 5", "share: 0.5"],
            ["id: lev", "metric: leverage", "max: 10", "share: 0.25"],
        ])
        try desk.price("BTC", "100")
        try desk.snapshot(equity: "100")
        #expect(desk.decide(try desk.order(.buy, "2.5", at: "100")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "2.6", at: "100")).reason == .leverageExceeded)
        #expect(desk.decide(try desk.order(.buy, "1", at: "100")).reason == .orderRateExceeded)
    }

    private static func scaled(_ more: String...) -> [String] {
        [
            "id: calm", "metric: order_quantity", "max: 1000", "scale:", "by: volatility", "window of scale: 30s",
            "reference: 0.01", "floor: 0.1",
        ] + more
    }

    /// A desk whose symbol swung by this factor every second.
    private static func desk(_ rule: [String], swing: String) throws -> Desk {
        let desk = try Desk([Self.wide, rule])
        _ = try desk.symbol("BTC")
        for second in 0...30 {
            desk.advance(1)
            try desk.price("BTC", second % 2 == 0 ? "100" : swing)
            desk.engine.sampleVolatility(now: desk.now)
        }
        return desk
    }

    @Test(arguments: [
        ("100", "1000"), ("100.1", "1000"),
        // 30 returns of plus and minus log 1.005: a volatility of sqrt(30 / 29) * log 1.005 * sqrt(30).
        ("100.5", "359.9077685345"), ("110", "100"),
    ])
    func `a bound shrinks as volatility grows, down to its floor`(swing: String, bound: String) throws {
        let desk = try Self.desk(Self.scaled(), swing: swing)
        #expect(desk.decide(try desk.order(.buy, bound)).reason == nil)
        let above = FixedPoint(units: try FixedPoint(parsing: bound).units + 1)
        let outcome = desk.decide(try desk.order(.buy, "\(above)"))
        #expect(outcome.reason == .orderQuantityExceeded)
        #expect(outcome.violations[0].bound.description == bound)
    }

    @Test func `without volatility the input is missing, or the rule skipped`() throws {
        let desk = try Desk([Self.wide, Self.scaled()])
        #expect(desk.decide(try desk.order()).reason == .inputMissing)
        desk.engine.install(try RuleLines.compile([Self.wide, Self.scaled("on_missing: skip")]))
        #expect(desk.decide(try desk.order(.buy, "2000")).reason == nil)
    }

    @Test func `share comes before scale`() throws {
        let desk = try Self.desk(Self.scaled("share: 0.5"), swing: "110")
        #expect(desk.decide(try desk.order(.buy, "50")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "50.1")).reason == .orderQuantityExceeded)
    }

    @Test func `a rate is counted whether or not its bound is known`() throws {
        let rule = [
            "id: rate", "metric: order_count", "window: 100s", "max: 20", "by: volatility", "window of scale: 30s",
            "reference: 0.01", "floor: 0.1",
        ]
        let desk = try Desk([Self.wide, rule])
        let order = try desk.order()
        for _ in 0..<2 { #expect(desk.decide(order).reason == .inputMissing) }
        for second in 0...30 {
            desk.advance(1)
            try desk.price("BTC", second % 2 == 0 ? "100" : "110")
            desk.engine.sampleVolatility(now: desk.now)
        }
        #expect(desk.decide(order).reason == .orderRateExceeded)
    }

    @Test func `no scaled bound is above the exact one, nor more than a unit below`() throws {
        var random = SplitMix(seed: 41)
        for _ in 0..<2000 {
            let scale = VolatilityScale(window: 30 * Desk.second, reference: .one, floor: .zero)
            let bound = FixedPoint(units: Int128(UInt64.random(in: 0...(.max), using: &random)))
            // A power of two, so that the exact bound is known.
            let shift = Int.random(in: 0...40, using: &random)
            let scaled = scale.scaled(bound, volatility: Double(sign: .plus, exponent: shift, significand: 1))
            #expect(scaled.units == bound.units >> Int128(shift))
        }
    }
}
