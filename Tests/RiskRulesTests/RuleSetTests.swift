import RiskRules
import Testing

struct RuleSetTests {
    @Test func `a rule is found by exactly the names that it applies to`() throws {
        var random = SplitMix(seed: 5)
        let accounts = ["mm-1", "mm-2", "arb", "x"]
        let strategies = ["grid", "trend", "t2"]
        let symbols = ["BTCUSDT", "ETHUSDT", "BNBUSDT", "BTCEUR"]
        for _ in 0..<40 {
            let scopes = (0..<60).map { _ in
                Scope(
                    accounts: random.list(of: accounts + ["mm-*", "?"]),
                    strategies: random.list(of: strategies + ["t*", "*"]),
                    symbols: random.list(of: symbols + ["BTC*", "*USDT"]))
            }
            // Each rule has a window of its own, or two with one scope would be compared and refused.
            let set = try RuleLines.compile(
                scopes.enumerated().map { index, scope in
                    ["id: r\(index)", "metric: order_count", "max: 5", "window: \(index + 1)ms"] + scope.lines
                })
            for _ in 0..<100 {
                let account = random.pick(accounts + ["other"])
                let strategy = random.pick(strategies + ["", "zz"])
                let symbol = random.pick(symbols + ["SOLUSDT"])
                let expected = scopes.indices.filter { scopes[$0].covers(account, strategy, symbol) }
                #expect(set.applicable(account, strategy, symbol) == expected.map(Int32.init))
            }
        }
    }

    private struct Scope {
        var accounts: [String]
        var strategies: [String]
        var symbols: [String]

        var lines: [String] {
            [("accounts", accounts), ("strategies", strategies), ("symbols", symbols)]
                .map { "\($0): [\($1.joined(separator: ", "))]" }
        }

        func covers(_ account: String, _ strategy: String, _ symbol: String) -> Bool {
            [(accounts, account), (strategies, strategy), (symbols, symbol)].allSatisfy { patterns, name in
                patterns.isEmpty || patterns.contains { Glob.matches($0, name) }
            }
        }
    }

    @Test func `rules stand by file name and then by place`() throws {
        let second = RuleLines(file: "b.yaml", rules: [["id: b1", "metric: leverage", "max: 1"]]).document
        let first = RuleLines(
            file: "a.yaml",
            rules: [
                ["id: a2", "metric: leverage", "max: 1", "severity: soft"], ["id: a1", "metric: equity", "min: 1"],
            ]
        ).document
        let set = try RuleLines.compile([second, first])
        #expect(set.texts.map(\.id) == ["a2", "a1", "b1"])
        #expect(set.texts[2].location.description == "b.yaml:2:5")
        #expect(set.version == "v1")
    }

    @Test func `a membership list matches as its metric compares`() throws {
        let set = try RuleLines.compile([
            ["id: s", "metric: symbol", "deny: [LUNA*, FTTUSDT]"],
            ["id: t", "metric: type", "allow: [Stop*, market, post_only]"],
            ["id: u", "metric: type", "deny: [stop]"],
            ["id: f", "metric: time_in_force", "allow: [gtc, I?C]"],
            ["id: d", "metric: side", "deny: [SELL]"],
        ])
        #expect(set.isMember("LUNAUSDT", ofDeniedBy: 0))
        #expect(set.isMember("FTTUSDT", ofDeniedBy: 0))
        #expect(!set.isMember("lunausdt", ofDeniedBy: 0))
        #expect(!set.isMember("FTTUSDTX", ofDeniedBy: 0))
        for name in ["stop_market", "STOP_LIMIT", "Market", "post_only"] {
            #expect(set.isMember(name, ofAllowedBy: 1))
        }
        #expect(!set.isMember("limit", ofAllowedBy: 1))
        #expect(set.isMember("STOP_MARKET", ofDeniedBy: 2))
        #expect(!set.isMember("stop_limit", ofDeniedBy: 2))
        #expect(set.isMember("GTC", ofAllowedBy: 3))
        #expect(set.isMember("IOC", ofAllowedBy: 3))
        #expect(!set.isMember("FOK", ofAllowedBy: 3))
        #expect(!set.isMember("", ofAllowedBy: 3))
        #expect(set.isMember("sell", ofDeniedBy: 4))
        #expect(set.rules[0].allow == -1)
        #expect(set.rules[1].deny == -1)
    }

