/// The examples that rule files carry, by which a set proves itself.
package enum RuleExamples {
    /// Decides every example by the whole set, each from a fresh start, and tells those that do not come out.
    ///
    /// The account and the prices are as the example states them, fresh, and the mirror's links are alive; what it does
    /// not state is missing. Documents are those that the set was compiled from: what is wrong with an example's form the
    /// compiler has told already.
    /// - Parameters:
    ///   - initialMargin: of instruments that name none; `limits.initial_margin` of the configuration.
    ///   - refusesUngoverned: whether an order that no rule binds is refused; `ungoverned` of the configuration.
    ///   - calendar: by whose clocks the hours of `active` rules are found.
    package static func run(
        _ documents: [RuleDocument], against ruleSet: RuleSet,
        initialMargin: FixedPoint = FixedPoint(units: FixedPoint.scale / 10), refusesUngoverned: Bool = true,
        calendar: RuleCalendar = .utc(now: 0)
    ) -> [Problem] {
        var limits = EngineLimits(hashSeed: 0)
        limits.defaultInitialMargin = initialMargin
        limits.refusesUngoverned = refusesUngoverned
        return documents.flatMap(\.examples).compactMap { document in
            var reader = RuleExampleReader()
            return reader.read(document).flatMap { problem($0, ruleSet, limits, calendar) }
        }.sorted()
    }

    /// nil where the example comes out. One that says no time has to come out the same whichever rules are in their hours,
    /// which is tried with all of them and with none.
    private static func problem(
        _ example: RuleExample, _ ruleSet: RuleSet, _ limits: EngineLimits, _ calendar: RuleCalendar
    ) -> Problem? {
        guard ruleSet.hasSchedules else { return RuleExampleRun(example, ruleSet, limits).problem() }
        if let at = example.at {
            var calendar = calendar
            calendar.now = at
            return RuleExampleRun(example, ruleSet.renewed(calendar), limits).problem()
        }
        let inForce = RuleExampleRun(example, ruleSet.withRules(inForce: true), limits)
        let problem = inForce.problem()
        let otherwise = RuleExampleRun(example, ruleSet.withRules(inForce: false), limits)
        guard (problem == nil) != (otherwise.problem() == nil) else { return problem }
        return Problem(
            "the example \"\(example.name)\" comes out only \(problem == nil ? "within" : "outside") the hours of a rule "
                + "with active: write when it is decided, as in at: 2026-03-29T01:00:00Z", at: example.location)
    }

    /// What is wrong with the examples as they are written, before any is run.
    static func formProblems(of documents: [RuleDocument]) -> [Problem] {
        documents.flatMap(\.examples).flatMap { document in
            var reader = RuleExampleReader()
            _ = reader.read(document)
            return reader.problems
        }
    }
}

/// One example, or an order like one, and the engine that decides it.
struct RuleExampleRun {
    private static let now: Int64 = 1_000_000_000

    private let example: RuleExample
    private let ruleSet: RuleSet
    private let engine: RiskEngine

    init(_ example: RuleExample, _ ruleSet: RuleSet, _ limits: EngineLimits) {
        self.example = example
        self.ruleSet = ruleSet
        let positions = example.account?.positions?.count ?? 0
        let pendingOrders = example.account?.pendingOrders?.count ?? 0
        let named = example.prices.count + example.quotes.count + positions + pendingOrders + 2
        var limits = limits
        limits.maxAccounts = ruleSet.knownAccounts.count + 2
        limits.maxSymbols = ruleSet.knownSymbols.count + named
        limits.maxStrategies = 1
        limits.maxTimesInForce = 1
        limits.maxExposures = named
        limits.maxReservations = 1
        limits.maxPlans = 1
        limits.maxWindowKeys = ruleSet.windows.count + 1
        limits.clientOrderIDsPerAccount = 1
        engine = RiskEngine(limits: limits)
        engine.install(ruleSet)
        engine.pricesLinkUntil = Int64.max
        engine.accountsLinkUntil = Int64.max
        engine.wallOffset = (example.at ?? 0) - Self.now
    }

    /// nil where the example comes out.
    func problem() -> Problem? {
        guard let order = order() else {
            let code = Reason.orderMalformed.code
            return example.expected == .orderMalformed
                ? nil : differs("refuses it: \(code): an account or symbol is a known one but for letter case")
        }
        state(order)
        let verdict = engine.decide(order, connection: 0, now: Self.now)
        guard verdict.reason != example.expected else { return nil }
        guard let violation = verdict.violations.first(where: \.blocks) else { return differs("approves it") }
        return differs("refuses it: \(ruleSet.text(of: violation))")
    }

    /// Why the order is approved or refused; nil where an account or symbol is a known one but for letter case.
    func explanation() -> OrderExplanation? {
        guard let order = order() else { return nil }
        state(order)
        return engine.explain(order, connection: 0, now: Self.now)
    }

    private func differs(_ outcome: String) -> Problem {
        let expected = example.expected.map { "\($0.code)" } ?? RuleExample.approved
        return Problem(
            "the example \"\(example.name)\" expects \(expected), but the set \(outcome)", at: example.expectLocation)
    }

    private func order() -> Order? {
        guard let account = id(example.orderAccount, engine.account), let symbol = id(example.symbol, engine.symbol),
            let strategy = id(example.strategy, engine.strategy),
            let timeInForce = id(example.timeInForce, engine.timeInForce)
        else { return nil }
        return Order(
            account: account, strategy: strategy, symbol: symbol, timeInForce: timeInForce, side: example.side,
            type: example.type, reduceOnly: example.reduceOnly, quantity: example.quantity, price: example.price,
            stopPrice: example.stopPrice, clientOrderID: .none)
    }

    /// Makes what the example says so, and what it does not say absent.
    private func state(_ order: Order) {
        engine.accountAbsent(order.account)
        var unpriced = Set([example.symbol] + (example.account?.positions ?? []).map(\.symbol))
        for (name, price) in example.prices {
            unpriced.remove(name)
            guard let symbol = id(name, engine.symbol) else { continue }
            engine.update(price: quote(.present, price), symbol: symbol)
        }
        for (name, bid, ask) in example.quotes {
            unpriced.remove(name)
            guard let symbol = id(name, engine.symbol) else { continue }
            var quote = quote(.present, .middle(bid, ask))
            (quote.hasBidAsk, quote.bid, quote.ask) = (true, bid, ask)
            engine.update(price: quote, symbol: symbol)
        }
        for name in unpriced {
            guard let symbol = id(name, engine.symbol) else { continue }
            engine.update(price: quote(.absent, .zero), symbol: symbol)
        }
        guard let values = example.account, let account = id(example.snapshotOf, engine.account) else { return }
        let snapshot = AccountSnapshot(
            values: values, readAt: Self.now, since: Self.now, freshUntil: Int64.max, expiresAt: Int64.max)
        engine.update(account: snapshot, of: account, now: Self.now)
    }

    private func quote(_ availability: PriceQuote.Availability, _ price: FixedPoint) -> PriceQuote {
        PriceQuote(
            availability: availability, hasBidAsk: false, mark: price, bid: .zero, ask: .zero, since: Self.now,
            freshUntil: Int64.max, expiresAt: Int64.max)
    }

    private func id(_ name: String, _ lookup: (UnsafeRawBufferPointer) -> NameLookup) -> NameID? {
        switch Array(name.utf8).withUnsafeBytes(lookup) {
        case .known(let id), .new(let id): id
        case .caseConflict, .tableFull: nil
        }
    }
}
