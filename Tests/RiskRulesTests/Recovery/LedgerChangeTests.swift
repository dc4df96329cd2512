import RiskRules
import Testing

/// A journal is told of every reservation, in order and once, however long it does not listen.
struct LedgerChangeTests {
    private func desk(_ configure: (inout EngineLimits) -> Void = { _ in }) throws -> Desk {
        let desk = try Desk(
            [
                ["id: sum", "metric: notional_sum", "window: 9s", "max: 1000"],
                ["id: clip", "metric: order_quantity", "max: 10"],
            ], configure: configure)
        try desk.price("BTC", "10")
        try desk.snapshot(asOf: desk.wallNow)
        desk.engine.wallOffset = desk.wallOffset
        return desk
    }

    /// What is told from now on, until it is not taken any more.
    private func told(_ desk: Desk, atMost count: Int = .max) -> [LedgerChange] {
        var changes: [LedgerChange] = []
        desk.engine.drainLedgerChanges {
            guard changes.count < count else { return false }
            changes.append($0)
            return true
        }
        return changes
    }

    private func text(_ changes: [LedgerChange]) -> [String] {
        changes.map {
            switch $0 {
            case .image(let image): "\(image.number) \(image.state) \(image.remaining)"
            case .brief(let brief): "\(brief.number) inFlight \(FixedPoint(units: Int128(brief.quantity)))"
            case .change(let change): "\(change.number) \(change.state) \(FixedPoint(units: Int128(change.remaining)))"
            case .gone(let number, let forgetsID, let forgetsNotional):
                "\(number) gone\(forgetsID ? ", its id too" : "")\(forgetsNotional ? ", its notional too" : "")"
            }
        }
    }

    @Test func `without a journal nothing is noted, and with one all that is there is`() throws {
        let desk = try desk()
        desk.accept(try desk.send(try desk.order()), orderID: "o")
        let second = try desk.send(try desk.order(.buy, "2"))
        desk.engine.release(try desk.send(try desk.order(.buy, "3")))
        #expect(!desk.engine.hasLedgerChanges && told(desk).isEmpty && !desk.engine.asksWallTime)
        desk.engine.noteLedgerChanges()
        #expect(desk.engine.hasLedgerChanges && desk.engine.asksWallTime)
        #expect(text(told(desk)) == ["1 open 1", "2 inFlight 2"])
        desk.engine.noteLedgerChanges()
        #expect(!desk.engine.hasLedgerChanges)
        desk.engine.release(second)
        #expect(text(told(desk)) == ["2 gone"])
    }

