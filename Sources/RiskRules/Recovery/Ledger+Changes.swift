// What a journal is told of the ledger, and what the ledger is told by a journal.
extension Ledger {
    /// Notes changes from now on; all that is there counts as changed.
    func noteChanges() {
        guard !changes.isNoting else { return }
        changes.begin()
        for place in 0..<used where isTaken(place) { changes.inserted(place, isTold: false) }
    }

    /// Hands out what changed until it is not taken; the rest stays.
    func drainChanges(_ write: (LedgerChange) -> Bool) {
        while let place = changes.first {
            let hasEnded = changes.hasEnded(place)
            if !hasEnded || !changes.isTold(place) {
                guard tell(place, write) else { return }
                changes.told(place)
            }
            if hasEnded {
                let gone = LedgerChange.gone(
                    number: base[place].number, forgetsID: changes.forgetsID(place),
                    forgetsNotional: changes.forgetsNotional(place))
                guard write(gone) else { return }
                free(place)
            }
            changes.removeFirst()
        }
    }

    /// Puts a reservation behind the one that it rests on.
    func link(_ id: ReservationID, behind predecessor: ReservationID) {
        find(id)?.pointee.predecessor = predecessor
        find(predecessor)?.pointee.successor = id
    }

    /// A whole image only where less does not say all.
    private func tell(_ place: Int, _ write: (LedgerChange) -> Bool) -> Bool {
        if changes.isTold(place) {
            if let change = ReservationChange(base + place) { return write(.change(change)) }
        } else if let brief = BriefReservation(base + place) {
            return write(.brief(brief))
        }
        return write(.image(image(of: base + place)))
    }

    private func image(of reservation: UnsafeMutablePointer<Reservation>) -> ReservationImage {
        let predecessor = reservation.pointee.predecessor.flatMap { find($0) }
        return ReservationImage(reservation.pointee, predecessor: predecessor?.pointee.number ?? 0)
    }
}
