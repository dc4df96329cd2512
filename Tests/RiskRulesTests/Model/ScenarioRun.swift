import RiskRules

/// An engine and the model beside it, to which the same happens. What they differ in is thrown.
struct ScenarioRun {
    struct Difference: Error, CustomStringConvertible {
        var description: String
    }
    static let start: Int64 = 1_000_000_000_000
    static let wallStart: Int64 = 1_760_000_000_000_000_000

    let engine: RiskEngine
    var model: ReferenceModel
    private(set) var orders: [Int: ModelOrder] = [:]
    private(set) var decisions = 0
    private(set) var approved = 0
    private(set) var reducing = 0
    /// How often each reason refused an order.
    private(set) var refusals: [Reason: Int] = [:]
    private var ids: [Int: ReservationID] = [:]
    private var reads: Int64 = 0
    private let reservesAll: Bool

    init(_ limits: EngineLimits) {
        engine = RiskEngine(limits: limits)
        model = ReferenceModel(limits: ReferenceModel.Limits(limits), now: Self.start)
        model.wallNow = Self.wallStart
        engine.pricesLinkUntil = .max
        engine.accountsLinkUntil = .max
        // Gate reserves what it forwards, and in shadow mode it forwards all.
        reservesAll = limits.isShadow
    }

    mutating func take(_ step: ScenarioStep) throws {
        let (now, wallNow) = (model.now, model.wallNow)
        switch step {
        case .order(let order, let number, let connection): try decide(order, number, connection)
        case .again(let order, let connection):
            let expected = model.decide(order, connection: connection, counting: .counted)
            try compare(engine.decideAgain(decoded(order), connection: connection, now: now), expected)
        case .accept(let number, let orderID):
            guard let id = ids[number] else { return }
            engine.accepted(id, orderID: digest(orderID), now: now, wallNow: wallNow)
            model.accept(number, orderID: orderID)
        case .end(let number, let filled):
            guard let id = ids[number] else { return }
            engine.ended(id, filled: filled?.fixedPoint, now: now, wallNow: wallNow)
            model.end(number, filled: filled)
        case .loseAnswer(let number):
            guard let id = ids[number] else { return }
            engine.unknown(id, now: now, wallNow: wallNow)
            model.loseAnswer(number)
        case .release(let number):
            guard let id = ids[number] else { return }
            engine.release(id)
            model.release(number)
        case .undo(let number):
            // Before anything else is heard of it, and under the rules that let it through.
            guard let id = ids[number], model.reservations[number]?.installs == model.installs,
                model.reservations[number]?.state == .inFlight
            else { return }
            engine.undo(id)
            model.undo(number)
        case .cancelled(let orderID, let clientID, let account, let filled):
            engine.cancelled(
                orderID: digest(orderID), clientOrderID: digest(clientID), account: id(account ?? "", engine.account),
                filled: filled?.fixedPoint, now: now, wallNow: wallNow)
            model.cancelled(orderID: orderID, clientID: clientID, account: account, filled: filled)
        case .cancel(let account, let strategy, let symbol, let connection):
            engine.countCancel(
                account: account.map { id($0, engine.account) }, strategy: id(strategy, engine.strategy),
                symbol: id(symbol, engine.symbol), connection: connection, now: now)
            model.countCancel(account: account, strategy: strategy, symbol: symbol, connection: connection)
        case .lateReject(let order, let connection):
            engine.countReject(decoded(order), connection: connection, now: now)
            model.countReject(order, connection: connection)
        case .price(let symbol, let price): mirror(price, of: symbol)
        case .snapshot(let account, let snapshot, let freshUntil, let expiresAt):
            mirror(snapshot, of: account, freshUntil: freshUntil, expiresAt: expiresAt)
        case .reread(let account, let freshUntil):
            guard let snapshot = model.accounts[account]?.snapshot, snapshot.seq != nil else { return }
            mirror(snapshot, of: account, freshUntil: freshUntil, expiresAt: .max)
        case .loseAccount(let account):
            engine.accountAbsent(id(account, engine.account))
            model.loseAccount(account)
        case .refuseAccount(let account):
            engine.accountRefused(id(account, engine.account))
            model.refuseAccount(account)
        case .links(let pricesUntil, let accountsUntil):
            engine.pricesLinkUntil = pricesUntil
            engine.accountsLinkUntil = accountsUntil
            model.pricesLinkUntil = pricesUntil
            model.accountsLinkUntil = accountsUntil
        case .stop(let stop, let isActive): set(stop, isActive)
        case .install(let ruleSet):
            engine.install(try RuleLines.compile([ruleSet.document]))
            model.install(ruleSet)
        case .pass(let nanoseconds):
            model.now += nanoseconds
            model.wallNow += nanoseconds
        }
    }