    @Test func `each change is told once, as what it came to`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        let id = try desk.send(try desk.order(clientID: "c"))
        #expect(text(told(desk)) == ["1 inFlight 1"])
        desk.accept(id, orderID: "o")
        try desk.end(id, filled: "0.25")
        #expect(text(told(desk)) == ["1 closing 0.25"])
        #expect(told(desk).isEmpty)
        desk.advance(5)
        try desk.snapshot(asOf: desk.wallNow)
        #expect(text(told(desk)) == ["1 gone"])
    }

    @Test func `what came and went unheard is told by its last content and its end`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        let first = try desk.send(try desk.order(clientID: "c"))
        desk.accept(first)
        try desk.end(first, filled: "0")
        desk.engine.undo(try desk.send(try desk.order(.sell, "2", clientID: "d")))
        try desk.send(try desk.order(.sell, "2", clientID: "d"))
        #expect(text(told(desk, atMost: 1)) == ["1 open 1"])
        #expect(
            text(told(desk)) == [
                "1 gone", "2 inFlight 2", "2 gone, its id too, its notional too", "3 inFlight 2",
            ])
    }

    @Test func `an undo under other rules leaves the windows, and says so`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        let id = try desk.send(try desk.order(clientID: "c"))
        let other = try desk.send(try desk.order(clientID: "d"))
        desk.engine.undo(other)
        let rules = try #require(desk.engine.ruleSet)
        desk.engine.install(rules)
        desk.engine.undo(id)
        #expect(
            text(told(desk)).filter { $0.contains("gone") } == [
                "1 gone, its id too", "2 gone, its id too, its notional too",
            ])
    }

    @Test func `with all ends untold a new order finds no place, and finds one once they are told`() throws {
        let desk = try desk { $0.maxReservations = 3 }
        desk.engine.noteLedgerChanges()
        for _ in 0..<3 { desk.engine.release(try desk.send(try desk.order())) }
        let before = desk.engine.exported(at: desk.now)
        #expect(desk.reserve(try desk.order(clientID: "c")) == nil)
        #expect(desk.engine.exported(at: desk.now) == before)
        #expect(text(told(desk, atMost: 2)) == ["1 inFlight 1", "1 gone"])
        let id = try #require(desk.reserve(try desk.order(clientID: "c")))
        #expect(desk.reserve(try desk.order()) == nil)
        #expect(desk.engine.reservation(id)?.number == 5)
        #expect(text(told(desk)) == ["2 inFlight 1", "2 gone", "3 inFlight 1", "3 gone", "5 inFlight 1"])
        #expect(desk.reserve(try desk.order()) != nil)
    }

    @Test func `an id of a place names nothing while its end is untold`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        let id = try desk.send(try desk.order(clientID: "c"))
        desk.engine.release(id)
        #expect(desk.engine.reservation(id) == nil)
        desk.engine.release(id)
        #expect(desk.engine.counters.doubleResolves == 1)
        #expect(desk.engine.reservation(clientOrderID: desk.digest("c"), of: try desk.account("A")) == nil)
        #expect(text(told(desk)) == ["1 inFlight 1", "1 gone"])
    }

    @Test func `a replacement names what it rests on, and is told when that goes`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        let first = try desk.send(try desk.order(.buy, "2", at: "10", clientID: "c"))
        desk.accept(first, orderID: "o")
        _ = told(desk)
        let reference = OrderReference(orderID: desk.digest("o"), clientOrderID: .none)
        _ = desk.reserve(try desk.order(.buy, "3", at: "10"), replacing: reference)
        let image = try #require(told(desk).first?.whole)
        #expect(image.predecessor == 1 && image.isReplacement && image.original.orderID == desk.digest("o"))
        #expect(image.whole == (try desk.decimal("3")) && image.remaining == .one)
        try desk.snapshot(asOf: desk.wallNow)
        #expect(told(desk).isEmpty)
        try desk.end(first, filled: "0")
        let changes = told(desk)
        #expect(text(changes) == ["1 gone", "2 inFlight 3"] || text(changes) == ["2 inFlight 3", "1 gone"])
        for case .image(let image) in changes { #expect(image.predecessor == 0) }
    }

    @Test func `an endpoint's id that is learnt late is told`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        desk.accept(try desk.send(try desk.order(clientID: "c")))
        #expect(text(told(desk)) == ["1 open 1"])
        desk.engine.observed(
            orderID: desk.digest("o"), clientOrderID: desk.digest("c"), account: try desk.account("A"),
            status: .accepted, now: desk.now, wallNow: desk.wallNow)
        guard case .change(let change)? = told(desk).first else { throw Desk.Nothing() }
        #expect(change.orderID == desk.digest("o"))
    }

    @Test(arguments: [("922337203.6854775807", true), ("922337203.6854775808", false)])
    func `a change is told as such as long as its numbers fit in 64 bits`(quantity: String, isChange: Bool) throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        let id = try #require(desk.reserve(try desk.order(.buy, quantity, at: "0.01", clientID: "c")))
        var image = try #require(told(desk).first?.whole)
        desk.accept(id, orderID: "o")
        switch told(desk).first {
        case .change(let change)?:
            #expect(isChange)
            image.apply(change)
        case .image(let other)?:
            #expect(!isChange)
            image = other
        case .brief?, .gone?, nil: throw Desk.Nothing()
        }
        #expect(image.state == .open && image.orderID == desk.digest("o"))
        #expect(image.whole == (try desk.decimal(quantity)) && image.changedAt == desk.wallNow)
    }

    @Test func `an image is all of a replacement, restored and told again`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        try desk.snapshot(pending: [("BTC", .buy, "2", "10", "p", "q")])
        let reference = OrderReference(orderID: desk.digest("q"), clientOrderID: .none)
        let id = try #require(desk.reserve(try desk.order(.buy, "3", at: "10"), replacing: reference))
        desk.accept(id, orderID: "o")
        let image = try #require(told(desk).first?.whole)
        let margin = try desk.decimal("2").units
        #expect(image.shownMargin == margin && image.marginWhereShown == margin && image.base.margin == margin)
        #expect(image.base.quantity == margin && image.remaining == .one && image.predecessor == 0)
        let next = try self.desk()
        #expect(next.engine.restore([image], now: next.now) == 0)
        next.engine.noteLedgerChanges()
        let restored = try #require(told(next).first?.whole)
        #expect(restored == image)
    }

    @Test func `what is restored and stays is not told again, and what was in flight is`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        desk.accept(try desk.send(try desk.order(clientID: "c")), orderID: "o")
        try desk.send(try desk.order(.sell, "2"))
        let images = told(desk).compactMap(\.whole)
        let next = try self.desk()
        next.engine.noteLedgerChanges()
        #expect(next.engine.restore(images, now: next.now) == 0)
        #expect(next.engine.counters.unknownOutcomes == 1)
        #expect(next.engine.reservationCount(.open) == 1 && next.engine.reservationCount(.unknown) == 1)
        #expect(text(told(next)) == ["2 unknown 2"])
        #expect(next.engine.reservation(clientOrderID: next.digest("c"), of: try next.account("A")) != nil)
    }

    @Test func `images that there is no room for are counted`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        for _ in 0..<3 { try desk.send(try desk.order()) }
        let images = told(desk).compactMap(\.whole)
        #expect(try self.desk { $0.maxReservations = 3 }.engine.restore(images, now: 0) == 0)
        #expect(try self.desk { $0.maxReservations = 2 }.engine.restore(images, now: 0) == 1)
        #expect(try self.desk { $0.maxExposures = 0 }.engine.restore(images, now: 0) == 3)
    }

    @Test func `a time later than the restart is the restart's`() throws {
        let desk = try desk()
        desk.engine.noteLedgerChanges()
        desk.accept(try desk.send(try desk.order()), orderID: "o")
        let image = try #require(told(desk).first?.whole)
        #expect(image.changedAt == desk.wallNow && image.approvedAt == desk.wallNow)
        for (early, expected) in [(0, image.changedAt), (1, image.changedAt - 1)] as [(Int64, Int64)] {
            let next = try self.desk()
            #expect(next.engine.restore([image], now: next.now - early) == 0)
            next.engine.noteLedgerChanges()
            let restored = try #require(told(next).first?.whole)
            #expect(restored.changedAt == expected && restored.approvedAt == expected)
        }
    }
}

extension Desk {
    /// There is nothing where something was expected.
    struct Nothing: Error {}
}

extension LedgerChange {
    /// What is told whole.
    fileprivate var whole: ReservationImage? {
        switch self {
        case .image(let image): image
        case .brief(let brief): ReservationImage(brief)
        case .change, .gone: nil
        }
    }
}
