import RiskRules
import Testing

/// Amounts at the ends of the exact range, and sums that binary fractions would get wrong.
struct ExactnessTests {
    private static let largest = "1000000000000000000"
    private static let unit = "0.0000000001"

    /// What is beyond the range by one unit of the order's quantity.
    struct Case: Sendable, CustomTestStringConvertible {
        var rule: [String]
        var at: String
        var price = "1000000000"
        var positions: [(symbol: String, quantity: String, price: String?)] = []
        var pending = false
        var equity = ExactnessTests.largest
        var marginUsed = "0"
        var availableMargin = "0"
        var testDescription: String { rule[0] }
    }

    private static let cases = [
        Case(rule: ["metric: position_quantity", "max: \(largest)"], at: largest, price: "0.1"),
        Case(rule: ["metric: position_notional", "max: \(largest)"], at: "1000000000"),
        Case(
            rule: ["metric: gross_exposure", "max: \(largest)"], at: "500000000",
            positions: [("ETH", "-500000000", nil)]),
        Case(
            rule: ["metric: net_exposure", "max: \(largest)"], at: "500000000", positions: [("ETH", "500000000", nil)]),
        Case(rule: ["metric: leverage", "max: 1"], at: "500000000", positions: [("ETH", "-500000000", nil)]),
        Case(rule: ["metric: concentration", "max: 1"], at: "400000000", positions: [("BTC", "600000000", nil)]),
        Case(rule: ["metric: open_order_notional", "max: \(largest)"], at: "500000000", pending: true),
        Case(rule: ["metric: margin_ratio", "min: 1"], at: "500000000", marginUsed: "950000000000000000"),
        Case(
            rule: ["metric: available_margin", "min: -\(largest)"], at: "500000000",
            availableMargin: "-950000000000000000"),
    ]

    @Test(arguments: cases)
    func `an amount of 10 to the 18th is judged, and one beyond it is refused as out of range`(_ row: Case) throws {
        let desk = try Desk([["id: rule"] + row.rule])
        try desk.price("BTC", row.price)
        try desk.price("ETH", "1000000000")
        try desk.snapshot(
            equity: row.equity, marginUsed: row.marginUsed, availableMargin: row.availableMargin,
            positions: row.positions, pending: row.pending ? [("ETH", .sell, "500000000", nil, "x", nil)] : [])
        #expect(desk.decide(try desk.order(.buy, row.at)).reasons == [])
        var beyond = try desk.order(.buy, row.at)
        beyond.quantity.units += 1
        #expect(desk.decide(beyond).reason == .orderOutOfRange)
    }

    @Test func `a loss of 10 to the 18th is judged, and one beyond it is refused as out of range`() throws {
        let desk = try Desk([
            ["id: loss", "metric: daily_loss", "max: \(Self.largest)"], ["id: wide", "metric: symbol", "deny: [X]"],
        ])
        try desk.snapshot(equity: "0", dailyStart: Self.largest)
        #expect(desk.decide(try desk.order()).reason == nil)
        try desk.snapshot(equity: "-\(Self.unit)", dailyStart: Self.largest)
        #expect(desk.decide(try desk.order()).reason == .orderOutOfRange)
    }

    @Test(arguments: [
        ["metric: gross_exposure", "max: 0.3"], ["metric: net_exposure", "max: 0.3"],
        ["metric: leverage", "max: 0.3"], ["metric: open_order_notional", "max: 0.3"],
    ])
    func `0.1 and 0.2 of two symbols are 0.3`(rule: [String]) throws {
        let desk = try Desk([["id: rule"] + rule])
        try desk.price("BTC", "1")
        try desk.price("ETH", "1")
        try desk.snapshot(
            equity: "1", positions: rule[0].contains("open") ? [] : [("ETH", "0.1", nil)],
            pending: rule[0].contains("open") ? [("ETH", .buy, "0.1", "1", "x", nil)] : [])
        #expect(desk.decide(try desk.order(.buy, "0.2")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "0.2000000001")).reason != nil)
    }

    @Test func `10 to the 12th units at 10 to the -8th are worth ten thousand, and not a hundredth of a unit more`()
        throws
    {
        let desk = try Desk([["id: rule", "metric: position_notional", "max: 10000"]])
        try desk.price("BTC", "0.00000001")
        try desk.snapshot(positions: [("BTC", "999999999999", nil)])
        #expect(desk.decide(try desk.order(.buy, "1")).reason == nil)
        // 10^-12 above the bound: less than a unit, and rounded up.
        #expect(desk.decide(try desk.order(.buy, "1.0001")).reason == .positionLimitExceeded)
    }

    @Test(
        arguments: [
            ("0.5", nil), ("0.4999999999", .quantityBelowMinimum), ("7.5", nil),
            ("7.5000000001", .quantityAboveMaximum),
        ] as [(String, Reason?)])
    func `an instrument's quantities hold to the unit`(quantity: String, reason: Reason?) throws {
        let desk = try Desk(instruments: [["symbol: BTC", "min_quantity: 0.5", "max_quantity: 7.5"]])
        #expect(desk.decide(try desk.order(.buy, quantity)).reason == reason)
    }

    @Test func `a notional between two units is above its maximum and below its minimum as unrounded`() throws {
        // 0.00001 x 0.00003 is three units; a tenth of a unit more or less is neither.
        for (price, isAbove, isBelow) in [
            ("0.00003", false, false), ("0.000030001", true, false), ("0.000029999", false, true),
        ] {
            let highest = try Desk([["id: rule", "metric: order_notional", "max: 0.0000000003"]])
            let order = try highest.order(.buy, "0.00001", at: price)
            #expect((highest.decide(order).reason == .orderNotionalExceeded) == isAbove, "\(price)")
            let lowest = try Desk([["id: rule", "metric: order_notional", "min: 0.0000000003"]])
            let same = try lowest.order(.buy, "0.00001", at: price)
            #expect((lowest.decide(same).reason == .notionalBelowMinimum) == isBelow, "\(price)")
        }
    }
}
