// Orders that replace others. Of the versions of one order that are let through only one is ever filled: together they
// count as much as the largest of them. The first counts in full, and each later one by what it adds to those before it,
// so that a version that is refused takes only its own part with it.
extension Ledger {
    /// What a replace of an order takes the place of: the ledger's reservations of it, or else what the snapshot shows. An
    /// order of another side or symbol is not the one that is meant, and one that has ended cannot be replaced: both leave
    /// nothing out.
    func replaced(by order: Order, _ reference: OrderReference, _ symbol: UnsafeMutablePointer<SymbolState>)
        -> ReplacedOrder
    {
        var replaced = ReplacedOrder()
        replaced.ids = reference
        if let found = find(reference, of: order.account), case let tail = latest(found),
            let reservation = find(tail), !reservation.pointee.isShown
        {
            replaced.ids = Self.merge(reservation.pointee, reference)
            guard reservation.pointee.side == order.side, reservation.pointee.symbol == order.symbol,
                reservation.pointee.state != .closing
            else {
                replaced.isOver = reservation.pointee.state == .closing
                return replaced
            }
            replaced.predecessor = tail
            replaced.sums = reservation.pointee.base + reservation.sums
            replaced.sums.margin &-= reservation.pointee.shownMargin
            replaced.shownMargin = reservation.pointee.shownMargin
            return replaced
        }
        guard let shown = shown(reference, of: order.account) else { return replaced }
        if shown.ids.orderID != .none { replaced.ids.orderID = shown.ids.orderID }
        if shown.ids.clientOrderID != .none { replaced.ids.clientOrderID = shown.ids.clientOrderID }
        guard shown.side == order.side, shown.symbol == order.symbol else { return replaced }
        replaced.sums = shown.sums
        replaced.shownMargin = margin(of: shown, in: order.account, symbol)
        return replaced
    }

    /// Margin that a snapshot is taken to contain for an order that it shows, rounded down: of the part by which the larger
    /// of long and short is larger for it.
    private func margin(
        of shown: ShownOrder, in account: NameID, _ symbol: UnsafeMutablePointer<SymbolState>
    ) -> Int128 {
        guard let working = exposures.find(account, shown.symbol)?.pointee.working else { return 0 }
        let growth = working.growth(since: working.removing(shown.side, shown.sums.quantity))
        guard
            let notional = FixedPoint.product(
                growth.units.magnitude, shown.price.units.magnitude, symbol.pointee.multiplier.units.magnitude),
            let margin = FixedPoint.product(notional.floor, symbol.pointee.initialMargin.units.magnitude)
        else { return 0 }
        return margin.below.units
    }

    /// Counts a replacement, and those of it, by what the order before it leaves.
    func rebase(_ id: ReservationID) {
        var next: ReservationID? = id
        while let id = next, let reservation = find(id) {
            next = reservation.pointee.successor
            guard reservation.pointee.isReplacement else { continue }
            let (base, shownMargin) = base(of: reservation.pointee)
            guard !reservation.pointee.rests(on: base, shownMargin: shownMargin) else { continue }
            changeAlone(id) { $0.rest(on: base, shownMargin: shownMargin) }
        }
    }

    /// The same for all of an account, since its snapshot is another one.
    func rebaseReplacements(of account: NameID) {
        guard accounts[Int(account.index)].replacements > 0 else { return }
        var place = accounts[Int(account.index)].firstReservation
        while place >= 0 {
            let reservation = base[Int(place)]
            // Those that rest on one before them follow it.
            if reservation.isReplacement, reservation.predecessor.flatMap({ find($0)?.pointee.isShown }) ?? true {
                rebase(
                    ReservationID(index: UInt32(truncatingIfNeeded: place), generation: reservation.generation))
            }
            place = reservation.next
        }
    }

