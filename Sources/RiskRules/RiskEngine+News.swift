/// What an answer or an update of the endpoint says that became of an order.
package enum OrderStatus: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// It may be filled, or be filled in part already.
    case accepted
    /// Nothing was filled and nothing will be.
    case rejected
    /// Nothing more will be filled.
    case ended
}

/// What an operator says that became of an order whose outcome nobody knows.
package enum OperatorOutcome: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// The endpoint never took it: it counts no more.
    case released
    /// The endpoint took it: it counts as an order that was answered now.
    case open
}

/// Why an operator's word was not taken.
package enum SettleProblem: Error, Hashable, Sendable, BitwiseCopyable {
    /// No reservation of the account has the client order id: it was never reserved, or is settled.
    case notFound
    /// What became of the order is known, or its answer is still to come.
    case notUnknown(ReservationState)
}

/// One piece of news of an order.
struct OrderNews: BitwiseCopyable {
    var status: OrderStatus
    /// The endpoint's id, or `Digest.none`.
    var orderID: Digest
    /// Filled so far, where it is said.
    var filled: FixedPoint?
    /// Whether it is the answer to the order's own call, which comes once.
    var isAnswer: Bool
    var now: Int64
    var wallNow: Int64

    init(
        _ status: OrderStatus, orderID: Digest = .none, filled: FixedPoint? = nil, isAnswer: Bool, now: Int64,
        wallNow: Int64
    ) {
        self.status = status
        self.orderID = orderID
        self.filled = filled.flatMap { $0 < .zero ? nil : $0 }
        self.isAnswer = isAnswer
        self.now = now
        self.wallNow = wallNow
    }
}

// What is heard of an order besides the answer to its own call: passing answers, streams of updates, an operator.
//
// News may repeat, come late, come before the order's own answer, or come in any order. So what was seen to be filled only
// grows, what has ended stays so, and a reservation whose answer is still to come stays for it, counting nothing where
// nothing is left: the answer is then no second one.
extension RiskEngine {
    /// Takes over what an answer or an update that passes says of an order; true where the ledger learnt something.
    ///
    /// An order that is accepted, or filled in part, counts in full until a snapshot contains it. One that ended keeps what
    /// was filled, and all of it where that is not said: a part that was seen to be filled before is the least that was, not
    /// the most. One that was rejected is released, unless it was seen to be filled or has replaced another: then it counts
    /// as ended.
    ///
    /// The order is the one of the endpoint's id, or else of the client's; of several versions that share an id, the
    /// earliest to which neither id is strange. Ids that may mean orders of several accounts or symbols mean none. A client
    /// order id without an account costs a look-up for each account that has reservations.
    /// - Parameters:
    ///   - orderID: the endpoint's id, or `Digest.none`.
    ///   - clientOrderID: the client's id, or `Digest.none`.
    ///   - account: `.none` where the news does not name it.
    ///   - symbol: `.none` where the news does not name it.
    ///   - filled: the quantity filled so far, of an order that replaced others with what was filled of them; nil where
    ///     it is not said. A value below the largest seen is an old one.
    @discardableResult
    package func observed(
        orderID: Digest, clientOrderID: Digest, account: NameID = .none, symbol: NameID = .none, status: OrderStatus,
        filled: FixedPoint? = nil, now: Int64, wallNow: Int64
    ) -> Bool {
        let ids = OrderReference(orderID: orderID, clientOrderID: clientOrderID)
        guard let id = ledger.find(ids, of: account, in: symbol, accountCount: accountNames.count) else { return false }
        return learn(
            OrderNews(status, orderID: orderID, filled: filled, isAnswer: false, now: now, wallNow: wallNow), of: id)
    }

    /// Takes an operator's word on an order whose outcome is unknown. Of several versions of an order that share the id, the
    /// first whose outcome is unknown is meant.
    package func settle(
        clientOrderID: Digest, of account: NameID, outcome: OperatorOutcome, now: Int64, wallNow: Int64
    ) throws(SettleProblem) {
        guard let first = ledger.find(clientOrderID: clientOrderID, of: account), let state = reservation(first)?.state
        else { throw .notFound }
        var next: ReservationID? = first
        while let id = next, let version = reservation(id), version.clientOrderID == clientOrderID {
            guard version.state == .unknown else {
                next = version.successor
                continue
            }
            counters.unknownsSettledByOperator += 1
            let status: OrderStatus = outcome == .open ? .accepted : .rejected
            learn(OrderNews(status, isAnswer: true, now: now, wallNow: wallNow), of: id)
            return
        }
        throw .notUnknown(state)
    }

    /// Takes over news of an order whose reservation is there; false where it says nothing new.
    @discardableResult
    func learn(_ news: OrderNews, of id: ReservationID) -> Bool {
        guard let reservation = ledger.find(id) else { return false }
        let before = Known(orderID: reservation.pointee.orderID, whole: reservation.pointee.whole)
        ledger.name(id, orderID: news.orderID)
        if reservation.pointee.isShown || isShown(news.orderID, of: reservation) {
            if news.status != .rejected { ledger.dropReplaced(by: id) }
            return leave(id, to: news) { $0.isShown = true }
        }
        switch news.status {
        case .rejected where !contradicts(news, reservation): return leave(id, to: news) { $0.keepNothing() }
        case .rejected: return end(id, before, filled: nil, news)
        case .ended: return end(id, before, filled: news.filled, news)
        case .accepted:
            if reservation.pointee.state != .closing { ledger.takeOver(id, filled: news.filled) }
            return renew(id, before, news, to: reservation.pointee.state == .closing ? .closing : .open, keeping: nil)
        }
    }

