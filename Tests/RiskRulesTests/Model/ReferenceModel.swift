import RiskRules

/// The whole decision as the reference of the controls and the design word it: lists that are gone through anew for every
/// question, exact numbers, nothing remembered that can be asked again. Slow, and meant to be obviously right.
struct ReferenceModel {
    struct Limits {
        var initialMargin = Exact.zero
        var settleAfter: Int64 = 0
        var unknownAfter: Int64 = 0
        var clientOrderIDs = 0
        var refusesUngoverned = true
        var isShadow = false

        init(_ limits: EngineLimits) {
            initialMargin = Exact(limits.defaultInitialMargin)
            settleAfter = limits.settleAfter
            unknownAfter = limits.unknownAfter
            clientOrderIDs = limits.clientOrderIDsPerAccount
            refusesUngoverned = limits.refusesUngoverned
            isShadow = limits.isShadow
        }
    }
    enum Stop: Hashable {
        case global
        case account(String), strategy(String), symbol(String)
    }
    struct TrippedStop: Equatable {
        var stop: Stop
        var rule: Int
    }
    /// One thing that an order violates, or an input that a rule misses.
    struct Finding {
        /// The contract names one, save where inputs of several symbols are missing for different reasons: then any.
        var reasons: Set<Reason>
        /// Place of the rule; -1 for a built-in check.
        var rule: Int
        var blocks: Bool
        /// Where it is known and no quotient.
        var value: Exact?
    }
    struct Decision {
        var findings: [Finding] = []
        var tripped: [TrippedStop] = []
        var isReducing = false

        var refusal: Finding? { findings.first { $0.blocks } }
        var isApproved: Bool { refusal == nil }
    }
    /// What a decision does to the rate windows.
    enum Counting {
        case counts
        /// Judges as if it had counted the order.
        case peeks
        /// The order is in the windows from an earlier decision.
        case counted
    }
    struct Event {
        var time: Int64
        var key: WindowKey
    }
    indirect enum WindowKey: Hashable {
        case account(String), strategy(String), unnamedStrategy(account: String), symbol(String), connection(UInt32)
        /// Of orders that are alike.
        case alike(WindowKey, account: String, symbol: String, Side, OrderType, FixedPoint?, price: FixedPoint?)
    }
    /// What an approved order adds to a sum.
    struct Addend {
        var time: Int64
        var key: WindowKey
        var notional: Exact
        var number: Int
    }
    struct Account {
        enum Value { case unfetched, absent, refused, present }
        var value = Value.unfetched
        /// The last known one; gone with its key.
        var snapshot: ModelSnapshot?
        var freshUntil: Int64 = 0
        var expiresAt: Int64 = 0
        var lastSeq: Int64?
        var lastAsOf: Int64?
        var lastReadAt: Int64?
    }
    enum Price {
        case unfetched, absent
        case present(ModelPrice)
    }

    let limits: Limits
    var ruleSet = ModelRuleSet(rules: [])
    var now: Int64
    var wallNow: Int64 = 0
    var pricesLinkUntil = Int64.max
    var accountsLinkUntil = Int64.max
    var prices: [String: Price] = [:]
    var accounts: [String: Account] = [:]
    var stops: Set<Stop> = []
    /// By `ModelRule.windowIdentity`.
    var events: [String: [Event]] = [:]
    /// The same for sums of notional.
    var sums: [String: [Addend]] = [:]
    /// How many rule sets there have been.
    private(set) var installs = 0
    /// The client order ids that were approved, by account, the oldest first.
    var approvedIDs: [String: [String]] = [:]
    /// What was let through and is in no snapshot, by a number that the test gives it.
    var reservations: [Int: ModelReservation] = [:]

    init(limits: Limits, now: Int64) {
        self.limits = limits
        self.now = now
    }

    mutating func install(_ ruleSet: ModelRuleSet) {
        self.ruleSet = ruleSet
        let windows = Set(ruleSet.rules.filter { $0.window > 0 }.map(\.windowIdentity))
        events = events.filter { windows.contains($0.key) }
        sums = sums.filter { windows.contains($0.key) }
        installs += 1
    }

    // MARK: The decision