    /// The endpoint took a replacement: the orders before it are no more, and what they may have filled counts with it
    /// until a snapshot contains it.
    /// - Parameter filled: what was filled until then, where that is known: no more than that is kept of them.
    func takeOver(_ id: ReservationID, filled: FixedPoint?) {
        guard let replacement = find(id) else { return }
        while let before = replacement.pointee.predecessor, let replaced = find(before) {
            guard !replaced.pointee.awaitsAnswer, replaced.pointee.state != .unknown else { return }
            let group = replaced.pointee.base + replaced.sums
            // Of two replaces on their way at once the endpoint may have taken the later one first.
            let isBefore =
                !replaced.pointee.isReplacement || replaced.pointee.changedAt < replacement.pointee.approval.at
            let filled = isBefore ? filled : nil
            // News of the replacement may count from zero again.
            let seen = replaced.pointee.filled.units
            let whole = filled.map { Swift.min(group.quantity, Swift.max(seen, $0.units)) } ?? group.quantity
            change(id) {
                $0.filled = Swift.max($0.filled, replaced.pointee.filled)
                $0.whole = Swift.max($0.whole, FixedPoint(units: whole))
                if filled == nil { $0.notional = Swift.max($0.notional, FixedPoint(units: group.notional)) }
                $0.margin = Swift.max($0.margin, Self.margin(of: whole, in: group) ?? $0.margin)
                if group.unknownMargins > 0 { $0.isMarginKnown = false }
                let shared = $0.original
                $0.original = Self.merge(replaced.pointee, shared)
                // An id that it shares with one before it stays known as shared.
                if $0.orderID != .none, shared.orderID == $0.orderID { $0.original.orderID = shared.orderID }
                if shared.clientOrderID == $0.clientOrderID { $0.original.clientOrderID = shared.clientOrderID }
                $0.marginWhereShown =
                    replaced.pointee.isReplacement ? replaced.pointee.marginWhereShown : $0.marginWhereShown
            }
            let orderID = replaced.pointee.orderID
            remove(before)
            // An endpoint that gives a replacement no id of its own goes on using the one before.
            name(id, orderID: orderID)
        }
    }

    /// The margin of a part of what orders were taken to need it for, rounded up.
    private static func margin(of quantity: Int128, in group: OrderSums) -> FixedPoint? {
        FixedPoint.roundedUp(
            FixedPoint(units: group.margin), times: FixedPoint(units: quantity), over: FixedPoint(units: group.quantity)
        )
    }

    /// Ends what a replacement that a snapshot shows has replaced: the snapshot contains what became of it. A replace whose
    /// outcome is not known yet is left: the endpoint may take it after the one that it was sent before.
    func dropReplaced(by id: ReservationID) {
        guard let replacement = find(id) else { return }
        while let before = replacement.pointee.predecessor, let replaced = find(before) {
            if replaced.pointee.isReplacement, replaced.pointee.state == .inFlight || replaced.pointee.state == .unknown
            {
                return
            }
            if replaced.pointee.awaitsAnswer {
                change(before) { $0.isShown = true }
                return
            }
            remove(before)
        }
    }

    /// The latest replacement of an order, or the order itself.
    func latest(_ id: ReservationID) -> ReservationID {
        var latest = id
        while let next = find(latest)?.pointee.successor, find(next) != nil { latest = next }
        return latest
    }

    /// What of a replacement's whole is counted elsewhere, and which part of the margin in it is the snapshot's.
    private func base(of reservation: Reservation) -> (OrderSums, shownMargin: Int128) {
        if let before = reservation.predecessor.flatMap({ find($0) }), !before.pointee.isShown {
            return (before.pointee.base + before.sums, before.pointee.shownMargin)
        }
        guard let shown = shown(reservation.original, of: reservation.account), shown.side == reservation.side,
            shown.symbol == reservation.symbol
        else { return (OrderSums(), 0) }
        var sums = shown.sums
        sums.margin = reservation.marginWhereShown
        return (sums, reservation.marginWhereShown)
    }

    func shown(_ ids: OrderReference, of account: NameID) -> ShownOrder? {
        accounts[Int(account.index)].shown?._withUnsafeGuaranteedRef { $0.find(ids)?.pointee }
    }

    private static func merge(_ reservation: Reservation, _ ids: OrderReference) -> OrderReference {
        OrderReference(
            orderID: reservation.orderID == .none ? ids.orderID : reservation.orderID,
            clientOrderID: reservation.clientOrderID == .none ? ids.clientOrderID : reservation.clientOrderID)
    }
}
