/// What was let through and is in no snapshot yet: a fixed pool of reservations, listed by account and found by id.
///
/// It keeps the sums of `Exposure` and `AccountState` that come from reservations; nothing else writes them. A reservation
/// ends exactly once: its id carries a generation, and one that is spent names nothing.
final class Ledger {
    /// What a snapshot means for the orders of its account.
    struct Settlement: BitwiseCopyable {
        /// The time up to which the keeper had applied the exchange's events; nil where the snapshot does not say.
        var asOf: Int64?
        /// When the snapshot before this one was read; nil where this is the first.
        var previousReadAt: Int64?
        var settleAfter: Int64
        var unknownAfter: Int64
    }

    private let capacity: Int
    let base: UnsafeMutablePointer<Reservation>
    let accounts: UnsafeMutablePointer<AccountState>
    let exposures: ExposureTable
    private let clientIDs: DigestIndex
    private let orderIDs: DigestIndex
    private let counts: UnsafeMutablePointer<Int>
    /// What a journal is to be told.
    let changes: LedgerChangeList
    /// Goes up whenever a sum of any account changes.
    let revision: UnsafeMutablePointer<UInt64>
    /// Places that were ever taken.
    private(set) var used = 0
    private var firstFree: Int32 = -1

    init(capacity: Int, accounts: UnsafeMutablePointer<AccountState>, exposures: ExposureTable) {
        self.capacity = capacity
        self.accounts = accounts
        self.exposures = exposures
        base = .allocate(capacity: Swift.max(capacity, 1))
        clientIDs = DigestIndex(capacity: capacity)
        orderIDs = DigestIndex(capacity: capacity)
        counts = .allocate(capacity: ReservationState.allCases.count)
        counts.initialize(repeating: 0, count: ReservationState.allCases.count)
        changes = LedgerChangeList(capacity: capacity)
        revision = .allocate(capacity: 1)
        revision.initialize(to: 0)
    }

    deinit {
        base.deallocate()
        counts.deallocate()
        revision.deallocate()
    }

    /// How many reservations are in a state.
    func count(_ state: ReservationState) -> Int { counts[Int(state.rawValue)] }

    /// The reservation that an id names; nil where it is gone.
    func find(_ id: ReservationID) -> UnsafeMutablePointer<Reservation>? {
        guard Int(id.index) < used, base[Int(id.index)].generation == id.generation else { return nil }
        return base + Int(id.index)
    }

    /// The reservation of an order by the endpoint's id; of several versions of it that share the id, the earliest.
    func find(orderID: Digest) -> ReservationID? {
        guard orderID != .none, case let place = orderIDs.find(orderID), place >= 0 else { return nil }
        return earliest(id(of: place)) { $0.orderID == orderID }
    }

    /// The reservation of an account's order by the client's id; of several versions that share it, the earliest.
    func find(clientOrderID: Digest, of account: NameID) -> ReservationID? {
        guard clientOrderID != .none,
            case let place = clientIDs.find(Self.key(clientOrderID, of: account)), place >= 0
        else { return nil }
        return earliest(id(of: place)) { $0.clientOrderID == clientOrderID }
    }