    mutating func decide(_ order: ModelOrder, connection: UInt32, counting: Counting = .counts) -> Decision {
        var decision = Decision(isReducing: isReducing(order))
        findStop(order, &decision)
        findCounters(order, connection, counting, &decision)
        findPayload(order, &decision)
        findPrice(order, connection, &decision)
        findAccount(order, &decision)
        if counting == .counts, let refusal = decision.refusal, refusal.reasons != [.rejectRateExceeded] {
            countReject(order, connection: connection)
        }
        if counting != .peeks { trip(order, &decision) }
        return decision
    }

    private func findStop(_ order: ModelOrder, _ decision: inout Decision) {
        let covering: [Stop] = [
            .global, .account(order.account), .strategy(order.strategy), .symbol(order.symbol),
        ]
        if !decision.isReducing, covering.contains(where: { stops.contains($0) }) {
            decision.add(.emergencyStopActive)
        }
    }

    private mutating func findCounters(
        _ order: ModelOrder, _ connection: UInt32, _ counting: Counting, _ decision: inout Decision
    ) {
        if let id = order.clientID, approvedIDs[order.account]?.contains(id) == true {
            decision.add(.duplicateClientOrderID)
        }
        for (place, rule) in rules(.counters, order) {
            let key = rule.metric == .duplicateCount ? alike(rule, order, connection) : key(rule.per, order, connection)
            let isOfRejects = rule.metric == .rejectCount
            if counting == .counts, !isOfRejects { count(rule, key) }
            let joins = counting == .peeks && !isOfRejects
            let count = count(in: rule, key) + (joins ? 1 : 0)
            if decision.isReducing, rule.exemptsReducing { continue }
            decision.judge(.amount(Exact(count)), rule, place)
        }
    }

    private func findPayload(_ order: ModelOrder, _ decision: inout Decision) {
        if !ruleSet.instruments.isEmpty {
            if let instrument = ruleSet.instruments[order.symbol] {
                for reason in instrumentReasons(order, instrument) { decision.add(reason) }
            } else {
                decision.add(.instrumentUnknown)
            }
        }
        for (place, rule) in rules(.payload, order, besides: decision) {
            decision.judge(payload(rule, order), rule, place)
        }
    }

    private func instrumentReasons(_ order: ModelOrder, _ instrument: ModelInstrument) -> [Reason] {
        var reasons: [Reason] = []
        if let tick = instrument.tickSize {
            if order.hasLimitPrice, !order.price.isMultiple(of: tick) { reasons.append(.priceTickInvalid) }
            if order.hasStopPrice, !order.stopPrice.isMultiple(of: tick) { reasons.append(.priceTickInvalid) }
        }
        if let lot = instrument.lotSize, !order.quantity.isMultiple(of: lot) { reasons.append(.quantityLotInvalid) }
        if let minimum = instrument.minQuantity, order.quantity < minimum { reasons.append(.quantityBelowMinimum) }
        if let maximum = instrument.maxQuantity, order.quantity > maximum { reasons.append(.quantityAboveMaximum) }
        return reasons
    }

    private func payload(_ rule: ModelRule, _ order: ModelOrder) -> Measure {
        func membership(_ name: String, foldsCase: Bool = false) -> Measure {
            func matches(_ pattern: String) -> Bool {
                foldsCase
                    ? ModelRule.matches(pattern.lowercased(), name.lowercased()) : ModelRule.matches(pattern, name)
            }
            let isPermitted =
                (rule.allow.isEmpty || rule.allow.contains(where: matches)) && !rule.deny.contains(where: matches)
            return isPermitted ? .satisfied : .violated
        }
        return switch rule.metric {
        case .symbol: membership(order.symbol)
        case .account: membership(order.account)
        case .strategy: membership(order.strategy)
        case .side: membership(order.side.ruleName, foldsCase: true)
        case .type: membership(order.type.ruleName, foldsCase: true)
        case .timeInForce: membership(order.timeInForce, foldsCase: true)
        default: .amount(order.quantity)
        }
    }

