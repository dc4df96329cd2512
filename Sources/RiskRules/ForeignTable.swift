/// What other Gates let through: for each account and Gate its sums by symbol, in fixed pools.
///
/// It adds them to the sums of `Exposure` and `AccountState` that the ledger keeps, and notes there how much of each is not
/// the ledger's.
final class ForeignTable {
    private struct Source: BitwiseCopyable {
        var account: NameID
        var instance: Digest
        var expiresAt: Int64
        var margin: ReservedMargin
        /// Head of its parts, -1 for none; of a free place, the next free one.
        var first: Int32
        var isTaken: Bool
    }
    private struct Part: BitwiseCopyable {
        var exposure: Int32
        var next: Int32
        var sums: ReservedSums
    }
    private struct State: BitwiseCopyable {
        var used = 0
        var firstFree: Int32 = -1
        var partsUsed = 0
        var partsTaken = 0
        var firstFreePart: Int32 = -1
        /// No source ends before.
        var nextExpiry = Int64.max
    }

    private let capacity: Int
    private let partCapacity: Int
    private let sources: UnsafeMutablePointer<Source>
    private let parts: UnsafeMutablePointer<Part>
    private let state: UnsafeMutablePointer<State>
    private let index: DigestIndex
    private let accounts: UnsafeMutablePointer<AccountState>
    private let exposures: ExposureTable

    /// - Parameters:
    ///   - capacity: pairs of an account and another Gate.
    ///   - partCapacity: symbols of all of them together.
    init(
        capacity: Int, partCapacity: Int, accounts: UnsafeMutablePointer<AccountState>, exposures: ExposureTable
    ) {
        self.capacity = Swift.max(capacity, 1)
        self.partCapacity = Swift.max(partCapacity, 1)
        self.accounts = accounts
        self.exposures = exposures
        sources = .allocate(capacity: self.capacity)
        parts = .allocate(capacity: self.partCapacity)
        state = .allocate(capacity: 1)
        state.initialize(to: State())
        index = DigestIndex(capacity: self.capacity)
    }

    deinit {
        sources.deallocate()
        parts.deallocate()
        state.deallocate()
    }

    /// Replaces what a Gate published for an account; false where there is no room, and nothing changes.
    /// - Parameter fresh: its sums in each symbol, at the symbol's exposure.
    func replace(
        _ account: NameID, _ instance: Digest, by fresh: [(exposure: Int32, sums: ReservedSums)],
        _ margin: ReservedMargin, expiresAt: Int64
    ) -> Bool {
        let found = find(account, instance)
        guard found != nil || state.pointee.firstFree >= 0 || state.pointee.used < capacity else { return false }
        let held = found.map { count(of: $0) } ?? 0
        guard state.pointee.partsTaken - held + fresh.count <= partCapacity else { return false }
        if let found { empty(found) }
        let place = found ?? take(account, instance)
        let source = sources + place
        source.pointee.margin = margin
        source.pointee.expiresAt = expiresAt
        count(margin, of: account, by: 1)
        for (exposure, sums) in fresh {
            let part = takePart()
            (parts + Int(part)).initialize(to: Part(exposure: exposure, next: source.pointee.first, sums: sums))
            source.pointee.first = part
            count(parts[Int(part)], by: 1)
        }
        state.pointee.nextExpiry = Swift.min(state.pointee.nextExpiry, expiresAt)
        return true
    }

    /// Takes out what a Gate published for an account; what nothing else needs of its exposures is freed.
    func remove(_ account: NameID, _ instance: Digest) {
        if let place = find(account, instance) { remove(place) }
    }

    /// Takes out what has ended at `now`.
    func advance(to now: Int64) {
        guard now >= state.pointee.nextExpiry else { return }
        var next = Int64.max
        for place in 0..<state.pointee.used where sources[place].isTaken {
            if sources[place].expiresAt <= now {
                remove(place)
            } else {
                next = Swift.min(next, sources[place].expiresAt)
            }
        }
        state.pointee.nextExpiry = next
    }

