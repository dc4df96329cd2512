import RiskRules

/// A seeded sequence of all that can become of orders, told to an engine and to the model, with an exchange behind both.
struct LedgerWalk {
    struct Difference: Error, CustomStringConvertible {
        var description: String
    }
    /// What an account's keeper says of a snapshot: its number, the time that it is for, both or neither.
    private enum Keeper: CaseIterable { case plain, counting, timing, both }

    static let accounts = 2
    static let symbols = 2
    static let settleAfter: Int64 = 60
    static let unknownAfter: Int64 = 200
    private static let wallStart: Int64 = 1_000_000

    private let engine: RiskEngine
    private let accountIDs: [NameID]
    private let symbolIDs: [NameID]
    private var model = LedgerModel(accounts: accounts, settleAfter: settleAfter, unknownAfter: unknownAfter)
    private var exchange = LedgerExchange(accounts: accounts, symbols: symbols)
    private var random: SplitMix
    private var now: Int64 = 1000
    private var nextKey = 1
    private var nextClientID = 1
    private var nextSeq: Int64 = 1
    private var ids: [Int: ReservationID] = [:]
    /// The order behind each reservation, for what the client asks for next.
    private var orders: [Int: LedgerExchange.Order] = [:]
    private let keepers: [Keeper]
    private var pending: [(account: Int, snapshot: LedgerSnapshot)] = []
    private var spent: [ReservationID] = []
    private var names: [String]
    private var digests: [Digest]
    /// What was done, where it is asked for.
    private(set) var history: [String] = []
    private let isTraced: Bool
    private(set) var counts: [String: Int] = [:]

    init(seed: UInt64, ruleSet: RuleSet, isTraced: Bool = false) throws {
        random = SplitMix(seed: seed)
        self.isTraced = isTraced
        keepers = [random.pick(Keeper.allCases), random.pick(Keeper.allCases)]
        var limits = EngineLimits(hashSeed: seed)
        limits.maxAccounts = Self.accounts
        limits.maxStrategies = 1
        limits.maxSymbols = 2 * Self.symbols
        limits.maxTimesInForce = 1
        limits.maxExposures = 8
        limits.maxReservations = 256
        limits.maxPlans = 16
        limits.maxWindowKeys = 16
        limits.maxVolatilities = 4
        limits.maxForeignSources = 4
        limits.maxForeignParts = 8
        limits.clientOrderIDsPerAccount = 16
        limits.settleAfter = Self.settleAfter
        limits.unknownAfter = Self.unknownAfter
        let engine = RiskEngine(limits: limits)
        self.engine = engine
        engine.pricesLinkUntil = .max
        engine.accountsLinkUntil = .max
        engine.install(ruleSet)
        func id(_ lookUp: (UnsafeRawBufferPointer) -> NameLookup, _ name: String) throws -> NameID {
            var name = name
            switch name.withUTF8({ lookUp(UnsafeRawBufferPointer($0)) }) {
            case .known(let id), .new(let id): return id
            case .caseConflict, .tableFull: throw Difference(description: "no room for \(name)")
            }
        }
        accountIDs = try (0..<Self.accounts).map { try id(engine.account, "A\($0)") }
        symbolIDs = try (0..<Self.symbols).map { try id(engine.symbol, "S\($0)") }
        names = [""]
        digests = [.none]
        for symbol in symbolIDs {
            var quote = PriceQuote.unfetched
            quote.availability = .present
            quote.mark = .one
            quote.freshUntil = .max
            quote.expiresAt = .max
            engine.update(price: quote, symbol: symbol)
        }
    }

    private var wall: Int64 { now + Self.wallStart }