    private mutating func findPrice(_ order: ModelOrder, _ connection: UInt32, _ decision: inout Decision) {
        if !decision.isReducing, let minimum = ruleSet.instruments[order.symbol]?.minNotional {
            switch measure({ () throws(Unknown) in .amount(try notional(of: order)) }) {
            case .amount(let notional) where notional < minimum: decision.add(.notionalBelowMinimum)
            case .unknown(let reasons): decision.add(reasons)
            default: break
            }
        }
        for (place, rule) in rules(.price, order, besides: decision) {
            let sum = rule.metric == .notionalSum ? sum(in: rule, key(rule.per, order, connection)) : .zero
            let measure = measure { () throws(Unknown) in try price(rule.metric, order, approved: sum) }
            if case .unknown(let reasons) = measure, reasons != [.orderOutOfRange], decision.isReducing,
                rule.exemptsReducingWithoutPrice
            {
                continue
            }
            decision.judge(measure, rule, place)
        }
    }

    private func price(_ metric: Metric, _ order: ModelOrder, approved: Exact) throws(Unknown) -> Measure {
        if metric == .orderNotional { return .amount(try notional(of: order)) }
        if metric == .notionalSum { return .amount(try notional(of: order).roundedUp + approved) }
        let quote = try quote(order.symbol)
        switch metric {
        case .priceDeviation:
            return .ratio((order.price - quote.mark).magnitude, over: quote.mark)
        case .priceAggression where order.side == .buy:
            return .ratio(order.price - quote.askOrMark, over: quote.askOrMark)
        case .priceAggression:
            return .ratio(quote.bidOrMark - order.price, over: quote.bidOrMark)
        default:
            guard let bid = quote.bid, let ask = quote.ask else { throw Unknown(.priceUnavailable) }
            return .ratio(ask - bid, over: quote.mark)
        }
    }

    private func findAccount(_ order: ModelOrder, _ decision: inout Decision) {
        let missing = accountMissing(order.account)
        if let missing {
            for (place, rule) in rules(.account, order, besides: decision) {
                let isLinkDown = asksPrice(rule.metric, order) && priceMissing(order.symbol) == .stateUnavailable
                decision.judge(.unknown([isLinkDown ? .stateUnavailable : missing]), rule, place)
            }
        }
        if order.reduceOnly, !decision.isReducing {
            let isKnown = accounts[order.account]?.snapshot != nil && missing != .accountUnknown
            decision.add(isKnown ? .reduceOnlyWouldIncrease : missing ?? .accountUnknown)
        }
        let isGoverned = ruleSet.rules.contains {
            $0.blocks && ($0.table == .order || $0.table == .exposure) && $0.applies(to: order)
        }
        if limits.refusesUngoverned, !isGoverned { decision.add(.noRuleApplies) }
        if missing != nil { return }
        for (place, rule) in rules(.account, order, besides: decision) {
            decision.judge(measure { () throws(Unknown) in try account(rule, order) }, rule, place)
        }
    }

    /// The rules of a step that apply to an order, by file name and place.
    private func rules(_ step: ModelRule.Step, _ order: ModelOrder) -> [(Int, ModelRule)] {
        ruleSet.rules.indices.filter { ruleSet.rules[$0].step == step && ruleSet.rules[$0].applies(to: order) }
            .map { ($0, ruleSet.rules[$0]) }
    }

    /// Those of them that judge it, and do not pass it because it reduces risk.
    private func rules(
        _ step: ModelRule.Step, _ order: ModelOrder, besides decision: Decision
    ) -> [(Int, ModelRule)] {
        rules(step, order).filter { !(decision.isReducing && $0.1.exemptsReducing) }
    }

    /// Emergencies stop their scope from the next order on.
    private mutating func trip(_ order: ModelOrder, _ decision: inout Decision) {
        guard !limits.isShadow else { return }
        for finding in decision.findings where finding.rule >= 0 {
            let rule = ruleSet.rules[finding.rule]
            let isBroken = !finding.reasons.isDisjoint(with: [rule.reason(isMax: true), rule.reason(isMax: false)])
            guard rule.severity == .emergency, rule.mode == .enforce, isBroken else { continue }
            let stop: Stop =
                switch rule.stop {
                case .global: .global
                case .symbol: .symbol(order.symbol)
                case .strategy where !order.strategy.isEmpty: .strategy(order.strategy)
                case .strategy, .account: .account(order.account)
                }
            if stops.insert(stop).inserted { decision.tripped.append(TrippedStop(stop: stop, rule: finding.rule)) }
        }
    }

    // MARK: Windows

