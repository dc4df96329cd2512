import RiskRules
import Testing

/// Random traffic of an engine. It can go down and come up as another, beside which it goes on, so that what the two make
/// of the same traffic can be compared; or be followed by an engine that only counts again.
final class RecoveryWorld {
    /// An order as it is asked for, and what the endpoint called it.
    private struct Asked {
        var account: String
        var symbol: String
        var strategy: String
        var side: Side
        var quantity: String
        var price: String?
        var clientID: String?
        var orderID: String?

        func order(_ desk: Desk) throws -> Order {
            try desk.order(
                side, quantity, at: price, symbol: symbol, account: account, strategy: strategy,
                timeInForce: price == nil ? "" : "GTC", clientID: clientID)
        }

        func reference(_ desk: Desk) -> OrderReference {
            OrderReference(orderID: desk.digest(orderID ?? ""), clientOrderID: desk.digest(clientID ?? ""))
        }
    }

    static let accounts = ["A", "B", "C"]
    static let symbols = ["BTC", "ETH"]
    static let strategies = ["", "grid", "trend"]
    /// Rules that let most orders pass, and rules in shadow mode that say what they measure of each.
    private static let rules: [[String]] =
        [["id: limit", "metric: position_quantity", "max: 60"]]
        + [
            ["metric: position_notional", "max: 0"], ["metric: gross_exposure", "max: 0"],
            ["metric: net_exposure", "max: 0"], ["metric: open_orders", "max: 0"],
            ["metric: open_orders", "max: 0", "per: symbol"], ["metric: open_order_notional", "max: 0"],
            ["metric: available_margin", "min: 100000000"], ["metric: margin_ratio", "min: 10"],
            ["metric: order_count", "window: 2s", "max: 1"],
            ["metric: order_count", "window: 3s", "per: strategy", "max: 1"],
            ["metric: message_count", "window: 5s", "per: symbol", "max: 1"],
            ["metric: duplicate_count", "window: 4s", "max: 1"],
            ["metric: duplicate_count", "window: 5s", "per: strategy", "max: 1"],
            ["metric: reject_count", "window: 3s", "max: 0"], ["metric: notional_sum", "window: 4s", "max: 1"],
            ["metric: notional_sum", "window: 6s", "per: strategy", "max: 1"],
        ].enumerated().map { ["id: shadow-\($0)", "mode: shadow", "exempt_reducing: false"] + $1 }
        + [["id: rate", "metric: order_count", "window: 1s", "max: 25"]]

    private(set) var run: RecoveryRun
    private var twin: RecoveryRun?
    /// Counts again what the run counted.
    private let counter: RiskEngine?
    private var told = (approved: 0, forgotten: 0)
    /// Rules whose windows no other engine has: only where there is none that goes on beside the run.
    private let perConnection: [[String]]
    private var random: SplitMix
    private var ruleSet: RuleSet
    private var number: UInt64 = 0
    private var sent: [UInt64: Asked] = [:]
    /// What the latest snapshot of each account shows.
    private var shown: [String: [Asked]] = [:]
    private var prices: [String: String] = [:]
    private var sequence: Int64 = 0
    /// How often what happened, so that a test can see that it looked at something.
    private(set) var counts: [String: Int] = [:]

    init(seed: UInt64, recounts: Bool) throws {
        random = SplitMix(seed: seed)
        perConnection =
            recounts ? [["id: connection", "metric: message_count", "window: 5s", "per: connection", "max: 900"]] : []
        ruleSet = try Self.compile(multiplier: "1", perConnection)
        run = try RecoveryRun(ruleSet, now: 1000 * Desk.second, wallOffset: Desk.wallStart)
        counter = recounts ? try Desk().engine : nil
        counter?.install(ruleSet)
    }

    private static func compile(multiplier: String, _ others: [[String]]) throws -> RuleSet {
        // Another length is another window.
        let rules = rules.map { $0.map { multiplier == "3" ? $0.replacing("window: 6s", with: "window: 7s") : $0 } }
        return try RuleLines.compile(
            rules + others, instruments: symbols.map { ["symbol: \($0)", "contract_multiplier: \(multiplier)"] })
    }

