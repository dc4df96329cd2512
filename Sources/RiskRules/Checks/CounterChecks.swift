// The table of rates and repetition: sliding windows over Gate's own traffic.
extension RiskEngine {
    /// What a rule on counts comes to with this order, which it counts unless it only peeks.
    @inline(always)
    func count(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        let isOfRejects = rule.pointee.metric == .rejectCount
        if facts.counting == .counts, !isOfRejects {
            return count(facts.order, rule, connection: facts.connection, now: facts.now)
        }
        return peek(rule, facts)
    }

    @inline(never)
    private func peek(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        let isOfRejects = rule.pointee.metric == .rejectCount
        let slot = windowSlots[Int(rule.pointee.windowIndex)]
        let key = windowKey(rule, facts.order, connection: facts.connection)
        let total = windows.table(of: rule.pointee.metric)._withUnsafeGuaranteedRef {
            $0.total(slot: slot, key: key, now: facts.now)
        }
        guard let count = total else { return .violated }
        let withThis = facts.counting == .peeks && !isOfRejects ? count &+ 1 : count
        return Measure(FixedPoint(whole: Int128(withThis)))
    }

    /// Counts an order or a cancel by one rule; without room for its key the count is not known, and the rule violated.
    @inline(always)
    func count(
        _ order: Order, _ rule: UnsafeMutablePointer<CompiledRule>, connection: UInt32, now: Int64
    ) -> Measure {
        let slot = windowSlots[Int(rule.pointee.windowIndex)]
        let key = windowKey(rule, order, connection: connection)
        let total = windows.table(of: rule.pointee.metric)._withUnsafeGuaranteedRef {
            $0.add(1, slot: slot, key: key, now: now)
        }
        guard let count = total else { return .violated }
        return Measure(FixedPoint(whole: Int128(count)))
    }

    /// Counts a reject by every rule on rejects that applies to its order.
    func countReject(_ order: Order, _ plan: UnsafePointer<RulePlan>, connection: UInt32, now: Int64) {
        for planned in plans.rules(.counters, of: plan) {
            let rule = plans.rules + Int(planned.rule)
            guard rule.pointee.metric == .rejectCount, plans.applies(rule, to: order, wall: wall(now)) else { continue }
            _ = count(order, rule, connection: connection, now: now)
        }
    }

    /// What the window's approved orders come to with this one; each was added when it was reserved.
    func notionalSum(_ rule: UnsafeMutablePointer<CompiledRule>, _ facts: OrderFacts) -> Measure {
        let notional = notional(facts)
        guard case .product(let product) = notional else { return Measure(notional) }
        let slot = windowSlots[Int(rule.pointee.windowIndex)]
        let key = windowKey(rule, facts.order, connection: facts.connection)
        let sum = windows.tableOfSums._withUnsafeGuaranteedRef { $0.total(slot: slot, key: key, now: facts.now) }
        guard let sum else { return .violated }
        let (total, overflow) = sum.addingReportingOverflow(product.ceiling)
        return overflow ? .outOfRange : Measure(total)
    }

    /// What an approved order adds to sums: its notional; by the last known price where none counts, so that what was let
    /// through without one is not forgotten; the largest amount where it has no exact one.
    func approvedNotional(_ facts: OrderFacts) -> FixedPoint {
        let quote = facts.symbol.pointee.quote
        guard let cost = facts.cost() ?? (quote.mark > .zero ? facts.order.cost(at: quote) : nil) else { return .zero }
        return FixedPoint.roundedUp(facts.order.quantity, times: cost, times: facts.symbol.pointee.multiplier)
            ?? FixedPoint(units: FixedPoint.maximumUnits)
    }

    /// Adds an approved order to the window of every rule on sums that applies to it, be it exempt from judgement or not.
    /// - Parameter connection: nil leaves out the sums per connection.
    func addNotional(of order: Order, _ notional: FixedPoint, at now: Int64, connection: UInt32?) {
        guard notional > .zero else { return }
        forEachSum(order, at: now, connection: connection) { slot, key in
            _ = windows.tableOfSums._withUnsafeGuaranteedRef {
                $0.add(notional.units, slot: slot, key: key, now: now)
            }
        }
    }

    /// Takes an order that was not sent out of the windows that it was added to; false where the windows may be others since.
    func removeNotional(of reservation: Reservation) -> Bool {
        let approval = reservation.approval
        guard approval.installs == installs, approval.notional > .zero else { return false }
        let order = Order(
            account: reservation.account, strategy: approval.strategy, symbol: reservation.symbol, timeInForce: .none,
            side: reservation.side, type: approval.type, reduceOnly: false, quantity: .zero, price: .zero,
            stopPrice: .zero, clientOrderID: .none)
        forEachSum(order, at: approval.at, connection: approval.connection) { _, key in
            windows.sums.remove(approval.notional.units, at: approval.at, key: key)
        }
        return true
    }

    /// Calls `body` with the slot and the key of each sum that an order is added to.
    /// - Parameter connection: nil leaves out the sums per connection.
    @inline(always)
    func forEachSum(_ order: Order, at now: Int64, connection: UInt32?, _ body: (Int32, Digest) -> Void) {
        guard let plan = plan(order) else { return }
        for planned in plans.rules(.price, of: plan) {
            let rule = plans.rules + Int(planned.rule)
            guard rule.pointee.metric == .notionalSum, plans.applies(rule, to: order, wall: wall(now)) else { continue }
            guard connection != nil || rule.pointee.per != .connection else { continue }
            body(windowSlots[Int(rule.pointee.windowIndex)], windowKey(rule, order, connection: connection ?? 0))
        }
    }

    /// Marks, among the owners of windows per strategy, an account whose orders name none.
    static var noStrategy: UInt32 { 1 << 31 }

    /// What a window is kept per; the orders of an account that name no strategy are one strategy of it. Orders that are
    /// alike have a key of their own, in which everything stands by what it is and not by its number, so that it means the
    /// same in every run.
    @inline(always)
    private func windowKey(
        _ rule: UnsafeMutablePointer<CompiledRule>, _ order: Order, connection: UInt32
    ) -> Digest {
        if rule.pointee.metric == .duplicateCount { return alikeKey(rule, order, connection: connection) }
        let owner =
            switch rule.pointee.per {
            case .account: order.account.index
            case .symbol: order.symbol.index
            case .connection: connection
            case .strategy: order.strategy != .none ? order.strategy.index : order.account.index | Self.noStrategy
            }
        return windows.digest(slot: windowSlots[Int(rule.pointee.windowIndex)], key: owner)
    }

    @inline(never)
    private func alikeKey(
        _ rule: UnsafeMutablePointer<CompiledRule>, _ order: Order, connection: UInt32
    ) -> Digest {
        let price = order.type.hasLimitPrice ? order.price.units : 0
        let owner: UInt64 =
            switch rule.pointee.per {
            case .account, .symbol: 0
            case .connection: UInt64(connection)
            case .strategy: strategyNames.digest(order.strategy).low
            }
        let alike = (
            windowSalts[Int(rule.pointee.windowIndex)], accountNames.digest(order.account).low,
            symbolNames.digest(order.symbol).low, owner,
            UInt64(order.side.rawValue) << 8 | UInt64(order.type.rawValue),
            UInt64(truncatingIfNeeded: order.quantity.units), UInt64(truncatingIfNeeded: order.quantity.units >> 64),
            UInt64(truncatingIfNeeded: price), UInt64(truncatingIfNeeded: price >> 64)
        )
        return withUnsafeBytes(of: alike) { hash.hash($0) }
    }
}
