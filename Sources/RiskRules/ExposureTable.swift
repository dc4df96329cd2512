/// The exposures of all accounts: a fixed pool, found by account and symbol, listed by account and by symbol.
///
/// It keeps the sums of what an account's exposures are worth: each exposure holds what it put into them, so that it can
/// be taken out exactly when its quantities, its price, or the standing of its price change.
final class ExposureTable {
    private let capacity: Int
    private let seed: UInt64
    private let base: UnsafeMutablePointer<Exposure>
    private let index: DigestIndex
    private let accounts: UnsafeMutablePointer<AccountState>
    private let symbols: UnsafeMutablePointer<SymbolState>
    private let deadlines: PriceDeadlines
    /// The latest instant that the prices were looked at for.
    private let clock: UnsafeMutablePointer<Int64>
    private var used = 0
    private var firstFree: Int32 = -1

    init(
        capacity: Int, accounts: UnsafeMutablePointer<AccountState>, symbols: UnsafeMutablePointer<SymbolState>,
        symbolCapacity: Int, seed: UInt64
    ) {
        self.capacity = capacity
        self.accounts = accounts
        self.symbols = symbols
        self.seed = seed
        base = .allocate(capacity: Swift.max(capacity, 1))
        index = DigestIndex(capacity: capacity)
        deadlines = PriceDeadlines(capacity: symbolCapacity)
        clock = .allocate(capacity: 1)
        clock.initialize(to: .min)
    }

    deinit {
        base.deallocate()
        clock.deallocate()
    }

    subscript(place: Int32) -> UnsafeMutablePointer<Exposure> { base + Int(place) }

    /// nil where the account holds nothing of the symbol and has nothing working.
    func find(_ account: NameID, _ symbol: NameID) -> UnsafeMutablePointer<Exposure>? {
        let place = index.find(digest(account, symbol))
        return place < 0 ? nil : base + place
    }

    /// The place of an exposure, made where there is none; nil where the pool is used up.
    func obtain(_ account: NameID, _ symbol: NameID) -> Int32? {
        let digest = digest(account, symbol)
        let found = index.find(digest)
        if found >= 0 { return Int32(truncatingIfNeeded: found) }
        let place: Int32
        if firstFree >= 0 {
            place = firstFree
            firstFree = base[Int(place)].next
        } else {
            guard used < capacity else { return nil }
            place = Int32(truncatingIfNeeded: used)
            used += 1
        }
        let owner = accounts + Int(account.index)
        (base + Int(place)).initialize(to: Exposure(account: account, symbol: symbol))
        base[Int(place)].next = owner.pointee.firstExposure
        owner.pointee.firstExposure = place
        index.insert(digest, at: Int(place))
        let held = symbols + Int(symbol.index)
        let isFirst = held.pointee.firstHolder < 0
        base[Int(place)].nextHolder = held.pointee.firstHolder
        if !isFirst { base[Int(held.pointee.firstHolder)].previousHolder = place }
        held.pointee.firstHolder = place
        if isFirst { look(at: symbol) }
        return place
    }

    /// Frees what an account neither holds nor has working any more.
    func removeEmpty(of account: NameID) {
        let owner = accounts + Int(account.index)
        var previous: Int32 = -1
        var place = owner.pointee.firstExposure
        while place >= 0 {
            let next = base[Int(place)].next
            if base[Int(place)].isEmpty {
                if previous < 0 { owner.pointee.firstExposure = next } else { base[Int(previous)].next = next }
                withdraw(base + Int(place))
                index.remove(at: Int(place))
                base[Int(place)].next = firstFree
                firstFree = place
            } else {
                previous = place
            }
            place = next
        }
    }

    private func withdraw(_ exposure: UnsafeMutablePointer<Exposure>) {
        let owner = accounts + Int(exposure.pointee.account.index)
        owner.pointee.mirrored.subtract(exposure.pointee.mirrored)
        owner.pointee.fallback.subtract(exposure.pointee.fallback)
        owner.pointee.unpriced.subtract(exposure.pointee.unpriced)
        let (previous, next) = (exposure.pointee.previousHolder, exposure.pointee.nextHolder)
        if previous >= 0 {
            base[Int(previous)].nextHolder = next
        } else {
            symbols[Int(exposure.pointee.symbol.index)].firstHolder = next
        }
        if next >= 0 { base[Int(next)].previousHolder = previous }
    }

    private func digest(_ account: NameID, _ symbol: NameID) -> Digest {
        let pair = UInt64(account.index) << 32 | UInt64(symbol.index)
        return Digest(low: SipHash.spread(pair ^ seed), high: pair)
    }

    // MARK: Values

