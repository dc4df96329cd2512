import RiskRules
import Testing

/// What windows hold goes on to leave them as time passes, in whatever engine, on whatever clock.
struct WindowExportTests {
    private static let rate = ["id: rate", "metric: order_count", "window: 2s", "max: 2"]
    private static let alike = ["id: alike", "metric: duplicate_count", "window: 2s", "max: 1"]
    private static let sum = ["id: sum", "metric: notional_sum", "window: 2s", "max: 20"]

    private func desk(_ rules: [[String]], now: Int64 = 1000 * Desk.second, wallNow: Int64? = nil) throws -> Desk {
        let desk = try Desk(rules + [["id: wide", "metric: symbol", "deny: [NEVER]"]])
        desk.now = now
        if let wallNow { desk.wallOffset = wallNow - now }
        desk.engine.wallOffset = desk.wallOffset
        return desk
    }

    /// Another engine some time later, on a clock that began anew, that has what the first one had.
    private func successor(of desk: Desk, _ rules: [[String]], after: Int64) throws -> Desk {
        let next = try self.desk(rules, now: 7, wallNow: desk.wallNow + after)
        try next.price("BTC", "10")
        // Names come in another order.
        _ = (try next.symbol("ETH"), try next.account("B"), try next.account("A"), try next.strategy("grid"))
        for export in desk.engine.exported(at: desk.now) { #expect(next.engine.importWindow(export, now: next.now)) }
        return next
    }

    @Test(arguments: [rate, rate + ["per: strategy"], rate + ["per: symbol"]])
    func `an order counts until it leaves the window, and no longer`(rule: [String]) throws {
        for (after, expected) in [
            (2 * Desk.second - 1, Reason.orderRateExceeded), (2 * Desk.second, nil),
        ] as [(Int64, Reason?)] {
            for strategy in ["", "grid"] {
                let desk = try desk([rule])
                for _ in 0..<2 { #expect(desk.decide(try desk.order(strategy: strategy)).reason == nil) }
                let next = try successor(of: desk, [rule], after: after)
                let other = try next.order(symbol: "ETH", account: "B", strategy: "trend")
                #expect(next.engine.check(other, connection: 1, now: next.now).reason == nil)
                #expect(next.decide(try next.order(strategy: strategy)).reason == expected)
            }
        }
    }

    @Test(arguments: [alike, alike + ["per: strategy"], alike + ["per: symbol"]])
    func `an order is alike until it leaves the window, and no longer`(rule: [String]) throws {
        for (after, expected) in [(2 * Desk.second - 1, Reason.duplicateOrder), (2 * Desk.second, nil)]
            as [(Int64, Reason?)]
        {
            for strategy in ["", "grid"] {
                let desk = try desk([rule])
                #expect(desk.decide(try desk.order(.buy, "2", at: "10", strategy: strategy)).reason == nil)
                let next = try successor(of: desk, [rule], after: after)
                for other in [
                    try next.order(.buy, "2", at: "11", strategy: strategy),
                    try next.order(.buy, "2", at: "10", account: "B", strategy: strategy),
                    try next.order(.buy, "2", at: "10", symbol: "ETH", strategy: strategy),
                    try next.order(.buy, "2.1", at: "10", strategy: strategy),
                ] { #expect(next.decide(other).reason == nil) }
                #expect(next.decide(try next.order(.buy, "2", at: "10", strategy: strategy)).reason == expected)
            }
        }
    }

    @Test(arguments: [sum, sum + ["per: strategy"], sum + ["per: symbol"]])
    func `approved notional counts until it leaves the window, and no longer`(rule: [String]) throws {
        for (after, expected) in [(2 * Desk.second - 1, Reason.windowNotionalExceeded), (2 * Desk.second, nil)]
            as [(Int64, Reason?)]
        {
            let desk = try desk([rule])
            try desk.send(try desk.order(.buy, "1.5", at: "10"))
            let next = try successor(of: desk, [rule], after: after)
            #expect(next.decide(try next.order(.buy, "0.5", at: "10")).reason == nil)
            #expect(next.decide(try next.order(.buy, "0.5000000001", at: "10")).reason == expected)
        }
    }

    @Test func `what is kept per connection is neither exported nor imported`() throws {
        let rule = Self.rate + ["per: connection"]
        let desk = try desk([rule, Self.alike + ["per: connection"]])
        _ = desk.decide(try desk.order())
        #expect(desk.engine.exported(at: desk.now).isEmpty)
        let perAccount = try self.desk([Self.rate])
        _ = perAccount.decide(try perAccount.order())
        let export = try #require(perAccount.engine.exported(at: perAccount.now).first)
        #expect(perAccount.engine.exported(at: perAccount.now).count == 1)
        #expect(!desk.engine.importWindow(export, now: desk.now))
    }

    @Test func `a window is imported where a rule has it, and goes on under the next rule set`() throws {
        let desk = try desk([Self.rate])
        for _ in 0..<2 { _ = desk.decide(try desk.order()) }
        let export = try #require(desk.engine.exported(at: desk.now).first)
        for (rule, isTaken) in [
            (Self.rate, true), (["id: rate", "metric: order_count", "window: 2s", "max: 1"], true),
            (["id: rate", "metric: order_count", "window: 3s", "max: 2"], false),
            (["id: other", "metric: order_count", "window: 2s", "max: 2"], false),
            (Self.rate + ["per: strategy"], false),
        ] {
            let next = try self.desk([rule])
            let order = try next.order()
            #expect(next.engine.importWindow(export, now: next.now) == isTaken)
            let rules = [["id: first", "metric: order_count", "window: 1s", "max: 9"], rule, Self.sum]
            next.engine.install(try RuleLines.compile(rules + [["id: wide", "metric: symbol", "deny: [NEVER]"]]))
            #expect(next.decide(order).reasons.contains(.orderRateExceeded) == isTaken)
        }
        let stranger = try self.desk([Self.rate])
        #expect(!stranger.engine.importWindow(export, now: stranger.now))
        #expect(RiskEngine(limits: EngineLimits(hashSeed: 7)).importWindow(export, now: 0) == false)
    }

    @Test func `an event of the future happened now, and leaves the window a window later`() throws {
        let desk = try desk([Self.rate])
        for _ in 0..<2 { _ = desk.decide(try desk.order()) }
        let next = try successor(of: desk, [Self.rate], after: -3600 * Desk.second)
        #expect(next.decide(try next.order()).reason == .orderRateExceeded)
        next.now += 2 * Desk.second - 1
        #expect(next.engine.check(try next.order(), connection: 1, now: next.now).reason == .orderRateExceeded)
        next.now += 1
        #expect(next.engine.check(try next.order(), connection: 1, now: next.now).reason == nil)
    }

    @Test func `what has left its window is not exported`() throws {
        let desk = try desk([Self.rate, Self.sum, Self.alike])
        try desk.price("BTC", "10")
        try desk.send(try desk.order(.buy, "1", at: "10"))
        desk.now += Desk.second
        #expect(desk.decide(try desk.order(.buy, "0.5", at: "10")).reason == nil)
        desk.now += Desk.second - 1
        #expect(desk.engine.exported(at: desk.now).map(\.entries.count).sorted() == [1, 1, 1, 2])
        desk.now += 1
        #expect(desk.engine.exported(at: desk.now).map(\.entries.count) == [1, 1])
        desk.now += Desk.second
        #expect(desk.engine.exported(at: desk.now).isEmpty)
    }

    @Test func `a window that lost an event refuses keys that it does not know as long in the next engine`() throws {
        func desk(_ now: Int64) throws -> Desk {
            let desk = try Desk([Self.rate, ["id: clip", "metric: order_quantity", "max: 9"]]) { $0.maxWindowKeys = 1 }
            desk.now = now
            desk.wallOffset = Desk.wallStart + 1000 * Desk.second - now
            desk.engine.wallOffset = desk.wallOffset
            return desk
        }
        let full = try desk(1000 * Desk.second)
        _ = full.engine.decide(try full.order(account: "A"), connection: 1, now: full.now)
        full.now += Desk.second
        #expect(full.decide(try full.order(account: "B")).reason == .orderRateExceeded)
        let exports = full.engine.exported(at: full.now)
        #expect(exports.count == 2 && exports.count { $0.key == nil } == 1)
        let next = try desk(5)
        _ = try next.account("A")
        next.now += Desk.second
        for export in exports where export.key == nil { #expect(next.engine.importWindow(export, now: next.now)) }
        for (after, expected) in [(2 * Desk.second - 1, Reason.orderRateExceeded), (1, nil)] as [(Int64, Reason?)] {
            next.now += after
            let order = try next.order(account: "B")
            #expect(next.engine.check(order, connection: 1, now: next.now).reason == expected)
        }
    }
}

extension RiskEngine {
    /// All that the windows hold.
    func exported(at now: Int64) -> [WindowExport] {
        var exports: [WindowExport] = []
        exportWindows(now: now) { exports.append($0) }
        return exports
    }
}