    /// What was known of an order before news of it.
    private struct Known: BitwiseCopyable {
        var orderID: Digest
        var whole: FixedPoint
    }

    /// Whether a reject says of an order what cannot be: that nothing is filled of one that was seen to be filled, or has
    /// taken the place of another by news that came before.
    private func contradicts(_ news: OrderNews, _ before: UnsafeMutablePointer<Reservation>) -> Bool {
        guard before.pointee.isAhead || !news.isAnswer else { return false }
        return before.pointee.filled > .zero || before.pointee.isReplacement && before.pointee.state == .open
    }

    private func end(_ id: ReservationID, _ before: Known, filled: FixedPoint?, _ news: OrderNews) -> Bool {
        ledger.takeOver(id, filled: filled)
        let seen = ledger.find(id).map { $0.pointee.filled } ?? .zero
        let filled = filled.map { Swift.max($0, seen) }
        if filled == .zero { return leave(id, to: news) { $0.keepNothing() } }
        return renew(id, before, news, to: .closing, keeping: filled)
    }

    /// Takes over what news makes of a reservation, and ends it where nothing is left and no answer is to come.
    /// - Parameter part: what is kept of the whole, if it is less; nil: all.
    private func renew(
        _ id: ReservationID, _ before: Known, _ news: OrderNews, to state: ReservationState, keeping part: FixedPoint?
    ) -> Bool {
        guard let held = ledger.find(id) else { return false }
        let whole = held.pointee.whole
        let kept = Swift.min(part ?? whole, whole)
        let filled = Swift.min(Swift.max(held.pointee.filled, news.filled ?? .zero), kept)
        let isAhead = held.pointee.awaitsAnswer && !news.isAnswer
        let isOther = held.pointee.orderID != before.orderID || whole != before.whole
        if state == .closing, kept == .zero, !isAhead {
            ledger.remove(id)
            return true
        }
        guard
            state != held.pointee.state || filled != held.pointee.filled || kept != whole
                || isAhead != held.pointee.isAhead
        else { return isOther }
        ledger.change(id) {
            if $0.state == .inFlight || $0.state == .unknown {
                $0.changedAt = news.now
                $0.changedAtWall = news.wallNow
            }
            $0.state = state
            if kept < whole { $0.keep(kept) }
            $0.filled = filled
            $0.isAhead = isAhead
        }
        return true
    }

    /// Ends a reservation of which nothing counts any more; where its answer is still to come, it is left to that.
    private func leave(_ id: ReservationID, to news: OrderNews, _ body: (inout Reservation) -> Void) -> Bool {
        guard let held = ledger.find(id) else { return false }
        guard held.pointee.awaitsAnswer, !news.isAnswer else {
            ledger.remove(id)
            return true
        }
        if held.pointee.isShown || held.pointee.state == .closing && held.pointee.whole == .zero { return false }
        ledger.change(id, body)
        return true
    }

    /// Whether the account's snapshot shows a pending order of an id that this reservation's order has for itself.
    private func isShown(_ orderID: Digest, of reservation: UnsafeMutablePointer<Reservation>) -> Bool {
        guard orderID != .none, !reservation.pointee.mayShare(orderID: orderID) else { return false }
        let ids = OrderReference(orderID: orderID, clientOrderID: .none)
        let shown = accounts[Int(reservation.pointee.account.index)].shown
        return shown?._withUnsafeGuaranteedRef { $0.find(ids) != nil } ?? false
    }
}

extension Reservation {
    /// Whether an endpoint's id may be that of the order that this one replaces too: a snapshot that shows it may be from
    /// before.
    func mayShare(orderID: Digest) -> Bool {
        isReplacement && (original.orderID == .none || original.orderID == orderID)
    }

    /// The same of a client's id.
    func mayShare(clientOrderID: Digest) -> Bool {
        isReplacement && (original.clientOrderID == .none || original.clientOrderID == clientOrderID)
    }

    /// Whether one of two ids is this order's, and neither is another order's. An id that a replace may share with its
    /// original does not tell that the replace was taken.
    func isNamed(by ids: OrderReference) -> Bool {
        let isOpen = isReplacement && (state == .inFlight || state == .unknown)
        let hasOrderID = orderID != .none && ids.orderID != .none
        let hasClientID = clientOrderID != .none && ids.clientOrderID != .none
        if hasOrderID && orderID != ids.orderID || hasClientID && clientOrderID != ids.clientOrderID { return false }
        return hasOrderID && !(isOpen && mayShare(orderID: orderID))
            || hasClientID && !(isOpen && mayShare(clientOrderID: clientOrderID))
    }
}
