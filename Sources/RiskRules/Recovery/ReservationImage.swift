/// All of a reservation that outlives the process. The latest image of each reservation that is not gone is the ledger: what
/// was made of it is never computed again.
///
/// Names are numbers of the engine that drained it: an engine that takes it over has numbers of its own for the same names.
/// Digests are under `EngineLimits.hashSeed`, which is to be the same in every run. Times are unix nanoseconds, so that a
/// reboot of the host does not matter. A field of `Reservation` that decides anything has its counterpart here.
package struct ReservationImage: Hashable, Sendable, BitwiseCopyable {
    /// As it was given to `reserve`.
    package var number: UInt64 = 0
    package var account = NameID.none
    package var symbol = NameID.none
    package var side = Side.buy
    package var state = ReservationState.inFlight
    package var clientOrderID = Digest.none
    /// The endpoint's id; `Digest.none` until it is known.
    package var orderID = Digest.none
    /// What may have been filled, or still be, and is in no snapshot.
    package var remaining = FixedPoint.zero
    /// The same together with what a replacement replaces, and its notional.
    package var whole = FixedPoint.zero
    package var notional = FixedPoint.zero
    /// `p*` at approval; meaningless where `isPriced` is false.
    package var price = FixedPoint.zero
    package var isPriced = false
    /// The contract multiplier at approval.
    package var multiplier = FixedPoint.zero
    /// Margin taken to be needed at approval; meaningless where `isMarginKnown` is false.
    package var margin = FixedPoint.zero
    package var isMarginKnown = false
    /// What the order asked for, its strategy and time in force among it.
    package var terms = OrderTerms()
    package var isReplacement = false
    /// The ids of the order that it replaces.
    package var original = OrderReference(orderID: .none, clientOrderID: .none)
    /// The number of the reservation that it rests on; 0 where there is none.
    package var predecessor: UInt64 = 0
    /// What of it is counted elsewhere, and which part of the margin in that is the snapshot's.
    package var base = OrderSums()
    package var shownMargin: Int128 = 0
    package var marginWhereShown: Int128 = 0
    /// Whether its client order id was remembered for it, to be remembered until it is gone with `forgetsID`, and after.
    package var remembersID = false
    /// Whether the latest snapshot shows it while its answer is still to come.
    package var isShown = false
    /// Whether other news told what became of it before its own answer, which is still to come.
    package var isAhead = false
    /// How much of the whole was seen to be filled.
    package var filled = FixedPoint.zero
    /// When it was answered, or became unknown; 0 before.
    package var changedAt: Int64 = 0
    /// When it was reserved, what it then added to the sums of approved orders, and for which connection.
    package var approvedAt: Int64 = 0
    package var approvedNotional = FixedPoint.zero
    package var connection: UInt32 = 0

    /// An image of nothing, to be filled in.
    package init() {}

    /// - Parameter predecessor: the number of the reservation that `reservation.predecessor` names.
    init(_ reservation: Reservation, predecessor: UInt64) {
        number = reservation.number
        account = reservation.account
        symbol = reservation.symbol
        side = reservation.side
        state = reservation.state
        clientOrderID = reservation.clientOrderID
        orderID = reservation.orderID
        remaining = reservation.remaining
        whole = reservation.whole
        notional = reservation.notional
        price = reservation.price
        isPriced = reservation.isPriced
        multiplier = reservation.multiplier
        margin = reservation.margin
        isMarginKnown = reservation.isMarginKnown
        terms = reservation.terms
        isReplacement = reservation.isReplacement
        original = reservation.original
        self.predecessor = predecessor
        base = reservation.base
        shownMargin = reservation.shownMargin
        marginWhereShown = reservation.marginWhereShown
        remembersID = reservation.remembersID
        isShown = reservation.isShown
        isAhead = reservation.isAhead
        filled = reservation.filled
        changedAt = reservation.changedAtWall
        approvedAt = reservation.approval.atWall
        approvedNotional = reservation.approval.notional
        connection = reservation.approval.connection
    }
}

extension Reservation {
    /// What an image says, without its predecessor. What is said to have happened later than now happened now.
    /// - Parameters:
    ///   - exposure: where it counts.
    ///   - wallOffset: unix nanoseconds less monotonic ones.
    init(_ image: ReservationImage, exposure: Int32, now: Int64, wallOffset: Int64) {
        let approvedAt = Swift.min(image.approvedAt, now &+ wallOffset)
        let changedAt = Swift.min(image.changedAt, now &+ wallOffset)
        self.init(
            number: image.number, account: image.account, symbol: image.symbol, side: image.side, state: image.state,
            clientOrderID: image.clientOrderID, orderID: image.orderID, remaining: image.remaining, terms: image.terms,
            price: image.price, isPriced: image.isPriced, multiplier: image.multiplier, margin: image.margin,
            isMarginKnown: image.isMarginKnown,
            // Of no rule set that was installed here: nothing is taken out of the windows for it.
            approval: Approval(
                strategy: image.terms.strategy, type: image.terms.type ?? .limit, connection: image.connection,
                at: approvedAt &- wallOffset, atWall: approvedAt, notional: image.approvedNotional, installs: -1),
            whole: image.whole, notional: image.notional, base: image.base, shownMargin: image.shownMargin,
            marginWhereShown: image.marginWhereShown, isReplacement: image.isReplacement, original: image.original,
            remembersID: image.remembersID, changedAt: changedAt &- wallOffset, changedAtWall: changedAt,
            isShown: image.isShown, isAhead: image.isAhead, filled: image.filled, exposure: exposure, generation: 0)
    }
}

extension Order {
    /// The order of an image, as far as rules on sums of approved orders ask.
    init(approvedIn image: ReservationImage) {
        self.init(
            account: image.account, strategy: image.terms.strategy, symbol: image.symbol, timeInForce: .none,
            side: image.side, type: image.terms.type ?? .limit, reduceOnly: false, quantity: .zero, price: .zero,
            stopPrice: .zero, clientOrderID: .none)
    }
}
