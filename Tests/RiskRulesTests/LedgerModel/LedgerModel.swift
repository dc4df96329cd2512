import RiskRules

/// One version of an order that was let through: the order itself, or a replace of it. Quantities and prices are whole
/// numbers; an id of 0 is none.
final class ModelVersion {
    let key: Int
    let account: Int
    let symbol: Int
    let side: Side
    let price: Int
    let clientID: Int
    var orderID = 0
    /// The ids of what it replaces; nil for an order that replaces nothing.
    var original: (clientID: Int, orderID: Int)?
    var state = ReservationState.inFlight
    var isAhead = false
    var isShown = false
    var whole: Int
    var notional: Int
    var filled = 0
    let sentAt: Int64
    var changedAt: Int64 = 0

    init(key: Int, account: Int, symbol: Int, side: Side, quantity: Int, price: Int, clientID: Int, sentAt: Int64) {
        self.sentAt = sentAt
        self.key = key
        self.account = account
        self.symbol = symbol
        self.side = side
        self.price = price
        self.clientID = clientID
        whole = quantity
        notional = quantity * price
    }

    var awaitsAnswer: Bool { state == .inFlight || isAhead }

    /// Whether an id may be that of the order that this one replaces.
    func mayShare(clientID: Int) -> Bool {
        original.map { $0.clientID == 0 || $0.clientID == clientID } ?? false
    }

    func mayShare(orderID: Int) -> Bool { original.map { $0.orderID == 0 || $0.orderID == orderID } ?? false }

    func keep(_ part: Int) {
        whole = part
        notional = part * price
    }

    func keepNothing() {
        state = .closing
        keep(0)
        filled = 0
        isAhead = true
    }
}

/// An account's snapshot.
struct LedgerSnapshot {
    struct Pending: Equatable {
        var symbol: Int
        var side: Side
        var remaining: Int
        var price: Int
        var clientID: Int
        var orderID: Int
    }
    var positions: [Int]
    var pending: [Pending]
    var seq: Int64?
    var asOf: Int64?
}

extension LedgerSnapshot: CustomStringConvertible {
    var description: String {
        let orders = pending.map {
            "\($0.side) \($0.remaining) of \($0.symbol) at \($0.price) (client \($0.clientID) order \($0.orderID))"
        }
        return "seq \(seq.map(String.init) ?? "-") as of \(asOf.map(String.init) ?? "-"): \(positions), \(orders)"
    }
}

/// What of one side of a symbol is counted.
struct CountedSums: Equatable {
    var quantity = 0
    var orders = 0
    var notional = 0
}

/// Exposure between snapshots as the design words it, by walking all of it for every question. Each family is one order and
/// what replaces it, in that order: a version counts what it adds to those before it.
struct LedgerModel {
    struct Account {
        var families: [[ModelVersion]] = []
        var snapshot: LedgerSnapshot?
        var readAt: Int64?
        var lastSeq: Int64?
        var lastAsOf: Int64?
    }

    var accounts: [Account]
    let settleAfter: Int64
    let unknownAfter: Int64
    private(set) var doubles = 0
    private(set) var unknowns = 0
    private(set) var settledByTime = 0
    private(set) var byKey: [Int: ModelVersion] = [:]

    init(accounts: Int, settleAfter: Int64, unknownAfter: Int64) {
        self.accounts = Array(repeating: Account(), count: accounts)
        self.settleAfter = settleAfter
        self.unknownAfter = unknownAfter
    }

    // MARK: What counts

    func sums(_ account: Int, _ symbol: Int, _ side: Side) -> CountedSums {
        var total = CountedSums()
        for family in accounts[account].families where family[0].symbol == symbol && family[0].side == side {
            var running = CountedSums()
            var isFirst = true
            for version in family {
                defer { isFirst = version.isShown }
                guard !version.isShown else { continue }
                if isFirst { running = shownBase(of: version) }
                let added = added(version, to: running)
                running.quantity += added.quantity
                running.orders += added.orders
                running.notional += added.notional
                total.quantity += added.quantity
                total.orders += added.orders
                total.notional += added.notional
            }
        }
        return total
    }

    private func added(_ version: ModelVersion, to base: CountedSums) -> CountedSums {
        let isOpen = version.state != .closing
        return CountedSums(
            quantity: max(0, version.whole - base.quantity), orders: isOpen && base.orders == 0 ? 1 : 0,
            notional: isOpen ? max(0, version.notional - base.notional) : 0)
    }

