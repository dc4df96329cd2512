import RiskRules

/// An engine under rules, with prices and accounts mirrored, as a benchmark needs it.
struct BenchDesk {
    let engine: RiskEngine
    let now: Int64 = 1_000_000_000_000

    init(rules: [RuleDocument.Rule], configure: (inout EngineLimits) -> Void = { _ in }) throws {
        var limits = EngineLimits(hashSeed: 7)
        configure(&limits)
        engine = RiskEngine(limits: limits)
        engine.pricesLinkUntil = .max
        engine.accountsLinkUntil = .max
        var document = RuleDocument(file: "bench.yaml")
        document.rules = rules
        engine.install(try RuleCompiler.compile([document], version: "bench").get())
    }

    /// A rule as its file would say it: `key: value` pairs separated by commas, names in brackets by spaces.
    static func rule(_ id: String, _ text: String) -> RuleDocument.Rule {
        let place = SourceLocation(file: "bench.yaml", line: 1, column: 1)
        var rule = RuleDocument.Rule(location: place)
        rule.id = Located(id, at: place)
        for pair in text.split(separator: ",") {
            let parts = pair.split(separator: ":", maxSplits: 1).map { String($0.drop { $0 == " " }) }
            let value = Located(parts[1], at: place)
            let names = parts[1].split(separator: " ").map { Located(String($0), at: place) }
            switch parts[0] {
            case "metric": rule.metric = value
            case "max": rule.max = value
            case "min": rule.min = value
            case "window": rule.window = value
            case "per": rule.per = value
            case "deny": rule.deny = names
            case "allow": rule.allow = names
            case "symbols":
                var scope = rule.appliesTo ?? RuleDocument.AppliesTo(location: place)
                scope.symbols = names
                rule.appliesTo = scope
            case "accounts":
                var scope = rule.appliesTo ?? RuleDocument.AppliesTo(location: place)
                scope.accounts = names
                rule.appliesTo = scope
            case "strategies":
                var scope = rule.appliesTo ?? RuleDocument.AppliesTo(location: place)
                scope.strategies = names
                rule.appliesTo = scope
            default: preconditionFailure("no benchmark's rule says \(parts[0])")
            }
        }
        return rule
    }

    func symbol(_ name: String) -> NameID { id(engine.symbol, name) }
    func account(_ name: String) -> NameID { id(engine.account, name) }

    private func id(_ lookUp: (UnsafeRawBufferPointer) -> NameLookup, _ name: String) -> NameID {
        var name = name
        switch name.withUTF8({ lookUp(UnsafeRawBufferPointer($0)) }) {
        case .known(let id), .new(let id): return id
        case .caseConflict, .tableFull: preconditionFailure("no room for \(name)")
        }
    }

    func number(_ text: String) -> FixedPoint {
        guard let value = try? FixedPoint(parsing: text) else { preconditionFailure("\(text) is no number") }
        return value
    }

    /// Mirrors a price that never becomes stale.
    func quote(_ symbol: String, bid: String, ask: String) {
        engine.update(
            price: PriceQuote(
                availability: .present, hasBidAsk: true, mark: .middle(number(bid), number(ask)), bid: number(bid),
                ask: number(ask), since: now, freshUntil: .max, expiresAt: .max), symbol: self.symbol(symbol))
    }

    /// Mirrors a snapshot that never becomes stale, with a position of 1 in each of so many symbols `S0`, `S1`, ….
    func snapshot(_ account: String, positions: Int) {
        var values = AccountSnapshot.Values()
        values.equity = number("10000000")
        values.marginUsed = number("1000")
        values.availableMargin = number("9000000")
        values.peakEquity = number("10500000")
        values.dailyStartEquity = number("10100000")
        values.positions = (0..<positions).map {
            AccountSnapshot.Position(symbol: "S\($0)", quantity: .one, currentPrice: number("100"))
        }
        values.pendingOrders = []
        engine.update(
            account: AccountSnapshot(values: values, readAt: now, since: now, freshUntil: .max, expiresAt: .max),
            of: self.account(account), now: now)
    }

    /// A limit order of account `A`.
    func order(
        _ side: Side = .buy, symbol: String, account: String = "A", quantity: String = "1.5", price: String = "100.1"
    ) -> Order {
        Order(
            account: self.account(account), strategy: .none, symbol: self.symbol(symbol), timeInForce: .none,
            side: side, type: .limit, reduceOnly: false, quantity: number(quantity), price: number(price),
            stopPrice: .zero, clientOrderID: .none)
    }
}
