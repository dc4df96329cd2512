/// The exposures of all accounts: a fixed pool, found by account and symbol, and listed by account.
final class ExposureTable {
    private let capacity: Int
    private let seed: UInt64
    private let base: UnsafeMutablePointer<Exposure>
    private let index: DigestIndex
    private let accounts: UnsafeMutablePointer<AccountState>
    private var used = 0
    private var firstFree: Int32 = -1

    init(capacity: Int, accounts: UnsafeMutablePointer<AccountState>, seed: UInt64) {
        self.capacity = capacity
        self.accounts = accounts
        self.seed = seed
        base = .allocate(capacity: Swift.max(capacity, 1))
        index = DigestIndex(capacity: capacity)
    }

    deinit { base.deallocate() }

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
                index.remove(at: Int(place))
                base[Int(place)].next = firstFree
                firstFree = place
            } else {
                previous = place
            }
            place = next
        }
    }

    private func digest(_ account: NameID, _ symbol: NameID) -> Digest {
        let pair = UInt64(account.index) << 32 | UInt64(symbol.index)
        return Digest(low: SipHash.spread(pair ^ seed), high: pair)
    }
}