    private var runs: [RecoveryRun] { [run] + (twin.map { [$0] } ?? []) }

    private func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    private func note(_ what: String) { counts[what, default: 0] += 1 }

    /// Lets something happen, and a part of what changed be told; all of it where it is counted again.
    func step() throws {
        switch Int.random(in: 0..<100, using: &random) {
        case 0..<45: try order()
        case 45..<66: try answer()
        case 66..<69: try cancelled()
        case 69..<73: try news()
        case 73..<80: try snapshot()
        case 80..<83: try price()
        case 83..<86: try cancel()
        case 86..<88: try lateReject()
        case 88..<89: try install()
        default: pass()
        }
        for run in runs {
            if counter != nil {
                run.journal.drain(run.engine)
            } else {
                run.journal.drain(run.engine, atMost: random.pick([0, 0, 1, 2, 9]))
            }
        }
        try recountApprovals()
    }

    /// Has the run go down and come up as another beside it; the answers that are still to come to it are lost to both.
    func restart() throws {
        note("restarts")
        while run.engine.hasLedgerChanges { run.journal.drain(run.engine, atMost: random.pick([1, 3, 50])) }
        let now = random.pick([-5, 3, 77_777]) * Desk.second + Int64.random(in: 0...999, using: &random)
        let next = try RecoveryRun(after: run, ruleSet, now: now, &random)
        for symbol in Self.symbols { try prices[symbol].map { try mirror($0, of: symbol, in: next) } }
        run.loseAnswers()
        twin = next
        try compare()
    }

    /// Goes on with one of both alone.
    func settleOn(twin takesTwin: Bool) {
        if takesTwin, let twin { run = twin }
        twin = nil
    }

    /// That both say the same of everything, and their journals of their ledgers.
    func compare() throws {
        guard let twin else { return }
        for run in runs { run.journal.drain(run.engine) }
        try expectEqual(twin.testimony(), run.testimony())
        let images = try run.journal.images.mapValues { try twin.engine.translate($0, from: run.engine) }
        #expect(twin.journal.images == images)
        for run in runs {
            var numbers: Set<UInt64> = []
            for account in Self.accounts {
                run.engine.forEachReservation(of: try run.desk.account(account)) { numbers.insert($0.number) }
            }
            #expect(Set(run.journal.images.keys) == numbers)
        }
    }

    /// That the engine that only counts has the windows of the one that decides.
    func compareWindows() throws {
        guard let counter else { return }
        var expected: [WindowExport] = []
        var counted: [WindowExport] = []
        run.engine.exportWindows(now: run.desk.now) { expected.append($0) }
        counter.exportWindows(now: run.desk.wallNow) { counted.append($0) }
        expectEqual(counted.map { "\($0)" }, expected.map { "\($0)" })
        counts["exports", default: 0] += expected.count
    }

    /// Says the first lines in which two accounts differ.
    private func expectEqual(_ lines: [String], _ expected: [String]) {
        guard lines != expected else { return }
        let difference = zip(lines + [""], expected + [""]).first { $0 != $1 }
        Issue.record(
            "\(lines.count) and \(expected.count) lines: \(difference?.0 ?? "")\nwhere there was\n\(difference?.1 ?? "")"
        )
    }

    // MARK: What happens

    private func pass() {
        let time = Int64(random.pick([0, 1, 20, 150, 700, 1000, 3000, 6500])) * 1_000_000
        for run in runs { run.desk.now += time }
    }

    private func anyOrder() -> Asked {
        Asked(
            account: random.pick(Self.accounts), symbol: random.pick(Self.symbols),
            strategy: random.pick(Self.strategies), side: random.pick([.buy, .sell]),
            quantity: random.pick(["0.5", "1", "2", "2", "3.3333333333"]),
            price: random.pick([nil, "9", "10", "10.5"]),
            clientID: chance(70) ? "c\(chance(20) ? number / 2 : number + 1)" : nil, orderID: nil)
    }

    private func anySent() -> Asked? {
        sent.keys.max().flatMap { sent[UInt64.random(in: $0 / 2...$0, using: &random)] }
    }