    /// The reservation that news of an order speaks of: by the endpoint's id, else by the client's; nil where there is none,
    /// or where orders of several accounts or symbols may be meant.
    /// - Parameters:
    ///   - account: `.none` where the news names none, and so for `symbol`.
    ///   - accountCount: how many accounts have a number, the one at index 0 included.
    func find(_ ids: OrderReference, of account: NameID, in symbol: NameID, accountCount: Int) -> ReservationID? {
        var found: ReservationID?
        if ids.orderID != .none {
            var probe = orderIDs.start(ids.orderID)
            while case let place = orderIDs.next(ids.orderID, &probe), place >= 0 {
                guard account == .none || base[place].account == account,
                    symbol == .none || base[place].symbol == symbol
                else { continue }
                let first = earliest(id(of: place)) { _ in true }
                if let found, found != first { return nil }
                found = first
            }
        }
        if let found {
            // The endpoint's id decides, also where the client has named the order anew since.
            return version(of: found) { $0.isNamed(by: ids) } ?? version(of: found) { $0.orderID == ids.orderID }
        }
        guard ids.clientOrderID != .none else { return nil }
        let owners = account == .none ? 1..<accountCount : Int(account.index)..<Int(account.index) + 1
        for owner in owners where accounts[owner].firstReservation >= 0 {
            let owner = NameID(index: UInt32(truncatingIfNeeded: owner))
            guard let first = find(clientOrderID: ids.clientOrderID, of: owner),
                symbol == .none || find(first)?.pointee.symbol == symbol
            else { continue }
            if found != nil { return nil }
            found = first
        }
        return found.flatMap { version(of: $0) { $0.isNamed(by: ids) } }
    }

    /// The first of an order's versions, from one on, that is meant.
    private func version(of first: ReservationID, where isMeant: (Reservation) -> Bool) -> ReservationID? {
        var next: ReservationID? = first
        while let id = next, let reservation = find(id) {
            if isMeant(reservation.pointee) { return id }
            next = reservation.pointee.successor
        }
        return nil
    }

    private func earliest(_ id: ReservationID, where hasID: (Reservation) -> Bool) -> ReservationID {
        var earliest = id
        var before = find(id)?.pointee.predecessor
        while let id = before, let reservation = find(id)?.pointee {
            if hasID(reservation) { earliest = id }
            before = reservation.predecessor
        }
        return earliest
    }

    /// The reservation of an account's order by either id.
    func find(_ ids: OrderReference, of account: NameID) -> ReservationID? {
        find(orderID: ids.orderID).flatMap { find($0)?.pointee.account == account ? $0 : nil }
            ?? find(clientOrderID: ids.clientOrderID, of: account)
    }

    /// Takes up a reservation, whose place and neighbours it fills in; nil where the pool is used up.
    /// - Parameter isTold: the journal has its image.
    func insert(_ reservation: Reservation, isTold: Bool) -> ReservationID? {
        let place: Int
        if firstFree >= 0 {
            place = Int(firstFree)
            firstFree = base[place].next
        } else {
            guard used < capacity else { return nil }
            place = used
            used += 1
            base[place].generation = 0
        }
        let generation = base[place].generation &+ 1
        let owner = accounts + Int(reservation.account.index)
        (base + place).initialize(to: reservation)
        base[place].generation = generation
        base[place].previous = -1
        base[place].next = owner.pointee.firstReservation
        if owner.pointee.firstReservation >= 0 {
            base[Int(owner.pointee.firstReservation)].previous = Int32(truncatingIfNeeded: place)
        }
        owner.pointee.firstReservation = Int32(truncatingIfNeeded: place)
        if reservation.clientOrderID != .none {
            clientIDs.insert(Self.key(reservation.clientOrderID, of: reservation.account), at: place)
        }
        if reservation.orderID != .none { orderIDs.insert(reservation.orderID, at: place) }
        counts[Int(reservation.state.rawValue)] += 1
        exposures[reservation.exposure].pointee.reservations += 1
        if reservation.isReplacement { owner.pointee.replacements += 1 }
        recount(base + place, from: OrderSums(), to: (base + place).sums)
        let id = ReservationID(index: UInt32(truncatingIfNeeded: place), generation: generation)
        if let predecessor = reservation.predecessor { find(predecessor)?.pointee.successor = id }
        changes.inserted(place, isTold: isTold)
        return id
    }

    /// Changes a reservation that is there, and the sums with it, and those of its replacements.
    func change(_ id: ReservationID, _ body: (inout Reservation) -> Void) {
        guard let reservation = find(id) else { return }
        changeAlone(id, body)
        if let successor = reservation.pointee.successor { rebase(successor) }
    }

