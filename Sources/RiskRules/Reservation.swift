/// Names one reservation for as long as it lives; an id whose reservation is gone names none.
package struct ReservationID: Hashable, Sendable, BitwiseCopyable {
    var index: UInt32
    var generation: UInt32

    /// For a field that must fit in one word.
    package var rawValue: UInt64 { UInt64(generation) << 32 | UInt64(index) }
    package init(rawValue: UInt64) {
        index = UInt32(truncatingIfNeeded: rawValue)
        generation = UInt32(truncatingIfNeeded: rawValue >> 32)
    }

    init(index: UInt32, generation: UInt32) {
        self.index = index
        self.generation = generation
    }
}

/// What is known of an order that was let through.
package enum ReservationState: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    /// Sent, or about to be, and not answered.
    case inFlight
    /// Answered, and not known to have ended.
    case open
    /// Nothing more will be filled; what was, or may have been, waits for a snapshot that contains it.
    case closing
    /// Nobody knows whether the endpoint took it.
    case unknown

    /// Whether more of it may still be filled.
    package var isOpen: Bool { self != .closing }
}

/// Under what an order was added to the windows of its rules, to be taken out of them again where nothing was sent.
struct Approval: BitwiseCopyable {
    var strategy = NameID.none
    var type = OrderType.limit
    var connection: UInt32 = 0
    /// Monotonic and unix nanoseconds.
    var at: Int64 = 0
    var atWall: Int64 = 0
    /// What was added.
    var notional = FixedPoint.zero
    /// How many rule sets had been installed by then: under another set the windows may be others.
    var installs = 0
}

/// The part of an account's exposure that one order, let through, may make and that no snapshot contains.
package struct Reservation: Sendable, BitwiseCopyable {
    /// Unique among the reservations of all runs.
    package internal(set) var number: UInt64
    package internal(set) var account: NameID
    package internal(set) var symbol: NameID
    package internal(set) var side: Side
    package internal(set) var state: ReservationState
    package internal(set) var clientOrderID: Digest
    /// The endpoint's id; `Digest.none` until it is known.
    package internal(set) var orderID: Digest
    /// What may have been filled, or still be, and is in no snapshot.
    package internal(set) var remaining: FixedPoint

    /// What the order asked for.
    var terms = OrderTerms()
    /// `p*` at approval; meaningless where `isPriced` is false.
    var price: FixedPoint
    var isPriced: Bool
    var multiplier: FixedPoint
    /// Margin that the order was taken to need at approval; meaningless where `isMarginKnown` is false.
    var margin: FixedPoint
    var isMarginKnown: Bool
    var approval = Approval()

    /// All of the order that may have been filled, or still be, and its notional, rounded up: of a replacement, together
    /// with what it replaces.
    var whole: FixedPoint
    var notional: FixedPoint
    /// What of that is counted elsewhere: by the reservation of the order that this one replaces, or by the snapshot that
    /// shows it. All zero for an order that replaces none.
    var base = OrderSums()
    /// The part of the base's margin that is the snapshot's.
    var shownMargin: Int128 = 0
    /// Margin that a snapshot that shows the replaced order is taken to contain for it.
    var marginWhereShown: Int128 = 0
    var isReplacement = false
    /// The ids of the order that this one replaces. A snapshot that shows them may be from before.
    var original = OrderReference.none
    var predecessor: ReservationID?
    var successor: ReservationID?
    /// Whether its client order id was remembered when it was reserved.
    var remembersID = false

    /// When it was answered, or became unknown: monotonic and unix nanoseconds.
    var changedAt: Int64 = 0
    var changedAtWall: Int64 = 0
    /// Whether the latest snapshot shows it while its answer is still to come: it then counts as the snapshot says.
    var isShown = false
    /// Whether other news told what became of it before its own answer, which is still to come.
    var isAhead = false
    /// How much of the whole was seen to be filled; more of it may be.
    var filled = FixedPoint.zero

    var exposure: Int32
    var generation: UInt32
    /// Neighbours in the account's list; `next` also links free places.
    var next: Int32 = -1
    var previous: Int32 = -1

    /// Whether the answer to its own call is still to come.
    var awaitsAnswer: Bool { state == .inFlight || isAhead }

    /// Counts no more than what is not counted elsewhere.
    mutating func rest(on base: OrderSums, shownMargin: Int128) {
        self.base = base
        self.shownMargin = shownMargin
        remaining = FixedPoint(units: Swift.max(0, whole.units &- base.quantity))
    }

    /// Whether it counts what it would by `rest`.
    func rests(on base: OrderSums, shownMargin: Int128) -> Bool {
        self.base == base && self.shownMargin == shownMargin
            && remaining.units == Swift.max(0, whole.units &- base.quantity)
    }

    /// Keeps a part of the whole; money that cannot be divided exactly is rounded up.
    mutating func keep(_ part: FixedPoint) {
        if let kept = FixedPoint.roundedUp(margin, times: part, over: whole) { margin = kept }
        if let kept = FixedPoint.roundedUp(part, times: price, times: multiplier) { notional = kept }
        whole = part
        rest(on: base, shownMargin: shownMargin)
    }

    /// Counts nothing any more, and stays for the answer that is still to come.
    mutating func keepNothing() {
        state = .closing
        keep(.zero)
        margin = .zero
        isMarginKnown = true
        filled = .zero
        isAhead = true
    }
}

// Of the pointer, since a property of the reservation would be given a copy of all of it.
extension UnsafeMutablePointer<Reservation> {
    /// What this reservation adds to the sums of its account and symbol.
    var sums: OrderSums {
        guard !pointee.isShown else { return OrderSums() }
        var sums = OrderSums()
        sums.quantity = pointee.remaining.units
        if pointee.isMarginKnown {
            sums.margin = Swift.max(0, pointee.margin.units &- pointee.base.margin)
        } else {
            sums.unknownMargins = 1
        }
        guard pointee.state.isOpen else { return sums }
        sums.orders = pointee.base.orders > 0 ? 0 : 1
        if pointee.isPriced {
            sums.notional = Swift.max(0, pointee.notional.units &- pointee.base.notional)
        } else {
            sums.unpricedQuantity = pointee.whole.units
            sums.unpricedOrders = 1
        }
        return sums
    }
}
