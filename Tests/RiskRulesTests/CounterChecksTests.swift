import RiskRules
import Testing

struct CounterChecksTests {
    private static let wide = ["id: wide", "metric: symbol", "deny: [NEVER]"]

    private static func rate(_ metric: String, _ max: Int, _ more: String...) -> [String] {
        ["id: rate", "metric: \(metric)", "window: 1s", "max: \(max)"] + more
    }

    @Test func `order_count lets its bound through in any window, and one more when the first has left it`() throws {
        let desk = try Desk([Self.wide, Self.rate("order_count", 3)])
        let order = try desk.order()
        for _ in 0..<3 {
            #expect(desk.decide(order).reason == nil)
            desk.advance(0.1)
        }
        desk.now = 1000 * Desk.second + Desk.second - 1
        let refused = desk.decide(order)
        #expect(refused.reason == .orderRateExceeded)
        #expect(refused.violations[0].value.description == "4")
        desk.now = 1001 * Desk.second + Desk.second / 10
        // Left: the third, and the one refused a moment ago.
        #expect(desk.decide(order).reason == nil)
        #expect(desk.decide(order).reason == .orderRateExceeded)
    }

    @Test func `orders of the same nanosecond count each`() throws {
        let desk = try Desk([Self.wide, Self.rate("order_count", 3)])
        let order = try desk.order()
        for expected in [nil, nil, nil, Reason.orderRateExceeded] { #expect(desk.decide(order).reason == expected) }
        desk.now += Desk.second - 1
        #expect(desk.decide(order).reason == .orderRateExceeded)
        desk.now += 1
        #expect(desk.decide(order).reason == nil)
    }

    @Test func `rejected orders count too`() throws {
        let desk = try Desk([["id: q", "metric: order_quantity", "max: 1"], Self.rate("order_count", 2)])
        #expect(desk.decide(try desk.order(.buy, "5")).reasons == [.orderQuantityExceeded])
        #expect(desk.decide(try desk.order(.buy, "5")).reasons == [.orderQuantityExceeded])
        #expect(desk.decide(try desk.order()).reasons == [.orderRateExceeded])
    }

    @Test func `a check counts nothing, and sees what counting would`() throws {
        let desk = try Desk([Self.wide, Self.rate("order_count", 2)])
        let order = try desk.order()
        for _ in 0..<5 { #expect(desk.engine.check(order, connection: 1, now: desk.now).approved) }
        #expect(desk.decide(order).reason == nil)
        #expect(desk.decide(order).reason == nil)
        #expect(desk.engine.check(order, connection: 1, now: desk.now).reason == .orderRateExceeded)
        #expect(desk.engine.decideAgain(order, connection: 1, now: desk.now).approved)
    }

    @Test(arguments: ["account", "strategy", "symbol", "connection"])
    func `a window is kept per key`(per: String) throws {
        let desk = try Desk([Self.wide, Self.rate("order_count", 1, "per: \(per)")])
        func reason(
            account: String = "A", strategy: String = "s", symbol: String = "BTC", connection: UInt32 = 1
        ) throws -> Reason? {
            desk.decide(
                try desk.order(symbol: symbol, account: account, strategy: strategy), connection: connection
            ).reason
        }
        #expect(try reason() == nil)
        let others: [(String, Reason?)] = [
            ("account", try reason(account: "B")), ("strategy", try reason(strategy: "t")),
            ("symbol", try reason(symbol: "ETH")), ("connection", try reason(connection: 2)),
        ]
        for (kind, reason) in others { #expect(reason == (kind == per ? nil : .orderRateExceeded), "\(kind)") }
        #expect(try reason() == .orderRateExceeded)
    }

    @Test func `orders that name no strategy are one strategy of their account`() throws {
        let desk = try Desk([Self.wide, Self.rate("order_count", 1, "per: strategy")])
        #expect(desk.decide(try desk.order(account: "A")).reason == nil)
        #expect(desk.decide(try desk.order(account: "B")).reason == nil)
        #expect(desk.decide(try desk.order(account: "A")).reason == .orderRateExceeded)
        #expect(desk.decide(try desk.order(account: "A", strategy: "s")).reason == nil)
    }

    @Test func `a rule counts only the orders that it applies to`() throws {
        let desk = try Desk([
            Self.wide, Self.rate("order_count", 1, "symbols: [BTC]", "sides: [buy]", "types: [market]"),
        ])
        #expect(desk.decide(try desk.order(.buy)).reason == nil)
        #expect(desk.decide(try desk.order(.sell)).reason == nil)
        #expect(desk.decide(try desk.order(.buy, at: "5")).reason == nil)
        #expect(desk.decide(try desk.order(.buy, symbol: "ETH")).reason == nil)
        #expect(desk.decide(try desk.order(.buy)).reason == .orderRateExceeded)
    }

    @Test func `message_count counts cancels, order_count does not`() throws {
        for (metric, reason) in [("message_count", Reason.messageRateExceeded), ("order_count", nil)] {
            let desk = try Desk([Self.wide, Self.rate(metric, 2)])
            let account = try desk.account("A")
            desk.engine.countCancel(account: account, connection: 1, now: desk.now)
            desk.engine.countCancel(account: account, connection: 1, now: desk.now)
            #expect(desk.decide(try desk.order()).reason == reason)
        }
    }

    @Test func `a cancel that names no account counts per connection only`() throws {
        let desk = try Desk([
            Self.wide, ["id: a", "metric: message_count", "window: 1s", "max: 1"],
            ["id: c", "metric: message_count", "window: 1s", "max: 2", "per: connection"],
        ])
        desk.engine.countCancel(account: nil, connection: 1, now: desk.now)
        desk.engine.countCancel(account: nil, connection: 1, now: desk.now)
        let outcome = desk.decide(try desk.order(), connection: 1)
        #expect(outcome.violations.map { desk.engine.ruleSet?.texts[Int($0.rule)].id } == ["c"])
        #expect(desk.decide(try desk.order(account: "B"), connection: 2).reason == nil)
    }

    @Test func `reject_count counts rejects so far, without its own`() throws {
        let desk = try Desk([["id: q", "metric: order_quantity", "max: 1"], Self.rate("reject_count", 1)])
        let good = try desk.order()
        #expect(desk.decide(try desk.order(.buy, "2")).reasons == [.orderQuantityExceeded])
        #expect(desk.decide(good).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "2")).reasons == [.orderQuantityExceeded])
        for _ in 0..<3 { #expect(desk.decide(good).reason == .rejectRateExceeded) }
        desk.advance(1)
        #expect(desk.decide(good).reason == nil)
    }

    @Test func `a reject after the decision counts where it is told`() throws {
        let desk = try Desk([Self.wide, Self.rate("reject_count", 1)])
        desk.engine.countReject(try desk.order(), connection: 1, now: desk.now)
        #expect(desk.decide(try desk.order()).reason == nil)
        desk.engine.countReject(try desk.order(), connection: 1, now: desk.now)
        #expect(desk.decide(try desk.order()).reason == .rejectRateExceeded)
    }

    @Test func `what reduces risk is not judged by rejects before it`() throws {
        let desk = try Desk([["id: q", "metric: order_quantity", "max: 5"], Self.rate("reject_count", 0)])
        try desk.snapshot(positions: [("BTC", "2", nil)])
        #expect(desk.decide(try desk.order(.buy, "6")).reason == .orderQuantityExceeded)
        #expect(desk.decide(try desk.order(.buy, "1")).reason == .rejectRateExceeded)
        #expect(desk.decide(try desk.order(.sell, "2")).reason == nil)
    }

    @Test func `a window goes on over a reload where id, metric, window and per are the same`() throws {
        for (change, reason) in [
            ("max: 2", Reason.orderRateExceeded), ("id: other", nil), ("window: 2s", nil), ("per: symbol", nil),
        ] {
            let desk = try Desk([
                Self.wide, ["id: rate", "metric: order_count", "window: 1s", "max: 3", "per: account"],
            ])
            for _ in 0..<2 { #expect(desk.decide(try desk.order()).reason == nil) }
            var lines = ["id: rate", "metric: order_count", "window: 1s", "max: 2", "per: account"]
            let key = change.prefix { $0 != ":" }
            lines = lines.map { $0.hasPrefix(key) ? change : $0 }
            desk.engine.install(
                try RuleLines.compile([["id: first", "metric: order_quantity", "max: 9"], lines, Self.wide]))
            #expect(desk.decide(try desk.order()).reason == reason, "\(change)")
        }
    }

    @Test func `a bound of 100,000 holds to the order at a steady rate`() throws {
        let desk = try Desk([Self.wide, ["id: rate", "metric: order_count", "window: 100s", "max: 100000"]])
        let order = try desk.order()
        var refused = 0
        for place in 1...100_001 {
            desk.now += 100_000
            if desk.engine.decide(order, connection: 1, now: desk.now).reason != nil, place <= 100_000 { refused += 1 }
        }
        #expect(refused == 0)
        #expect(desk.engine.decide(order, connection: 1, now: desk.now).reason == .orderRateExceeded)
    }

    @Test func `counting agrees with a list of times`() throws {
        var random = SplitMix(seed: 11)
        for maximum in [1, 2, 5, 40] {
            let desk = try Desk([Self.wide, Self.rate("order_count", maximum)])
            let order = try desk.order()
            var times: [Int64] = []
            for _ in 0..<5000 {
                desk.now += random.pick([0, 1, 10_000_000, 30_000_000, Desk.second - 1, Desk.second])
                times.append(desk.now)
                times.removeAll { $0 <= desk.now - Desk.second }
                #expect((desk.decide(order).reason != nil) == (times.count > maximum))
            }
        }
    }

    @Test func `more keys than there is room for are refused, and taken again when old ones are over`() throws {
        let desk = try Desk([Self.wide, Self.rate("order_count", 5, "per: connection")]) { $0.maxWindowKeys = 8 }
        let order = try desk.order()
        for connection in 1...8 { #expect(desk.decide(order, connection: UInt32(connection)).reason == nil) }
        #expect(desk.decide(order, connection: 9).reason == .orderRateExceeded)
        #expect(desk.decide(order, connection: 8).reason == nil)
        desk.advance(1)
        for connection in 10...17 { #expect(desk.decide(order, connection: UInt32(connection)).reason == nil) }
    }

    @Test func `an approved client order id may not come again, a rejected one may`() throws {
        let desk = try Desk([["id: q", "metric: order_quantity", "max: 5"]])
        #expect(desk.decide(try desk.order(.buy, "6", clientID: "c-1")).reason == .orderQuantityExceeded)
        try desk.send(try desk.order(clientID: "c-1"))
        #expect(desk.decide(try desk.order(clientID: "c-1")).reason == .duplicateClientOrderID)
        #expect(desk.decide(try desk.order(clientID: "c-2")).reason == nil)
        #expect(desk.decide(try desk.order(account: "B", clientID: "c-1")).reason == nil)
        #expect(desk.decide(try desk.order()).reason == nil)
    }

    @Test func `an id is remembered over its release, and forgotten where nothing was sent`() throws {
        let desk = try Desk()
        desk.engine.release(try desk.send(try desk.order(clientID: "c-1")))
        #expect(desk.decide(try desk.order(clientID: "c-1")).reason == .duplicateClientOrderID)
        desk.engine.undo(try desk.send(try desk.order(clientID: "c-2")))
        #expect(desk.decide(try desk.order(clientID: "c-2")).reason == nil)
    }

    @Test func `the latest ids are remembered, as many as the limit says`() throws {
        let desk = try Desk { $0.clientOrderIDsPerAccount = 8 }
        for number in 0..<100 { desk.engine.release(try desk.send(try desk.order(clientID: "c-\(number)"))) }
        #expect(desk.decide(try desk.order(clientID: "c-92")).reason == .duplicateClientOrderID)
        #expect(desk.decide(try desk.order(clientID: "c-99")).reason == .duplicateClientOrderID)
        #expect(desk.decide(try desk.order(clientID: "c-91")).reason == nil)
    }
}
