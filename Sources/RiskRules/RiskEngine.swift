/// Judges orders. One engine belongs to one thread and holds all that its decisions depend on: the rules in force, the
/// mirrored prices and accounts, the stops, the rate windows, and what it let through itself since the latest snapshots.
///
/// It has no clock: `now` is monotonic nanoseconds and does not go back; `wallNow` is unix nanoseconds. Deciding allocates
/// nothing; memory is taken at the start, at the first sight of a name or combination of names, when a rule set is
/// installed and when a snapshot is applied.
package final class RiskEngine {
    /// What happened that no decision shows.
    package struct Counters: Sendable, BitwiseCopyable {
        /// Snapshots that were ignored because a later one had been applied.
        package internal(set) var ignoredSnapshots = 0
        /// Snapshots that did not fit the tables; their account counts as refused.
        package internal(set) var oversizedSnapshots = 0
        /// Answers for reservations that were gone.
        package internal(set) var doubleResolves = 0
        /// Orders whose outcome became unknown.
        package internal(set) var unknownOutcomes = 0
        /// Unknown outcomes that a snapshot settled by its time alone.
        package internal(set) var unknownsSettledByTime = 0
        /// What other Gates published and could not be taken over.
        package internal(set) var refusedForeign = 0
        /// Unknown outcomes that an operator settled.
        package internal(set) var unknownsSettledByOperator = 0
    }
    private struct Links: BitwiseCopyable {
        var prices: Int64 = 0
        var accounts: Int64 = 0
        var wallOffset: Int64 = 0
    }

    package let limits: EngineLimits
    let hash: SipHash
    let accountNames: NameInterner
    let strategyNames: NameInterner
    let symbolNames: NameInterner
    let timeInForceNames: NameInterner
    let accounts: UnsafeMutablePointer<AccountState>
    let symbols: UnsafeMutablePointer<SymbolState>
    let stops: StopTable
    let windows: RateWindows
    let exposures: ExposureTable
    let ledger: Ledger
    let others: ForeignTable
    let orderIDs: OrderIDTable
    let returns: ReturnTable
    let volatilities: VolatilityTable
    let plans: RulePlans
    let parameters = ParameterTable()
    let violations: ViolationList
    let monitor = MonitorTable()
    let notes: UnsafeMutablePointer<DecisionNotes>
    /// What metrics came to in the decision in hand, by `MeasurePlace`.
    let measures: UnsafeMutablePointer<Measure>
    /// What the order in hand takes the place of: the first is nothing and never written, the second is for replaces.
    let replacedOrders: UnsafeMutablePointer<ReplacedOrder>
    private let links: UnsafeMutablePointer<Links>
    /// Slot in `windows` of each window of the rule set.
    var windowSlots: UnsafeMutablePointer<Int32>
    /// What stands for each of them whatever its slot.
    var windowSalts: UnsafeMutablePointer<UInt64>

    /// The rules in force; nil until the first are installed, and every order is refused until then.
    package private(set) var ruleSet: RuleSet?
    /// How many rule sets were installed.
    private(set) var installs = 0
    package internal(set) var counters = Counters()
    /// The latest snapshot of each account, by index, to be read again where a rule set changes what orders are worth.
    var snapshots: [AccountSnapshot?]

    package init(limits: EngineLimits) {
        self.limits = limits
        hash = SipHash(seed: limits.hashSeed)
        accountNames = NameInterner(capacity: limits.maxAccounts, hash: hash)
        strategyNames = NameInterner(capacity: limits.maxStrategies, hash: hash)
        symbolNames = NameInterner(capacity: limits.maxSymbols, hash: hash)
        timeInForceNames = NameInterner(capacity: Swift.min(limits.maxTimesInForce, 63), hash: hash)
        accounts = .allocate(capacity: accountNames.capacity)
        accounts.initialize(repeating: AccountState(), count: accountNames.capacity)
        symbols = .allocate(capacity: symbolNames.capacity)
        symbols.initialize(
            repeating: SymbolState(initialMargin: limits.defaultInitialMargin), count: symbolNames.capacity)
        stops = StopTable(
            accounts: accountNames.capacity, strategies: strategyNames.capacity, symbols: symbolNames.capacity)
        windows = RateWindows(capacity: limits.maxWindowKeys, seed: limits.hashSeed)
        exposures = ExposureTable(
            capacity: limits.maxExposures, accounts: accounts, symbols: symbols, symbolCapacity: symbolNames.capacity,
            seed: limits.hashSeed)
        ledger = Ledger(capacity: limits.maxReservations, accounts: accounts, exposures: exposures)
        others = ForeignTable(
            capacity: limits.maxForeignSources, partCapacity: limits.maxForeignParts, accounts: accounts,
            exposures: exposures)
        orderIDs = OrderIDTable(accounts: accountNames.capacity, capacity: limits.clientOrderIDsPerAccount)
        returns = ReturnTable(accounts: accountNames.capacity)
        volatilities = VolatilityTable(capacity: limits.maxVolatilities, symbols: symbols)
        plans = RulePlans(capacity: limits.maxPlans, seed: limits.hashSeed)
        violations = ViolationList(capacity: limits.maxViolations)
        notes = .allocate(capacity: 1)
        notes.initialize(to: DecisionNotes())
        measures = .allocate(capacity: MeasurePlace.count)
        measures.initialize(repeating: .satisfied, count: MeasurePlace.count)
        replacedOrders = .allocate(capacity: 2)
        replacedOrders.initialize(repeating: ReplacedOrder(), count: 2)
        links = .allocate(capacity: 1)
        links.initialize(to: Links())
        windowSlots = .allocate(capacity: 1)
        windowSalts = .allocate(capacity: 1)
        snapshots = Array(repeating: nil, count: accountNames.capacity)
    }

    deinit {
        for account in 0..<accountNames.capacity { accounts[account].shown?.release() }
        accounts.deallocate()
        symbols.deallocate()
        notes.deallocate()
        measures.deallocate()
        replacedOrders.deallocate()
        links.deallocate()
        windowSlots.deallocate()
        windowSalts.deallocate()
    }

    /// Decides by a rule set from now on. Windows continue where id, metric, window and `per` are the same.
    package func install(_ ruleSet: RuleSet) {
        self.ruleSet = ruleSet
        asksWallTime = ruleSet.hasSchedules || ledger.changes.isNoting
        installs += 1
        parameters.install(ruleSet)
        plans.install(ruleSet)
        let slots = windows.install(ruleSet)
        windowSlots.deallocate()
        windowSlots = .allocate(capacity: Swift.max(slots.count, 1))
        windowSalts.deallocate()
        windowSalts = .allocate(capacity: Swift.max(slots.count, 1))
        for (place, slot) in slots.enumerated() {
            (windowSlots + place).initialize(to: slot)
            (windowSalts + place).initialize(to: ruleSet.windows[place].key.digest.low)
        }
        for var name in ruleSet.knownAccounts { _ = name.withUTF8 { accountNames.settle(UnsafeRawBufferPointer($0)) } }
        if settleSymbols(of: ruleSet) { valueSnapshotsAgain() }
    }

    /// Settles the symbols that a set names and fills in what it says of all; true where a contract multiplier changed.
    private func settleSymbols(of ruleSet: RuleSet) -> Bool {
        withUnsafeTemporaryAllocation(of: Int32.self, capacity: symbolNames.capacity) { instruments in
            instruments.initialize(repeating: -1)
            for (place, name) in ruleSet.knownSymbols.enumerated() {
                var name = name
                if let id = name.withUTF8({ symbolNames.settle(UnsafeRawBufferPointer($0)) }) {
                    instruments[Int(id.index)] = ruleSet.tables.instrumentOfKnownSymbol[place]
                }
            }
            var multipliersChanged = false
            volatilities.wantNone()
            for index in 1..<symbolNames.count {
                let multiplier = symbols[index].multiplier
                apply(instrument: instruments[index], to: symbols + index)
                wantVolatility(of: NameID(index: UInt32(index)))
                guard symbols[index].multiplier != multiplier else { continue }
                multipliersChanged = true
                exposures.valueAll(in: NameID(index: UInt32(index)))
            }
            volatilities.removeUnwanted()
            return multipliersChanged
        }
    }

    /// Until when prices count as confirmed alive: monotonic nanoseconds; 0 where the link is down.
    package var pricesLinkUntil: Int64 {
        get { links.pointee.prices }
        set { links.pointee.prices = newValue }
    }

    /// Until when account state counts as confirmed alive: monotonic nanoseconds; 0 where the link is down.
    package var accountsLinkUntil: Int64 {
        get { links.pointee.accounts }
        set { links.pointee.accounts = newValue }
    }

    /// Unix nanoseconds less monotonic ones, by which rules with `active` find the time, and in which a journal is told it; to
    /// be kept right while `asksWallTime`.
    package var wallOffset: Int64 {
        get { links.pointee.wallOffset }
        set { links.pointee.wallOffset = newValue }
    }

    /// Whether a decision depends on the wall clock, or a journal is to be told the time.
    package internal(set) var asksWallTime = false

    /// The wall clock at a monotonic instant.
    func wall(_ now: Int64) -> Int64 { now &+ links.pointee.wallOffset }

    /// Takes over what the mirror says of a symbol's price.
    package func update(price: PriceQuote, symbol: NameID) {
        symbols[Int(symbol.index)].quote = price
        exposures.priceChanged(of: symbol)
    }

    /// Latches or lifts a stop.
    /// - Parameter name: what it stops; without meaning for `global`.
    package func setStop(_ scope: StopScope, name: NameID, active: Bool) { stops[scope, name] = active }

    /// Whether a stop of this scope is in force.
    package func isStopped(_ scope: StopScope, name: NameID) -> Bool { stops[scope, name] }

    /// How many reservations are in a state.
    package func reservationCount(_ state: ReservationState) -> Int { ledger.count(state) }

    /// Fills in what the rule set says of a symbol.
    func applyInstrument(to symbol: NameID) {
        guard let ruleSet else { return }
        apply(instrument: ruleSet.instrument(of: symbolNames.name(symbol)), to: symbols + Int(symbol.index))
    }

    private func apply(instrument: Int32, to state: UnsafeMutablePointer<SymbolState>) {
        state.pointee.instrument = instrument
        state.pointee.multiplier = .one
        state.pointee.initialMargin = limits.defaultInitialMargin
        guard state.pointee.instrument >= 0 else { return }
        let instrument = plans.instruments[Int(state.pointee.instrument)]
        state.pointee.multiplier = instrument.contractMultiplier
        if instrument.hasInitialMargin { state.pointee.initialMargin = instrument.initialMargin }
    }
}
