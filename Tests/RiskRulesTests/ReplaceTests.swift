import RiskRules
import Testing

/// A replace is judged by value like a new order, and its exposure by the difference to the order that it replaces.
struct ReplaceTests {
    private func desk(_ rules: [[String]] = [["id: limit", "metric: position_quantity", "max: 10"]]) throws -> Desk {
        let desk = try Desk(rules)
        try desk.snapshot(asOf: desk.wallNow)
        return desk
    }

    private func reference(_ desk: Desk, orderID: String = "", clientID: String = "") -> OrderReference {
        OrderReference(orderID: desk.digest(orderID), clientOrderID: desk.digest(clientID))
    }

    private func replace(_ desk: Desk, _ order: Order, _ reference: OrderReference) throws -> ReservationID {
        let outcome = Desk.Outcome(desk.engine.decide(order, replacing: reference, connection: 1, now: desk.now))
        try #require(outcome.reason == nil)
        return try #require(desk.reserve(order, replacing: reference))
    }

    /// What a position limit of 10 still allows to buy.
    private func expectRoom(
        _ room: String, _ desk: Desk, sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        if room != "0" {
            #expect(desk.decide(try desk.order(.buy, room)).reason == nil, sourceLocation: sourceLocation)
        }
        let above = try #require(try desk.decimal(room).adding(FixedPoint(units: 1))).description
        #expect(
            desk.decide(try desk.order(.buy, above)).reason == .positionLimitExceeded, sourceLocation: sourceLocation)
    }

    @Test(arguments: [("10", true), ("10.0000000001", false)])
    func `a replace of a reserved order is judged without what is left of it`(quantity: String, passes: Bool) throws {
        for name in ["client", "endpoint"] {
            let desk = try desk()
            desk.accept(try desk.send(try desk.order(.buy, "8", clientID: "c-1")), orderID: "o-1")
            let order = try desk.order(.buy, quantity, clientID: "c-2")
            let original =
                name == "client" ? reference(desk, clientID: "c-1") : reference(desk, orderID: "o-1")
            let verdict = desk.engine.decide(order, replacing: original, connection: 1, now: desk.now)
            #expect(verdict.reason == (passes ? nil : .positionLimitExceeded))
            #expect(desk.decide(order).reason == .positionLimitExceeded)
        }
    }

    @Test(arguments: [("10", true), ("10.0000000001", false)])
    func `a replace of an order that only the snapshot shows is judged without what is left of it`(
        quantity: String, passes: Bool
    ) throws {
        for name in ["client", "endpoint"] {
            let desk = try Desk([
                ["id: limit", "metric: position_quantity", "max: 10"], ["id: open", "metric: open_orders", "max: 1"],
                ["id: notional", "metric: open_order_notional", "max: 1000.00000001"],
            ])
            try desk.snapshot(pending: [("BTC", .buy, "8", "99", "c-1", "o-1")])
            let order = try desk.order(.buy, quantity, at: "100", clientID: "c-2")
            let original =
                name == "client" ? reference(desk, clientID: "c-1") : reference(desk, orderID: "o-1")
            let verdict = desk.engine.decide(order, replacing: original, connection: 1, now: desk.now)
            #expect(verdict.reason == (passes ? nil : .positionLimitExceeded))
            #expect(
                desk.decide(order).reasons
                    == [.positionLimitExceeded, .openOrdersExceeded, .openOrderNotionalExceeded])
        }
    }

    @Test func `a replace of an order that is not known, or of another side or symbol, counts in full`() throws {
        let desk = try desk()
        try desk.send(try desk.order(.buy, "8", clientID: "c-1"))
        try desk.send(try desk.order(.sell, "8", clientID: "c-2"))
        try desk.send(try desk.order(.buy, "8", symbol: "ETH", clientID: "c-3"))
        try desk.snapshot("B", pending: [("BTC", .buy, "8", "99", "c-4", "o-4")])
        for (clientID, orderID) in [("c-9", ""), ("", "o-9"), ("c-2", ""), ("c-3", ""), ("c-4", "o-4"), ("", "")] {
            let order = try desk.order(.buy, "2.1", clientID: "c-5")
            let original = reference(desk, orderID: orderID, clientID: clientID)
            let verdict = desk.engine.decide(order, replacing: original, connection: 1, now: desk.now)
            #expect(verdict.reason == .positionLimitExceeded)
        }
    }

    @Test func `a replace is held to every limit on the order itself that its original was held to`() throws {
        let desk = try Desk(
            [
                ["id: clip", "metric: order_quantity", "max: 5"],
                ["id: notional", "metric: order_notional", "max: 400"],
                ["id: collar", "metric: price_deviation", "max: 0.1"],
                ["id: rate", "metric: order_count", "window: 1s", "max: 1"],
            ], instruments: [["symbol: BTC", "tick_size: 0.5", "lot_size: 0.5"]])
        try desk.price("BTC", "100")
        try desk.send(try desk.order(.buy, "4", at: "100", clientID: "c-1"))
        let order = try desk.order(.buy, "5.1", at: "111.2", clientID: "c-1")
        let verdict = desk.engine.decide(
            order, replacing: reference(desk, clientID: "c-1"), connection: 1, now: desk.now)
        #expect(
            verdict.violations.map(\.reason) == [
                .orderRateExceeded, .priceTickInvalid, .quantityLotInvalid, .orderQuantityExceeded,
                .orderNotionalExceeded, .priceCollarBreached,
            ])
    }

    @Test func `a replace may repeat the id of its order, and no other`() throws {
        let desk = try desk()
        try desk.send(try desk.order(.buy, "1", clientID: "c-1"))
        try desk.send(try desk.order(.buy, "1", clientID: "c-2"))
        let order = try desk.order(.buy, "2", clientID: "c-1")
        let own = desk.engine.decide(
            order, replacing: reference(desk, clientID: "c-1"), connection: 1, now: desk.now)
        #expect(own.reason == nil)
        let other = desk.engine.decide(
            order, replacing: reference(desk, clientID: "c-2"), connection: 1, now: desk.now)
        #expect(other.reason == .duplicateClientOrderID)
        #expect(desk.decide(order).reason == .duplicateClientOrderID)
    }

    @Test(arguments: [("6", "4"), ("9", "1"), ("3", "6")])
    func `a replace reserves the difference, and a rejected one leaves the original as it was`(
        quantity: String, room: String
    ) throws {
        for ending in ["release", "undo"] {
            let desk = try desk()
            let first = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
            desk.accept(first, orderID: "o-1")
            let second = try replace(
                desk, try desk.order(.buy, quantity, clientID: "c-2"), reference(desk, orderID: "o-1"))
            try expectRoom(quantity == "3" ? "6" : room, desk)
            if ending == "release" { desk.engine.release(second) } else { desk.engine.undo(second) }
            try expectRoom("6", desk)
            #expect(desk.engine.reservation(first)?.state == .open)
            #expect(desk.engine.counters.doubleResolves == 0)
        }
    }

    @Test(arguments: [(nil, "4"), ("1", "4"), ("5", "4"), ("9", "2")] as [(String?, String)])
    func `a replace down keeps the larger until it is answered, and then what may have been filled`(
        filled: String?, room: String
    ) throws {
        let desk = try desk()
        desk.accept(try desk.send(try desk.order(.buy, "8", clientID: "c-1")), orderID: "o-1")
        let second = try replace(desk, try desk.order(.buy, "6", clientID: "c-2"), reference(desk, orderID: "o-1"))
        try expectRoom("2", desk)
        desk.engine.accepted(
            second, orderID: desk.digest("o-2"), filled: try filled.map(desk.decimal), now: desk.now,
            wallNow: desk.wallNow)
        try expectRoom(filled == nil ? "2" : room, desk)
        #expect(desk.engine.reservationCount(.open) == 1)
        desk.advance(5)
        try desk.snapshot(pending: [("BTC", .buy, "6", "9", "c-2", "o-2")], asOf: desk.wallNow)
        try expectRoom("4", desk)
        for state in ReservationState.allCases { #expect(desk.engine.reservationCount(state) == 0) }
    }

    @Test(arguments: ["6", "9"])
    func `an unknown outcome keeps the larger of both`(quantity: String) throws {
        let desk = try desk()
        desk.accept(try desk.send(try desk.order(.buy, "8", clientID: "c-1")), orderID: "o-1")
        let order = try desk.order(.buy, quantity, clientID: "c-2")
        let second = try replace(desk, order, reference(desk, orderID: "o-1"))
        desk.engine.unknown(second, now: desk.now, wallNow: desk.wallNow)
        try expectRoom(quantity == "6" ? "2" : "1", desk)
        // The snapshot contains what became of the first, and shows neither: the second may still be there.
        desk.advance(5)
        try desk.snapshot(asOf: desk.wallNow)
        try expectRoom(quantity == "6" ? "4" : "1", desk)
        desk.advance(40)
        try desk.snapshot(asOf: desk.wallNow)
        try expectRoom("10", desk)
    }

    @Test func `a replace counts in full once the order before it turns out never to have been taken`() throws {
        let desk = try desk()
        let first = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        let second = try replace(desk, try desk.order(.buy, "6", clientID: "c-2"), reference(desk, clientID: "c-1"))
        try expectRoom("4", desk)
        desk.engine.release(first)
        try expectRoom("4", desk)
        desk.accept(second, orderID: "o-2")
        try expectRoom("4", desk)
        desk.engine.release(second)
        try expectRoom("10", desk)
    }

    @Test func `a snapshot that shows the original under an id that the replace repeats does not settle the replace`()
        throws
    {
        let desk = try desk()
        desk.accept(try desk.send(try desk.order(.buy, "4", clientID: "c-1")), orderID: "o-1")
        let original = reference(desk, orderID: "o-1", clientID: "c-1")
        let second = try replace(desk, try desk.order(.buy, "6", clientID: "c-1"), original)
        try desk.snapshot(pending: [("BTC", .buy, "4", "9", "c-1", "o-1")], asOf: desk.wallNow + 1)
        try expectRoom("4", desk)
        desk.accept(second, orderID: "o-1")
        try expectRoom("4", desk)
        try desk.snapshot(pending: [("BTC", .buy, "6", "9", "c-1", "o-1")], asOf: desk.wallNow + 2)
        try expectRoom("4", desk)
        desk.advance(5)
        try desk.snapshot(pending: [("BTC", .buy, "5", "9", "c-1", "o-1")], asOf: desk.wallNow)
        #expect(desk.engine.reservation(second) == nil)
        try expectRoom("5", desk)
    }

    @Test func `a snapshot that shows the new id settles the replace and what it replaced`() throws {
        for isAnswered in [false, true] {
            let desk = try desk()
            desk.accept(try desk.send(try desk.order(.buy, "4", clientID: "c-1")), orderID: "o-1")
            let second = try replace(desk, try desk.order(.buy, "6", clientID: "c-2"), reference(desk, orderID: "o-1"))
            if isAnswered { desk.accept(second, orderID: "o-2") }
            try desk.snapshot(
                positions: [("BTC", "1", nil)], pending: [("BTC", .buy, "5", "9", "c-2", "o-2")],
                asOf: desk.wallNow + 1)
            try expectRoom("4", desk)
            if !isAnswered { desk.accept(second, orderID: "o-2") }
            try expectRoom("4", desk)
            #expect(desk.engine.reservation(second) == nil)
            #expect(desk.engine.counters.doubleResolves == 0)
        }
    }

    @Test func `replaces that follow one another before an answer count as the largest of them`() throws {
        let desk = try desk()
        desk.accept(try desk.send(try desk.order(.buy, "4", clientID: "c-1")), orderID: "o-1")
        let original = reference(desk, orderID: "o-1")
        let larger = try replace(desk, try desk.order(.buy, "7", clientID: "c-2"), original)
        let smaller = try replace(desk, try desk.order(.buy, "5", clientID: "c-3"), original)
        try expectRoom("3", desk)
        desk.engine.release(larger)
        try expectRoom("5", desk)
        desk.accept(smaller, orderID: "o-3")
        try expectRoom("5", desk)
        #expect(desk.engine.reservationCount(.open) == 1)
        desk.engine.release(smaller)
        try expectRoom("10", desk)
    }

    @Test func `a cancel by an id that a replace repeats ends the order that was answered`() throws {
        let desk = try desk()
        let first = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.accept(first, orderID: "o-1")
        let second = try replace(desk, try desk.order(.buy, "6", clientID: "c-1"), reference(desk, clientID: "c-1"))
        desk.engine.cancelled(
            orderID: .none, clientOrderID: desk.digest("c-1"), account: try desk.account("A"), filled: .zero,
            now: desk.now, wallNow: desk.wallNow)
        #expect(desk.engine.reservation(first) == nil)
        #expect(desk.engine.reservation(second)?.state == .inFlight)
        try expectRoom("4", desk)
    }

    @Test func `a replace of a working exit reduces risk as the exit does, and one larger than the position does not`()
        throws
    {
        let desk = try desk([["id: limit", "metric: gross_exposure", "max: 0"]])
        try desk.price("BTC", "100")
        try desk.snapshot(positions: [("BTC", "4", nil)], asOf: desk.wallNow)
        desk.accept(try desk.send(try desk.order(.sell, "4", at: "120", clientID: "c-1")), orderID: "o-1")
        let original = reference(desk, orderID: "o-1")
        for (quantity, isReducing) in [("4", true), ("4.0000000001", false)] {
            let order = try desk.order(.sell, quantity, at: "110", reduceOnly: true, clientID: "c-2")
            let verdict = desk.engine.decide(order, replacing: original, connection: 1, now: desk.now)
            #expect(verdict.isReducing == isReducing && verdict.approved == isReducing)
        }
    }

    @Test(arguments: [("11", nil), ("11.00001", .insufficientMargin)] as [(String, Reason?)])
    func `a replace needs margin for the difference`(quantity: String, reason: Reason?) throws {
        for isReserved in [true, false] {
            let desk = try Desk([["id: margin", "metric: available_margin", "min: 0"]])
            if isReserved {
                try desk.snapshot(availableMargin: "110")
                desk.accept(try desk.send(try desk.order(.buy, "8", at: "100", clientID: "c-1")), orderID: "o-1")
            } else {
                try desk.snapshot(availableMargin: "30", pending: [("BTC", .buy, "8", "100", "c-1", "o-1")])
            }
            let order = try desk.order(.buy, quantity, at: "100", clientID: "c-2")
            let original = reference(desk, orderID: "o-1")
            let verdict = desk.engine.decide(order, replacing: original, connection: 1, now: desk.now)
            #expect(verdict.reason == reason)
            guard reason == nil else { continue }
            #expect(desk.reserve(order, replacing: original) != nil)
            #expect(desk.decide(try desk.order(.buy, "0.001", at: "100")).reason == .insufficientMargin)
        }
    }

    @Test(arguments: [(nil, "5"), ("3", "12"), ("1", "13")] as [(String?, String)])
    func `a replace down that is accepted keeps the margin of what may have been filled`(
        filled: String?, room: String
    ) throws {
        let desk = try Desk([["id: margin", "metric: available_margin", "min: 0"]])
        try desk.snapshot(availableMargin: "150")
        desk.accept(try desk.send(try desk.order(.buy, "10", at: "100", clientID: "c-1")), orderID: "o-1")
        let order = try desk.order(.buy, "2", at: "100", clientID: "c-2")
        let second = try replace(desk, order, reference(desk, orderID: "o-1"))
        desk.engine.accepted(
            second, orderID: desk.digest("o-2"), filled: try filled.map(desk.decimal), now: desk.now,
            wallNow: desk.wallNow)
        #expect(desk.decide(try desk.order(.buy, room, at: "100")).reason == nil)
        let above = try #require(try desk.decimal(room).adding(try desk.decimal("0.00001"))).description
        #expect(desk.decide(try desk.order(.buy, above, at: "100")).reason == .insufficientMargin)
    }

    @Test func `a replace and its order are one open order, worth the larger of both`() throws {
        let desk = try Desk([
            ["id: open", "metric: open_orders", "max: 2"],
            ["id: notional", "metric: open_order_notional", "max: 1000"],
        ])
        try desk.snapshot()
        desk.accept(try desk.send(try desk.order(.buy, "4", at: "100", clientID: "c-1")), orderID: "o-1")
        let second = try replace(
            desk, try desk.order(.buy, "3", at: "200", clientID: "c-2"), reference(desk, orderID: "o-1"))
        func expectNotional(_ room: String) throws {
            #expect(desk.decide(try desk.order(.buy, "1", at: room)).reason == nil)
            #expect(desk.decide(try desk.order(.buy, "1", at: room + ".01")).reason == .openOrderNotionalExceeded)
        }
        try expectNotional("400")
        desk.accept(second, orderID: "o-2")
        try expectNotional("400")
        desk.engine.release(second)
        try expectNotional("1000")
    }
}