    private func order() throws {
        var asked = anyOrder()
        number += 1
        let replaced = chance(25) ? chance(40) ? shown[asked.account]?.randomElement(using: &random) : anySent() : nil
        if let replaced {
            (asked.account, asked.symbol, asked.side) = (replaced.account, replaced.symbol, replaced.side)
            if chance(30) { asked.clientID = replaced.clientID }
        }
        let connection = UInt32.random(in: 1...2, using: &random)
        let reservesAll = chance(10)
        var outcomes: [String] = []
        for run in runs {
            let order = try asked.order(run.desk)
            let reference = replaced?.reference(run.desk)
            let outcome = Desk.Outcome(
                run.engine.decide(order, replacing: reference, connection: connection, now: run.desk.now))
            outcomes.append(RecoveryRun.text(outcome))
            try counter?.recount(
                counter?.translate(order, from: run.engine) ?? order, at: run.desk.wallNow, rejected: outcome.reason)
            guard outcome.reason == nil || reservesAll else { continue }
            run.ids[number] = run.engine.reserve(
                order, replacing: reference, connection: connection, number: number, now: run.desk.now)
            try #require(run.ids[number] != nil)
            sent[number] = asked
            note(replaced == nil ? "orders" : "replaces")
        }
        expectEqual(Array(outcomes.dropFirst()), Array(outcomes.dropLast()))
    }

    private func answer() throws {
        guard let number = run.ids.keys.sorted().randomElement(using: &random) else { return }
        let kind = Int.random(in: 0..<10, using: &random)
        let isInFlight = run.ids[number].map { run.engine.reservation($0)?.state == .inFlight } ?? false
        let orderID = chance(80) ? "o\(chance(10) ? number / 2 : number)" : ""
        let filled = random.pick([nil, "0", "0.3", "1", "50"])
        for run in runs {
            guard let id = run.ids[number] else { continue }
            let (engine, now, wallNow) = (run.engine, run.desk.now, run.desk.wallNow)
            switch kind {
            case 0..<5: engine.accepted(id, orderID: run.desk.digest(orderID), filled: nil, now: now, wallNow: wallNow)
            case 5, 6: engine.ended(id, filled: try filled.map(run.desk.decimal), now: now, wallNow: wallNow)
            case 7: engine.unknown(id, now: now, wallNow: wallNow)
            case 8: engine.release(id)
            default: if isInFlight { engine.undo(id) }
            }
        }
        if kind < 5, !orderID.isEmpty { sent[number]?.orderID = orderID }
        let isLast = kind == 7 ? chance(50) : kind == 9 ? isInFlight : kind > 4
        if isLast { for run in runs { run.ids[number] = nil } }
        note("answers")
    }

    private func cancelled() throws {
        guard let asked = anySent() else { return }
        let filled = random.pick([nil, "0", "0.7"])
        let namesAccount = chance(80)
        for run in runs {
            let reference = asked.reference(run.desk)
            run.engine.cancelled(
                orderID: reference.orderID, clientOrderID: reference.clientOrderID,
                account: namesAccount ? try run.desk.account(asked.account) : .none,
                filled: try filled.map(run.desk.decimal), now: run.desk.now, wallNow: run.desk.wallNow)
        }
        note("cancelled")
    }

    /// What an answer that passes says of an order.
    private func news() throws {
        let latest = number - UInt64.random(in: 0...min(number, 20), using: &random)
        if sent[latest] != nil, sent[latest]?.orderID == nil { sent[latest]?.orderID = "n\(latest)" }
        guard let asked = chance(50) ? sent[latest] : anySent() else { return }
        let status = random.pick([OrderStatus.accepted, .accepted, .ended, .rejected])
        let filled = random.pick([nil, "0", "0.2", "0.6", "2"])
        let (namesID, namesAccount) = (chance(60), chance(80))
        for run in runs {
            let reference = asked.reference(run.desk)
            run.engine.observed(
                orderID: namesID ? reference.orderID : .none, clientOrderID: reference.clientOrderID,
                account: namesAccount ? try run.desk.account(asked.account) : .none,
                symbol: try run.desk.symbol(asked.symbol), status: status, filled: try filled.map(run.desk.decimal),
                now: run.desk.now, wallNow: run.desk.wallNow)
        }
        note("news")
    }

