// What is known of an account, for those who look at it. Nothing here takes up a name.
extension RiskEngine {
    /// The account of these bytes, if an order, a rule or a snapshot has named it before; nil for any other.
    package func knownAccount(_ name: UnsafeRawBufferPointer) -> NameID? {
        name.isEmpty ? nil : accountNames.find(digest(name))
    }

    /// The account's latest snapshot, be it fresh or not; nil where there is none.
    package func snapshot(of account: NameID) -> AccountSnapshot? { snapshots[Int(account.index)] }

    /// Since when the account's snapshot holds, monotonic nanoseconds: what its age counts from; nil where there is none.
    package func snapshotSince(of account: NameID) -> Int64? {
        snapshot(of: account).map { _ in accounts[Int(account.index)].since }
    }

    /// Calls `body` with each reservation of an account and its id, the latest first.
    package func forEachReservation(of account: NameID, _ body: (ReservationID, Reservation) -> Void) {
        var place = accounts[Int(account.index)].firstReservation
        while place >= 0 {
            let reservation = ledger.base + Int(place)
            let id = ReservationID(
                index: UInt32(truncatingIfNeeded: place), generation: reservation.pointee.generation)
            body(id, reservation.pointee)
            place = reservation.pointee.next
        }
    }
}

extension ReservationID {
    /// Its place among as many as `EngineLimits.maxReservations`: no two that live have the same.
    package var place: Int { Int(index) }
}
