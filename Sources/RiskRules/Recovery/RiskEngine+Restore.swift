// At the start, from what a journal kept of the runs before, ahead of the first order and in this order: a rule set is
// installed and `wallOffset` set; names; the last snapshot of each account, as any other (never fresh, never expired: whether
// its key is still there the mirror will say); reservations; client order ids; windows; and `beginRecovery` of each account.
extension RiskEngine {
    /// Takes over the reservations that were not gone, in any order, with the names of this engine. What was in flight
    /// became unknown now, and no answer is awaited any more. They are not told to a journal as long as they stay what their
    /// images say.
    /// - Returns: how many were left out because the tables had no room for them: with any, the ledger is not what it was.
    package func restore(_ images: [ReservationImage], now: Int64) -> Int {
        var ids: [UInt64: ReservationID] = [:]
        ids.reserveCapacity(images.count)
        // The latest is first in the list of its account.
        let images = images.sorted { $0.number < $1.number }
        for image in images {
            guard let exposure = exposures.obtain(image.account, image.symbol) else { continue }
            let reservation = Reservation(image, exposure: exposure, now: now, wallOffset: wallOffset)
            ids[image.number] = ledger.insert(reservation, isTold: true)
        }
        for image in images {
            if let id = ids[image.number], let predecessor = ids[image.predecessor] {
                ledger.link(id, behind: predecessor)
            }
        }
        for image in images where image.state == .inFlight || image.isAhead {
            if let id = ids[image.number] { unknown(id, now: now, wallNow: wall(now)) }
        }
        return images.count - ids.count
    }

    /// Remembers a client order id of an account; those of an account oldest first. `Digest.none` stands for one that was
    /// forgotten, and is remembered in the place of another like any.
    package func restore(clientOrderID: Digest, of account: NameID) { orderIDs.restore(clientOrderID, of: account) }

    /// Forgets a client order id: its order was not sent after all.
    package func forget(clientOrderID: Digest, of account: NameID) { orderIDs.remove(clientOrderID, of: account) }

    /// Calls `body` with the client order ids that are remembered of an account, in the order in which `restore` takes them.
    package func forEachClientOrderID(of account: NameID, _ body: (Digest) -> Void) {
        orderIDs.forEach(of: account, body)
    }
}