    private mutating func decide(_ order: ModelOrder, _ number: Int, _ connection: UInt32) throws {
        let decoded = decoded(order)
        // A check sees what the decision will be, and leaves no trace.
        let checked = Array(engine.check(decoded, connection: connection, now: model.now).violations)
        let before = model.worstCase(order.account, order.symbol)
        let expected = model.decide(order, connection: connection)
        let verdict = engine.decide(decoded, connection: connection, now: model.now)
        try compare(verdict, expected)
        decisions += 1
        guard checked.elementsEqual(verdict.violations, by: ==) else {
            throw Difference(description: "a check told \(checked.map(\.reason)) before the decision")
        }
        if let reason = verdict.reason { refusals[reason, default: 0] += 1 } else { approved += 1 }
        if verdict.isReducing { reducing += 1 }
        guard verdict.approved || reservesAll, orders[number] == nil else { return }
        let reserved = engine.reserve(
            decoded, replacing: nil, connection: connection, number: UInt64(number), now: model.now)
        guard let id = reserved else {
            throw Difference(description: "no room")
        }
        model.reserve(order, as: number, connection: connection)
        orders[number] = order
        ids[number] = id
        if verdict.isReducing { try checkReduction(order, before) }
        if verdict.approved { try checkBounds(order, isReducing: verdict.isReducing) }
    }

    /// What reduces risk makes neither the longest nor the shortest position larger.
    private func checkReduction(_ order: ModelOrder, _ before: (long: Exact, short: Exact)) throws {
        let after = model.worstCase(order.account, order.symbol)
        if max(after.long, .zero) > max(before.long, .zero) || min(after.short, .zero) < min(before.short, .zero) {
            throw Difference(description: "a reducing order takes \(before) to \(after)")
        }
    }

    /// What an approval leaves is within every bound that refuses: seen from the state after it, without the order itself.
    private func checkBounds(_ order: ModelOrder, isReducing: Bool) throws {
        var nothing = order
        nothing.quantity = .zero
        for rule in model.ruleSet.rules where rule.blocks && rule.applies(to: order) && !rule.skipsMissing {
            if isReducing, rule.exemptsReducing { continue }
            guard rule.table == .exposure, let bound = rule.largest, rule.metric != .openOrderNotional else { continue }
            let measure = model.measure { () throws(ReferenceModel.Unknown) in try model.account(rule, nothing) }
            let isWithin =
                switch measure {
                case .amount(let amount): rule.metric == .openOrders ? amount - Exact(1) <= bound : amount <= bound
                case .ratio(let numerator, let denominator): numerator <= bound * denominator
                case .satisfied, .violated, .unknown: false
                }
            if !isWithin {
                throw Difference(description: "the approval leaves \(rule.metric) \(measure) over \(bound)")
            }
        }
    }

    private mutating func compare(_ verdict: Verdict, _ expected: ReferenceModel.Decision) throws {
        decisions += 1
        var isEqual =
            verdict.violations.count == expected.findings.count && verdict.isReducing == expected.isReducing
            && verdict.approved == expected.isApproved && verdict.omitted == 0
            && verdict.trippedStops.count == expected.tripped.count
        if isEqual {
            isEqual =
                zip(verdict.violations, expected.findings).allSatisfy { violation, finding in
                    finding.reasons.contains(violation.reason) && Int(violation.rule) == finding.rule
                        && violation.blocks == finding.blocks
                        && finding.value.map { Exact(violation.value) == $0 } ?? true
                }
                && zip(verdict.trippedStops, expected.tripped).allSatisfy { stop, trip in
                    Int(stop.rule) == trip.rule && stop.scope == trip.stop.scope && stop.name == name(of: trip.stop)
                }
                && verdict.reason == verdict.violations.first(where: \.blocks)?.reason
        }
        if isEqual { return }
        let got = verdict.violations.map { "\($0.reason) by \($0.rule)\($0.hasValue ? " at \($0.value)" : "")" }
        let wanted = expected.findings.map {
            "\($0.reasons.map { "\($0)" }.sorted().joined(separator: " or ")) by \($0.rule)"
                + ($0.value.map { " at \($0)" } ?? "")
        }
        throw Difference(
            description: """
                engine: \(got), reducing \(verdict.isReducing), \(verdict.trippedStops.count) tripped
                model:  \(wanted), reducing \(expected.isReducing), \(expected.tripped.count) tripped
                """)
    }

    // MARK: Saying it to the engine