    /// Changes a reservation that is there, and the sums with it.
    func changeAlone(_ id: ReservationID, _ body: (inout Reservation) -> Void) {
        guard let reservation = find(id) else { return }
        let before = reservation.sums
        counts[Int(reservation.pointee.state.rawValue)] -= 1
        body(&reservation.pointee)
        counts[Int(reservation.pointee.state.rawValue)] += 1
        recount(reservation, from: before, to: reservation.sums)
        changes.changed(Int(id.index))
    }

    /// Learns the endpoint's id of an order.
    func name(_ id: ReservationID, orderID: Digest) {
        guard let reservation = find(id), reservation.pointee.orderID == .none, orderID != .none else { return }
        reservation.pointee.orderID = orderID
        orderIDs.insert(orderID, at: Int(id.index))
        changes.changed(Int(id.index))
        guard let next = reservation.pointee.successor, let successor = find(next),
            successor.pointee.original.orderID == .none
        else { return }
        successor.pointee.original.orderID = orderID
        changes.changed(Int(next.index))
        rebase(next)
    }

    /// Ends a reservation that is there.
    func remove(_ id: ReservationID) {
        guard let reservation = find(id) else { return }
        let place = Int(id.index)
        recount(reservation, from: reservation.sums, to: OrderSums())
        counts[Int(reservation.pointee.state.rawValue)] -= 1
        exposures[reservation.pointee.exposure].pointee.reservations -= 1
        if reservation.pointee.clientOrderID != .none { clientIDs.remove(at: place) }
        if reservation.pointee.orderID != .none { orderIDs.remove(at: place) }
        let (previous, next) = (reservation.pointee.previous, reservation.pointee.next)
        if previous >= 0 {
            base[Int(previous)].next = next
        } else {
            accounts[Int(reservation.pointee.account.index)].firstReservation = next
        }
        if next >= 0 { base[Int(next)].previous = previous }
        if reservation.pointee.isReplacement {
            accounts[Int(reservation.pointee.account.index)].replacements -= 1
        }
        let (predecessor, successor) = (reservation.pointee.predecessor, reservation.pointee.successor)
        reservation.pointee.generation &+= 1
        if !changes.ended(place) { free(place) }
        if let predecessor { find(predecessor)?.pointee.successor = successor }
        if let successor {
            find(successor)?.pointee.predecessor = predecessor
            changes.changed(Int(successor.index))
            rebase(successor)
        }
    }

    /// Gives back the place of a reservation that ended.
    func free(_ place: Int) {
        base[place].next = firstFree
        firstFree = Int32(truncatingIfNeeded: place)
    }

    /// Whether a reservation is at a place that was ever taken: generations of those that live are odd.
    func isTaken(_ place: Int) -> Bool { !base[place].generation.isMultiple(of: 2) }

    /// Ends what a snapshot shows by id: it counts as the snapshot says. One whose answer is still to come keeps its id,
    /// but counts no more.
    func settleShown(clientOrderID: Digest, orderID: Digest, of account: NameID) {
        settleMatches(of: orderID, in: orderIDs, of: account)
        settleMatches(of: Self.key(clientOrderID, of: account), in: clientIDs, of: account)
    }

    /// Ends what a snapshot contains by its time, and returns how many of them had an unknown outcome.
    func settleByTime(_ settlement: Settlement, of account: NameID) -> Int {
        var unknowns = 0
        var place = accounts[Int(account.index)].firstReservation
        while place >= 0 {
            let reservation = base[Int(place)]
            if contains(settlement, reservation) {
                if reservation.state == .unknown { unknowns += 1 }
                let id = id(of: Int(place))
                if !reservation.awaitsAnswer {
                    remove(id)
                } else if !reservation.isShown, reservation.whole > .zero {
                    change(id) { $0.keepNothing() }
                }
            }
            place = reservation.next
        }
        return unknowns
    }