    private func cancel() throws {
        let asked = anyOrder()
        let namesAccount = chance(80)
        for run in runs {
            let order = try asked.order(run.desk)
            run.engine.countCancel(
                account: namesAccount ? order.account : nil, strategy: order.strategy, symbol: order.symbol,
                connection: 1, now: run.desk.now)
            guard namesAccount, let counter else { continue }
            let same = try counter.translate(order, from: run.engine)
            counter.recountCancel(
                account: same.account, strategy: same.strategy, symbol: same.symbol, at: run.desk.wallNow)
        }
    }

    private func lateReject() throws {
        let asked = anyOrder()
        for run in runs {
            let order = try asked.order(run.desk)
            run.engine.countReject(order, connection: 1, now: run.desk.now)
            try counter?.recountReject(
                counter?.translate(order, from: run.engine) ?? order, at: run.desk.wallNow)
        }
    }

    /// What is told after another set is installed is counted by that one: nothing is to be left to be told.
    private func install() throws {
        ruleSet = try Self.compile(multiplier: random.pick(["1", "2", "3"]), perConnection)
        for run in runs { run.engine.install(ruleSet) }
        counter?.install(ruleSet)
        note("installs")
    }

    private func price() throws {
        let symbol = random.pick(Self.symbols)
        prices[symbol] = random.pick(["9", "10", "11.25"])
        for run in runs { try mirror(prices[symbol] ?? "1", of: symbol, in: run) }
    }

    private func mirror(_ price: String, of symbol: String, in run: RecoveryRun) throws {
        run.engine.update(
            price: PriceQuote(
                availability: .present, hasBidAsk: false, mark: try run.desk.decimal(price), bid: .zero, ask: .zero,
                since: 0, freshUntil: .max, expiresAt: .max), symbol: try run.desk.symbol(symbol))
    }

    /// The keeper of each account orders its snapshots in a way of its own.
    private func snapshot() throws {
        let account = random.pick(Self.accounts)
        var values = AccountSnapshot.Values()
        sequence += 1
        if account != "B" { values.seq = chance(95) ? sequence : sequence - 2 }
        if account == "A" { values.asOf = run.desk.wallNow - Int64(random.pick([0, 400, 1500])) * 1_000_000 }
        values.equity = try run.desk.decimal("1000")
        values.marginUsed = try run.desk.decimal(random.pick(["0", "100"]))
        values.availableMargin = try run.desk.decimal("900")
        values.positions = try Self.symbols.filter { _ in chance(60) }.map {
            AccountSnapshot.Position(
                symbol: $0, quantity: try run.desk.decimal(random.pick(["-4", "1", "6"])),
                currentPrice: try random.pick([nil, "10"]).map(run.desk.decimal))
        }
        shown[account] = (0..<random.pick([0, 2, 5])).compactMap { _ in anySent() }.filter { $0.account == account }
        values.pendingOrders = try shown[account]?.map { asked in
            let clientID = chance(70) ? asked.clientID : nil
            return AccountSnapshot.PendingOrder(
                clientOrderID: clientID, orderID: clientID == nil || chance(50) ? asked.orderID : nil,
                symbol: asked.symbol, side: asked.side, quantity: try run.desk.decimal(random.pick(["0.4", "1"])),
                price: try asked.price.map(run.desk.decimal))
        }
        for run in runs {
            run.engine.update(
                account: AccountSnapshot(
                    values: values, readAt: run.desk.now, since: run.desk.now,
                    freshUntil: run.desk.now + 60 * Desk.second, expiresAt: .max),
                of: try run.desk.account(account), now: run.desk.now)
        }
        note("snapshots")
    }

    private func recountApprovals() throws {
        guard let counter else { return }
        for image in run.journal.approved[told.approved...] {
            counter.recountApproval(try counter.translate(image, from: run.engine))
        }
        for image in run.journal.forgotten[told.forgotten...] {
            counter.forgetApproval(try counter.translate(image, from: run.engine))
            note("forgotten")
        }
        told = (run.journal.approved.count, run.journal.forgotten.count)
    }
}
