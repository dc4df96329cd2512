/// What became different in a reservation that replaces no order: together with the image before it, its image now.
///
/// Of such a reservation nothing else ever changes; where something does, or the units of a number take more than 64 bits, a whole
/// image is told.
package struct ReservationChange: Hashable, Sendable, BitwiseCopyable {
    package var number: UInt64 = 0
    /// For people: it is the one of the image.
    package var account = NameID.none
    package var state = ReservationState.inFlight
    package var isMarginKnown = false
    package var isShown = false
    package var isAhead = false
    package var orderID = Digest.none
    /// In units of 10^-10, as all numbers here: what remains of it, which is its whole.
    package var remaining: Int64 = 0
    package var notional: Int64 = 0
    package var margin: Int64 = 0
    package var filled: Int64 = 0
    package var changedAt: Int64 = 0

    /// A change of nothing, to be filled in.
    package init() {}

    /// nil where it would not say all.
    init?(_ reservation: UnsafeMutablePointer<Reservation>) {
        guard !reservation.pointee.isReplacement, reservation.pointee.remaining == reservation.pointee.whole else {
            return nil
        }
        number = reservation.pointee.number
        account = reservation.pointee.account
        state = reservation.pointee.state
        isMarginKnown = reservation.pointee.isMarginKnown
        isShown = reservation.pointee.isShown
        isAhead = reservation.pointee.isAhead
        orderID = reservation.pointee.orderID
        var units = ShortUnits()
        remaining = units.take(reservation.pointee.remaining)
        notional = units.take(reservation.pointee.notional)
        margin = units.take(reservation.pointee.margin)
        filled = units.take(reservation.pointee.filled)
        changedAt = reservation.pointee.changedAtWall
        guard units.fit else { return nil }
    }
}

extension ReservationImage {
    /// Becomes what it is after a change of the same number.
    package mutating func apply(_ change: ReservationChange) {
        state = change.state
        isMarginKnown = change.isMarginKnown
        isShown = change.isShown
        isAhead = change.isAhead
        orderID = change.orderID
        remaining = FixedPoint(units: Int128(change.remaining))
        whole = remaining
        notional = FixedPoint(units: Int128(change.notional))
        margin = FixedPoint(units: Int128(change.margin))
        filled = FixedPoint(units: Int128(change.filled))
        changedAt = change.changedAt
    }
}