    /// The tables have room for all names that scenarios use.
    private func id(_ name: String, _ lookUp: (UnsafeRawBufferPointer) -> NameLookup) -> NameID {
        var name = name
        switch name.withUTF8({ lookUp(UnsafeRawBufferPointer($0)) }) {
        case .known(let id), .new(let id): return id
        case .caseConflict, .tableFull: preconditionFailure("\(name) is not taken")
        }
    }

    private func digest(_ text: String?) -> Digest {
        var text = text ?? ""
        return text.withUTF8 { engine.digest(UnsafeRawBufferPointer($0)) }
    }

    func decoded(_ order: ModelOrder) -> Order {
        func units(_ value: Exact) -> FixedPoint {
            guard let units = value.fixedPoint else { preconditionFailure("\(value) is no order's number") }
            return units
        }
        return Order(
            account: id(order.account, engine.account), strategy: id(order.strategy, engine.strategy),
            symbol: id(order.symbol, engine.symbol), timeInForce: id(order.timeInForce, engine.timeInForce),
            side: order.side, type: order.type, reduceOnly: order.reduceOnly, mayBeMarket: order.mayBeMarket,
            quantity: units(order.quantity), price: units(order.price), stopPrice: units(order.stopPrice),
            clientOrderID: digest(order.clientID))
    }

    private mutating func mirror(_ price: ModelPrice?, of symbol: String) {
        var quote = PriceQuote.unfetched
        quote.availability = .absent
        if let price {
            quote = PriceQuote(
                availability: .present, hasBidAsk: price.bid != nil, mark: price.mark.fixedPoint ?? .zero,
                bid: price.bid?.fixedPoint ?? .zero, ask: price.ask?.fixedPoint ?? .zero, since: model.now,
                freshUntil: price.freshUntil, expiresAt: price.expiresAt)
        }
        engine.update(price: quote, symbol: id(symbol, engine.symbol))
        model.prices[symbol] = price.map { .present($0) } ?? .absent
    }

    private mutating func mirror(
        _ snapshot: ModelSnapshot, of account: String, freshUntil: Int64, expiresAt: Int64
    ) {
        var values = AccountSnapshot.Values()
        values.seq = snapshot.seq
        values.asOf = snapshot.asOf
        values.equity = snapshot.equity?.fixedPoint
        values.marginUsed = snapshot.marginUsed?.fixedPoint
        values.availableMargin = snapshot.availableMargin?.fixedPoint
        values.peakEquity = snapshot.peakEquity?.fixedPoint
        values.dailyStartEquity = snapshot.dailyStartEquity?.fixedPoint
        values.positions = snapshot.positions?.map {
            AccountSnapshot.Position(
                symbol: $0.symbol, quantity: $0.quantity.fixedPoint ?? .zero, currentPrice: $0.currentPrice?.fixedPoint)
        }
        values.pendingOrders = snapshot.pending?.map {
            AccountSnapshot.PendingOrder(
                clientOrderID: $0.clientID, orderID: $0.orderID, symbol: $0.symbol, side: $0.side,
                quantity: $0.quantity.fixedPoint ?? .zero, price: $0.price?.fixedPoint)
        }
        // No two reads are of one instant, and none is of the future.
        reads = max(reads + 1, model.now)
        engine.update(
            account: AccountSnapshot(
                values: values, readAt: reads, since: model.now, freshUntil: freshUntil, expiresAt: expiresAt),
            of: id(account, engine.account), now: model.now)
        model.take(snapshot, of: account, readAt: reads, freshUntil: freshUntil, expiresAt: expiresAt)
    }

    private mutating func set(_ stop: ReferenceModel.Stop, _ isActive: Bool) {
        engine.setStop(stop.scope, name: name(of: stop), active: isActive)
        if isActive { model.stops.insert(stop) } else { model.stops.remove(stop) }
    }

    private func name(of stop: ReferenceModel.Stop) -> NameID {
        switch stop {
        case .global: .none
        case .account(let name): id(name, engine.account)
        case .strategy(let name): id(name, engine.strategy)
        case .symbol(let name): id(name, engine.symbol)
        }
    }
}

extension Violation {
    fileprivate static func == (left: Self, right: Self) -> Bool {
        (left.reason, left.rule, left.severity, left.mode) == (right.reason, right.rule, right.severity, right.mode)
            && (left.hasValue, left.hasBound, left.boundIsMax) == (right.hasValue, right.hasBound, right.boundIsMax)
            && (left.value, left.bound) == (right.value, right.bound)
    }
}

extension ReferenceModel.Stop {
    var scope: StopScope {
        switch self {
        case .global: .global
        case .account: .account
        case .strategy: .strategy
        case .symbol: .symbol
        }
    }
}
