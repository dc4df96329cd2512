import CChecksum
import Foundation
import Gate
import RiskRules
import Testing

/// What goes into the journal comes out of it.
@Suite struct JournalRecordTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func desk() throws -> JournalDesk {
        let desk = try JournalDesk(in: directory.path("journal"))
        desk.begin()
        return desk
    }

    /// The text form of the one record of a kind.
    private func line(_ kind: JournalKind) throws -> String {
        let lines = try JournalDesk.lines(in: directory.path("journal"), [kind])
        try #require(lines.count == 1)
        return lines[0].text
    }

    private func text(_ text: StaticString) -> RecordText {
        RecordText(UnsafeRawBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    private static let prefix = "at=2023-11-14T22:13:20.000000000Z"

    /// What a decision was taken on, but for the bid.
    private func noteInputs(in decision: inout JournalDecision) throws {
        decision.mark = try FixedPoint(parsing: "50000")
        decision.ask = try FixedPoint(parsing: "50000.5")
        decision.priceAge = 1_000
        decision.accountAge = 2_000
        decision.position = try FixedPoint(parsing: "-3")
        decision.openBuys = try FixedPoint(parsing: "4")
        decision.openSells = .zero
        decision.equity = try FixedPoint(parsing: "100000")
        decision.marginUsed = try FixedPoint(parsing: "10")
        decision.availableMargin = try FixedPoint(parsing: "-0.0000000001")
        decision.sequence = 412
    }

    @Test func `a decision comes back with all that it was taken on`() throws {
        let desk = try desk()
        var decision = JournalDecision()
        decision.decisionID = 0xABC
        decision.flags = [.reducing, .batch, .again]
        decision.reason = JournalReason(.orderNotionalExceeded)
        decision.reservation = 0xDEF
        decision.index = 2
        decision.connection = 9
        decision.order = try desk.order("c-1", quantity: "1.5", price: "50000.25")
        decision.bid = try FixedPoint(parsing: "49999.5")
        try noteInputs(in: &decision)
        decision.price = try FixedPoint(parsing: "50000.25")
        decision.notional = try FixedPoint(parsing: "75000.375")
        decision.duration = 812
        decision.omitted = 3
        decision.clientOrderID = text("c-1")
        let verdict = desk.engine.check(decision.order, connection: 9, now: desk.now)
        #expect(!verdict.violations.isEmpty)
        #expect(desk.writer.decision(&decision, violations: verdict.violations, at: desk.at))
        #expect(
            try line(.decision) == """
                sequence=9 \(Self.prefix) kind=decision decision_id=0000000000000abc account=A strategy=maker \
                symbol=BTCUSDT side=buy type=limit quantity=1.5 price=50000.25 time_in_force=GTC client_order_id=c-1 \
                decision=rejected reason=ORDER_NOTIONAL_EXCEEDED violations=[reason=ORDER_NOTIONAL_EXCEEDED rule=clip \
                metric=order_notional severity=hard mode=enforce value=75000.375 bound=1000] violations_omitted=3 \
                rule_set=a1b2 decision_ns=812 reducing again batch index=2 connection=9 \
                reservation=0000000000000def mark=50000 bid=49999.5 ask=50000.5 price_age_ns=1000 account_age_ns=2000 \
                position=-3 open_buys=4 open_sells=0 equity=100000 margin_used=10 available_margin=-0.0000000001 \
                seq=412 valued_at=50000.25 notional=75000.375
                """)
    }

    /// The kind of each decision's record.
    private func decisionKinds() throws -> [UInt8] {
        let files = try JournalFiles(listing: directory.path("journal"))
        let bytes = try JournalBytes(reading: files.path(.segment, 1))
        return try withExtendedLifetime(bytes) {
            var scan = try #require(SegmentScan(bytes.bytes))
            var kinds: [UInt8] = []
            while case .record(let header, _) = scan.next() { kinds.append(header.kind) }
            return kinds.filter { JournalKind(rawValue: $0)?.full == .decision }
        }
    }

    @Test func `a decision as most are comes back from less room`() throws {
        let desk = try desk()
        var decision = JournalDecision()
        decision.decisionID = 0xABC
        decision.flags = [.approved, .batch]
        decision.reservation = 0xABC
        decision.index = 2
        decision.connection = 9
        decision.order = try desk.order("c-1", quantity: "1.5", price: "922337203.6854775807")
        decision.bid = try FixedPoint(parsing: "-922337203.6854775807")
        try noteInputs(in: &decision)
        decision.duration = Int64(UInt32.max)
        decision.clientOrderID = text("c-1")
        #expect(desk.writer.decision(&decision, violations: UnsafeBufferPointer(start: nil, count: 0), at: desk.at))
        #expect(try decisionKinds() == [JournalKind.briefDecision.rawValue])
        let line = try line(.decision)
        #expect(
            line == """
                sequence=7 \(Self.prefix) kind=decision decision_id=0000000000000abc account=A strategy=maker \
                symbol=BTCUSDT side=buy type=limit quantity=1.5 price=922337203.6854775807 time_in_force=GTC \
                client_order_id=c-1 decision=approved reason=none rule_set=a1b2 decision_ns=4294967295 \
                batch index=2 connection=9 reservation=0000000000000abc mark=50000 bid=-922337203.6854775807 \
                ask=50000.5 price_age_ns=1000 account_age_ns=2000 position=-3 open_buys=4 open_sells=0 equity=100000 \
                margin_used=10 available_margin=-0.0000000001 seq=412
                """)
    }

    @Test func `a decision that does not fit in less room has all that it needs`() throws {
        let desk = try desk()
        let huge = try FixedPoint(parsing: "922337203.6854775808")
        let changes: [(inout JournalDecision) -> Void] = [
            { $0.order.quantity = huge }, { $0.order.price = huge }, { $0.order.stopPrice = .one }, { $0.mark = huge },
            // Which stands for none.
            { $0.bid = FixedPoint(units: Int128(Int64.min)) }, { $0.equity = huge },
            { $0.duration = Int64(UInt32.max) + 1 }, { $0.duration = -1 }, { $0.omitted = 1 }, { $0.price = .one },
            { $0.notional = .one }, { $0.reservation = 5 }, { $0.replaces.orderID = Digest(low: 1, high: 0) },
            { $0.replaces.clientOrderID = Digest(low: 0, high: 1) },
            { $0.order.symbol = NameID(index: UInt32(UInt16.max) + 1) },
        ]
        for change in changes {
            var decision = JournalDecision()
            decision.order = try desk.order("c-1")
            decision.decisionID = 3
            change(&decision)
            #expect(
                desk.writer.decision(&decision, violations: UnsafeBufferPointer(start: nil, count: 0), at: desk.at))
        }
        #expect(try decisionKinds() == changes.map { _ in JournalKind.decision.rawValue })
    }

    @Test func `what a decision did not know is not there`() throws {
        let desk = try desk()
        try desk.decide("c-1")
        let line = try #require(try JournalDesk.lines(in: directory.path("journal"), [.decision]).first)
        let object = try #require(
            try JSONSerialization.jsonObject(with: Data(line.json.utf8)) as? [String: Any])
        #expect(object["decision"] as? String == "approved")
        #expect(object["reason"] as? String == "none")
        #expect(object["quantity"] as? String == "1")
        #expect(object["equity"] is NSNull)
        #expect(object["seq"] is NSNull)
        #expect((object["violations"] as? [Any])?.isEmpty == true)
        #expect(object["decision_ns"] as? Int == 700)
    }

    @Test func `a run, its rules, and names come back`() throws {
        let desk = try desk()
        try desk.decide("c-1")
        #expect(
            try line(.start) == "sequence=1 \(Self.prefix) kind=start instance=gate-1 version=1.0 process=7")
        #expect(try line(.rules) == "sequence=2 \(Self.prefix) kind=rules rule_set=a1b2 rules=3")
        let names = try JournalDesk.lines(in: directory.path("journal"), [.name]).map(\.text)
        #expect(names.count == 4)
        #expect(names[0] == "sequence=3 \(Self.prefix) kind=name of=account number=1 text=A")
    }

    @Test func `a cancel comes back`() throws {
        let desk = try desk()
        var cancel = JournalCancel()
        cancel.account = try desk.id(desk.engine.account, "A")
        cancel.symbol = try desk.id(desk.engine.symbol, "BTCUSDT")
        cancel.connection = 4
        cancel.reason = JournalReason(.upstreamUnavailable)
        cancel.clientOrderID = text("c-1")
        cancel.orderID = text("o-1")
        #expect(desk.writer.cancel(cancel, at: desk.at))
        #expect(
            try line(.cancel) == """
                sequence=6 \(Self.prefix) kind=cancel account=A symbol=BTCUSDT client_order_id=c-1 order_id=o-1 connection=4 \
                reason=UPSTREAM_UNAVAILABLE
                """)
    }

    @Test(arguments: JournalOutcome.What.allCases)
    func `an outcome comes back`(what: JournalOutcome.What) throws {
        let desk = try desk()
        var outcome = JournalOutcome()
        outcome.number = 0x11
        outcome.what = what
        outcome.status = 0
        outcome.filled = try FixedPoint(parsing: "0.25")
        outcome.orderID = text("o-1")
        #expect(desk.writer.outcome(outcome, at: desk.at))
        #expect(
            try line(.outcome) == """
                sequence=3 \(Self.prefix) kind=outcome reservation=0000000000000011 outcome=\(what) status=0 filled=0.25 \
                order_id=o-1
                """)
    }

    @Test func `a stop comes back, and its end`() throws {
        let desk = try desk()
        var stop = JournalStop()
        stop.scope = .account
        stop.isActive = true
        stop.trigger = .rule
        stop.epoch = 1_700_000_000_000
        stop.name = text("A")
        stop.by = text("gate")
        stop.reason = text("DRAWDOWN_EXCEEDED: \u{1B}[2J")
        #expect(desk.writer.stop(stop, at: desk.at))
        #expect(
            try line(.stop) == """
                sequence=3 \(Self.prefix) kind=stop scope=account:A active epoch=1700000000000 by=gate \
                reason="DRAWDOWN_EXCEEDED: \\u{1B}[2J" trigger=rule
                """)
    }

    @Test func `an operator's word comes back, and a note`() throws {
        let desk = try desk()
        var settle = JournalSettle()
        settle.number = 1
        settle.account = try desk.id(desk.engine.account, "A")
        settle.clientOrderID = text("c-1")
        settle.by = text("ann")
        settle.reason = text("seen")
        #expect(desk.writer.settle(settle, at: desk.at))
        var note = JournalNote()
        note.topic = .unwind
        note.account = settle.account
        note.text = text("cancelled")
        #expect(desk.writer.note(note, at: desk.at))
        #expect(
            try line(.settle) == """
                sequence=4 \(Self.prefix) kind=settle reservation=0000000000000001 account=A client_order_id=c-1 \
                outcome=released by=ann reason=seen
                """)
        #expect(try line(.note) == "sequence=5 \(Self.prefix) kind=note topic=unwind account=A text=cancelled")
    }

    @Test func `a reservation comes back, and its end`() throws {
        let desk = try desk()
        let reservation = try #require(try desk.decide("c-1"))
        desk.engine.release(reservation)
        desk.drain()
        #expect(
            try line(.reservation) == """
                sequence=8 \(Self.prefix) kind=reservation reservation=17979cfe00000001 account=A strategy=maker \
                symbol=BTCUSDT side=buy state=in_flight remaining=1 whole=1 valued_at=100 notional=100 margin=10
                """)
        #expect(try line(.gone) == "sequence=9 \(Self.prefix) kind=gone reservation=17979cfe00000001")
    }

    @Test func `a snapshot comes back whole`() throws {
        let desk = try desk()
        var values = AccountSnapshot.Values()
        values.seq = 7
        values.asOf = 1_600_000_000_000_000_001
        values.equity = try FixedPoint(parsing: "-5")
        values.positions = [
            AccountSnapshot.Position(symbol: "BTCUSDT", quantity: .one, currentPrice: nil),
            AccountSnapshot.Position(symbol: "ETHUSDT", quantity: .zero, currentPrice: .one),
        ]
        values.pendingOrders = [
            AccountSnapshot.PendingOrder(
                clientOrderID: nil, orderID: "o-1", symbol: "BTCUSDT", side: .sell, quantity: .one, price: .one)
        ]
        values.returns = [0.5, -0.25]
        let snapshot = AccountSnapshot(values: values, readAt: 1, since: 1, freshUntil: .max, expiresAt: .max)
        #expect(desk.writer.snapshot(snapshot, of: try desk.id(desk.engine.account, "A"), at: desk.at))
        #expect(
            try line(.snapshot) == """
                sequence=4 \(Self.prefix) kind=snapshot account=A seq=7 as_of=2020-09-13T12:26:40.000000001Z equity=-5 \
                positions=[symbol=BTCUSDT quantity=1; symbol=ETHUSDT quantity=0 current_price=1] \
                pending_orders=[symbol=BTCUSDT side=sell quantity=1 price=1 order_id=o-1] returns=2
                """)
    }

    @Test func `an instant is read as it is written`() throws {
        for nanoseconds in [Int64(0), 1, 999_999_999, 1_700_000_000_123_456_789, -1] {
            #expect(JournalTime.nanoseconds(JournalTime.text(nanoseconds)) == nanoseconds)
        }
        #expect(JournalTime.nanoseconds("2023-11-14T22:13:20Z") == 1_700_000_000_000_000_000)
        #expect(JournalTime.nanoseconds("2023-11-14T22:13:20.5Z") == 1_700_000_000_500_000_000)
        for wrong in ["", "yesterday", "2023-11-14", "2023-11-14T22:13:20.Z", "2023-11-14T22:13:20.1234567890Z"] {
            #expect(JournalTime.nanoseconds(wrong) == nil)
        }
    }

    @Test func `the checksum is that of the standard, by instruction and by table`() {
        // RFC 3720, appendix B.4.
        let vectors: [([UInt8], UInt32)] = [
            (Array(repeating: 0, count: 32), 0x8A91_36AA), (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
            (Array(0..<32), 0x46DD_794E), (Array((0..<32).reversed()), 0x113F_DB5C),
            (Array("123456789".utf8), 0xE306_9283),
        ]
        for (bytes, checksum) in vectors {
            #expect(gate_crc32c(0, bytes, bytes.count) == checksum)
            #expect(gate_crc32c_by_table(0, bytes, bytes.count) == checksum)
            let half = bytes.count / 2
            #expect(gate_crc32c(gate_crc32c(0, bytes, half), Array(bytes[half...]), bytes.count - half) == checksum)
        }
    }
}