    private func shownBase(of version: ModelVersion) -> CountedSums {
        guard let original = version.original,
            let shown = shown(original.clientID, original.orderID, version.account),
            shown.side == version.side, shown.symbol == version.symbol
        else { return CountedSums() }
        return CountedSums(quantity: shown.remaining, orders: 1, notional: shown.remaining * shown.price)
    }

    func shown(_ clientID: Int, _ orderID: Int, _ account: Int) -> LedgerSnapshot.Pending? {
        let pending = accounts[account].snapshot?.pending ?? []
        return pending.first { orderID != 0 && $0.orderID == orderID }
            ?? pending.first { clientID != 0 && $0.clientID == clientID }
    }

    func count(_ state: ReservationState) -> Int {
        accounts.reduce(0) { sum, account in
            account.families.reduce(sum) { $0 + $1.count { $0.state == state } }
        }
    }

    // MARK: What is let through

    /// Where a replace of an order takes its place: the family whose latest version is still to be replaced.
    func family(of clientID: Int, _ orderID: Int, _ account: Int) -> Int? {
        let families = accounts[account].families
        return families.firstIndex { orderID != 0 && $0.contains { $0.orderID == orderID } }
            ?? families.firstIndex { clientID != 0 && $0.contains { $0.clientID == clientID } }
    }

    mutating func reserve(_ version: ModelVersion, replacing: (clientID: Int, orderID: Int)?) {
        byKey[version.key] = version
        let account = version.account
        guard let replacing else { return accounts[account].families.append([version]) }
        version.original = replacing
        if let place = family(of: replacing.clientID, replacing.orderID, account),
            let tail = accounts[account].families[place].last, !tail.isShown
        {
            version.original = (
                tail.clientID == 0 ? replacing.clientID : tail.clientID,
                tail.orderID == 0 ? replacing.orderID : tail.orderID
            )
            if tail.side == version.side, tail.symbol == version.symbol, tail.state != .closing {
                return accounts[account].families[place].append(version)
            }
            if tail.state == .closing { version.original = (0, 0) }
        } else if let shown = shown(replacing.clientID, replacing.orderID, account) {
            version.original = (
                shown.clientID == 0 ? replacing.clientID : shown.clientID,
                shown.orderID == 0 ? replacing.orderID : shown.orderID
            )
        }
        accounts[account].families.append([version])
    }

    private mutating func remove(_ version: ModelVersion) {
        byKey[version.key] = nil
        let account = version.account
        for place in accounts[account].families.indices {
            accounts[account].families[place].removeAll { $0 === version }
        }
        accounts[account].families.removeAll(where: \.isEmpty)
    }

    private func predecessor(of version: ModelVersion) -> ModelVersion? {
        for family in accounts[version.account].families {
            if let place = family.firstIndex(where: { $0 === version }) { return place > 0 ? family[place - 1] : nil }
        }
        return nil
    }

    // MARK: Answers

    private mutating func resolve(_ key: Int, _ isExpected: (ModelVersion) -> Bool = { _ in true }) -> ModelVersion? {
        guard let version = byKey[key], isExpected(version) else {
            doubles += 1
            return nil
        }
        return version
    }

    mutating func undo(_ key: Int) {
        if let version = resolve(key) { remove(version) }
    }

    mutating func release(_ key: Int) {
        if let version = resolve(key) { learn(version, .rejected, isAnswer: true, now: 0) }
    }

    mutating func accept(_ key: Int, orderID: Int, filled: Int?, now: Int64) {
        guard let version = resolve(key, { $0.awaitsAnswer || $0.state == .unknown }) else { return }
        learn(version, .accepted, orderID: orderID, filled: filled, isAnswer: true, now: now)
    }

    mutating func end(_ key: Int, filled: Int?, now: Int64) {
        if let version = resolve(key) { learn(version, .ended, filled: filled, isAnswer: true, now: now) }
    }

    mutating func lose(_ key: Int, now: Int64) {
        guard let version = resolve(key, \.awaitsAnswer) else { return }
        if version.isAhead {
            version.isAhead = false
            if version.isShown || version.whole == 0 { remove(version) }
            return
        }
        unknowns += 1
        version.state = .unknown
        version.changedAt = now
        if version.isShown { remove(version) }
    }

    mutating func cancelled(clientID: Int, orderID: Int, account: Int, filled: Int?, now: Int64) {
        let families = accounts[account].families
        let found =
            families.lazy.compactMap { $0.first { orderID != 0 && $0.orderID == orderID } }.first
            ?? families.lazy.compactMap { $0.first { clientID != 0 && $0.clientID == clientID } }.first
        if let found { learn(found, .ended, filled: filled, isAnswer: false, now: now) }
    }

