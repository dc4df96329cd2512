import RiskRules
import Testing

struct MarginChecksTests {
    private static let instruments = [["symbol: BTC", "initial_margin: 0.05"], ["symbol: ETH"]]

    private func desk(_ lines: String...) throws -> Desk {
        let desk = try Desk([["id: rule"] + lines], instruments: Self.instruments)
        try desk.price("BTC", "100")
        try desk.price("ETH", "100")
        return desk
    }

    @Test func `margin_ratio counts used, reserved and required margin`() throws {
        let desk = try desk("metric: margin_ratio", "min: 2")
        try desk.snapshot(equity: "1000", marginUsed: "400")
        try desk.send(try desk.order(.buy, "10"))
        // 1000 / (400 + 50 + 50) = 2.
        #expect(desk.decide(try desk.order(.buy, "10")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "10.0000000001")).reason == .marginRatioBelowMinimum)
        // Without an initial margin of its own: 0.1.
        #expect(desk.decide(try desk.order(.buy, "5", symbol: "ETH")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "5.0000000001", symbol: "ETH")).reason == .marginRatioBelowMinimum)
    }

    @Test func `equity at or below zero violates before a price is missed`() throws {
        let desk = try desk("metric: margin_ratio", "min: 2")
        try desk.noPrice()
        try desk.snapshot(equity: "0")
        #expect(desk.decide(try desk.order()).reason == .marginRatioBelowMinimum)
        try desk.snapshot(equity: "1")
        #expect(desk.decide(try desk.order()).reason == .priceUnavailable)
        try desk.snapshot(equity: "1", marginUsed: nil)
        #expect(desk.decide(try desk.order()).reason == .inputMissing)
    }

    @Test func `with no margin in use the ratio is infinite`() throws {
        let desk = try Desk([
            ["id: rule", "metric: margin_ratio", "min: 50", "exempt_reducing: false"]
        ])
        try desk.snapshot(equity: "1", marginUsed: "0", positions: [("BTC", "5", nil)])
        #expect(desk.decide(try desk.order(.sell, "5")).reason == nil)
        try desk.snapshot(equity: "1", marginUsed: "0.02", positions: [("BTC", "5", nil)])
        #expect(desk.decide(try desk.order(.sell, "5")).reason == nil)
        try desk.snapshot(equity: "1", marginUsed: "0.0200000001", positions: [("BTC", "5", nil)])
        #expect(desk.decide(try desk.order(.sell, "5")).reason == .marginRatioBelowMinimum)
    }

    @Test func `available_margin is what is left after this order`() throws {
        let desk = try desk("metric: available_margin", "min: 10")
        try desk.snapshot(availableMargin: "110")
        try desk.send(try desk.order(.buy, "10"))
        #expect(desk.decide(try desk.order(.buy, "10")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "10.0000000001")).reason == .insufficientMargin)
        try desk.snapshot(availableMargin: nil)
        #expect(desk.decide(try desk.order(.buy, "1")).reason == .inputMissing)
    }

    @Test func `only the part that makes the larger side larger needs margin`() throws {
        let desk = try desk("metric: available_margin", "min: 0")
        try desk.snapshot(availableMargin: "10", positions: [("BTC", "5", nil)])
        // Short 7 instead of long 5: by 2, at 100 and 5 %.
        #expect(desk.decide(try desk.order(.sell, "12")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "12.0000000001")).reason == .insufficientMargin)
        try desk.noPrice()
        #expect(desk.decide(try desk.order(.sell, "10")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "11")).reason == .priceUnavailable)
    }

    @Test func `margin of a released order is free again`() throws {
        let desk = try desk("metric: available_margin", "min: 0")
        try desk.snapshot(availableMargin: "50")
        let id = try desk.send(try desk.order(.buy, "10"))
        #expect(desk.decide(try desk.order(.buy, "1")).reason == .insufficientMargin)
        desk.engine.release(id)
        #expect(desk.decide(try desk.order(.buy, "10")).reason == nil)
    }

    @Test func `an order that ends keeps the margin of what it filled, rounded up once`() throws {
        let desk = try desk("metric: available_margin", "min: 0")
        try desk.snapshot(availableMargin: "50")
        // 0.003 at 100 and 5 % need 0.015, and the smallest quantity five units of it.
        try desk.end(try desk.send(try desk.order(.buy, "0.003")), filled: "0.0000000001")
        let violation = try #require(desk.decide(try desk.order(.buy, "100")).violations.first)
        #expect(violation.value.description == "-450.0000000005")
    }

    @Test func `margin that could not be computed is missing until a snapshot contains its order`() throws {
        let desk = try desk("metric: available_margin", "min: 0", "on_missing: skip")
        try desk.noPrice()
        try desk.snapshot(availableMargin: "50")
        let id = try desk.send(try desk.order(.buy, "10"))
        try desk.price("BTC", "100")
        desk.engine.install(
            try RuleLines.compile(
                [["id: strict", "metric: available_margin", "min: 0"]], instruments: Self.instruments))
        #expect(desk.decide(try desk.order(.buy, "1")).reason == .priceUnavailable)
        desk.engine.release(id)
        #expect(desk.decide(try desk.order(.buy, "1")).reason == nil)
    }
}
