/// What open reservations come to in one symbol.
package struct ReservedSums: Hashable, Sendable, BitwiseCopyable {
    /// What may still be filled, or was and is in no snapshot.
    package var buys: FixedPoint
    package var sells: FixedPoint
    /// Orders that can still be filled, and their notional, those left out that could not be valued at approval.
    package var orders: Int
    package var notional: FixedPoint
    /// The quantity of those.
    package var unpriced: FixedPoint

    package init(
        buys: FixedPoint = .zero, sells: FixedPoint = .zero, orders: Int = 0, notional: FixedPoint = .zero,
        unpriced: FixedPoint = .zero
    ) {
        self.buys = buys
        self.sells = sells
        self.orders = orders
        self.notional = notional
        self.unpriced = unpriced
    }

    /// Whether every sum is one that a Gate can have: not below zero, within the exact range, no more orders than a ledger
    /// holds.
    var isValid: Bool {
        let amounts = [buys, sells, notional, unpriced]
        return amounts.allSatisfy { (0...FixedPoint.maximumUnits).contains($0.units) }
            && (0...Int(Int32.max)).contains(orders)
    }
}

/// The margin that the open reservations of an account were taken to need.
package struct ReservedMargin: Hashable, Sendable, BitwiseCopyable {
    package var amount: FixedPoint
    /// How many of them could not be valued; while there is one, the margin is not known.
    package var unknown: Int

    package init(amount: FixedPoint = .zero, unknown: Int = 0) {
        self.amount = amount
        self.unknown = unknown
    }

    var isValid: Bool {
        (0...FixedPoint.maximumUnits).contains(amount.units) && (0...Int(Int32.max)).contains(unknown)
    }
}

/// The open reservations of one account as another Gate published them.
package final class ForeignReservations: Sendable {
    package let symbols: [(symbol: String, sums: ReservedSums)]
    package let margin: ReservedMargin

    package init(symbols: [(symbol: String, sums: ReservedSums)], margin: ReservedMargin) {
        self.symbols = symbols
        self.margin = margin
    }
}

// Several Gates on one account: each publishes what it let through and no snapshot contains, and counts the others'.
extension RiskEngine {
    /// Puts what another Gate published for an account in the place of what it published before; nil takes it out. It counts
    /// like this Gate's own: in exposure and margin, and in what already works to reduce a position.
    ///
    /// False, counted in `counters.refusedForeign`, where a sum is not one that a Gate can have or the tables have no room;
    /// what was published before then stays to its end. Allocates.
    /// - Parameters:
    ///   - instance: what stands for the other Gate; never this one.
    ///   - expiresAt: monotonic nanoseconds at which it ends unless it is published again; `Int64.max`: never.
    @discardableResult
    package func setForeign(
        _ reservations: ForeignReservations?, of account: NameID, instance: Digest, expiresAt: Int64 = .max
    ) -> Bool {
        guard let reservations else {
            others.remove(account, instance)
            return true
        }
        var parts: [(exposure: Int32, sums: ReservedSums)] = []
        let areValid = reservations.margin.isValid && reservations.symbols.allSatisfy { $0.sums.isValid }
        if areValid {
            for (symbol, sums) in reservations.symbols {
                guard let place = settledSymbol(symbol).flatMap({ exposures.obtain(account, $0) }) else { break }
                parts.append((place, sums))
            }
        }
        let isTaken =
            areValid && parts.count == reservations.symbols.count
            && others.replace(account, instance, by: parts, reservations.margin, expiresAt: expiresAt)
        if !isTaken { counters.refusedForeign += 1 }
        exposures.removeEmpty(of: account)
        return isTaken
    }

    /// Calls `body` with the sums of this Gate's own reservations in each symbol of an account in which there are any, and
    /// returns the margin that they need: what it publishes. Amounts above the exact range are told as its largest.
    package func ownReservations(
        of account: NameID, _ body: (_ symbol: NameID, _ sums: ReservedSums) -> Void
    ) -> ReservedMargin {
        func amount(_ units: Int128) -> FixedPoint { FixedPoint(units: Swift.min(units, FixedPoint.maximumUnits)) }
        let state = accounts + Int(account.index)
        var place = state.pointee.firstExposure
        while place >= 0 {
            let exposure = exposures[place]
            place = exposure.pointee.next
            guard exposure.pointee.reservations > 0 else { continue }
            let others = exposure.pointee.foreign
            body(
                exposure.pointee.symbol,
                ReservedSums(
                    buys: amount(exposure.pointee.reservedBuys &- others.buys),
                    sells: amount(exposure.pointee.reservedSells &- others.sells),
                    orders: exposure.pointee.openReservations &- others.orders,
                    notional: amount(exposure.pointee.openNotional &- others.notional),
                    unpriced: amount(exposure.pointee.openUnpriced &- others.unpriced)))
        }
        return ReservedMargin(
            amount: amount(state.pointee.reservedMargin &- state.pointee.foreignMargin),
            unknown: state.pointee.unknownMargins &- state.pointee.foreignUnknownMargins)
    }

    /// Goes up whenever this Gate's own reservations of an account change.
    package func ownRevision(of account: NameID) -> UInt64 { accounts[Int(account.index)].ownRevision }

    /// Goes up whenever this Gate's own reservations of any account change.
    package var ownRevision: UInt64 { ledger.revision.pointee }

    /// Drops what other Gates published and did not renew in time; decisions and evaluations do so themselves.
    package func expireForeign(now: Int64) { others.advance(to: now) }
}
