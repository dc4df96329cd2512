import RiskRules

/// An order that was let through and that no snapshot contains.
final class ModelReservation {
    let order: ModelOrder
    var state = ReservationState.inFlight
    var orderID: String?
    var remaining: Exact
    /// `q x p* x m` at approval; nil where it could not be told then.
    let notional: Exact?
    var margin: Exact?
    /// Whether the client order id was remembered for it, and under which of the rule sets its windows were added to.
    var remembersID = false
    var installs = 0
    var approvedAt: Int64 = 0
    var answeredAt: Int64 = 0
    var answeredAtWall: Int64 = 0
    /// A snapshot shows it while its answer is still to come: it counts as the snapshot says.
    var isShown = false
    /// A cancel's acknowledgement came before its own answer.
    var isAhead = false
    /// What was said to be filled of it, at most.
    var filled = Exact.zero

    init(order: ModelOrder, notional: Exact?, margin: Exact?) {
        self.order = order
        self.notional = notional
        self.margin = margin
        remaining = order.quantity
    }

    /// Whether more of it may be filled.
    var isOpen: Bool { state != .closing }
    var awaitsAnswer: Bool { state == .inFlight || state == .unknown || isAhead }

    func answer(_ state: ReservationState, now: Int64, wallNow: Int64) {
        self.state = state
        answeredAt = now
        answeredAtWall = wallNow
    }
}

// Exposure between snapshots, as the design words it.
extension ReferenceModel {
    mutating func reserve(_ order: ModelOrder, as number: Int, connection: UInt32) {
        func told(_ body: () throws(Unknown) -> Exact) -> Exact? {
            do throws(Unknown) { return try body() } catch { return nil }
        }
        let reservation = ModelReservation(
            order: order, notional: told { () throws(Unknown) in try notional(of: order).roundedUp },
            margin: told { () throws(Unknown) in try requiredMargin(order) })
        reservation.installs = installs
        reservation.approvedAt = now
        reservations[number] = reservation
        addApproved(order, number, connection)
        guard let id = order.clientID, approvedIDs[order.account]?.contains(id) != true else { return }
        reservation.remembersID = true
        approvedIDs[order.account, default: []].append(id)
        let excess = (approvedIDs[order.account]?.count ?? 0) - limits.clientOrderIDs
        if excess > 0 { approvedIDs[order.account]?.removeFirst(excess) }
    }

    /// Nothing was sent.
    mutating func undo(_ number: Int) {
        guard let reservation = reservations.removeValue(forKey: number) else { return }
        if reservation.remembersID {
            approvedIDs[reservation.order.account]?.removeAll { $0 == reservation.order.clientID }
        }
        for identity in sums.keys { sums[identity]?.removeAll { $0.number == number } }
    }

    /// The endpoint did not take it; what other news said to be filled before stays.
    mutating func release(_ number: Int) {
        if let reservation = reservations[number], reservation.isAhead, !reservation.isShown,
            reservation.filled > .zero
        {
            reservation.isAhead = false
        } else {
            reservations[number] = nil
        }
    }

    mutating func accept(_ number: Int, orderID: String?) {
        guard let reservation = reservations[number], reservation.awaitsAnswer else { return }
        if reservation.orderID == nil { reservation.orderID = orderID }
        let shown = exposure(reservation.order.account)?.pending ?? []
        if reservation.isShown || orderID != nil && shown.contains(where: { $0.orderID == orderID }) {
            reservations[number] = nil
            return
        }
        if !reservation.isAhead { reservation.answer(.open, now: now, wallNow: wallNow) }
        reservation.isAhead = false
    }

