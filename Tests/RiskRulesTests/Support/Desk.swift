import RiskRules

/// One engine with rules, a clock and a wall clock that run together, and words for what a test says.
final class Desk {
    static let second: Int64 = 1_000_000_000
    /// What the wall clock shows where the monotonic one shows zero.
    static let wallStart: Int64 = 1_760_000_000 * second

    /// What became of an order: a copy of the verdict.
    struct Outcome {
        var reason: Reason?
        var violations: [Violation]
        var omitted: Int
        var tripped: [TrippedStop]
        var isReducing: Bool
        var priceAge: Int64
        var accountAge: Int64
        var reasons: [Reason] { violations.map(\.reason) }

        init(_ verdict: Verdict) {
            reason = verdict.reason
            violations = Array(verdict.violations)
            omitted = verdict.omitted
            tripped = Array(verdict.trippedStops)
            isReducing = verdict.isReducing
            priceAge = verdict.priceAge
            accountAge = verdict.accountAge
        }
    }

    let engine: RiskEngine
    var now: Int64 = 1000 * second
    /// How long a mirrored snapshot stays fresh.
    var snapshotAge = 2 * second
    private var reads: Int64 = 0
    private var reserved: UInt64 = 0

    /// - Parameter rules: as lines of a rule file; where there is none, a wide one that binds every order.
    init(
        _ rules: [[String]] = [], instruments: [[String]] = [], configure: (inout EngineLimits) -> Void = { _ in }
    ) throws {
        var limits = EngineLimits(hashSeed: 7)
        limits.maxAccounts = 64
        limits.maxSymbols = 256
        limits.maxExposures = 1024
        limits.maxReservations = 4096
        limits.maxWindowKeys = 1024
        limits.clientOrderIDsPerAccount = 64
        configure(&limits)
        engine = RiskEngine(limits: limits)
        engine.pricesLinkUntil = .max
        engine.accountsLinkUntil = .max
        let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]
        engine.install(try RuleLines.compile(rules.isEmpty ? [wide] : rules, instruments: instruments))
    }

    /// Wall clock less monotonic one.
    var wallOffset = Desk.wallStart
    var wallNow: Int64 { wallOffset + now }

    func advance(_ seconds: Double) { now += Int64(seconds * Double(Self.second)) }

    func decimal(_ text: String) throws -> FixedPoint { try FixedPoint(parsing: text) }

    func account(_ name: String) throws -> NameID { try id(engine.account, name) }
    func strategy(_ name: String) throws -> NameID { try id(engine.strategy, name) }
    func symbol(_ name: String) throws -> NameID { try id(engine.symbol, name) }
    func timeInForce(_ name: String) throws -> NameID { try id(engine.timeInForce, name) }

    func lookUpSymbol(_ name: String) -> NameLookup {
        var name = name
        return name.withUTF8 { engine.symbol(UnsafeRawBufferPointer($0)) }
    }

    func digest(_ text: String) -> Digest {
        var text = text
        return text.withUTF8 { engine.digest(UnsafeRawBufferPointer($0)) }
    }

    private struct Unknown: Error {
        var name: String
    }

    private func id(_ lookUp: (UnsafeRawBufferPointer) -> NameLookup, _ name: String) throws -> NameID {
        var name = name
        switch name.withUTF8({ lookUp(UnsafeRawBufferPointer($0)) }) {
        case .known(let id), .new(let id): return id
        case .caseConflict, .tableFull: throw Unknown(name: name)
        }
    }

    /// Mirrors a price that is fresh for a second and never expires.
    func price(_ symbol: String = "BTC", _ mark: String) throws {
        try quote(symbol, mark: mark, bidAsk: nil)
    }

    func price(_ symbol: String = "BTC", bid: String, ask: String) throws {
        let mark = FixedPoint.middle(try decimal(bid), try decimal(ask))
        try quote(symbol, mark: mark.description, bidAsk: (bid, ask))
    }

    private func quote(_ symbol: String, mark: String, bidAsk: (String, String)?) throws {
        let bid = try decimal(bidAsk?.0 ?? "0")
        let ask = try decimal(bidAsk?.1 ?? "0")
        engine.update(
            price: PriceQuote(
                availability: .present, hasBidAsk: bidAsk != nil, mark: try decimal(mark), bid: bid, ask: ask,
                since: now, freshUntil: now + Self.second, expiresAt: .max),
            symbol: try self.symbol(symbol))
    }

    func noPrice(_ symbol: String = "BTC") throws {
        var quote = PriceQuote.unfetched
        quote.availability = .absent
        engine.update(price: quote, symbol: try self.symbol(symbol))
    }

    typealias Pending = (
        symbol: String, side: Side, quantity: String, price: String?, clientID: String?, orderID: String?
    )

    /// Mirrors a snapshot that is fresh for `snapshotAge` and never expires; positions are signed quantities.
    func snapshot(
        _ account: String = "A", equity: String? = "1000000", marginUsed: String? = "0",
        availableMargin: String? = "1000000", peak: String? = "1000000", dailyStart: String? = "1000000",
        positions: [(symbol: String, quantity: String, price: String?)]? = [], pending: [Pending]? = [],
        seq: Int64? = nil, asOf: Int64? = nil, returns: [Double]? = nil
    ) throws {
        var values = AccountSnapshot.Values()
        values.seq = seq
        values.asOf = asOf
        values.equity = try equity.map(decimal)
        values.marginUsed = try marginUsed.map(decimal)
        values.availableMargin = try availableMargin.map(decimal)
        values.peakEquity = try peak.map(decimal)
        values.dailyStartEquity = try dailyStart.map(decimal)
        values.positions = try positions?.map {
            AccountSnapshot.Position(
                symbol: $0.symbol, quantity: try decimal($0.quantity), currentPrice: try $0.price.map(decimal))
        }
        values.pendingOrders = try pending?.map {
            AccountSnapshot.PendingOrder(
                clientOrderID: $0.clientID, orderID: $0.orderID, symbol: $0.symbol, side: $0.side,
                quantity: try decimal($0.quantity), price: try $0.price.map(decimal))
        }
        values.returns = returns
        reads += 1
        engine.update(
            account: AccountSnapshot(
                values: values, readAt: now + reads % 1000, since: now, freshUntil: now + snapshotAge,
                expiresAt: .max),
            of: try self.account(account), now: now)
    }

    /// An order; a price makes it a limit order unless a type is given.
    func order(
        _ side: Side = .buy, _ quantity: String = "1", at price: String? = nil, symbol: String = "BTC",
        account: String = "A", strategy: String = "", type: OrderType? = nil, stop: String? = nil,
        timeInForce: String = "", reduceOnly: Bool = false, clientID: String? = nil
    ) throws -> Order {
        Order(
            account: try self.account(account), strategy: try self.strategy(strategy),
            symbol: try self.symbol(symbol), timeInForce: try self.timeInForce(timeInForce), side: side,
            type: type ?? (price == nil ? .market : .limit), reduceOnly: reduceOnly, quantity: try decimal(quantity),
            price: try decimal(price ?? "0"), stopPrice: try decimal(stop ?? "0"),
            clientOrderID: clientID.map(digest) ?? .none)
    }

    func decide(_ order: Order, connection: UInt32 = 1) -> Outcome {
        Outcome(engine.decide(order, connection: connection, now: now))
    }

    /// Decides an order that is to be approved, and reserves it.
    @discardableResult
    func send(_ order: Order) throws -> ReservationID {
        struct Refused: Error {
            var reason: Reason?
        }
        let outcome = decide(order)
        guard outcome.reason == nil, let id = reserve(order) else {
            throw Refused(reason: outcome.reason)
        }
        return id
    }

    /// Reserves an order, whatever would be decided of it.
    func reserve(_ order: Order, replacing: OrderReference? = nil) -> ReservationID? {
        reserved += 1
        return engine.reserve(order, replacing: replacing, connection: 1, number: reserved, now: now)
    }

    func accept(_ id: ReservationID, orderID: String = "") {
        engine.accepted(id, orderID: digest(orderID), now: now, wallNow: wallNow)
    }

    func end(_ id: ReservationID, filled: String? = nil) throws {
        engine.ended(id, filled: try filled.map(decimal), now: now, wallNow: wallNow)
    }
}
