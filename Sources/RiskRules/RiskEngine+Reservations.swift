// What becomes of an order that was let through. Each call on a reservation that is gone changes nothing and is counted.
extension RiskEngine {
    /// Takes an order's exposure, before its bytes leave, adds its notional to the windows of its rules, and remembers its
    /// client order id; nil where the tables are full.
    ///
    /// Of a replace only what it adds to the order that it replaces is taken. Both reservations stand until its answer:
    /// refused, undone or released it leaves the original as it was; accepted or ended it takes the original's place, which
    /// then counts no less than the larger of both until a snapshot contains it; unknown it keeps both.
    /// - Parameters:
    ///   - replacing: the order that this one replaces, as it was given to `decide`.
    ///   - connection: what rules `per: connection` add up by.
    ///   - number: what a journal calls the reservation by; unique among those of all runs, and not 0.
    package func reserve(
        _ order: Order, replacing: OrderReference?, connection: UInt32, number: UInt64, now: Int64
    ) -> ReservationID? {
        guard let place = exposures.obtain(order.account, order.symbol) else { return nil }
        let facts = facts(order, replacing, connection: connection, now: now, counting: .counted)
        let product = facts.notional(of: order.quantity)
        var notional: FixedPoint?
        if case .product(let product) = product { notional = product.above }
        var margin: FixedPoint?
        if case .amount(let amount) = facts.requiredMargin(product) { margin = amount }
        var reservation = Reservation(
            number: number, account: order.account, symbol: order.symbol, side: order.side, state: .inFlight,
            clientOrderID: order.clientOrderID, orderID: .none, remaining: order.quantity,
            price: facts.cost() ?? .zero, isPriced: notional != nil, multiplier: facts.symbol.pointee.multiplier,
            margin: margin ?? .zero, isMarginKnown: margin != nil,
            approval: Approval(
                strategy: order.strategy, type: order.type, connection: connection, at: now, atWall: wall(now),
                notional: notional ?? approvedNotional(facts), installs: installs),
            whole: order.quantity, notional: notional ?? .zero, exposure: place, generation: 0)
        reservation.terms = OrderTerms(order)
        if replacing != nil {
            reservation.isReplacement = true
            reservation.original = facts.replaced.pointee.isOver ? .none : facts.replaced.pointee.ids
            reservation.predecessor = facts.replaced.pointee.predecessor
            reservation.marginWhereShown =
                facts.replaced.pointee.predecessor == nil ? facts.replaced.pointee.shownMargin : 0
            var base = facts.replaced.pointee.sums
            base.margin &+= facts.replaced.pointee.shownMargin
            reservation.rest(on: base, shownMargin: facts.replaced.pointee.shownMargin)
        }
        reservation.remembersID =
            order.clientOrderID != .none && !orderIDs.contains(order.clientOrderID, of: order.account)
        guard let id = ledger.insert(reservation, isTold: false) else { return nil }
        addNotional(of: order, reservation.approval.notional, at: now, connection: connection)
        if reservation.remembersID { orderIDs.insert(order.clientOrderID, of: order.account) }
        return id
    }

    /// Takes back an approval: nothing was sent. The client order id may come again, and what sums of approved orders have of
    /// it is taken out of them; under another rule set than the order's it stays there until it leaves the window.
    package func undo(_ id: ReservationID) {
        guard let reservation = resolve(id)?.pointee else { return }
        let forgetsNotional = removeNotional(of: reservation)
        if reservation.remembersID { orderIDs.remove(reservation.clientOrderID, of: reservation.account) }
        ledger.changes.undone(Int(id.index), forgetsID: reservation.remembersID, forgetsNotional: forgetsNotional)
        ledger.remove(id)
    }

    /// The endpoint did not take the order: nothing was filled and nothing will be.
    package func release(_ id: ReservationID) {
        guard resolve(id) != nil else { return }
        learn(OrderNews(.rejected, isAnswer: true, now: 0, wallNow: 0), of: id)
    }

