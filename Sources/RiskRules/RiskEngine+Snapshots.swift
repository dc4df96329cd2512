// Account state in: what the mirror read replaces what was known, and settles what was let through.
extension RiskEngine {
    /// Takes over an account's snapshot, unless a later one was applied before: a lower `as_of` is ignored, and a lower or
    /// equal `seq` too unless its `as_of` is later. The snapshot in hand, read again, only gets its new times.
    /// - Parameter now: monotonic nanoseconds.
    package func update(account snapshot: AccountSnapshot, of id: NameID, now: Int64) {
        let state = accounts + Int(id.index)
        let isRepeated = isRepeated(snapshot, of: id)
        if !isRepeated, isOutdated(snapshot, state.pointee) {
            counters.ignoredSnapshots += 1
            return
        }
        state.pointee.availability = .present
        state.pointee.since = snapshot.since
        state.pointee.freshUntil = snapshot.freshUntil
        state.pointee.expiresAt = snapshot.expiresAt
        if isRepeated { return endRecovery(state, by: snapshot) }
        _ = accountNames.settle(accountNames.name(id))
        let previousReadAt = state.pointee.hasRead ? state.pointee.readAt : nil
        rememberOrder(of: snapshot, state)
        snapshots[Int(id.index)] = snapshot
        guard apply(snapshot.values, of: id) else { return }
        endRecovery(state, by: snapshot)
        if state.pointee.showsExposure {
            for order in snapshot.values.pendingOrders ?? [] {
                ledger.settleShown(clientOrderID: digest(order.clientOrderID), orderID: digest(order.orderID), of: id)
            }
            let settlement = Ledger.Settlement(
                asOf: snapshot.values.asOf, previousReadAt: previousReadAt, settleAfter: limits.settleAfter,
                unknownAfter: limits.unknownAfter)
            counters.unknownsSettledByTime += ledger.settleByTime(settlement, of: id)
        }
        exposures.removeEmpty(of: id)
    }

    /// The account's key is gone: its snapshot no longer counts, not even for what reduces risk.
    package func accountAbsent(_ id: NameID) {
        dropSnapshot(of: id)
        accounts[Int(id.index)].availability = .absent
        accounts[Int(id.index)].hasSequence = false
        exposures.removeEmpty(of: id)
    }

    /// The account's value was refused: the snapshot before it is kept for what reduces risk, and for nothing else.
    package func accountRefused(_ id: NameID) { accounts[Int(id.index)].availability = .refused }

    /// Values the snapshots' pending orders again: a rule set changed a contract multiplier.
    func valueSnapshotsAgain() {
        for (index, snapshot) in snapshots.enumerated() {
            guard let snapshot else { continue }
            let id = NameID(index: UInt32(index))
            _ = apply(snapshot.values, of: id)
        }
    }

    private func isRepeated(_ snapshot: AccountSnapshot, of id: NameID) -> Bool {
        guard let held = snapshots[Int(id.index)] else { return false }
        if held.readAt == snapshot.readAt { return true }
        return snapshot.values.seq != nil && held.values == snapshot.values
    }

    private func isOutdated(_ snapshot: AccountSnapshot, _ state: AccountState) -> Bool {
        var isLater = false
        if let asOf = snapshot.values.asOf, state.hasAsOf {
            if asOf < state.asOf { return true }
            isLater = asOf > state.asOf
        }
        if let sequence = snapshot.values.seq, state.hasSequence { return sequence <= state.sequence && !isLater }
        return !isLater && state.hasRead && snapshot.readAt < state.readAt
    }

    private func rememberOrder(of snapshot: AccountSnapshot, _ state: UnsafeMutablePointer<AccountState>) {
        state.pointee.hasRead = true
        state.pointee.readAt = snapshot.readAt
        state.pointee.hasSequence = snapshot.values.seq != nil
        state.pointee.sequence = snapshot.values.seq ?? 0
        // A keeper that leaves the time out once must not bring an older state back.
        if let asOf = snapshot.values.asOf {
            state.pointee.hasAsOf = true
            state.pointee.asOf = asOf
        }
    }

    private func dropSnapshot(of id: NameID) {
        snapshots[Int(id.index)] = nil
        hideSnapshot(of: id)
        returns.update(nil, of: id)
        let state = accounts + Int(id.index)
        state.pointee.hasSnapshot = false
        state.pointee.showsExposure = false
        snapshotChanged(of: id)
    }

    /// Counts and values what depends on the account's snapshot.
    private func snapshotChanged(of id: NameID) {
        ledger.rebaseReplacements(of: id)
        exposures.valueAll(of: id)
    }