    /// Calls `body` with each reservation of an account, the latest first.
    func forEach(of account: NameID, _ body: (Reservation) -> Void) {
        var place = accounts[Int(account.index)].firstReservation
        while place >= 0 {
            body(base[Int(place)])
            place = base[Int(place)].next
        }
    }

    private func contains(_ settlement: Settlement, _ reservation: Reservation) -> Bool {
        func isLater(_ asOf: Int64, by delay: Int64) -> Bool {
            let (due, overflow) = reservation.changedAtWall.addingReportingOverflow(delay)
            return !overflow && asOf > due
        }
        switch (reservation.state, settlement.asOf) {
        case (.inFlight, _), (.unknown, nil): return false
        case (.unknown, let asOf?): return isLater(asOf, by: settlement.unknownAfter)
        case (.open, let asOf?), (.closing, let asOf?): return isLater(asOf, by: settlement.settleAfter)
        case (.open, nil), (.closing, nil):
            return settlement.previousReadAt.map { reservation.changedAt < $0 } ?? false
        }
    }

    private func settleMatches(of key: Digest, in index: DigestIndex, of account: NameID) {
        var probe = index.start(key)
        while case let place = index.next(key, &probe), place >= 0 {
            guard base[place].account == account, !base[place].isShown, !sharesID(place, index === orderIDs) else {
                continue
            }
            let id = id(of: place)
            dropReplaced(by: id)
            if base[place].awaitsAnswer { change(id) { $0.isShown = true } } else { remove(id) }
            // Keys may have moved up behind one that is gone.
            probe = index.start(key)
        }
    }

    /// Whether an id of a replacement may be that of the order that it replaces: a snapshot that shows it may mean either.
    private func sharesID(_ place: Int, _ isEndpoints: Bool) -> Bool {
        isEndpoints
            ? base[place].mayShare(orderID: base[place].orderID)
            : base[place].mayShare(clientOrderID: base[place].clientOrderID)
    }

    private func id(of place: Int) -> ReservationID {
        ReservationID(index: UInt32(truncatingIfNeeded: place), generation: base[place].generation)
    }

    /// Client order ids are an account's own.
    private static func key(_ clientOrderID: Digest, of account: NameID) -> Digest {
        guard clientOrderID != .none else { return .none }
        return Digest(low: clientOrderID.low ^ SipHash.spread(UInt64(account.index)), high: clientOrderID.high)
    }

    /// Puts what a reservation adds to the sums in the place of what it added before.
    private func recount(
        _ reservation: UnsafeMutablePointer<Reservation>, from before: OrderSums, to after: OrderSums
    ) {
        guard before != after else { return }
        let place = reservation.pointee.exposure
        let side = reservation.pointee.side
        let exposure = exposures[place]
        let account = accounts + Int(reservation.pointee.account.index)
        let quantity = after.quantity &- before.quantity
        switch side {
        case .buy: exposure.pointee.reservedBuys &+= quantity
        case .sell: exposure.pointee.reservedSells &+= quantity
        }
        let notional = after.notional &- before.notional
        let unpricedQuantity = after.unpricedQuantity &- before.unpricedQuantity
        exposure.pointee.openReservations &+= after.orders &- before.orders
        exposure.pointee.openNotional &+= notional
        exposure.pointee.openUnpriced &+= unpricedQuantity
        account.pointee.reservedMargin &+= after.margin &- before.margin
        account.pointee.unknownMargins &+= after.unknownMargins &- before.unknownMargins
        account.pointee.openReservations &+= after.orders &- before.orders
        account.pointee.openNotional &+= notional
        account.pointee.openUnpriced &+= after.unpricedOrders &- before.unpricedOrders
        account.pointee.ownRevision &+= 1
        revision.pointee &+= 1
        if quantity != 0 || unpricedQuantity != 0 { exposures.value(place, side) }
    }
}