    mutating func observed(
        clientID: Int, orderID: Int, account: Int?, symbol: Int?, _ status: OrderStatus, filled: Int?, now: Int64
    ) {
        func isMeant(_ version: ModelVersion) -> Bool { version.symbol == symbol ?? version.symbol }
        let families = accounts.indices.filter { $0 == account ?? $0 }.flatMap { accounts[$0].families }
        func isNamed(_ version: ModelVersion) -> Bool {
            let isOpen = version.state == .inFlight || version.state == .unknown
            let isSameOrder = orderID != 0 && version.orderID == orderID
            let isSameClient = clientID != 0 && version.clientID == clientID
            if orderID != 0, version.orderID != 0, !isSameOrder { return false }
            if clientID != 0, !isSameClient { return false }
            return isSameOrder && !(isOpen && version.mayShare(orderID: orderID))
                || isSameClient && !(isOpen && version.mayShare(clientID: clientID))
        }
        let byOrder = families.filter { $0.contains { orderID != 0 && $0.orderID == orderID && isMeant($0) } }
        let byClient = families.filter { $0.contains { clientID != 0 && $0.clientID == clientID && isMeant($0) } }
        var version: ModelVersion?
        if byOrder.count == 1 {
            version = byOrder[0].first(where: isNamed) ?? byOrder[0].first { $0.orderID == orderID }
        } else if byOrder.isEmpty, byClient.count == 1 {
            version = byClient[0].first(where: isNamed)
        }
        if let version {
            learn(version, status, orderID: orderID, filled: filled, isAnswer: false, now: now)
        }
    }

    /// An operator's word; false where no outcome of that id is unknown.
    mutating func settle(clientID: Int, account: Int, _ outcome: OperatorOutcome, now: Int64) -> Bool {
        let versions = accounts[account].families.joined()
        guard let version = versions.first(where: { $0.clientID == clientID && $0.state == .unknown }) else {
            return false
        }
        learn(version, outcome == .open ? .accepted : .rejected, isAnswer: true, now: now)
        return true
    }

    private mutating func learn(
        _ version: ModelVersion, _ status: OrderStatus, orderID: Int = 0, filled said: Int? = nil, isAnswer: Bool,
        now: Int64
    ) {
        let isNowShown =
            orderID != 0 && !version.mayShare(orderID: orderID) && shown(0, orderID, version.account) != nil
        name(version, orderID)
        if version.isShown || isNowShown {
            if status != .rejected { dropReplaced(by: version) }
            return leave(version, isAnswer) { $0.isShown = true }
        }
        let isLate = version.isAhead || !isAnswer
        let isContradiction = isLate && (version.filled > 0 || version.original != nil && version.state == .open)
        switch status {
        case .rejected where !isContradiction: leave(version, isAnswer) { $0.keepNothing() }
        case .rejected: end(version, filled: nil, isAnswer: isAnswer, now: now)
        case .ended: end(version, filled: said, isAnswer: isAnswer, now: now)
        case .accepted:
            if version.state != .closing { takeOver(version, filled: said) }
            let isDue = version.awaitsAnswer && !isAnswer
            if version.state == .inFlight || version.state == .unknown {
                version.state = .open
                version.changedAt = now
            }
            finish(version, filled: said, isDue: isDue)
        }
    }

    private mutating func end(_ version: ModelVersion, filled said: Int?, isAnswer: Bool, now: Int64) {
        takeOver(version, filled: said)
        let filled = said.map { max($0, version.filled) }
        if filled == 0 { return leave(version, isAnswer) { $0.keepNothing() } }
        let isDue = version.awaitsAnswer && !isAnswer
        if version.state == .inFlight || version.state == .unknown { version.changedAt = now }
        version.state = .closing
        if let filled, filled < version.whole { version.keep(filled) }
        finish(version, filled: said, isDue: isDue)
    }

    private mutating func finish(_ version: ModelVersion, filled: Int?, isDue: Bool) {
        version.filled = min(max(version.filled, filled ?? 0), version.whole)
        version.isAhead = isDue
        if version.state == .closing, version.whole == 0, !isDue { remove(version) }
    }

    private mutating func leave(_ version: ModelVersion, _ isAnswer: Bool, _ body: (ModelVersion) -> Void) {
        if isAnswer || !version.awaitsAnswer {
            remove(version)
        } else if !version.isShown, version.state != .closing || version.whole > 0 {
            body(version)
        }
    }

