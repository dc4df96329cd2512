import Foundation
import Gate
import RiskRules
import Testing

/// What a restart makes of a journal is what there was.
@Suite struct JournalRecoveryTests {
    private let directory: TemporaryDirectory
    private var journal: String { directory.path("journal") }

    init() throws { directory = try TemporaryDirectory() }

    private func images(of engine: RiskEngine) -> [String] {
        var all: [String] = []
        guard engine.nameCount(.account) > 0 else { return [] }
        for number in 1...engine.nameCount(.account) {
            let account = NameID(index: number)
            let name = String(decoding: engine.name(.account, account), as: UTF8.self)
            engine.forEachReservation(of: account) {
                all.append("\(name) \($0.side) \($0.state) \($0.remaining) \($0.clientOrderID)")
            }
        }
        return all.sorted()
    }

    @Test func `a run that was killed leaves its reservations, with unknown outcomes`() throws {
        let killed = try JournalDesk(in: journal)
        killed.begin()
        let first = try #require(try killed.decide("c-1"))
        try killed.decide("c-2")
        try killed.decide("c-3", account: "B")
        killed.engine.release(first)
        killed.drain()
        let left = images(of: killed.engine)
        #expect(left.count == 2)

        let desk = try JournalDesk(in: journal, at: killed.at + 1_000_000_000)
        #expect(desk.recovery.problems.isEmpty)
        #expect(desk.restored.reservations == 2)
        #expect(desk.restored.leftOut == 0)
        #expect(desk.restored.accounts == 2)
        #expect(images(of: desk.engine) == left.map { $0.replacing("inFlight", with: "unknown") })
    }

    private func kept(by state: JournalState) -> [ReservationImage] {
        var images: [ReservationImage] = []
        state.forEachImage { images.append($0) }
        return images
    }

    @Test func `no field of a reservation is lost`() throws {
        let desk = try JournalDesk(in: journal)
        desk.begin()
        let order = try desk.order("c-1", quantity: "2", price: "3")
        let ids = OrderReference(orderID: Digest(low: 1, high: 2), clientOrderID: Digest(low: 3, high: 4))
        var image = ReservationImage()
        image.number = 5
        image.account = order.account
        image.symbol = order.symbol
        image.side = .sell
        image.state = .closing
        image.clientOrderID = order.clientOrderID
        image.orderID = ids.orderID
        image.remaining = try FixedPoint(parsing: "6")
        image.whole = try FixedPoint(parsing: "7")
        image.notional = try FixedPoint(parsing: "8")
        image.price = try FixedPoint(parsing: "9")
        image.isPriced = true
        image.multiplier = try FixedPoint(parsing: "10")
        image.margin = try FixedPoint(parsing: "11")
        image.isMarginKnown = true
        image.terms.strategy = order.strategy
        image.terms.timeInForce = order.timeInForce
        image.terms.type = .stopLimit
        image.terms.mayBeMarket = true
        image.terms.reduceOnly = true
        image.terms.quantity = order.quantity
        image.terms.price = order.price
        image.terms.stopPrice = .one
        image.isReplacement = true
        image.original = ids
        image.predecessor = 12
        image.base.quantity = 13
        image.base.orders = 14
        image.base.notional = 15
        image.base.unpricedQuantity = 16
        image.base.unpricedOrders = 17
        image.base.margin = -18
        image.base.unknownMargins = 19
        image.shownMargin = 20
        image.marginWhereShown = -21
        image.remembersID = true
        image.isShown = true
        image.isAhead = true
        image.filled = try FixedPoint(parsing: "22")
        image.changedAt = desk.at - 23
        image.approvedAt = desk.at - 24
        image.approvedNotional = try FixedPoint(parsing: "25")
        image.connection = 26
        // Whoever adds a field says it here too.
        for (one, none) in [
            (Mirror(reflecting: image), Mirror(reflecting: ReservationImage())),
            (Mirror(reflecting: image.terms), Mirror(reflecting: OrderTerms())),
            (Mirror(reflecting: image.base), Mirror(reflecting: OrderSums())),
        ] {
            for (field, nothing) in zip(one.children, none.children) {
                #expect("\(field.value)" != "\(nothing.value)", "\(field.label ?? "")")
            }
        }
        #expect(desk.writer.ledger(.image(image), at: desk.at))
        // From the segment, and from a checkpoint of it.
        for _ in 0..<2 {
            let next = try JournalDesk(in: journal, at: desk.at + 1)
            // Names are interned in the same order.
            #expect(kept(by: next.recovery.state) == [image])
        }
    }

    /// A reservation as most are, with every number its own.
    private func brief(_ desk: JournalDesk) throws -> BriefReservation {
        let order = try desk.order("c-1")
        var brief = BriefReservation()
        brief.number = 5
        brief.account = order.account
        brief.strategy = order.strategy
        brief.symbol = order.symbol
        brief.timeInForce = order.timeInForce
        brief.side = .sell
        brief.type = .postOnly
        brief.reduceOnly = true
        brief.mayBeMarket = true
        brief.isPriced = true
        brief.isMarginKnown = true
        brief.remembersID = true
        brief.connection = 26
        brief.clientOrderID = order.clientOrderID
        brief.quantity = .max
        brief.limit = .min
        brief.price = 9
        brief.multiplier = 10
        brief.notional = 8
        brief.margin = -11
        brief.approvedNotional = 25
        brief.approvedAt = desk.at - 24
        return brief
    }