    /// Nothing more of it will be filled: what was filled stays, all of it where that is not known.
    mutating func end(_ number: Int, filled said: Exact?, isAnswer: Bool = true) {
        guard let reservation = reservations[number] else { return }
        reservation.isAhead = !isAnswer && (reservation.isAhead || reservation.state == .inFlight)
        // What is less than was said before is old.
        let filled = said.flatMap { $0 < .zero ? nil : max($0, reservation.filled) }
        reservation.filled = filled ?? reservation.filled
        if reservation.isShown || filled == .zero {
            reservations[number] = nil
            return
        }
        if reservation.state == .inFlight || reservation.state == .unknown {
            reservation.answer(.closing, now: now, wallNow: wallNow)
        } else {
            reservation.state = .closing
        }
        if let filled, filled > .zero, filled < reservation.remaining {
            reservation.margin = reservation.margin.map { ($0 * filled).dividedUp(by: reservation.remaining) }
            reservation.remaining = filled
        }
    }

    mutating func loseAnswer(_ number: Int) {
        guard let reservation = reservations[number], reservation.state == .inFlight else { return }
        reservation.answer(.unknown, now: now, wallNow: wallNow)
        if reservation.isShown { reservations[number] = nil }
    }

    /// A cancel was acknowledged. Orders are found by the endpoint's id, else by the client's in the account.
    mutating func cancelled(orderID: String?, clientID: String?, account: String?, filled: Exact?) {
        func find(_ holds: (ModelReservation) -> Bool) -> Int? { reservations.first { holds($0.value) }?.key }
        let named = find {
            $0.orderID != nil && $0.orderID == orderID && (account ?? $0.order.account) == $0.order.account
        }
        let number =
            named ?? find { $0.order.clientID != nil && $0.order.clientID == clientID && $0.order.account == account }
        if let number { end(number, filled: filled, isAnswer: false) }
    }

    // MARK: Snapshots

    mutating func take(
        _ snapshot: ModelSnapshot, of name: String, readAt: Int64, freshUntil: Int64, expiresAt: Int64
    ) {
        var account = accounts[name] ?? Account()
        let isHeld = account.snapshot == snapshot && (snapshot.seq != nil || account.lastReadAt == readAt)
        if !isHeld, isOlder(snapshot, account) { return }
        account.value = .present
        account.freshUntil = freshUntil
        account.expiresAt = expiresAt
        accounts[name] = account
        if isHeld { return }
        let previousReadAt = account.lastReadAt
        account.lastReadAt = readAt
        account.lastSeq = snapshot.seq
        account.lastAsOf = snapshot.asOf ?? account.lastAsOf
        account.snapshot = snapshot
        accounts[name] = account
        guard let shown = exposure(name)?.pending else { return }
        for (number, reservation) in reservations where reservation.order.account == name {
            settle(number, reservation, snapshot, shown, previousReadAt: previousReadAt)
        }
    }

    private func isOlder(_ snapshot: ModelSnapshot, _ account: Account) -> Bool {
        if let asOf = snapshot.asOf, let last = account.lastAsOf {
            if asOf < last { return true }
            if asOf > last { return false }
        }
        if let seq = snapshot.seq, let last = account.lastSeq { return seq <= last }
        return false
    }

    private mutating func settle(
        _ number: Int, _ reservation: ModelReservation, _ snapshot: ModelSnapshot, _ shown: [ModelSnapshot.Pending],
        previousReadAt: Int64?
    ) {
        let order = reservation.order
        let isShown = shown.contains {
            $0.clientID != nil && $0.clientID == order.clientID
                || $0.orderID != nil && $0.orderID == reservation.orderID
        }
        switch reservation.state {
        case .inFlight:
            if isShown { reservations[number]?.isShown = true }
        case .unknown:
            let isContained = snapshot.asOf.map { $0 > reservation.answeredAtWall + limits.unknownAfter } ?? false
            if isShown || isContained { reservations[number] = nil }
        case .open, .closing:
            let isContained =
                snapshot.asOf.map { $0 > reservation.answeredAtWall + limits.settleAfter }
                ?? previousReadAt.map { reservation.answeredAt < $0 } ?? false
            if isShown || isContained { reservations[number] = nil }
        }
    }

    mutating func loseAccount(_ name: String) {
        accounts[name, default: Account()].value = .absent
        accounts[name]?.snapshot = nil
        accounts[name]?.lastSeq = nil
    }

    mutating func refuseAccount(_ name: String) { accounts[name, default: Account()].value = .refused }
}