    /// The endpoint answered, and the order may be filled from now on, or be filled already.
    /// - Parameters:
    ///   - orderID: the endpoint's id; `Digest.none` where the answer has none.
    ///   - filled: what was filled so far, where that is known: of a replacement, no more is kept of the order before it.
    package func accepted(
        _ id: ReservationID, orderID: Digest, filled: FixedPoint? = nil, now: Int64, wallNow: Int64
    ) {
        guard resolve(id, while: { $0.pointee.awaitsAnswer || $0.pointee.state == .unknown }) != nil else { return }
        let news = OrderNews(
            .accepted, orderID: orderID, filled: filled, isAnswer: true, now: now, wallNow: wallNow)
        learn(news, of: id)
    }

    /// Nothing more of the order will be filled.
    /// - Parameter filled: what was, where it is known: the rest is released, and this part kept until a snapshot contains
    ///   it. Where it is not known, or below zero, all is kept until then.
    package func ended(_ id: ReservationID, filled: FixedPoint?, now: Int64, wallNow: Int64) {
        guard resolve(id) != nil else { return }
        learn(OrderNews(.ended, filled: filled, isAnswer: true, now: now, wallNow: wallNow), of: id)
    }

    /// The endpoint acknowledged the cancel of an order; nothing happens where no reservation is left of it.
    /// - Parameters:
    ///   - orderID: the endpoint's id, or `Digest.none`.
    ///   - clientOrderID: the client's id, looked for where `account` is known; or `Digest.none`.
    ///   - account: the account, or `.none` where the cancel names none.
    ///   - filled: what was filled of the order, where that is known.
    package func cancelled(
        orderID: Digest, clientOrderID: Digest, account: NameID, filled: FixedPoint?, now: Int64, wallNow: Int64
    ) {
        let named = ledger.find(orderID: orderID).flatMap { id in
            account == .none || ledger.find(id)?.pointee.account == account ? id : nil
        }
        guard let id = named ?? ledger.find(clientOrderID: clientOrderID, of: account) else { return }
        learn(OrderNews(.ended, filled: filled, isAnswer: false, now: now, wallNow: wallNow), of: id)
    }

    /// Nobody knows whether the endpoint took the order; it counts until a snapshot, or a person, tells. Where other news
    /// told before, the outcome is known, and only the answer is not awaited any more.
    package func unknown(_ id: ReservationID, now: Int64, wallNow: Int64) {
        guard let reservation = resolve(id, while: { $0.pointee.awaitsAnswer }) else { return }
        if reservation.pointee.isAhead {
            if reservation.pointee.isShown || reservation.pointee.whole == .zero {
                ledger.remove(id)
            } else {
                ledger.change(id) { $0.isAhead = false }
            }
            return
        }
        counters.unknownOutcomes += 1
        if reservation.pointee.isShown {
            ledger.remove(id)
            return
        }
        ledger.change(id) {
            $0.state = .unknown
            $0.changedAt = now
            $0.changedAtWall = wallNow
        }
    }

    /// The reservation of an account's order by the client's id; nil where none is left.
    package func reservation(clientOrderID: Digest, of account: NameID) -> ReservationID? {
        ledger.find(clientOrderID: clientOrderID, of: account)
    }

    /// What a reservation holds; nil where it is gone.
    package func reservation(_ id: ReservationID) -> Reservation? { ledger.find(id)?.pointee }

    /// Calls `body` with each reservation of an account, the latest first.
    package func forEachReservation(of account: NameID, _ body: (Reservation) -> Void) {
        ledger.forEach(of: account, body)
    }

    /// The reservation of an answer; nil, and counted, where it is gone or the answer comes too late for it.
    private func resolve(
        _ id: ReservationID, while isExpected: (UnsafeMutablePointer<Reservation>) -> Bool = { _ in true }
    ) -> UnsafeMutablePointer<Reservation>? {
        guard let reservation = ledger.find(id), isExpected(reservation) else {
            counters.doubleResolves += 1
            return nil
        }
        return reservation
    }
}