    /// Takes the snapshot's part out of the account's exposures.
    private func hideSnapshot(of id: NameID) {
        let state = accounts + Int(id.index)
        state.pointee.shownOrders = 0
        state.pointee.shownNotional = 0
        state.pointee.shownUnpriced = 0
        state.pointee.shown?._withUnsafeGuaranteedRef { $0.removeAll() }
        var place = state.pointee.firstExposure
        while place >= 0 {
            exposures[place].pointee.dropSnapshot()
            place = exposures[place].pointee.next
        }
    }

    /// Shows a snapshot's values; one that the tables have no room for is refused whole, and false.
    private func apply(_ values: AccountSnapshot.Values, of id: NameID) -> Bool {
        defer { snapshotChanged(of: id) }
        if show(values, of: id) { return true }
        // What the snapshot before needed and this one does not may make the room.
        hideSnapshot(of: id)
        exposures.removeEmpty(of: id)
        if show(values, of: id) { return true }
        counters.oversizedSnapshots += 1
        dropSnapshot(of: id)
        exposures.removeEmpty(of: id)
        accounts[Int(id.index)].availability = .refused
        return false
    }

    /// Puts a snapshot's values in the place of the ones before; false where the tables have no room for it.
    private func show(_ values: AccountSnapshot.Values, of id: NameID) -> Bool {
        hideSnapshot(of: id)
        let state = accounts + Int(id.index)
        state.pointee.hasSnapshot = true
        state.pointee.showsExposure = values.positions != nil && values.pendingOrders != nil
        state.pointee.equity = AccountState.Amount(values.equity)
        state.pointee.marginUsed = AccountState.Amount(values.marginUsed)
        state.pointee.availableMargin = AccountState.Amount(values.availableMargin)
        state.pointee.peakEquity = AccountState.Amount(values.peakEquity)
        state.pointee.dailyStartEquity = AccountState.Amount(values.dailyStartEquity)
        returns.update(values.returns, of: id)
        guard state.pointee.showsExposure else { return true }
        makeRoom(for: values.pendingOrders?.count ?? 0, state)
        for position in values.positions ?? [] {
            guard let exposure = exposure(of: id, position.symbol) else { return false }
            exposure.pointee.position &+= position.quantity.units
            if let price = position.currentPrice, price > .zero { exposure.pointee.positionPrice = .init(price) }
        }
        for order in values.pendingOrders ?? [] {
            guard let exposure = exposure(of: id, order.symbol), show(order, exposure, state) else { return false }
        }
        return true
    }

    private func show(
        _ order: AccountSnapshot.PendingOrder, _ exposure: UnsafeMutablePointer<Exposure>,
        _ state: UnsafeMutablePointer<AccountState>
    ) -> Bool {
        switch order.side {
        case .buy: exposure.pointee.shownBuys &+= order.quantity.units
        case .sell: exposure.pointee.shownSells &+= order.quantity.units
        }
        exposure.pointee.shownOrders += 1
        state.pointee.shownOrders += 1
        var sums = OrderSums()
        sums.quantity = order.quantity.units
        sums.orders = 1
        let price = order.price ?? .zero
        if price > .zero {
            let multiplier = symbols[Int(exposure.pointee.symbol.index)].multiplier
            guard let notional = FixedPoint.roundedUp(order.quantity, times: price, times: multiplier) else {
                return false
            }
            sums.notional = notional.units
        } else {
            sums.unpricedQuantity = order.quantity.units
            sums.unpricedOrders = 1
        }
        exposure.pointee.shownUnpriced &+= sums.unpricedQuantity
        state.pointee.shownUnpriced += sums.unpricedOrders
        state.pointee.shownNotional &+= sums.notional
        let ids = OrderReference(orderID: digest(order.orderID), clientOrderID: digest(order.clientOrderID))
        state.pointee.shown?._withUnsafeGuaranteedRef {
            $0.insert(
                ShownOrder(symbol: exposure.pointee.symbol, side: order.side, ids: ids, sums: sums, price: price))
        }
        return true
    }

    private func exposure(of id: NameID, _ symbol: String) -> UnsafeMutablePointer<Exposure>? {
        settledSymbol(symbol).flatMap { exposures.obtain(id, $0) }.map { exposures[$0] }
    }

    private func makeRoom(for count: Int, _ state: UnsafeMutablePointer<AccountState>) {
        let capacity = state.pointee.shown?._withUnsafeGuaranteedRef { $0.capacity } ?? 0
        guard capacity < count else { return }
        state.pointee.shown?.release()
        state.pointee.shown = .passRetained(ShownOrders(capacity: Swift.max(count, capacity * 2)))
    }
}