    @Test func `sides and types become bits, without the types that a metric is not defined for`() throws {
        let set = try RuleLines.compile([
            ["id: a", "metric: order_quantity", "max: 1", "sides: [Buy]", "types: [market, STOP]"],
            ["id: b", "metric: price_deviation", "max: 0.1"],
            ["id: c", "metric: price_deviation", "max: 0.05", "types: [market, limit]"],
            ["id: d", "metric: spread", "max: 0.1"],
        ])
        #expect(set.rules[0].sides == Side.buy.bit)
        #expect(set.rules[0].types == OrderType.market.bit | OrderType.stopMarket.bit)
        #expect(set.rules[1].sides == Side.buy.bit | Side.sell.bit)
        #expect(set.rules[1].types == OrderType.limit.bit | OrderType.stopLimit.bit | OrderType.postOnly.bit)
        #expect(set.rules[2].types == OrderType.limit.bit)
        #expect(set.rules[3].types == OrderType.market.bit | OrderType.stopMarket.bit | OrderType.stopLimit.bit)
    }

    @Test func `what a rule leaves out has its default`() throws {
        let set = try RuleLines.compile([
            ["id: a", "metric: leverage", "max: 10"],
            [
                "id: b", "metric: order_notional", "max: 2.5", "min: 0.5", "severity: emergency", "stop: global",
                "on_missing: skip", "exempt_reducing: false",
            ],
            ["id: c", "metric: order_count", "max: 3", "window: 1m", "per: connection", "mode: shadow"],
            ["id: d", "metric: symbol", "allow: [BTCUSDT]", "exempt_reducing: false"],
            ["id: e", "metric: price_deviation", "max: 0.1"],
        ])
        let plain = set.rules[0]
        #expect(plain.severity == .hard && plain.mode == .enforce && plain.per == .account && plain.stop == .account)
        #expect(plain.hasMax && !plain.hasMin && plain.max == FixedPoint(units: 10 * FixedPoint.scale))
        #expect(!plain.skipsMissing && plain.exemptsReducing && plain.window == 0 && plain.windowIndex == -1)
        let full = set.rules[1]
        #expect(full.severity == .emergency && full.stop == .global && full.skipsMissing)
        #expect(full.max == FixedPoint(units: 25_000_000_000) && full.min == FixedPoint(units: 5_000_000_000))
        #expect(!full.exemptsReducing && !full.exemptsReducingWithoutPrice)
        #expect(set.rules[2].mode == .shadow && set.rules[2].per == .connection)
        #expect(set.rules[2].window == 60_000_000_000 && set.rules[2].windowIndex == 0)
        #expect(!set.rules[2].exemptsReducing)
        #expect(!set.rules[3].exemptsReducing)
        #expect(!set.rules[4].exemptsReducing && set.rules[4].exemptsReducingWithoutPrice)
    }

    @Test func `a window goes on while id, metric, window and per are the same`() throws {
        func identity(_ lines: [String]) throws -> [String] { try RuleLines.compile([lines]).windows.map(\.identity) }
        let before = try identity(["id: a", "metric: order_count", "window: 1s", "max: 100"])
        #expect(try identity(["id: a", "metric: order_count", "window: 1000ms", "max: 7", "per: account"]) == before)
        #expect(try identity(["id: b", "metric: order_count", "window: 1s", "max: 100"]) != before)
        #expect(try identity(["id: a", "metric: message_count", "window: 1s", "max: 100"]) != before)
        #expect(try identity(["id: a", "metric: order_count", "window: 2s", "max: 100"]) != before)
        #expect(try identity(["id: a", "metric: order_count", "window: 1s", "max: 100", "per: symbol"]) != before)
    }