    private mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }

    private mutating func digest(_ id: Int) -> Digest {
        while digests.count <= id {
            var name = String(digests.count)
            names.append(name)
            digests.append(name.withUTF8 { engine.digest(UnsafeRawBufferPointer($0)) })
        }
        return digests[id]
    }

    private func amount(_ number: Int?) -> FixedPoint? { number.flatMap { FixedPoint(whole: Int128($0)) } }

    private mutating func note(_ kind: String, _ text: @autoclosure () -> String) {
        if isTraced { history.append("\(now): \(kind) \(text())") }
        counts[kind, default: 0] += 1
    }

    // MARK: Steps

    mutating func step() throws {
        now += Int64.random(in: 1...4, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<14: try order()
        case 14..<24: try replace()
        case 24..<32: cancel()
        case 32..<50:
            if let request = exchange.process(&random) {
                note("taken", "\(request.key) \(request.kind): \(request.order)")
            }
        case 50..<60: if let order = exchange.work(&random) { note("worked", "\(order)") }
        case 60..<74: answer()
        case 74..<84: update()
        case 84..<88: lose()
        case 88..<90: settle()
        case 90..<92: resolveAgain()
        case 92..<96: capture()
        default: try deliver()
        }
        try compare()
    }

    private mutating func order() throws {
        // A batch is reserved whole, and taken back whole where one of its orders is refused.
        let isBatch = chance(20)
        let isTakenBack = chance(isBatch ? 40 : 10)
        var keys: [Int] = []
        for _ in 0..<(isBatch ? 3 : 1) where ids.count < 24 {
            let account = Int.random(in: 0..<Self.accounts, using: &random)
            let order = LedgerExchange.Order(
                account: account, symbol: Int.random(in: 0..<Self.symbols, using: &random),
                side: random.pick([.buy, .sell]), quantity: Int.random(in: 1...9, using: &random),
                price: Int.random(in: 1...5, using: &random), clientID: nextClientID)
            nextClientID += 1
            keys.append(try reserve(order, order.quantity, order.price, order.clientID, replacing: nil))
            if !isTakenBack {
                exchange.send(
                    .init(
                        key: nextKey - 1, kind: .create, order: order, quantity: order.quantity, price: order.price,
                        clientID: order.clientID))
            }
        }
        guard isTakenBack else { return }
        for key in keys.reversed() { undo(key) }
    }

    private mutating func undo(_ key: Int) {
        guard let id = ids.removeValue(forKey: key) else { return }
        note("undo", "\(key)")
        engine.undo(id)
        model.undo(key)
        orders[key] = nil
        spent.append(id)
    }

    private mutating func replace() throws {
        guard ids.count < 24, let key = orders.keys.sorted().randomElement(using: &random), let order = orders[key]
        else { return }
        // An id that Gate has not heard of yet names an order only beside one that it has.
        let isKnown =
            model.family(of: 0, order.orderID, order.account) != nil
            || model.shown(0, order.orderID, order.account) != nil
        let reference = (
            clientID: chance(70) || !isKnown ? order.clientID : 0, orderID: chance(50) ? order.orderID : 0
        )
        guard reference != (0, 0) else { return }
        let quantity = max(1, order.quantity + Int.random(in: -4...4, using: &random))
        let price = Int.random(in: 1...5, using: &random)
        let place = model.family(of: reference.clientID, reference.orderID, order.account)
        let tail = place.flatMap { model.accounts[order.account].families[$0].last }
        // Only a version that follows the one before it may go by its id: else two orders would.
        let isFollowing = tail.map { !$0.isShown && $0.state != .closing && $0.clientID == order.clientID } ?? false
        var clientID = order.clientID
        if !isFollowing || chance(70) {
            clientID = nextClientID
            nextClientID += 1
        }
        let new = try reserve(order, quantity, price, clientID, replacing: reference)
        if chance(10) { return undo(new) }
        exchange.send(
            .init(key: new, kind: .replace, order: order, quantity: quantity, price: price, clientID: clientID))
    }

    private mutating func reserve(
        _ order: LedgerExchange.Order, _ quantity: Int, _ price: Int, _ clientID: Int,
        replacing: (clientID: Int, orderID: Int)?
    ) throws -> Int {
        let key = nextKey
        nextKey += 1
        note(
            "order",
            "\(key) \(order.account) \(order.symbol) \(order.side) \(quantity) at \(price) id \(clientID)"
                + (replacing.map { " replaces \($0)" } ?? ""))
        let decoded = Order(
            account: accountIDs[order.account], strategy: .none, symbol: symbolIDs[order.symbol], timeInForce: .none,
            side: order.side, type: .limit, reduceOnly: false, quantity: amount(quantity) ?? .zero,
            price: amount(price) ?? .zero, stopPrice: .zero, clientOrderID: digest(clientID))
        var reference: OrderReference?
        if let replacing {
            reference = OrderReference(orderID: digest(replacing.orderID), clientOrderID: digest(replacing.clientID))
        }
        guard let id = engine.reserve(decoded, replacing: reference, connection: 1, number: UInt64(key), now: now)
        else {
            throw Difference(description: "no room")
        }
        let version = ModelVersion(
            key: key, account: order.account, symbol: order.symbol, side: order.side, quantity: quantity, price: price,
            clientID: clientID, sentAt: now)
        model.reserve(version, replacing: replacing)
        ids[key] = id
        orders[key] = order
        return key
    }

    private mutating func cancel() {
        guard let key = orders.keys.sorted().randomElement(using: &random), let order = orders[key] else { return }
        exchange.send(
            .init(key: key, kind: .cancel, order: order, quantity: 0, price: 0, clientID: order.clientID))
    }

    /// An answer arrives.
    private mutating func answer() {
        guard !exchange.answers.isEmpty else { return }
        let answer = exchange.answers.remove(at: Int.random(in: exchange.answers.indices, using: &random))
        if answer.isOfCancel {
            let byOrder = answer.orderID != 0 && chance(50)
            let clientID = byOrder ? 0 : answer.order.clientID
            let orderID = byOrder ? answer.orderID : 0
            note("cancelled", "client \(clientID) order \(orderID) filled \(answer.filled.map(String.init) ?? "?")")
            engine.cancelled(
                orderID: digest(orderID), clientOrderID: digest(clientID), account: accountIDs[answer.order.account],
                filled: amount(answer.filled), now: now, wallNow: wall)
            model.cancelled(
                clientID: clientID, orderID: orderID, account: answer.order.account, filled: answer.filled, now: now)
            return
        }
        guard let id = ids[answer.key], model.byKey[answer.key]?.awaitsAnswer == true else { return }
        note(
            "answer",
            "\(answer.key) \(answer.status) order \(answer.orderID) filled \(answer.filled.map(String.init) ?? "?")")
        switch answer.status {
        case .accepted:
            engine.accepted(
                id, orderID: digest(answer.orderID), filled: amount(answer.filled), now: now, wallNow: wall)
            model.accept(answer.key, orderID: answer.orderID, filled: answer.filled, now: now)
        case .rejected:
            engine.release(id)
            model.release(answer.key)
        case .ended:
            engine.ended(id, filled: amount(answer.filled), now: now, wallNow: wall)
            model.end(answer.key, filled: answer.filled, now: now)
        }
    }

    /// An update of an order passes: late, again, or never.
    private mutating func update() {
        guard !exchange.updates.isEmpty else { return }
        let place = Int.random(in: exchange.updates.indices, using: &random)
        let update = exchange.updates[place]
        if chance(70) { exchange.updates.remove(at: place) }
        let orderID = chance(80) ? update.orderID : 0
        let clientID = chance(80) || orderID == 0 ? update.clientID : 0
        let account = chance(70) ? update.account : nil
        let symbol = chance(70) ? update.symbol : nil
        note(
            "update",
            "client \(clientID) order \(orderID) \(update.status) filled \(update.filled.map(String.init) ?? "?")"
                + " account \(account.map(String.init) ?? "?") symbol \(symbol.map(String.init) ?? "?")")
        engine.observed(
            orderID: digest(orderID), clientOrderID: digest(clientID),
            account: account.map { accountIDs[$0] } ?? .none, symbol: symbol.map { symbolIDs[$0] } ?? .none,
            status: update.status, filled: amount(update.filled), now: now, wallNow: wall)
        model.observed(
            clientID: clientID, orderID: orderID, account: account, symbol: symbol, update.status,
            filled: update.filled, now: now)
    }

    /// Nobody waits for an answer any more.
    private mutating func lose() {
        let waiting = model.byKey.values.filter(\.awaitsAnswer).map(\.key).sorted()
        guard let key = waiting.randomElement(using: &random), let id = ids[key] else { return }
        note("unknown", "\(key)")
        engine.unknown(id, now: now, wallNow: wall)
        model.lose(key, now: now)
        for place in exchange.requests.indices where exchange.requests[place].key == key {
            exchange.requests[place].lostAt = now
        }
    }

    /// An operator finds out what became of an order and says it.
    private mutating func settle() {
        let unknown = model.byKey.values.filter { $0.state == .unknown }.map(\.key).sorted()
        guard let key = unknown.randomElement(using: &random), let version = model.byKey[key], let order = orders[key],
            // Of several versions by one id nobody can say which is meant.
            model.byKey.values.count(where: { $0.clientID == version.clientID }) == 1
        else { return }
        let isOnItsWay = exchange.requests.contains { $0.key == key && $0.kind != .cancel }
        exchange.drop { $0.key == key && $0.kind != .cancel }
        let isTaken = !isOnItsWay && order.orderID != 0 && (version.original == nil || order.wasReplaced)
        let outcome: OperatorOutcome = isTaken ? .open : .released
        note("settle", "\(key) \(outcome)")
        var isSettled = true
        do throws(SettleProblem) {
            try engine.settle(
                clientOrderID: digest(version.clientID), of: accountIDs[version.account], outcome: outcome, now: now,
                wallNow: wall)
        } catch { isSettled = false }
        let expected = model.settle(clientID: version.clientID, account: version.account, outcome, now: now)
        if isSettled != expected { note("settle", "differs") }
    }

    /// A second answer to what is gone, or was answered already: a bug of whoever calls, which changes nothing.
    private mutating func resolveAgain() {
        if let id = spent.randomElement(using: &random) {
            note("again", "spent")
            switch Int.random(in: 0..<5, using: &random) {
            case 0: engine.undo(id)
            case 1: engine.release(id)
            case 2: engine.accepted(id, orderID: .none, now: now, wallNow: wall)
            case 3: engine.ended(id, filled: nil, now: now, wallNow: wall)
            default: engine.unknown(id, now: now, wallNow: wall)
            }
            model.release(0)
        }
        let answered = model.byKey.values.filter { !$0.awaitsAnswer }.map(\.key).sorted()
        if let key = answered.randomElement(using: &random), let id = ids[key] {
            note("again", "\(key)")
            engine.unknown(id, now: now, wallNow: wall)
            model.lose(key, now: now)
        }
    }

    /// An account's keeper writes a snapshot that is read at some later time, if ever; one that does not say for which time
    /// it is can only be read at once.
    private mutating func capture() {
        let account = Int.random(in: 0..<Self.accounts, using: &random)
        guard keepers[account] != .plain, keepers[account] != .counting else { return }
        pending.append((account, written(account)))
        if pending.count > 4 { pending.removeFirst() }
    }

    private mutating func written(_ account: Int) -> LedgerSnapshot {
        let keeper = keepers[account]
        let asOf = keeper == .timing || keeper == .both ? wall : nil
        if let asOf {
            exchange.drop { request in
                request.lostAt.map { asOf > $0 + Self.wallStart + Self.unknownAfter } ?? false
            }
        }
        nextSeq += 1
        let seq = keeper == .counting || keeper == .both ? nextSeq : nil
        return exchange.snapshot(account, seq: seq, asOf: asOf, &random)
    }

    private mutating func deliver() throws {
        var account = Int.random(in: 0..<Self.accounts, using: &random)
        var snapshot: LedgerSnapshot
        if !pending.isEmpty, chance(70) {
            (account, snapshot) = pending.remove(at: Int.random(in: pending.indices, using: &random))
        } else {
            snapshot = written(account)
        }
        note("snapshot", "\(account) \(snapshot)")
        var values = AccountSnapshot.Values()
        values.seq = snapshot.seq
        values.asOf = snapshot.asOf
        values.positions = snapshot.positions.enumerated().filter { $0.element != 0 }.map {
            AccountSnapshot.Position(symbol: "S\($0.offset)", quantity: amount($0.element) ?? .zero, currentPrice: nil)
        }
        values.pendingOrders = snapshot.pending.map { order in
            _ = digest(max(order.clientID, order.orderID))
            return AccountSnapshot.PendingOrder(
                clientOrderID: order.clientID == 0 ? nil : names[order.clientID],
                orderID: order.orderID == 0 ? nil : names[order.orderID], symbol: "S\(order.symbol)", side: order.side,
                quantity: amount(order.remaining) ?? .zero, price: amount(order.price))
        }
        engine.update(
            account: AccountSnapshot(
                values: values, readAt: now, since: now, freshUntil: .max, expiresAt: .max),
            of: accountIDs[account], now: now)
        var told = snapshot
        told.asOf = snapshot.asOf.map { $0 - Self.wallStart }
        _ = model.take(told, of: account, readAt: now)
    }

    // MARK: What must hold after each

    private mutating func compare() throws {
        for key in ids.keys where model.byKey[key] == nil {
            if let id = ids.removeValue(forKey: key) {
                guard engine.reservation(id) == nil else { throw Difference(description: "\(key) is not gone") }
                spent.append(id)
                orders[key] = nil
            }
        }
        if spent.count > 8 { spent.removeFirst(spent.count - 8) }
        for (key, id) in ids {
            guard engine.reservation(id)?.state == model.byKey[key]?.state else {
                throw Difference(
                    description:
                        "\(key) is \(engine.reservation(id)?.state as Any), not \(model.byKey[key]?.state as Any)")
            }
        }
        for state in ReservationState.allCases where engine.reservationCount(state) != model.count(state) {
            throw Difference(description: "\(engine.reservationCount(state)) \(state), not \(model.count(state))")
        }
        let counters = engine.counters
        guard counters.doubleResolves == model.doubles, counters.unknownOutcomes == model.unknowns,
            counters.unknownsSettledByTime == model.settledByTime
        else {
            throw Difference(
                description: "counters \(counters), not \(model.doubles) \(model.unknowns) \(model.settledByTime)")
        }
        for account in 0..<Self.accounts { try compare(account) }
    }

    private func compare(_ account: Int) throws {
        var told = Array(repeating: ReservedSums(), count: Self.symbols)
        let margin = engine.ownReservations(of: accountIDs[account]) { symbol, sums in
            told[Int(symbol.index) - Int(symbolIDs[0].index)] = sums
        }
        let isEmpty = model.accounts[account].families.isEmpty
        guard margin.unknown == 0, margin.amount >= .zero, !isEmpty || margin.amount == .zero else {
            throw Difference(description: "margin \(margin) of account \(account)")
        }
        for symbol in 0..<Self.symbols {
            let buys = model.sums(account, symbol, .buy)
            let sells = model.sums(account, symbol, .sell)
            let expected = ReservedSums(
                buys: amount(buys.quantity) ?? .zero, sells: amount(sells.quantity) ?? .zero,
                orders: buys.orders + sells.orders, notional: amount(buys.notional + sells.notional) ?? .zero)
            guard told[symbol] == expected else {
                throw Difference(description: "account \(account) symbol \(symbol): \(told[symbol]), not \(expected)")
            }
            try checkSafety(account, symbol, buys.quantity, sells.quantity)
        }
    }

    /// Whatever the exchange does next, no position becomes longer or shorter than what is counted.
    private func checkSafety(_ account: Int, _ symbol: Int, _ buys: Int, _ sells: Int) throws {
        let snapshot = model.accounts[account].snapshot
        func shown(_ side: Side) -> Int {
            (snapshot?.pending ?? []).filter { $0.symbol == symbol && $0.side == side }.reduce(0) { $0 + $1.remaining }
        }
        let position = snapshot?.positions[symbol] ?? 0
        let held = exchange.positions[account][symbol]
        let longest = held + exchange.worst(account, symbol, .buy)
        let shortest = held - exchange.worst(account, symbol, .sell)
        guard longest <= position + shown(.buy) + buys, shortest >= position - shown(.sell) - sells else {
            throw Difference(
                description: "account \(account) symbol \(symbol) can come to \(shortest)...\(longest), counted are "
                    + "\(position - shown(.sell) - sells)...\(position + shown(.buy) + buys)")
        }
    }
}