    /// Values an exposure whose quantities, or whose position's price, changed.
    func value(_ place: Int32) {
        let exposure = base + Int(place)
        let owner = accounts + Int(exposure.pointee.account.index)
        let price = exposure.pointee.positionPrice
        let multiplier = symbols[Int(exposure.pointee.symbol.index)].multiplier
        owner.pointee.fallback.subtract(exposure.pointee.fallback)
        exposure.pointee.fallback =
            price.isPresent
            ? ExposureValue(exposure.pointee.working, at: price.value, multiplier)
            : ExposureValue(exposure.pointee.working, missing: .unfetched)
        owner.pointee.fallback.add(exposure.pointee.fallback)
        valueAtMark(exposure)
    }

    /// Values an exposure of which nothing changed but what working orders of one side come to.
    func value(_ place: Int32, _ side: Side) {
        let exposure = base + Int(place)
        let owner = accounts + Int(exposure.pointee.account.index)
        let symbol = symbols + Int(exposure.pointee.symbol.index)
        let multiplier = symbol.pointee.multiplier
        let worst = exposure.pointee.working
        let price = exposure.pointee.positionPrice
        guard symbol.pointee.standing == .none else { return value(place) }
        if price.isPresent {
            let isValued = exposure.pointee.fallback.revalue(
                worst, side, at: price.value, multiplier, in: &owner.pointee.fallback)
            if !isValued { return value(place) }
        } else {
            let fallback = ExposureValue(worst, missing: .unfetched)
            if exposure.pointee.fallback != fallback { return value(place) }
        }
        let isValued = exposure.pointee.mirrored.revalue(
            worst, side, at: symbol.pointee.countedMark, multiplier, in: &owner.pointee.mirrored)
        if !isValued { return value(place) }
        valueUnpriced(exposure)
    }

    /// Values all exposures of an account: its snapshot is another one.
    func valueAll(of account: NameID) {
        var place = accounts[Int(account.index)].firstExposure
        while place >= 0 {
            value(place)
            place = base[Int(place)].next
        }
    }

    /// Values all exposures in a symbol: its contract multiplier is another one.
    func valueAll(in symbol: NameID) {
        var place = symbols[Int(symbol.index)].firstHolder
        while place >= 0 {
            value(place)
            place = base[Int(place)].nextHolder
        }
    }

    /// The mirrored price of a symbol is another one.
    func priceChanged(of symbol: NameID) {
        if symbols[Int(symbol.index)].firstHolder >= 0 { look(at: symbol) }
    }

    /// Lets prices become too old that are so at `now`.
    func advance(to now: Int64) {
        clock.pointee = Swift.max(clock.pointee, now)
        while let symbol = deadlines.next(now: now) {
            if symbols[Int(symbol.index)].firstHolder >= 0 { look(at: symbol) }
        }
    }

    /// Values what is held of a symbol by its price, or without it where it does not count, until that changes by time.
    private func look(at symbol: NameID) {
        let state = symbols + Int(symbol.index)
        let missing = state.pointee.quote.reasonMissing(now: clock.pointee, linkUntil: .max)
        let standing = missing.map { ValueProblem($0) } ?? .none
        let mark = state.pointee.quote.mark
        if standing != state.pointee.standing || standing == .none && mark != state.pointee.countedMark {
            state.pointee.standing = standing
            state.pointee.countedMark = mark
            var place = state.pointee.firstHolder
            while place >= 0 {
                valueAtMark(base + Int(place))
                place = base[Int(place)].nextHolder
            }
        }
        deadlines.look(at: symbol, by: state.pointee.quote.nextChange(after: clock.pointee))
    }

    private func valueAtMark(_ exposure: UnsafeMutablePointer<Exposure>) {
        let owner = accounts + Int(exposure.pointee.account.index)
        let symbol = symbols + Int(exposure.pointee.symbol.index)
        let standing = symbol.pointee.standing
        let mark = symbol.pointee.countedMark
        owner.pointee.mirrored.subtract(exposure.pointee.mirrored)
        if standing == .none {
            exposure.pointee.mirrored = ExposureValue(exposure.pointee.working, at: mark, symbol.pointee.multiplier)
        } else if exposure.pointee.positionPrice.isPresent {
            exposure.pointee.mirrored = exposure.pointee.fallback
        } else {
            exposure.pointee.mirrored = ExposureValue(exposure.pointee.working, missing: standing)
        }
        owner.pointee.mirrored.add(exposure.pointee.mirrored)
        valueUnpriced(exposure)
    }

    @inline(always)
    private func valueUnpriced(_ exposure: UnsafeMutablePointer<Exposure>) {
        guard exposure.pointee.unpricedQuantity != 0 || exposure.pointee.unpriced.isAny else { return }
        let owner = accounts + Int(exposure.pointee.account.index)
        let symbol = symbols + Int(exposure.pointee.symbol.index)
        owner.pointee.unpriced.subtract(exposure.pointee.unpriced)
        exposure.pointee.unpriced = UnpricedValue(
            exposure.pointee.unpricedQuantity, at: symbol.pointee.countedMark, symbol.pointee.multiplier,
            standing: symbol.pointee.standing)
        owner.pointee.unpriced.add(exposure.pointee.unpriced)
    }
}