    private func key(_ per: RuleKey, _ order: ModelOrder, _ connection: UInt32) -> WindowKey {
        switch per {
        case .account: .account(order.account)
        case .symbol: .symbol(order.symbol)
        case .connection: .connection(connection)
        case .strategy:
            order.strategy.isEmpty ? .unnamedStrategy(account: order.account) : .strategy(order.strategy)
        }
    }

    private func alike(_ rule: ModelRule, _ order: ModelOrder, _ connection: UInt32) -> WindowKey {
        .alike(
            key(rule.per, order, connection), account: order.account, symbol: order.symbol, order.side, order.type,
            order.quantity.fixedPoint, price: order.hasLimitPrice ? order.price.fixedPoint : nil)
    }

    private mutating func sum(in rule: ModelRule, _ key: WindowKey) -> Exact {
        let since = now - rule.window
        sums[rule.windowIdentity]?.removeAll { $0.time <= since }
        return sums[rule.windowIdentity, default: []].reduce(.zero) { $1.key == key ? $0 + $1.notional : $0 }
    }

    /// Adds an order that was let through to the sums of all rules that apply to it; one without a price that counts by the
    /// last one known.
    mutating func addApproved(_ order: ModelOrder, _ number: Int, _ connection: UInt32) {
        for rule in ruleSet.rules where rule.metric == .notionalSum && rule.applies(to: order) {
            guard let notional = lastKnownNotional(of: order) else { continue }
            sums[rule.windowIdentity, default: []].append(
                Addend(time: now, key: key(rule.per, order, connection), notional: notional, number: number))
        }
    }

    private mutating func count(_ rule: ModelRule, _ key: WindowKey) {
        events[rule.windowIdentity, default: []].append(Event(time: now, key: key))
    }

    /// Times do not go back, so that what has left the window never returns to it.
    private mutating func count(in rule: ModelRule, _ key: WindowKey) -> Int {
        let since = now - rule.window
        events[rule.windowIdentity]?.removeAll { $0.time <= since }
        return events[rule.windowIdentity, default: []].count { $0.key == key }
    }

    /// Counts a refused order by the rules on rejects that apply to it.
    mutating func countReject(_ order: ModelOrder, connection: UInt32) {
        for rule in ruleSet.rules where rule.metric == .rejectCount && rule.applies(to: order) {
            count(rule, key(rule.per, order, connection))
        }
    }

    /// Counts a cancel. It has no side and no type; one that names no account counts per connection only.
    mutating func countCancel(account: String?, strategy: String, symbol: String, connection: UInt32) {
        for rule in ruleSet.rules where rule.metric == .messageCount {
            if let account {
                guard rule.names(account, strategy, symbol) else { continue }
                let cancel = ModelOrder(
                    account: account, strategy: strategy, symbol: symbol, side: .buy, type: .market, quantity: .zero)
                count(rule, key(rule.per, cancel, connection))
            } else if rule.per == .connection {
                count(rule, .connection(connection))
            }
        }
    }
}

extension ReferenceModel.Decision {
    fileprivate mutating func add(_ reason: Reason) { add([reason]) }

    fileprivate mutating func add(_ reasons: Set<Reason>) {
        findings.append(.init(reasons: reasons, rule: -1, blocks: true))
    }

    /// Holds what a metric came to against the bounds of a rule.
    fileprivate mutating func judge(_ measure: ReferenceModel.Measure, _ rule: ModelRule, _ place: Int) {
        func add(_ reasons: Set<Reason>, _ value: Exact? = nil) {
            findings.append(.init(reasons: reasons, rule: place, blocks: rule.blocks, value: value))
        }
        switch measure {
        case .satisfied: break
        case .violated: add([rule.reason(isMax: rule.min == nil)])
        case .unknown(let reasons):
            if rule.skipsMissing, reasons != [.orderOutOfRange] { break }
            add(reasons)
        case .amount(let amount):
            if amount.magnitude.roundedUp > .largest { return add([.orderOutOfRange]) }
            if let max = rule.largest, amount > max { add([rule.reason(isMax: true)], amount.roundedUp) }
            if let min = rule.min, amount < min { add([rule.reason(isMax: false)], amount.roundedDown) }
        case .ratio(let numerator, let denominator):
            if let max = rule.largest, numerator > max * denominator { add([rule.reason(isMax: true)]) }
            if let min = rule.min, numerator < min * denominator { add([rule.reason(isMax: false)]) }
        }
    }
}
