/// A reservation as most are when they are first told: in flight, of an order that replaces none and has no stop price, with numbers
/// whose units fit in 64 bits. It says all that its image would.
package struct BriefReservation: Hashable, Sendable, BitwiseCopyable {
    package var number: UInt64 = 0
    package var account = NameID.none
    package var strategy = NameID.none
    package var symbol = NameID.none
    package var timeInForce = NameID.none
    package var side = Side.buy
    package var type = OrderType.limit
    package var reduceOnly = false
    package var mayBeMarket = false
    package var isPriced = false
    package var isMarginKnown = false
    package var remembersID = false
    package var connection: UInt32 = 0
    package var clientOrderID = Digest.none
    /// In units of 10^-10, as all numbers here: what the order asked for, all of which remains.
    package var quantity: Int64 = 0
    /// The order's own price.
    package var limit: Int64 = 0
    /// As in the image.
    package var price: Int64 = 0
    package var multiplier: Int64 = 0
    package var notional: Int64 = 0
    package var margin: Int64 = 0
    package var approvedNotional: Int64 = 0
    package var approvedAt: Int64 = 0

    /// Nothing, to be filled in.
    package init() {}

    /// nil where it is not as most are, or a name's number takes more than 16 bits.
    init?(_ reservation: UnsafeMutablePointer<Reservation>) {
        guard reservation.pointee.state == .inFlight, !reservation.pointee.isReplacement,
            reservation.pointee.orderID == .none, !reservation.pointee.isShown, !reservation.pointee.isAhead,
            reservation.pointee.filled == .zero, reservation.pointee.changedAtWall == 0,
            reservation.pointee.terms.stopPrice == .zero,
            reservation.pointee.remaining == reservation.pointee.whole,
            reservation.pointee.whole == reservation.pointee.terms.quantity,
            let type = reservation.pointee.terms.type
        else { return nil }
        number = reservation.pointee.number
        account = reservation.pointee.account
        strategy = reservation.pointee.terms.strategy
        symbol = reservation.pointee.symbol
        timeInForce = reservation.pointee.terms.timeInForce
        side = reservation.pointee.side
        self.type = type
        reduceOnly = reservation.pointee.terms.reduceOnly
        mayBeMarket = reservation.pointee.terms.mayBeMarket
        isPriced = reservation.pointee.isPriced
        isMarginKnown = reservation.pointee.isMarginKnown
        remembersID = reservation.pointee.remembersID
        connection = reservation.pointee.approval.connection
        clientOrderID = reservation.pointee.clientOrderID
        var units = ShortUnits()
        quantity = units.take(reservation.pointee.terms.quantity)
        limit = units.take(reservation.pointee.terms.price)
        price = units.take(reservation.pointee.price)
        multiplier = units.take(reservation.pointee.multiplier)
        notional = units.take(reservation.pointee.notional)
        margin = units.take(reservation.pointee.margin)
        approvedNotional = units.take(reservation.pointee.approval.notional)
        approvedAt = reservation.pointee.approval.atWall
        let highest = account.index | strategy.index | symbol.index | timeInForce.index
        guard units.fit, highest <= UInt16.max else { return nil }
    }
}

extension ReservationImage {
    package init(_ brief: BriefReservation) {
        number = brief.number
        account = brief.account
        symbol = brief.symbol
        side = brief.side
        clientOrderID = brief.clientOrderID
        remaining = FixedPoint(units: Int128(brief.quantity))
        whole = remaining
        notional = FixedPoint(units: Int128(brief.notional))
        price = FixedPoint(units: Int128(brief.price))
        isPriced = brief.isPriced
        multiplier = FixedPoint(units: Int128(brief.multiplier))
        margin = FixedPoint(units: Int128(brief.margin))
        isMarginKnown = brief.isMarginKnown
        terms.strategy = brief.strategy
        terms.timeInForce = brief.timeInForce
        terms.type = brief.type
        terms.mayBeMarket = brief.mayBeMarket
        terms.reduceOnly = brief.reduceOnly
        terms.quantity = remaining
        terms.price = FixedPoint(units: Int128(brief.limit))
        remembersID = brief.remembersID
        approvedAt = brief.approvedAt
        approvedNotional = FixedPoint(units: Int128(brief.approvedNotional))
        connection = brief.connection
    }
}

/// Units in 64 bits.
struct ShortUnits {
    /// Whether all fit.
    private(set) var fit = true

    @inline(__always)
    mutating func take(_ value: FixedPoint) -> Int64 {
        let short = Int64(truncatingIfNeeded: value.units)
        fit = fit && Int128(short) == value.units
        return short
    }
}