    @Test func `no field of a reservation as most are is lost, nor of what changes in it`() throws {
        let desk = try JournalDesk(in: journal)
        desk.begin()
        let brief = try brief(desk)
        for (field, nothing) in zip(
            Mirror(reflecting: brief).children, Mirror(reflecting: BriefReservation()).children)
        {
            #expect("\(field.value)" != "\(nothing.value)", "\(field.label ?? "")")
        }
        var change = ReservationChange()
        change.number = 5
        change.account = brief.account
        change.state = .closing
        change.isShown = true
        change.isAhead = true
        change.isMarginKnown = true
        change.orderID = Digest(low: 1, high: 2)
        change.remaining = 6
        change.notional = .min
        change.margin = .max
        change.filled = 22
        change.changedAt = desk.at - 23
        for (field, nothing) in zip(
            Mirror(reflecting: change).children, Mirror(reflecting: ReservationChange()).children)
        {
            #expect("\(field.value)" != "\(nothing.value)", "\(field.label ?? "")")
        }
        var image = ReservationImage(brief)
        #expect(desk.writer.ledger(.brief(brief), at: desk.at))
        var next = try JournalDesk(in: journal, at: desk.at + 1)
        #expect(kept(by: next.recovery.state) == [image])
        #expect(next.writer.ledger(.change(change), at: next.at))
        image.apply(change)
        // From the segment, and from a checkpoint of it.
        for _ in 0..<2 {
            next = try JournalDesk(in: journal, at: next.at + 1)
            #expect(kept(by: next.recovery.state) == [image])
        }
        let line = try #require(try JournalDesk.lines(in: journal, [.reservation]).first)
        #expect(line.text.contains("kind=reservation reservation=0000000000000005 account=A"))
    }

    @Test func `a change of what was never told, or is gone, changes nothing`() throws {
        let desk = try JournalDesk(in: journal)
        desk.begin()
        let brief = try brief(desk)
        #expect(desk.writer.ledger(.brief(brief), at: desk.at))
        var other = ReservationChange()
        other.number = 6
        other.state = .open
        #expect(desk.writer.ledger(.change(other), at: desk.at))
        #expect(kept(by: try JournalDesk(in: journal, at: desk.at + 1).recovery.state) == [ReservationImage(brief)])
    }

    @Test func `a reservation is told by changes and taken out, among many`() throws {
        let desk = try JournalDesk(in: journal)
        desk.begin()
        var left: Set<UInt64> = []
        var random = SystemRandomNumberGenerator()
        var brief = try brief(desk)
        // More than its table holds at first.
        for number in 1...UInt64(JournalDesk.limits.maxReservations + 500) {
            if desk.writer.isReady(at: desk.at) == false { desk.tick() }
            brief.number = number << 7
            #expect(desk.writer.ledger(.brief(brief), at: desk.at))
            left.insert(brief.number)
            guard number % 10 == 0, let gone = left.randomElement(using: &random) else { continue }
            let end = LedgerChange.gone(number: gone, forgetsID: false, forgetsNotional: false)
            #expect(desk.writer.ledger(end, at: desk.at))
            left.remove(gone)
        }
        let restored = kept(by: try JournalDesk(in: journal, at: desk.at + 1).recovery.state)
        #expect(Set(restored.map(\.number)) == left && restored.count == left.count)
    }

    @Test func `remembered client order ids and rate windows go on`() throws {
        let killed = try JournalDesk(in: journal)
        killed.begin()
        for order in 0..<4 { try killed.decide("c-\(order)") }

        let desk = try JournalDesk(in: journal, at: killed.at + 1_000_000_000)
        desk.begin()
        let again = desk.engine.check(try desk.order("c-0"), connection: 1, now: desk.now)
        #expect(again.violations.contains { $0.reason == .duplicateClientOrderID })
        // The fifth within the hour passes, the sixth does not.
        let fifth = desk.engine.decide(try desk.order("c-5"), connection: 1, now: desk.now)
        #expect(!fifth.violations.contains { $0.reason == .orderRateExceeded })
        let sixth = desk.engine.decide(try desk.order("c-6"), connection: 1, now: desk.now)
        #expect(sixth.violations.contains { $0.reason == .orderRateExceeded })
    }