    private func remove(_ place: Int) {
        empty(place)
        let account = sources[place].account
        index.remove(at: place)
        sources[place].isTaken = false
        sources[place].first = state.pointee.firstFree
        state.pointee.firstFree = Int32(truncatingIfNeeded: place)
        exposures.removeEmpty(of: account)
    }

    private func find(_ account: NameID, _ instance: Digest) -> Int? {
        let place = index.find(Self.key(account, instance))
        return place < 0 ? nil : place
    }

    private static func key(_ account: NameID, _ instance: Digest) -> Digest {
        Digest(low: instance.low ^ SipHash.spread(UInt64(account.index)), high: instance.high)
    }

    /// A free place for a source; there is one.
    private func take(_ account: NameID, _ instance: Digest) -> Int {
        let place: Int
        if state.pointee.firstFree >= 0 {
            place = Int(state.pointee.firstFree)
            state.pointee.firstFree = sources[place].first
        } else {
            place = state.pointee.used
            state.pointee.used &+= 1
        }
        (sources + place).initialize(
            to: Source(
                account: account, instance: instance, expiresAt: 0, margin: ReservedMargin(), first: -1,
                isTaken: true))
        index.insert(Self.key(account, instance), at: place)
        return place
    }

    /// A free place for a part; there is one.
    private func takePart() -> Int32 {
        state.pointee.partsTaken &+= 1
        guard state.pointee.firstFreePart >= 0 else {
            state.pointee.partsUsed &+= 1
            return Int32(truncatingIfNeeded: state.pointee.partsUsed &- 1)
        }
        let part = state.pointee.firstFreePart
        state.pointee.firstFreePart = parts[Int(part)].next
        return part
    }

    private func count(of place: Int) -> Int {
        var count = 0
        var part = sources[place].first
        while part >= 0 {
            count &+= 1
            part = parts[Int(part)].next
        }
        return count
    }

    /// Takes a source's sums out of those of its account.
    private func empty(_ place: Int) {
        count(sources[place].margin, of: sources[place].account, by: -1)
        var part = sources[place].first
        while part >= 0 {
            let next = parts[Int(part)].next
            count(parts[Int(part)], by: -1)
            parts[Int(part)].next = state.pointee.firstFreePart
            state.pointee.firstFreePart = part
            state.pointee.partsTaken &-= 1
            part = next
        }
        sources[place].first = -1
    }

    private func count(_ margin: ReservedMargin, of account: NameID, by sign: Int) {
        let owner = accounts + Int(account.index)
        let amount = margin.amount.units &* Int128(sign)
        owner.pointee.reservedMargin &+= amount
        owner.pointee.foreignMargin &+= amount
        owner.pointee.unknownMargins &+= margin.unknown &* sign
        owner.pointee.foreignUnknownMargins &+= margin.unknown &* sign
    }

    private func count(_ part: Part, by sign: Int) {
        let exposure = exposures[part.exposure]
        let owner = accounts + Int(exposure.pointee.account.index)
        let factor = Int128(sign)
        let (buys, sells) = (part.sums.buys.units &* factor, part.sums.sells.units &* factor)
        let (notional, unpriced) = (part.sums.notional.units &* factor, part.sums.unpriced.units &* factor)
        let orders = part.sums.orders &* sign
        exposure.pointee.reservedBuys &+= buys
        exposure.pointee.reservedSells &+= sells
        exposure.pointee.openReservations &+= orders
        exposure.pointee.openNotional &+= notional
        exposure.pointee.openUnpriced &+= unpriced
        exposure.pointee.foreign.buys &+= buys
        exposure.pointee.foreign.sells &+= sells
        exposure.pointee.foreign.orders &+= orders
        exposure.pointee.foreign.notional &+= notional
        exposure.pointee.foreign.unpriced &+= unpriced
        exposure.pointee.foreignParts &+= sign
        owner.pointee.openReservations &+= orders
        owner.pointee.openNotional &+= notional
        if part.sums.unpriced > .zero { owner.pointee.openUnpriced &+= sign }
        exposures.value(part.exposure)
    }
}
