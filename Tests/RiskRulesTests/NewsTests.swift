import RiskRules
import Testing

/// News of an order besides the answer to its own call: seen through how much a position limit of 10 still allows.
struct NewsTests {
    private func desk() throws -> Desk {
        let desk = try Desk([["id: limit", "metric: position_quantity", "max: 10"]])
        try desk.snapshot(asOf: desk.wallNow)
        return desk
    }

    private func expectRoom(
        _ room: String, _ desk: Desk, sourceLocation: Testing.SourceLocation = #_sourceLocation
    ) throws {
        if room != "0" {
            #expect(try desk.decide(desk.order(.buy, room)).reason == nil, sourceLocation: sourceLocation)
        }
        let above = try #require(try desk.decimal(room).adding(FixedPoint(units: 1))).description
        #expect(
            desk.decide(try desk.order(.buy, above)).reason == .positionLimitExceeded, sourceLocation: sourceLocation)
    }

    @discardableResult
    private func hear(
        _ desk: Desk, _ status: OrderStatus, orderID: String = "", clientID: String = "", account: String? = "A",
        symbol: String? = nil, filled: String? = nil
    ) throws -> Bool {
        desk.engine.observed(
            orderID: desk.digest(orderID), clientOrderID: desk.digest(clientID),
            account: try account.map(desk.account) ?? .none, symbol: try symbol.map(desk.symbol) ?? .none,
            status: status, filled: try filled.map(desk.decimal), now: desk.now, wallNow: desk.wallNow)
    }

    private func open(_ desk: Desk, _ quantity: String = "4") throws -> ReservationID {
        let id = try desk.send(try desk.order(.buy, quantity, clientID: "c-1"))
        desk.accept(id, orderID: "o-1")
        return id
    }

    @Test func `an order that is filled in part counts in full, and what ends of it without a number too`() throws {
        let desk = try desk()
        let id = try open(desk)
        #expect(try hear(desk, .accepted, orderID: "o-1", filled: "1"))
        try expectRoom("6", desk)
        #expect(try hear(desk, .ended, orderID: "o-1"))
        #expect(desk.engine.reservation(id)?.state == .closing)
        try expectRoom("6", desk)
    }

    @Test(arguments: [("2", "8"), ("4", "6"), ("9", "6"), ("0", "10")])
    func `an order that ended keeps what was filled`(filled: String, room: String) throws {
        for ending in ["news", "cancel", "news after a cancel"] {
            let desk = try desk()
            _ = try open(desk)
            if ending != "news" {
                desk.engine.cancelled(
                    orderID: desk.digest("o-1"), clientOrderID: .none, account: .none,
                    filled: ending == "cancel" ? try desk.decimal(filled) : nil, now: desk.now, wallNow: desk.wallNow)
            }
            if ending != "cancel" { try hear(desk, .ended, orderID: "o-1", filled: filled) }
            try expectRoom(room, desk)
            #expect(desk.engine.counters.doubleResolves == 0)
        }
    }

    @Test func `news that repeats or comes late changes nothing`() throws {
        let desk = try desk()
        _ = try open(desk)
        #expect(try hear(desk, .accepted, orderID: "o-1", filled: "3"))
        #expect(try !hear(desk, .accepted, orderID: "o-1", filled: "3"))
        #expect(try !hear(desk, .accepted, orderID: "o-1", filled: "2"))
        #expect(try hear(desk, .ended, orderID: "o-1", filled: "1"))
        try expectRoom("7", desk)
        #expect(try !hear(desk, .ended, orderID: "o-1", filled: "3"))
        #expect(try !hear(desk, .ended, orderID: "o-1"))
        #expect(try !hear(desk, .accepted, orderID: "o-1", filled: "2"))
        try expectRoom("7", desk)
    }

    @Test func `a reject releases, unless the order was seen to be filled`() throws {
        for (filled, room) in [("0", "10"), ("1", "6")] {
            let desk = try desk()
            _ = try open(desk)
            try hear(desk, .accepted, orderID: "o-1", filled: filled)
            #expect(try hear(desk, .rejected, orderID: "o-1"))
            try expectRoom(room, desk)
        }
    }

    @Test(arguments: OrderStatus.allCases)
    func `news settles an unknown outcome`(status: OrderStatus) throws {
        let desk = try desk()
        let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow)
        #expect(try hear(desk, status, clientID: "c-1", filled: "1"))
        #expect(desk.engine.reservationCount(.unknown) == 0)
        try expectRoom(["6", "10", "9"][Int(status.rawValue)], desk)
    }

    /// What was heard before the answer, the answer, and what is left to buy before and after it.
    static let overtaken: [(OrderStatus, String?, String, String, String)] = [
        (.accepted, "1", "accepted", "6", "6"), (.accepted, "1", "ended", "6", "6"),
        (.accepted, "1", "rejected", "6", "6"), (.accepted, "1", "unknown", "6", "6"),
        (.accepted, nil, "rejected", "6", "10"), (.rejected, nil, "accepted", "10", "10"),
        (.rejected, nil, "rejected", "10", "10"), (.rejected, nil, "unknown", "10", "10"),
        (.ended, "1", "accepted", "9", "9"), (.ended, "1", "ended", "9", "9"), (.ended, "1", "rejected", "9", "9"),
        (.ended, "1", "unknown", "9", "9"), (.ended, nil, "accepted", "6", "6"), (.ended, "0", "accepted", "10", "10"),
        (.ended, "0", "ended", "10", "10"), (.ended, "0", "unknown", "10", "10"),
    ]

    @Test(arguments: overtaken)
    func `an answer that news has overtaken is no second one`(
        status: OrderStatus, filled: String?, answer: String, before: String, after: String
    ) throws {
        for isContained in [false, true] {
            let desk = try desk()
            let id = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
            #expect(try hear(desk, status, orderID: "o-1", clientID: "c-1", filled: filled))
            try expectRoom(before, desk)
            if isContained {
                desk.advance(5)
                try desk.snapshot(asOf: desk.wallNow)
                try expectRoom("10", desk)
            }
            #expect(desk.engine.reservation(id) != nil)
            switch answer {
            case "accepted": desk.accept(id, orderID: "o-1")
            case "ended": try desk.end(id)
            case "rejected": desk.engine.release(id)
            default: desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow)
            }
            try expectRoom(isContained ? "10" : after, desk)
            #expect(desk.engine.counters.doubleResolves == 0 && desk.engine.counters.unknownOutcomes == 0)
            desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow)
            #expect(desk.engine.counters.doubleResolves == 1)
        }
    }

    @Test func `news of an order whose reservation is gone is no answer, and counts as none`() throws {
        let desk = try desk()
        let id = try open(desk)
        desk.engine.release(id)
        for status in OrderStatus.allCases { #expect(try !hear(desk, status, orderID: "o-1", clientID: "c-1")) }
        #expect(desk.engine.counters.doubleResolves == 0)
        try expectRoom("10", desk)
    }

    @Test func `a client order id without an account means an order that is the only one`() throws {
        let desk = try desk()
        _ = try open(desk)
        #expect(try hear(desk, .accepted, clientID: "c-1", account: nil, filled: "1"))
        try desk.snapshot("B")
        try desk.send(try desk.order(.buy, "1", symbol: "ETH", account: "B", clientID: "c-1"))
        #expect(try !hear(desk, .rejected, clientID: "c-1", account: nil))
        #expect(try hear(desk, .accepted, clientID: "c-1", account: nil, symbol: "ETH"))
        #expect(try hear(desk, .ended, clientID: "c-1", account: "A", filled: "1"))
        try expectRoom("9", desk)
    }

    @Test func `an order id that orders of two symbols have means neither, unless the symbol is named`() throws {
        let desk = try desk()
        _ = try open(desk)
        desk.accept(try desk.send(try desk.order(.buy, "4", symbol: "ETH")), orderID: "o-1")
        #expect(try !hear(desk, .ended, orderID: "o-1", filled: "0"))
        #expect(try hear(desk, .ended, orderID: "o-1", symbol: "BTC", filled: "0"))
        try expectRoom("10", desk)
        #expect(try !hear(desk, .ended, orderID: "o-1", account: "B", filled: "0"))
    }

    @Test func `news of a replace by its own id is not taken for its original's`() throws {
        let desk = try desk()
        let first = try open(desk)
        let original = OrderReference(orderID: desk.digest("o-1"), clientOrderID: .none)
        let second = try #require(desk.reserve(try desk.order(.buy, "6", clientID: "c-2"), replacing: original))
        #expect(try hear(desk, .rejected, orderID: "o-1", clientID: "c-2"))
        #expect(desk.engine.reservation(first)?.state == .open)
        try expectRoom("6", desk)
        desk.engine.release(second)
        try expectRoom("6", desk)
        #expect(desk.engine.counters.doubleResolves == 0)
    }

    @Test func `news by an id that a replace repeats does not tell that it was taken`() throws {
        let desk = try desk()
        _ = try open(desk)
        let original = OrderReference(orderID: desk.digest("o-1"), clientOrderID: .none)
        let second = try #require(desk.reserve(try desk.order(.buy, "6", clientID: "c-1"), replacing: original))
        try desk.snapshot(pending: [("BTC", .buy, "4", "9", "c-1", "o-1")], asOf: desk.wallNow + 1)
        #expect(try !hear(desk, .accepted, orderID: "o-1", clientID: "c-1", filled: "1"))
        #expect(desk.engine.reservation(second)?.state == .inFlight)
        try expectRoom("4", desk)
        #expect(try hear(desk, .accepted, orderID: "o-2", clientID: "c-1") == false)
        desk.accept(second, orderID: "o-2")
        try expectRoom("4", desk)
    }

    @Test func `what was seen to be filled of an order is kept by its replace`() throws {
        let desk = try desk()
        _ = try open(desk)
        try hear(desk, .accepted, orderID: "o-1", filled: "3")
        let original = OrderReference(orderID: desk.digest("o-1"), clientOrderID: .none)
        let second = try #require(desk.reserve(try desk.order(.buy, "2", clientID: "c-2"), replacing: original))
        try desk.end(second, filled: "0")
        try expectRoom("7", desk)
    }

    // MARK: Orders and replaces by ids that are not known yet

    @Test func `a replace whose original is shown, and then no more, counts in full`() throws {
        let desk = try desk()
        let first = try desk.send(try desk.order(.buy, "4", clientID: "c-1"))
        let original = OrderReference(orderID: .none, clientOrderID: desk.digest("c-1"))
        _ = try #require(desk.reserve(try desk.order(.buy, "6", clientID: "c-2"), replacing: original))
        try desk.snapshot(pending: [("BTC", .buy, "4", "9", "c-1", "o-1")], asOf: desk.wallNow + 1)
        try expectRoom("4", desk)
        try desk.snapshot(asOf: desk.wallNow + 2)
        #expect(desk.engine.reservation(first)?.state == .inFlight)
        try expectRoom("4", desk)
    }

    @Test func `a snapshot that shows an original by an id that is not known does not settle its replace`() throws {
        let desk = try desk()
        desk.accept(try desk.send(try desk.order(.buy, "4", clientID: "c-1")))
        let original = OrderReference(orderID: .none, clientOrderID: desk.digest("c-1"))
        let second = try #require(desk.reserve(try desk.order(.buy, "9", clientID: "c-2"), replacing: original))
        try desk.snapshot(pending: [("BTC", .buy, "4", "9", "c-1", "o-1")], asOf: desk.wallNow + 1)
        try expectRoom("1", desk)
        desk.accept(second, orderID: "o-1")
        try expectRoom("1", desk)
    }

    @Test func `a replace that may be taken after the one that a snapshot shows still counts`() throws {
        let desk = try desk()
        _ = try open(desk)
        let original = OrderReference(orderID: desk.digest("o-1"), clientOrderID: .none)
        _ = try #require(desk.reserve(try desk.order(.buy, "8", clientID: "c-2"), replacing: original))
        _ = try #require(desk.reserve(try desk.order(.buy, "5", clientID: "c-3"), replacing: original))
        try desk.snapshot(pending: [("BTC", .buy, "5", "9", "c-3", "o-3")], asOf: desk.wallNow + 1)
        #expect(try desk.decide(desk.order(.buy, "2.1")).reason == .positionLimitExceeded)
    }

    @Test func `of two replaces on their way at once the larger counts, whichever is answered last`() throws {
        let desk = try desk()
        _ = try open(desk)
        let original = OrderReference(orderID: desk.digest("o-1"), clientOrderID: .none)
        let larger = try #require(desk.reserve(try desk.order(.buy, "8", clientID: "c-2"), replacing: original))
        let smaller = try #require(desk.reserve(try desk.order(.buy, "5", clientID: "c-3"), replacing: original))
        desk.accept(larger, orderID: "o-2")
        desk.engine.accepted(
            smaller, orderID: desk.digest("o-3"), filled: try desk.decimal("1"), now: desk.now, wallNow: desk.wallNow)
        try expectRoom("2", desk)
    }
}