    private mutating func takeOver(_ version: ModelVersion, filled: Int?) {
        while let before = predecessor(of: version), !before.awaitsAnswer, before.state != .unknown {
            let group = group(upTo: before)
            // Of two replaces on their way at once the exchange may have taken the later one first.
            let filled = before.original == nil || before.changedAt < version.sentAt ? filled : nil
            let kept = filled.map { min(group.quantity, max($0, before.filled)) } ?? group.quantity
            version.filled = max(version.filled, before.filled)
            version.whole = max(version.whole, kept)
            if filled == nil { version.notional = max(version.notional, group.notional) }
            let original = version.original ?? (0, 0)
            let sharesOrder = version.orderID != 0 && original.orderID == version.orderID
            version.original = (
                before.clientID == 0 || original.clientID == version.clientID ? original.clientID : before.clientID,
                before.orderID == 0 || sharesOrder ? original.orderID : before.orderID
            )
            let orderID = before.orderID
            remove(before)
            name(version, orderID)
        }
    }

    /// Learns the endpoint's id of a version, and with it what the next one replaces.
    private func name(_ version: ModelVersion, _ orderID: Int) {
        guard version.orderID == 0, orderID != 0 else { return }
        version.orderID = orderID
        for family in accounts[version.account].families {
            guard let place = family.firstIndex(where: { $0 === version }), place + 1 < family.count else { continue }
            if family[place + 1].original?.orderID == 0 { family[place + 1].original?.orderID = orderID }
        }
    }

    /// What a version and those before it come to, what the snapshot shows of them included.
    private func group(upTo version: ModelVersion) -> CountedSums {
        var running = CountedSums()
        var isFirst = true
        for family in accounts[version.account].families where family.contains(where: { $0 === version }) {
            for member in family {
                if !member.isShown {
                    if isFirst { running = shownBase(of: member) }
                    let added = added(member, to: running)
                    running.quantity += added.quantity
                    running.orders += added.orders
                    running.notional += added.notional
                }
                isFirst = member.isShown
                if member === version { break }
            }
        }
        return running
    }

    private mutating func dropReplaced(by version: ModelVersion) {
        while let before = predecessor(of: version) {
            if before.original != nil, before.state == .inFlight || before.state == .unknown { return }
            if before.awaitsAnswer {
                before.isShown = true
                return
            }
            remove(before)
        }
    }

    // MARK: Snapshots

    /// Takes a snapshot; false where it is old.
    mutating func take(_ snapshot: LedgerSnapshot, of account: Int, readAt: Int64) -> Bool {
        let held = accounts[account]
        var isLater = false
        if let asOf = snapshot.asOf, let last = held.lastAsOf {
            if asOf < last { return false }
            isLater = asOf > last
        }
        if let seq = snapshot.seq, let last = held.lastSeq, seq <= last, !isLater { return false }
        accounts[account].snapshot = snapshot
        accounts[account].readAt = readAt
        accounts[account].lastSeq = snapshot.seq
        accounts[account].lastAsOf = snapshot.asOf ?? held.lastAsOf
        for pending in snapshot.pending {
            if pending.orderID != 0 {
                settle(account) { $0.orderID == pending.orderID && !$0.mayShare(orderID: pending.orderID) }
            }
            if pending.clientID != 0 {
                settle(account) { $0.clientID == pending.clientID && !$0.mayShare(clientID: pending.clientID) }
            }
        }
        for version in accounts[account].families.joined() where contains(snapshot, version, held.readAt) {
            if version.state == .unknown { settledByTime += 1 }
            if !version.awaitsAnswer {
                remove(version)
            } else if !version.isShown, version.whole > 0 {
                version.keepNothing()
            }
        }
        return true
    }

    private mutating func settle(_ account: Int, where matches: (ModelVersion) -> Bool) {
        for version in accounts[account].families.joined() where !version.isShown && matches(version) {
            dropReplaced(by: version)
            if version.awaitsAnswer { version.isShown = true } else { remove(version) }
        }
    }

    private func contains(_ snapshot: LedgerSnapshot, _ version: ModelVersion, _ previousReadAt: Int64?) -> Bool {
        switch (version.state, snapshot.asOf) {
        case (.inFlight, _), (.unknown, nil): false
        case (.unknown, let asOf?): asOf > version.changedAt + unknownAfter
        case (_, let asOf?): asOf > version.changedAt + settleAfter
        case (_, nil): previousReadAt.map { version.changedAt < $0 } ?? false
        }
    }
}
