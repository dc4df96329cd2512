import RiskRules
import Testing

struct VolatilityTests {
    private static let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]

    private static func rule(_ max: String, window: String = "30s", _ more: String...) -> [String] {
        ["id: storm", "metric: volatility", "window: \(window)", "max: \(max)"] + more
    }

    /// Standard deviation with n - 1, times the root of the window's seconds: as the reference has it.
    private static func volatility(_ returns: some Collection<Double>, seconds: Double) -> Double {
        let mean = returns.reduce(0, +) / Double(returns.count)
        let squares = returns.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
        return (squares / Double(returns.count - 1)).squareRoot() * seconds.squareRoot()
    }

    /// A second passes, and the symbol has this mark in it; nil: none.
    private static func tick(_ desk: Desk, _ mark: String?, symbol: String = "BTC") throws {
        desk.advance(1)
        if let mark { try desk.price(symbol, mark) } else { try desk.noPrice(symbol) }
        desk.engine.sampleVolatility(now: desk.now)
    }

    @Test func `with 29 returns the volatility is missing, with 30 it is known`() throws {
        let desk = try Desk([Self.wide, Self.rule("0.5")])
        let order = try desk.order()
        for _ in 0..<30 {
            try Self.tick(desk, "100")
            #expect(desk.decide(order).reason == .inputMissing)
        }
        try Self.tick(desk, "100")
        #expect(desk.decide(order).reason == nil)
    }

    @Test func `a mark that swings is refused above the bound, and passes at it`() throws {
        for (max, reason) in [("0.0554319015", Reason.volatilityExceeded), ("0.0554319016", nil)] {
            let desk = try Desk([Self.wide, Self.rule(max)])
            for second in 0...30 { try Self.tick(desk, second % 2 == 0 ? "100" : "101") }
            let outcome = desk.decide(try desk.order())
            #expect(outcome.reason == reason)
            if reason != nil {
                // 30 returns of plus and minus log 1.01: sqrt(30 / 29) * log 1.01 * sqrt(30).
                #expect(outcome.violations[0].value.description == "0.0554319016")
            }
        }
    }

    @Test func `a rule is skipped without volatility where it says so, and exempts what reduces risk`() throws {
        let desk = try Desk([Self.wide, Self.rule("0.5", "on_missing: skip")])
        #expect(desk.decide(try desk.order()).reason == nil)
        desk.engine.install(try RuleLines.compile([Self.wide, Self.rule("0.5")]))
        try desk.snapshot(positions: [("BTC", "2", nil)])
        #expect(desk.decide(try desk.order(.sell, "2")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "3")).reason == .inputMissing)
    }

    @Test func `a second without a mark is a gap of two returns, and so is one with an old mark`() throws {
        let desk = try Desk([Self.wide, Self.rule("0.5", window: "40s")])
        let symbol = try desk.symbol("BTC")
        func isKnown() -> Bool { desk.engine.volatility(of: symbol, window: 40 * Desk.second, now: desk.now) != nil }
        for _ in 0...30 { try Self.tick(desk, "100") }
        #expect(isKnown())
        for _ in 0..<10 { try Self.tick(desk, nil) }
        // The first returns leave, and none come.
        #expect(isKnown())
        try Self.tick(desk, "100")
        #expect(!isKnown())
        for _ in 0..<29 { try Self.tick(desk, "100") }
        #expect(!isKnown())
        try Self.tick(desk, "100")
        #expect(isKnown())
        // The mark is there, and too old.
        for second in 1...11 {
            desk.advance(1)
            desk.engine.sampleVolatility(now: desk.now)
            #expect(isKnown() == (second < 11))
        }
    }

    @Test func `a second counts once, however often it is sampled`() throws {
        let desk = try Desk([Self.wide, Self.rule("0.5")])
        for _ in 0..<40 {
            desk.now += 1
            try desk.price("BTC", "100")
            desk.engine.sampleVolatility(now: desk.now)
        }
        #expect(desk.decide(try desk.order()).reason == .inputMissing)
    }

    @Test func `without sampling for a window the volatility is missing`() throws {
        let desk = try Desk([Self.wide, Self.rule("0.5")])
        for _ in 0...30 { try Self.tick(desk, "100") }
        desk.advance(29)
        #expect(desk.decide(try desk.order()).reason == nil)
        desk.advance(1)
        #expect(desk.decide(try desk.order()).reason == .inputMissing)
    }

    @Test func `symbols are sampled from when a rule names them, others from when they are seen`() throws {
        let desk = try Desk([Self.wide, Self.rule("0.5", "symbols: [BTC, E*]")])
        func isKnown(_ name: String) throws -> Bool {
            desk.engine.volatility(of: try desk.symbol(name), window: 30 * Desk.second, now: desk.now) != nil
        }
        _ = try desk.symbol("ETH")
        _ = try desk.symbol("XRP")
        for _ in 0...30 {
            desk.advance(1)
            for symbol in ["BTC", "ETH", "XRP"] { try desk.price(symbol, "100") }
            desk.engine.sampleVolatility(now: desk.now)
        }
        #expect(try isKnown("BTC"))
        #expect(try isKnown("ETH"))
        #expect(try !isKnown("XRP"))
        #expect(try !isKnown("EOS"))
    }

    @Test func `samples go on over a reload that still asks for them, and others are given up`() throws {
        let desk = try Desk([Self.wide, Self.rule("0.5"), ["id: b", "metric: volatility", "window: 60s", "max: 0.5"]])
        let symbol = try desk.symbol("BTC")
        func isKnown(_ seconds: Int64) -> Bool {
            desk.engine.volatility(of: symbol, window: seconds * Desk.second, now: desk.now) != nil
        }
        for _ in 0...30 { try Self.tick(desk, "100") }
        #expect(isKnown(30) && isKnown(60))
        desk.engine.install(
            try RuleLines.compile([Self.wide, ["id: c", "metric: volatility", "window: 60s", "max: 0.1"]]))
        #expect(!isKnown(30) && isKnown(60))
        desk.engine.install(try RuleLines.compile([Self.wide]))
        #expect(!isKnown(60))
    }

    @Test func `without room no more symbols are sampled, and their volatility is missing`() throws {
        let desk = try Desk([Self.wide, Self.rule("0.5")]) { $0.maxVolatilities = 2 }
        // One has the symbol that the other rule names.
        for symbol in ["BTC", "ETH"] { _ = try desk.symbol(symbol) }
        for _ in 0...30 {
            try Self.tick(desk, "100")
            try desk.price("ETH", "100")
        }
        #expect(desk.decide(try desk.order(symbol: "BTC")).reason == nil)
        #expect(desk.decide(try desk.order(symbol: "ETH")).reason == .inputMissing)
    }

    @Test(arguments: [(30, 30), (300, 300), (7200, 1000)])
    func `a million samples later it is what the window's returns alone come to`(window: Int, returns: Int) throws {
        let desk = try Desk([Self.wide, Self.rule("0.5", window: "\(window)s")])
        let symbol = try desk.symbol("BTC")
        var random = SplitMix(seed: 31)
        var marks: [Double] = []
        var quote = PriceQuote(
            availability: .present, hasBidAsk: false, mark: .zero, bid: .zero, ask: .zero, since: 0, freshUntil: .max,
            expiresAt: .max)
        var mark = 50_000.0
        for place in 0..<Effort.of(1_000_000) {
            // Calm, with storms of a thousand times that between.
            let swing = place % 50_000 < 200 ? 0.05 : 0.000_05
            mark = Swift.min(Swift.max(mark * (1 + Double.random(in: -swing...swing, using: &random)), 1), 1e9)
            quote.mark = FixedPoint(units: Int128(mark * 1e10))
            desk.now += Desk.second
            desk.engine.update(price: quote, symbol: symbol)
            desk.engine.sampleVolatility(now: desk.now)
            guard place % 50_000 > 48_000 else {
                marks.removeAll()
                continue
            }
            marks.append(Double(quote.mark.units))
            guard marks.count == returns + 1 else { continue }
            let logs = zip(marks, marks.dropFirst()).map { Self.log1p(($1 - $0) / $0) }
            let value = try #require(
                desk.engine.volatility(of: symbol, window: Int64(window) * Desk.second, now: desk.now))
            let expected = Self.volatility(logs, seconds: Double(window))
            #expect((value - expected).magnitude <= 1e-9 * expected)
            marks.removeAll()
            // The next marks are to be neighbours.
            marks.append(Double(quote.mark.units))
        }
    }

    /// By its series: the marks here move by far less than a hundredth.
    private static func log1p(_ x: Double) -> Double {
        var sum = 0.0
        var power = x
        for place in 1...12 {
            sum += (place % 2 == 1 ? power : -power) / Double(place)
            power *= x
        }
        return sum
    }
}
