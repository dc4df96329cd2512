import RiskRules

/// What is to be done to unwind the stops in force: which orders to cancel, which positions to close, and when that is over.
/// Pure: it is shown the accounts' snapshots and the time, gives the calls to make, and is told what became of each.
///
/// Orders are cancelled first; a position is closed once no order of its symbol can change it unseen. What was tried is not
/// tried again before a snapshot that was taken later shows that it still stands, unless it provably did nothing.
/// All times are monotonic nanoseconds unless they are called wall.
package struct UnwindPlan {
    private let settings: Settings
    private(set) var stops: [StopTarget: Unwinding] = [:]
    private var history: [String: History] = [:]
    private var underWay: [UInt64: Subject] = [:]
    /// Of all stops together, each order and position once.
    package private(set) var ordersCanceled: UInt64 = 0
    package private(set) var positionsClosed: UInt64 = 0
    private var lastNumber: UInt64 = 0
    private var lastID: Int64 = 0

    package init(_ settings: Settings) { self.settings = settings }

    // MARK: Stops

    /// Unwinds what a stop covers from now on. One that is being unwound goes on under the new epoch.
    /// - Parameter progress: of an earlier run, where it goes on with one.
    package mutating func begin(_ target: StopTarget, epoch: Int64, progress: UnwindProgress? = nil, now: Int64) {
        if stops[target]?.isUnderWay == true, progress == nil {
            stops[target]?.epoch = epoch
            return
        }
        if underWayStops.isEmpty { for account in history.keys { history[account]?.renew() } }
        var unwinding = Unwinding(epoch: epoch, began: now, progress: progress ?? UnwindProgress())
        if target.scope == .strategy {
            unwinding.isEnded = true
            unwinding.progress.lastError =
                "not unwound: positions and open orders are known per account, not per strategy"
        }
        stops[target] = unwinding
    }

    /// A stop was lifted: nothing more is done for it. What is under way is not taken back.
    package mutating func end(_ target: StopTarget) { stops[target]?.isEnded = true }

    /// A stop was latched that is not to be unwound: what was known of an earlier one of its target is of no use.
    package mutating func forget(_ target: StopTarget) { stops[target] = nil }

    /// The stops that are being unwound.
    package var underWayStops: [StopTarget] { stops.filter { $0.value.isUnderWay }.map(\.key) }

    package func isUnderWay(_ target: StopTarget) -> Bool { stops[target]?.isUnderWay == true }

    /// How far the unwinding of a stop has come; nil where it was never unwound.
    package func progress(of target: StopTarget) -> UnwindProgress? { stops[target]?.progress }

    /// Whether anything is left to do or to watch.
    package var isActive: Bool { stops.values.contains(where: \.isUnderWay) || !underWay.isEmpty }

    /// The stops under way that cover a symbol of an account.
    private func covering(_ account: String, _ symbol: String) -> [StopTarget] {
        stops.filter { $0.value.isUnderWay && $0.key.covers(account: account, symbol: symbol) }.map(\.key)
    }

    // MARK: Steps

    /// What to do now.
    /// - Parameters:
    ///   - accounts: every account of which anything is known, the latest of each.
    ///   - wallNow: unix nanoseconds.
    package mutating func next(_ accounts: [Account], now: Int64, wallNow: Int64) -> [Step] {
        var steps: [Step] = []
        let accounts = accounts.sorted { $0.name < $1.name }
        for account in accounts { cancel(account, now: now, into: &steps) }
        for account in accounts { close(account, now: now, wallNow: wallNow, into: &steps) }
        for target in stops.keys { judge(target, accounts, now: now, wallNow: wallNow) }
        return steps
    }

    private mutating func cancel(_ account: Account, now: Int64, into steps: inout [Step]) {
        guard let pending = account.pending else { return }
        var history = history[account.name] ?? History()
        defer { self.history[account.name] = history }
        history.keep(orders: Set(pending.map(OrderKey.init)))
        for order in pending where !covering(account.name, order.symbol).isEmpty {
            let key = OrderKey(order)
            let attempts = history.orders[key] ?? Attempts()
            guard isDue(attempts, account, now) else { continue }
            let action = Action.cancel(
                OrderCancel(
                    account: account.name, symbol: order.symbol, orderID: order.orderID,
                    clientOrderID: order.clientOrderID))
            guard let step = begin(action, Subject(account: account.name, symbol: order.symbol, order: key)) else {
                return
            }
            history.orders[key] = attempts.begun(on: order.quantity)
            steps.append(step)
        }
    }

    private mutating func close(_ account: Account, now: Int64, wallNow: Int64, into steps: inout [Step]) {
        guard let held = account.positions, account.pending != nil else { return }
        let open = held.filter { $0.quantity != .zero }
        countClosed(account, shown: Set(open.map(\.symbol)))
        var history = history[account.name] ?? History()
        defer { self.history[account.name] = history }
        for position in open {
            guard let target = covering(account.name, position.symbol).min(by: { "\($0)" < "\($1)" }),
                let quantity = closable(position, of: account, history)
            else { continue }
            var attempts = history.positions[position.symbol] ?? Attempts()
            let size = position.size
            // Whatever was tried, it has come to something.
            if size < attempts.size { attempts.tried = 0 }
            guard isDue(attempts, account, now) else { continue }
            let action = Action.close(
                PositionClose(
                    account: account.name, symbol: position.symbol, side: position.quantity > .zero ? .sell : .buy,
                    quantity: quantity, clientOrderID: clientOrderID(for: target, wallNow: wallNow)))
            guard let step = begin(action, Subject(account: account.name, symbol: position.symbol)) else { return }
            history.positions[position.symbol] = attempts.begun(on: size)
            steps.append(step)
        }
    }

    private func isDue(_ attempts: Attempts, _ account: Account, _ now: Int64) -> Bool {
        !attempts.isUnderWay && attempts.tried < settings.attempts && now >= attempts.notBefore
            && (attempts.seenAfter == .min || account.takenAt > attempts.seenAfter)
    }

    /// How much of a position may be closed: what no order that stays works to reduce. nil: nothing at this time.
    private func closable(
        _ position: AccountSnapshot.Position, of account: Account, _ history: History
    ) -> FixedPoint? {
        var quantity = position.size
        for order in account.pending ?? [] where order.symbol == position.symbol {
            let attempts = history.orders[OrderKey(order)] ?? Attempts()
            let reduces = (order.side == .sell) == (position.quantity > .zero)
            if attempts.tried >= settings.attempts, !attempts.isUnderWay {
                if reduces { quantity = quantity.subtracting(order.quantity) ?? .zero }
            } else if reduces || !attempts.isDone {
                return nil
            }
        }
        return quantity > .zero ? quantity : nil
    }

    /// Unique for every attempt, also after a restart: milliseconds since the stop, or the next number.
    private mutating func clientOrderID(for target: StopTarget, wallNow: Int64) -> String {
        let epoch = stops[target]?.epoch ?? 0
        lastID = max(lastID + 1, wallNow / 1_000_000 - epoch)
        return "gate-unwind-\(epoch)-\(lastID)"
    }

    private mutating func begin(_ action: Action, _ subject: Subject) -> Step? {
        guard underWay.count < settings.concurrency else { return nil }
        lastNumber += 1
        underWay[lastNumber] = subject
        return Step(number: lastNumber, action: action)
    }

    /// Positions that were being closed and are no longer there. An attempt that may still be filled is not forgotten: a
    /// position that comes back is not closed a second time before that is known.
    private mutating func countClosed(_ account: Account, shown symbols: Set<String>) {
        for (symbol, attempts) in history[account.name]?.positions ?? [:] where !symbols.contains(symbol) {
            guard !attempts.isUnderWay else { continue }
            if attempts.mayHaveActed {
                positionsClosed += 1
                for target in covering(account.name, symbol) { stops[target]?.progress.positionsClosed += 1 }
            }
            history[account.name]?.positions[symbol] = account.takenAt > attempts.seenAfter ? nil : attempts.settled()
        }
    }

    // MARK: Outcomes

    /// Tells what became of a step. What was under way when its stop was lifted is told too.
    package mutating func resolve(_ number: UInt64, _ outcome: Outcome, now: Int64) {
        guard let subject = underWay.removeValue(forKey: number) else { return }
        var history = history[subject.account] ?? History()
        defer { self.history[subject.account] = history }
        history.actedAt = now
        let what: String
        let attempts: Attempts
        if let order = subject.order {
            let known = history.orders[order] ?? Attempts()
            attempts = known.resolved(outcome, settings, unknownAfter: 0, now: now)
            history.orders[order] = attempts
            if outcome == .done, !known.isDone { countCancelled(subject) }
            what = "cancelling order \(order.id) of account \(subject.account)"
        } else {
            let known = history.positions[subject.symbol] ?? Attempts()
            attempts = known.resolved(outcome, settings, unknownAfter: settings.unknownAfter, now: now)
            history.positions[subject.symbol] = attempts
            what = "closing \(subject.symbol) of account \(subject.account)"
        }
        for target in covering(subject.account, subject.symbol) { note(outcome, attempts, what, target) }
    }

    private mutating func countCancelled(_ subject: Subject) {
        ordersCanceled += 1
        for target in covering(subject.account, subject.symbol) { stops[target]?.progress.ordersCanceled += 1 }
    }

    private mutating func note(_ outcome: Outcome, _ attempts: Attempts, _ what: String, _ target: StopTarget) {
        let words: String
        switch outcome {
        case .done:
            guard attempts.tried >= settings.attempts else { return }
            words = "accepted \(attempts.tried) times"
        case .refused(let reason): words = "refused: \(reason)"
        case .unsent(let reason): words = "not sent: \(reason)"
        case .unknown(let reason): words = "outcome unknown: \(reason)"
        }
        let end = attempts.tried >= settings.attempts ? "; not tried again" : ""
        stops[target]?.progress.lastError = "\(what): \(words)\(end)"
    }

    // MARK: The end

    /// Whether a stop's unwinding is over: snapshots taken after the last action show nothing more.
    private mutating func judge(_ target: StopTarget, _ accounts: [Account], now: Int64, wallNow: Int64) {
        guard let stop = stops[target], stop.isUnderWay else { return }
        let inScope = accounts.filter { target.scope != .account || target.name == $0.name }
        guard !inScope.isEmpty,
            !underWay.values.contains(where: { target.covers(account: $0.account, symbol: $0.symbol) })
        else { return }
        for account in inScope {
            guard let positions = account.positions, let pending = account.pending else {
                let what = account.positions == nil ? "positions" : "pending orders"
                stops[target]?.progress.lastError = "account \(account.name): its state names no \(what)"
                return
            }
            let last = max(stop.began, history[account.name]?.actedAt ?? .min)
            guard account.takenAt != .min, account.takenAt > last + settings.settleAfter,
                !positions.contains(where: {
                    $0.quantity != .zero && target.covers(account: account.name, symbol: $0.symbol)
                }),
                !pending.contains(where: { target.covers(account: account.name, symbol: $0.symbol) })
            else { return }
        }
        stops[target]?.progress.completedAt = wallNow
        stops[target]?.progress.lastError = nil
    }
}

extension AccountSnapshot.Position {
    /// How much it is, on whichever side.
    fileprivate var size: FixedPoint { FixedPoint(units: Int128(quantity.units.magnitude)) }
}

extension StopTarget {
    /// Whether it is known to cover what an account holds of a symbol: whose strategy it is, nobody knows.
    fileprivate func covers(account: String, symbol: String) -> Bool {
        switch scope {
        case .global: true
        case .account: name == account
        case .symbol: name == symbol
        case .strategy: false
        }
    }
}