    @Test func `an order that no rule saw, or that was decided again, is not counted again`() throws {
        let killed = try JournalDesk(in: journal)
        killed.begin()
        var decision = JournalDecision()
        decision.order = try killed.order("c-1")
        for flag in [JournalDecision.Flags.undecided, .again] {
            decision.flags = flag
            for _ in 0..<6 {
                #expect(
                    killed.writer.decision(
                        &decision, violations: UnsafeBufferPointer(start: nil, count: 0), at: killed.at))
            }
        }
        let desk = try JournalDesk(in: journal, at: killed.at + 1_000_000_000)
        let verdict = desk.engine.check(try desk.order("c-2"), connection: 1, now: desk.now)
        #expect(!verdict.violations.contains { $0.reason == .orderRateExceeded })
    }

    @Test func `an account is recovering until a snapshot taken after the start`() throws {
        let killed = try JournalDesk(in: journal)
        killed.begin()
        try killed.decide("c-1")
        let desk = try JournalDesk(in: journal, at: killed.at + 1_000_000_000)
        let account = try desk.id(desk.engine.account, "A")
        #expect(desk.engine.isRecovering(account))
        var values = AccountSnapshot.Values()
        values.asOf = desk.at + 1
        desk.engine.update(
            account: AccountSnapshot(
                values: values, readAt: desk.now, since: desk.now, freshUntil: .max, expiresAt: .max), of: account,
            now: desk.now)
        #expect(!desk.engine.isRecovering(account))
    }

    @Test func `the last snapshot of an account is restored`() throws {
        let killed = try JournalDesk(in: journal)
        killed.begin()
        let account = try killed.id(killed.engine.account, "A")
        for quantity in ["1", "2"] {
            var values = AccountSnapshot.Values()
            values.positions = [
                AccountSnapshot.Position(
                    symbol: "BTCUSDT", quantity: try FixedPoint(parsing: quantity), currentPrice: nil)
            ]
            values.pendingOrders = []
            let snapshot = AccountSnapshot(values: values, readAt: 1, since: 1, freshUntil: .max, expiresAt: .max)
            #expect(killed.writer.snapshot(snapshot, of: account, at: killed.at))
        }
        let desk = try JournalDesk(in: journal, at: killed.at + 1_000_000_000)
        let restored = desk.engine.snapshot(of: try desk.id(desk.engine.account, "A"))
        #expect(restored?.values.positions?.map(\.quantity) == [try FixedPoint(parsing: "2")])
    }

    @Test func `what was restored outlives another crash, from the checkpoint or without it`() throws {
        var left: [String] = []
        for run in 0..<4 {
            let desk = try JournalDesk(in: journal, at: 1_700_000_000_000_000_000 + Int64(run) * 4_000_000_000_000)
            #expect(desk.recovery.problems.isEmpty)
            #expect(images(of: desk.engine) == left)
            desk.begin()
            // Recovering accounts open nothing; another one does.
            try desk.decide("c-\(run)", account: "ACCOUNT-\(run)")
            desk.drain()
            desk.tick()
            left = images(of: desk.engine).map { $0.replacing("inFlight", with: "unknown") }
        }
        #expect(left.count == 4)
        let files = try JournalFiles(listing: journal)
        #expect(!files.numbers(.checkpoint).isEmpty)
        for number in files.numbers(.checkpoint) {
            try FileManager.default.removeItem(atPath: files.path(.checkpoint, number))
        }
        let desk = try JournalDesk(in: journal, at: 1_800_000_000_000_000_000)
        #expect(images(of: desk.engine) == left)
        #expect(try JournalDesk.verify(journal).findings.isEmpty)
    }

    @Test func `a damaged checkpoint is said, and an older one or every segment read`() throws {
        var left: [String] = []
        for run in 0..<3 {
            let desk = try JournalDesk(in: journal, at: 1_700_000_000_000_000_000 + Int64(run) * 4_000_000_000_000)
            desk.begin()
            try desk.decide("c-\(run)", account: "ACCOUNT-\(run)")
            desk.drain()
            desk.close()
            left = images(of: desk.engine).map { $0.replacing("inFlight", with: "unknown") }
        }
        let files = try JournalFiles(listing: journal)
        for number in files.numbers(.checkpoint).reversed() {
            let path = files.path(.checkpoint, number)
            var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
            bytes[bytes.count / 2] ^= 1
            try Data(bytes).write(to: URL(filePath: path))
            let recovery = try JournalRecovery(
                directory: journal, limits: JournalDesk.limits,
                ruleSet: try JournalDesk(in: directory.path("x")).ruleSet)
            #expect(
                recovery.problems.first?.hasPrefix(files.path(.checkpoint, files.numbers(.checkpoint).last ?? 0))
                    == true)
            #expect(recovery.state.imageCount == left.count)
        }
    }

    @Test func `a journal of another run with a segment never begun takes its number`() throws {
        let killed = try JournalDesk(in: journal)
        killed.begin()
        killed.tick()
        #expect(try killed.files.numbers(.segment) == [1, 2])
        let desk = try JournalDesk(in: journal, at: killed.at + 1)
        #expect(try desk.files.numbers(.segment) == [1, 2])
        desk.begin()
        desk.close()
        let verifier = try JournalDesk.verify(journal)
        #expect(verifier.findings.isEmpty)
        #expect(verifier.segments == 2)
    }
}
