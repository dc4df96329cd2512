/// The latest client order ids of one account that were approved: a ring, and an index to find one in it.
///
/// The ring is a little longer than what is remembered, so that the latest ids can be taken back and those that they would
/// have pushed out are remembered again.
final class OrderIDMemory {
    /// How many of the latest ids can be taken back without a trace.
    private static let slack = 256

    private let capacity: Int
    private let index: DigestIndex
    private let isLive: UnsafeMutablePointer<Bool>
    private var next = 0

    init(capacity: Int) {
        self.capacity = Swift.max(capacity, 1)
        index = DigestIndex(capacity: self.capacity + Self.slack)
        isLive = .allocate(capacity: index.capacity)
        isLive.initialize(repeating: false, count: index.capacity)
    }

    deinit { isLive.deallocate() }

    func contains(_ id: Digest) -> Bool {
        var probe = index.start(id)
        while case let place = index.next(id, &probe), place >= 0 {
            if age(of: place) < capacity { return true }
        }
        return false
    }

    /// Remembers an id in the place of the oldest.
    func insert(_ id: Digest) {
        if isLive[next] { index.remove(at: next) }
        index.insert(id, at: next)
        isLive[next] = true
        next = next + 1 == index.capacity ? 0 : next + 1
    }

    /// Remembers an id, or in the place of the oldest nothing where it is none.
    func restore(_ id: Digest) {
        guard id == .none else { return insert(id) }
        if isLive[next] { index.remove(at: next) }
        isLive[next] = false
        next = next + 1 == index.capacity ? 0 : next + 1
    }

    /// Calls `body` with all that are kept, the oldest first; with none for one that was forgotten between others.
    func forEach(_ body: (Digest) -> Void) {
        var isAmong = false
        for step in 0..<index.capacity {
            let place = (next + step) % index.capacity
            if isLive[place] { isAmong = true }
            if isAmong { body(isLive[place] ? index.key(at: place) : .none) }
        }
    }

    /// Forgets an id: its order was not approved after all.
    func remove(_ id: Digest) {
        var probe = index.start(id)
        while case let place = index.next(id, &probe), place >= 0 {
            guard age(of: place) < capacity else { continue }
            index.remove(at: place)
            isLive[place] = false
            if age(of: place) == 0 { next = place }
            return
        }
    }

    /// How many were remembered after the one at a place.
    private func age(of place: Int) -> Int { next > place ? next - 1 - place : next - 1 - place + index.capacity }
}

/// The remembered client order ids of each account, made when its first order is approved.
final class OrderIDTable {
    private let accounts: Int
    private let capacity: Int
    private let memories: UnsafeMutablePointer<Unmanaged<OrderIDMemory>?>

    /// - Parameters:
    ///   - accounts: how many there can be, the one at index 0 included.
    ///   - capacity: ids remembered for each.
    init(accounts: Int, capacity: Int) {
        self.accounts = accounts
        self.capacity = capacity
        memories = .allocate(capacity: accounts)
        memories.initialize(repeating: nil, count: accounts)
    }

    deinit {
        for account in 0..<accounts { memories[account]?.release() }
        memories.deallocate()
    }

    func contains(_ id: Digest, of account: NameID) -> Bool {
        memories[Int(account.index)]?._withUnsafeGuaranteedRef { $0.contains(id) } ?? false
    }

    func insert(_ id: Digest, of account: NameID) { memory(of: account)?._withUnsafeGuaranteedRef { $0.insert(id) } }

    func restore(_ id: Digest, of account: NameID) { memory(of: account)?._withUnsafeGuaranteedRef { $0.restore(id) } }

    func forEach(of account: NameID, _ body: (Digest) -> Void) {
        memories[Int(account.index)]?._withUnsafeGuaranteedRef { $0.forEach(body) }
    }

    /// Made where there is none.
    private func memory(of account: NameID) -> Unmanaged<OrderIDMemory>? {
        let place = memories + Int(account.index)
        if place.pointee == nil { place.pointee = .passRetained(OrderIDMemory(capacity: capacity)) }
        return place.pointee
    }

    func remove(_ id: Digest, of account: NameID) {
        memories[Int(account.index)]?._withUnsafeGuaranteedRef { $0.remove(id) }
    }
}
