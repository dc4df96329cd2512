import CLinux
import RiskRules

/// What people ask about accounts, and say of orders whose outcome nobody knows. Rare, and not the way of an order: it may allocate.
extension OrderPath {
    /// Reservations that one view lists.
    private static let listedReservations = 1000

    /// See `AccountControl.account`.
    func view(ofAccount name: String) -> AccountView? {
        guard let account = account(named: name) else { return nil }
        let snapshot = engine.snapshot(of: account)
        var reservations: [ReservationView] = []
        var unlisted = 0
        for listsUnknown in [true, false] {
            engine.forEachReservation(of: account) { id, reservation in
                guard (reservation.state == .unknown) == listsUnknown else { return }
                if reservations.count < Self.listedReservations {
                    reservations.append(view(of: id, reservation))
                } else {
                    unlisted += 1
                }
            }
        }
        guard snapshot != nil || !reservations.isEmpty else { return nil }
        return AccountView(
            name: name, age: engine.snapshotSince(of: account).map { loop.now - $0 }, values: snapshot?.values,
            reservations: reservations, unlisted: unlisted)
    }

    /// See `AccountControl.settle`.
    func settle(_ settlement: OperatorSettlement) throws(SettlementError) -> ReservationView {
        guard let account = account(named: settlement.account) else {
            throw .notFound("no order of the account \"\(settlement.account)\" is counted")
        }
        let (digest, id) = order(settlement.clientOrderID, of: account)
        do throws(SettleProblem) {
            let before = id.flatMap { id in engine.reservation(id).map { view(of: id, $0) } }
            try engine.settle(
                clientOrderID: digest, of: account, outcome: settlement.outcome, now: loop.now,
                wallNow: gate_realtime_ns())
            guard let id, var settled = before else { throw SettleProblem.notFound }
            settled.state = engine.reservation(id)?.state
            record(settlement, of: account)
            return settled
        } catch {
            switch error {
            case .notFound:
                throw .notFound(
                    "no order \"\(settlement.clientOrderID)\" of the account \"\(settlement.account)\" is counted")
            case .notUnknown(let state):
                throw .notUnknown(
                    "the outcome of \"\(settlement.clientOrderID)\" is not unknown: the order is \(state.text)"
                )
            }
        }
    }

    /// What a client's order id given by a person stands for, and the first of its orders whose outcome is unknown.
    private func order(_ name: String, of account: NameID) -> (Digest, ReservationID?) {
        var text = name
        let given = text.withUTF8 { engine.digest(UnsafeRawBufferPointer($0)) }
        let digest =
            engine.reservation(clientOrderID: given, of: account) == nil ? OrderIDName.digest(name) ?? given : given
        var found: ReservationID?
        engine.forEachReservation(of: account) { id, reservation in
            // The latest comes first.
            if reservation.clientOrderID == digest, reservation.state == .unknown { found = id }
        }
        return (digest, found)
    }

    private func account(named name: String) -> NameID? {
        var name = name
        return name.withUTF8 { engine.knownAccount(UnsafeRawBufferPointer($0)) }
    }

    private func view(of id: ReservationID, _ reservation: Reservation) -> ReservationView {
        let texts = texts.texts(of: id)
        return ReservationView(
            clientOrderID: OrderIDName(texts.clientOrderID, reservation.clientOrderID),
            orderID: OrderIDName(texts.orderID, reservation.orderID),
            symbol: String(decoding: engine.symbolName(reservation.symbol), as: UTF8.self), side: reservation.side,
            remaining: reservation.remaining, state: reservation.state)
    }
}
