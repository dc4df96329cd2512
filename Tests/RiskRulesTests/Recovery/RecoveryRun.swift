import RiskRules
import Testing

/// One engine with a monotonic clock of its own, and what a journal keeps of it.
final class RecoveryRun {
    let desk: Desk
    var journal = JournalDouble()
    /// Of the reservations whose answer is to come to this engine.
    var ids: [UInt64: ReservationID] = [:]
    var engine: RiskEngine { desk.engine }

    init(_ rules: RuleSet, now: Int64, wallOffset: Int64) throws {
        desk = try Desk {
            $0.maxAccounts = 8
            $0.maxSymbols = 8
            $0.maxExposures = 64
            $0.maxReservations = 512
            $0.clientOrderIDsPerAccount = 4096
            $0.unknownAfter = 5 * Desk.second
        }
        desk.now = now
        desk.wallOffset = wallOffset
        engine.wallOffset = wallOffset
        engine.install(rules)
        engine.noteLedgerChanges()
    }

    /// What comes up where another run went down, on a host whose clock starts again.
    init(after other: RecoveryRun, _ rules: RuleSet, now: Int64, _ random: inout SplitMix) throws {
        desk = try RecoveryRun(rules, now: now, wallOffset: other.desk.wallNow - now).desk
        for kind in NameKind.allCases {
            for index in (1..<other.engine.nameCount(kind) + 1).shuffled(using: &random) {
                _ = try engine.translate(kind, NameID(index: index), from: other.engine)
            }
        }
        let shift = desk.now - other.desk.now
        for account in RecoveryWorld.accounts {
            guard let snapshot = other.engine.snapshot(of: try other.desk.account(account)) else { continue }
            engine.update(account: snapshot.moved(by: shift), of: try desk.account(account), now: now)
        }
        let images = try other.journal.images.values.map { try engine.translate($0, from: other.engine) }
        #expect(engine.restore(images.shuffled(using: &random), now: now) == 0)
        for (account, ids) in other.journal.clientOrderIDs {
            let account = try engine.translate(.account, account, from: other.engine)
            for id in ids { engine.restore(clientOrderID: id, of: account) }
        }
        other.engine.exportWindows(now: other.desk.now) { #expect(engine.importWindow($0, now: now)) }
        journal = try JournalDouble(other.journal, of: other.engine, for: engine)
    }

    /// What is in flight will not be answered any more.
    func loseAnswers() {
        let awaited = journal.images.values.filter { $0.state == .inFlight || $0.isAhead }
        for number in awaited.map(\.number).sorted() {
            if let id = ids[number] { engine.unknown(id, now: desk.now, wallNow: desk.wallNow) }
        }
        ids = [:]
    }

    /// All that can be asked of the engine, said alike in every run.
    func testimony() throws -> [String] {
        var lines: [String] = ReservationState.allCases.map { "\($0): \(engine.reservationCount($0))" }
        for account in RecoveryWorld.accounts {
            let id = try desk.account(account)
            for symbol in RecoveryWorld.symbols {
                for (side, strategy) in zip([Side.buy, .sell, .buy], RecoveryWorld.strategies) {
                    let order = try desk.order(side, "2", symbol: symbol, account: account, strategy: strategy)
                    let verdict = engine.check(order, connection: 1, now: desk.now)
                    lines.append("\(account) \(symbol) \(side): \(Self.text(Desk.Outcome(verdict)))")
                }
            }
            engine.forEachReservation(of: id) { lines.append("\(account): \($0.number) \($0.state) \($0.remaining)") }
            engine.forEachClientOrderID(of: id) {
                if $0 != .none { lines.append("\(account): \($0.high) \($0.low)") }
            }
        }
        engine.exportWindows(now: desk.now) { lines.append("\($0)") }
        return lines
    }

    static func text(_ outcome: Desk.Outcome) -> String {
        let violations = outcome.violations.map { "\($0.reason) by \($0.rule) at \($0.value)" }
        return "\(outcome.isReducing ? "reducing" : "") \(violations.joined(separator: ", "))"
    }
}

extension AccountSnapshot {
    /// The same on another monotonic clock.
    func moved(by shift: Int64) -> AccountSnapshot {
        AccountSnapshot(
            values: values, readAt: readAt + shift, since: since + shift, freshUntil: freshUntil + shift,
            expiresAt: .max)
    }
}
