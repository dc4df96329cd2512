import RiskRules
import Testing

/// What was let through counts until a snapshot contains it: seen through how much a position limit of 10 still allows.
struct LedgerTests {
    private func desk() throws -> Desk {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot(asOf: desk.wallNow)
        return desk
    }

    private func expectRoom(
        _ room: String, _ desk: Desk, _ side: Side = .buy, sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        let above = try #require(try desk.decimal(room).adding(FixedPoint(units: 1))).description
        if room != "0" {
            #expect(desk.decide(try desk.order(side, room)).reason == nil, sourceLocation: sourceLocation)
        }
        #expect(
            desk.decide(try desk.order(side, above)).reason == .positionLimitExceeded, sourceLocation: sourceLocation)
    }

    @Test func `an order counts from its reservation on, and no more once it is released`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4"))
        try expectRoom("6", desk)
        try expectRoom("10", desk, .sell)
        desk.engine.release(id)
        try expectRoom("10", desk)
        #expect(desk.engine.reservation(id) == nil)
    }

    @Test func `a release is taken once, and one that comes again is counted`() throws {
        let desk = try desk()
        let first = try desk.send(try desk.order(.buy, "4"))
        desk.engine.release(first)
        let second = try desk.send(try desk.order(.buy, "3"))
        desk.engine.release(first)
        desk.accept(first)
        try desk.end(first)
        desk.engine.unknown(first, now: desk.now, wallNow: desk.wallNow)
        desk.engine.undo(first)
        #expect(desk.engine.counters.doubleResolves == 5)
        #expect(desk.engine.reservation(second)?.state == .inFlight)
        try expectRoom("7", desk)
    }

    @Test func `an accepted order counts until a snapshot later than its answer by settle_after`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4"))
        desk.accept(id, orderID: "o-1")
        #expect(desk.engine.reservation(id)?.state == .open)
        let answered = desk.wallNow
        desk.advance(5)
        try desk.snapshot(asOf: answered + Desk.second)
        try expectRoom("6", desk)
        try desk.snapshot(positions: [("BTC", "4", nil)], asOf: answered + Desk.second + 1)
        #expect(desk.engine.reservation(id) == nil)
        try expectRoom("6", desk)
        #expect(desk.engine.reservationCount(.open) == 0)
    }

    @Test func `an order in flight is settled by no time`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4"))
        desk.advance(1000)
        try desk.snapshot(asOf: desk.wallNow)
        try desk.snapshot()
        try desk.snapshot()
        #expect(desk.engine.reservation(id)?.state == .inFlight)
        try expectRoom("6", desk)
    }

    @Test func `a snapshot without as_of settles what was answered before the one before it was read`() throws {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot()
        desk.advance(1)
        let id = try desk.send(try desk.order(.buy, "4"))
        desk.accept(id)
        desk.advance(1)
        try desk.snapshot()
        try expectRoom("6", desk)
        desk.advance(1)
        try desk.snapshot()
        #expect(desk.engine.reservation(id) == nil)
        try expectRoom("10", desk)
    }

    @Test(arguments: ["client", "endpoint"])
    func `an order that a snapshot shows by id counts once, as the snapshot says`(kind: String) throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.accept(id, orderID: "o-1")
        try expectRoom("6", desk)
        try desk.snapshot(
            positions: [("BTC", "1", nil)],
            pending: [("BTC", .buy, "3", "9", kind == "client" ? "c-1" : nil, kind == "client" ? nil : "o-1")],
            asOf: desk.wallNow + 1)
        #expect(desk.engine.reservation(id) == nil)
        try expectRoom("6", desk)
    }

    @Test func `an order that is shown before its answer counts once, before and after`() throws {
        for answer in ["accepted", "ended", "unknown", "rejected"] {
            let desk = try desk()
            let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
            try desk.snapshot(pending: [("BTC", .buy, "4", "9", "c-1", "o-1")], asOf: desk.wallNow + 1)
            try expectRoom("6", desk)
            #expect(desk.engine.reservation(id)?.state == .inFlight)
            switch answer {
            case "accepted": desk.accept(id, orderID: "o-1")
            case "ended": try desk.end(id)
            case "unknown": desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow)
            default: desk.engine.release(id)
            }
            try expectRoom("6", desk)
            #expect(desk.engine.reservation(id) == nil)
            #expect(desk.engine.counters.doubleResolves == 0)
        }
    }

    @Test func `an order that is shown by an id that only its answer tells counts once from then on`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4"))
        try desk.snapshot(pending: [("BTC", .buy, "4", "9", nil, "o-1")], asOf: desk.wallNow + 1)
        try expectRoom("2", desk)
        desk.accept(id, orderID: "o-1")
        try expectRoom("6", desk)
        #expect(desk.engine.reservation(id) == nil)
    }

    @Test func `ids of another account settle nothing`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.accept(id, orderID: "o-1")
        try desk.snapshot("B", pending: [("BTC", .buy, "4", "9", "c-1", "o-1")])
        #expect(desk.engine.reservation(id) != nil)
        try expectRoom("6", desk)
    }

    @Test func `an ended order keeps what it filled until a snapshot contains it`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4"))
        try desk.end(id, filled: "1")
        #expect(desk.engine.reservation(id)?.state == .closing)
        try expectRoom("9", desk)
        desk.advance(3)
        try desk.snapshot(positions: [("BTC", "1", nil)], asOf: desk.wallNow - Desk.second)
        #expect(desk.engine.reservation(id) == nil)
        try expectRoom("9", desk)
    }

    @Test(arguments: [("0", "10"), ("4", "6"), ("7", "6"), ("-1", "6"), (nil, "6")] as [(String?, String)])
    func `an ended order keeps no more than it asked for, and all where its filling is not known`(
        filled: String?, room: String
    ) throws {
        let desk = try desk()
        try desk.end(try desk.send(try desk.order(.buy, "4")), filled: filled)
        try expectRoom(room, desk)
    }

    @Test func `an order under an id that the snapshot in hand shows counts beside it, over a reload too`() throws {
        let rules = [["id: limit", "metric: position_quantity", "max: 10"]]
        let desk = try desk()
        try desk.snapshot(pending: [("BTC", .buy, "3", "9", "c-1", nil)], asOf: desk.wallNow)
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        try expectRoom("3", desk)
        desk.engine.install(try RuleLines.compile(rules, instruments: [["symbol: BTC", "contract_multiplier: 2"]]))
        try expectRoom("3", desk)
        #expect(desk.engine.reservation(id)?.state == .inFlight)
    }

    @Test func `a cancel's acknowledgement keeps the reservation until a snapshot settles it`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.accept(id, orderID: "o-1")
        let answered = desk.wallNow
        desk.advance(1)
        desk.engine.cancelled(
            orderID: desk.digest("o-1"), clientOrderID: .none, account: .none, filled: nil, now: desk.now,
            wallNow: desk.wallNow)
        #expect(desk.engine.reservation(id)?.state == .closing)
        try expectRoom("6", desk)
        try desk.snapshot(asOf: answered + Desk.second + 1)
        try expectRoom("10", desk)
    }

    @Test func `a cancel finds its order by either id, and only in its own account`() throws {
        let desk = try desk()
        let account = try desk.account("A")
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.accept(id, orderID: "o-1")
        func cancel(_ orderID: String, _ clientID: String, _ account: NameID) throws {
            desk.engine.cancelled(
                orderID: desk.digest(orderID), clientOrderID: desk.digest(clientID), account: account,
                filled: try desk.decimal("1"), now: desk.now, wallNow: desk.wallNow)
        }
        try cancel("o-2", "c-2", account)
        try cancel("o-1", "", try desk.account("B"))
        try cancel("", "c-1", try desk.account("B"))
        try cancel("", "c-1", .none)
        #expect(desk.engine.reservation(id)?.state == .open)
        try cancel("", "c-1", account)
        #expect(desk.engine.reservation(id)?.state == .closing)
        try expectRoom("9", desk)
        #expect(desk.engine.counters.doubleResolves == 0)
    }

    @Test func `an unknown outcome counts until a snapshot shows it, or is later by unknown_after`() throws {
        let desk = try desk()
        let shown = try desk.send(try desk.order(.buy, "3", clientID: "c-1"))
        let silent = try desk.send(try desk.order(.buy, "4", clientID: "c-2"))
        for id in [shown, silent] { desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow) }
        #expect(desk.engine.counters.unknownOutcomes == 2)
        let since = desk.wallNow
        desk.advance(60)
        try desk.snapshot()
        try desk.snapshot()
        try expectRoom("3", desk)
        try desk.snapshot(pending: [("BTC", .buy, "2", "9", "c-1", nil)], asOf: since + 30 * Desk.second)
        #expect(desk.engine.reservation(shown) == nil)
        #expect(desk.engine.reservation(silent)?.state == .unknown)
        try expectRoom("4", desk)
        try desk.snapshot(asOf: since + 30 * Desk.second + 1)
        #expect(desk.engine.reservation(silent) == nil)
        #expect(desk.engine.counters.unknownsSettledByTime == 1)
        try expectRoom("10", desk)
    }

    @Test func `an answer that comes late still settles an unknown outcome`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4"))
        desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow)
        desk.accept(id)
        #expect(desk.engine.reservation(id)?.state == .open)
        desk.accept(id)
        #expect(desk.engine.counters.doubleResolves == 1)
        #expect(desk.engine.reservationCount(.open) == 1 && desk.engine.reservationCount(.unknown) == 0)
    }

    @Test func `a snapshot without positions or pending orders settles nothing`() throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.accept(id)
        desk.advance(100)
        try desk.snapshot(positions: nil, asOf: desk.wallNow)
        try desk.snapshot(pending: nil, asOf: desk.wallNow)
        #expect(desk.engine.reservation(id) != nil)
        try desk.snapshot(asOf: desk.wallNow)
        #expect(desk.engine.reservation(id) == nil)
    }

    @Test func `reserve then release is identity, whatever came between`() throws {
        let desk = try Desk([
            ["id: a", "metric: position_quantity", "max: 1000"], ["id: b", "metric: gross_exposure", "max: 100000"],
            ["id: c", "metric: open_order_notional", "max: 100000"], ["id: d", "metric: open_orders", "max: 100"],
            ["id: e", "metric: available_margin", "min: 0"], ["id: f", "metric: margin_ratio", "min: 1"],
        ])
        try desk.price("BTC", "100")
        try desk.price("ETH", "10")
        try desk.snapshot(positions: [("BTC", "2", nil)], pending: [("ETH", .sell, "3", "11", "x", "y")])
        func values() throws -> [String] {
            let order = try desk.order(.buy, "10000000")
            return desk.decide(order).violations.map { "\($0.reason) \($0.value)" }
        }
        let before = try values()
        #expect(before.count == 5)
        var random = SplitMix(seed: 5)
        for _ in 0..<200 {
            var ids: [ReservationID] = []
            for _ in 0..<random.pick([1, 3, 9]) {
                let order = try desk.order(
                    random.pick([.buy, .sell]), random.pick(["1", "0.0000000003", "7.77"]),
                    at: random.pick([nil, "99.99", "0.0000000007"]), symbol: random.pick(["BTC", "ETH", "BTC"]))
                if let id = desk.reserve(order) { ids.append(id) }
            }
            for id in ids where Bool.random(using: &random) { desk.accept(id) }
            for id in ids where Bool.random(using: &random) { try desk.end(id, filled: "0.0000000001") }
            ids.shuffle(using: &random)
            for id in ids { desk.engine.release(id) }
            #expect(try values() == before)
        }
        for state in ReservationState.allCases { #expect(desk.engine.reservationCount(state) == 0) }
    }

    @Test func `a full ledger takes no more, and takes again what is released`() throws {
        let desk = try Desk { $0.maxReservations = 2 }
        let first = try desk.send(try desk.order())
        try desk.send(try desk.order())
        #expect(desk.reserve(try desk.order(clientID: "c")) == nil)
        #expect(desk.decide(try desk.order(clientID: "c")).reason == nil)
        desk.engine.release(first)
        #expect(desk.reserve(try desk.order()) != nil)
    }

    @Test func `the reservations of an account are listed, the latest first`() throws {
        let desk = try desk()
        let ids = try (1...3).map { try desk.send(try desk.order(.buy, "\($0)", clientID: "c-\($0)")) }
        desk.engine.release(ids[1])
        var quantities: [String] = []
        desk.engine.forEachReservation(of: try desk.account("A")) { quantities.append($0.remaining.description) }
        #expect(quantities == ["3", "1"])
        #expect(desk.engine.reservation(clientOrderID: desk.digest("c-3"), of: try desk.account("A")) == ids[2])
        #expect(desk.engine.reservation(clientOrderID: desk.digest("c-2"), of: try desk.account("A")) == nil)
        #expect(ReservationID(rawValue: ids[2].rawValue) == ids[2])
    }
}