    @Test func `an instrument is found by its exact symbol`() throws {
        let set = try RuleLines.compile(
            [["id: a", "metric: leverage", "max: 10"]],
            instruments: [
                [
                    "symbol: SOLUSDT", "tick_size: 0.01", "lot_size: 0.5", "min_quantity: 1", "max_quantity: 10",
                    "min_notional: 5", "contract_multiplier: 2", "initial_margin: 1",
                ],
                ["symbol: BTCUSDT"],
            ])
        #expect(set.instrumentIndex("SOLUSDT") == 0)
        #expect(set.instrumentIndex("BTCUSDT") == 1)
        #expect(set.instrumentIndex("btcusdt") == -1)
        #expect(set.instrumentIndex("BTCUSD") == -1)
        #expect(set.instrumentIndex("") == -1)
        let full = set.instruments[0]
        #expect(full.tickSize.units == FixedPoint.scale / 100 && full.lotSize.units == FixedPoint.scale / 2)
        #expect(full.minQuantity.units == FixedPoint.scale && full.maxQuantity.units == 10 * FixedPoint.scale)
        #expect(full.minNotional.units == 5 * FixedPoint.scale && full.contractMultiplier.units == 2 * FixedPoint.scale)
        #expect(full.hasInitialMargin && full.initialMargin.units == FixedPoint.scale)
        #expect(set.instruments[1].contractMultiplier.units == FixedPoint.scale)
        #expect(!set.instruments[1].hasInitialMargin && set.instruments[1].tickSize == .zero)
        #expect(set.instrumentSymbols == ["SOLUSDT", "BTCUSDT"])
    }

    @Test func `names without wildcards are known`() throws {
        let set = try RuleLines.compile(
            [
                ["id: a", "metric: leverage", "max: 10", "accounts: [mm-1, arb-*]", "symbols: [BTC*, SOLUSDT]"],
                ["id: b", "metric: account", "deny: [bad]"],
                ["id: c", "metric: symbol", "deny: [ETHUSDT, SOL*]"],
            ], instruments: [["symbol: BTCUSDT"], ["symbol: SOLUSDT"]])
        #expect(set.knownSymbols == ["BTCUSDT", "ETHUSDT", "SOLUSDT"])
        #expect(set.knownAccounts == ["bad", "mm-1"])
    }

    @Test func `ten thousand rules compile quickly and a look-up visits only its own`() throws {
        let rules = (0..<10_000).map { index in
            switch index % 3 {
            case 0: ["id: r\(index)", "metric: order_notional", "max: \(index + 1)", "symbols: [S\(index)]"]
            case 1: ["id: r\(index)", "metric: leverage", "max: 10", "accounts: [a\(index), b\(index)]"]
            default: ["id: r\(index)", "metric: order_quantity", "max: 1", "strategies: [t\(index)]"]
            }
        }
        let document = RuleLines(rules: rules).document
        let clock = ContinuousClock()
        var set: RuleSet?
        let compileTime = clock.measure { set = try? RuleLines.compile([document]) }
        #expect(compileTime < .seconds(2) || !Effort.isWhole)
        let compiled = try #require(set)
        #expect(compiled.applicable("b4", "t5", "S3") == [3, 4, 5])
        #expect(compiled.applicable("a", "t", "S").isEmpty)
        var found: [Int32] = []
        found.reserveCapacity(4)
        let lookupTime = clock.measure {
            for _ in 0..<10_000 { compiled.find("b4", "t5", "S3", into: &found) }
        }
        #expect(found == [3, 4, 5])
        // Ten thousand look-ups that tried each rule would take seconds.
        #expect(lookupTime < .milliseconds(500) || !Effort.isWhole)
    }
}

extension SplitMix {
    /// Up to three of some names; often none, which means all.
    fileprivate mutating func list(of names: [String]) -> [String] {
        (0..<max(0, Int.random(in: -2...3, using: &self))).map { _ in pick(names) }
    }
}

extension RuleSet {
    /// The rules whose names cover an order's.
    func applicable(_ account: String, _ strategy: String, _ symbol: String) -> [Int32] {
        var found: [Int32] = [99]
        find(account, strategy, symbol, into: &found)
        return found
    }

    fileprivate func find(_ account: String, _ strategy: String, _ symbol: String, into found: inout [Int32]) {
        Array(account.utf8).withUnsafeBytes { account in
            Array(strategy.utf8).withUnsafeBytes { strategy in
                Array(symbol.utf8).withUnsafeBytes { symbol in
                    applicableRules(account: account, strategy: strategy, symbol: symbol, into: &found)
                }
            }
        }
    }

    fileprivate func instrumentIndex(_ symbol: String) -> Int32 {
        Array(symbol.utf8).withUnsafeBytes { instrument(of: $0) }
    }

    fileprivate func isMember(_ name: String, ofAllowedBy rule: Int) -> Bool {
        Array(name.utf8).withUnsafeBytes { matches(patternSet: rules[rule].allow, $0) }
    }

    fileprivate func isMember(_ name: String, ofDeniedBy rule: Int) -> Bool {
        Array(name.utf8).withUnsafeBytes { matches(patternSet: rules[rule].deny, $0) }
    }
}
