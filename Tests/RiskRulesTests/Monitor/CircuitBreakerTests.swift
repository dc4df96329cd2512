import RiskRules
import Testing

/// Stops of those who break too much in too short a time.
struct CircuitBreakerTests {
    private static let a = NameID(index: 1)
    private static let b = NameID(index: 2)
    private static let second = Desk.second

    private func breaker(violations: Int = 3, rejects: Int = 2) -> CircuitBreaker {
        CircuitBreaker(
            .init(violations: violations, rejects: rejects, window: 60 * Self.second), accounts: 8, strategies: 8)
    }

    @Test func `as many violations as the threshold within the window stop the account, one fewer do not`() {
        let breaker = breaker()
        #expect(breaker.violated(Self.a, now: 0) == nil)
        #expect(breaker.violated(Self.b, now: 0) == nil)
        #expect(breaker.violated(Self.a, now: 1) == nil)
        #expect(breaker.violations(of: Self.a, now: 1) == 2)
        let stop = breaker.violated(Self.a, now: 60 * Self.second - 1)
        #expect(stop?.scope == .account && stop?.name == Self.a)
        #expect(breaker.violations(of: Self.b, now: 1) == 1)
        #expect(breaker.trips == (1, 0))
    }

    @Test func `a violation that has left the window does not count`() {
        let breaker = breaker()
        #expect(breaker.violated(Self.a, now: 0) == nil)
        #expect(breaker.violated(Self.a, now: 1) == nil)
        #expect(breaker.violations(of: Self.a, now: 60 * Self.second - 1) == 2)
        #expect(breaker.violations(of: Self.a, now: 60 * Self.second) == 1)
        #expect(breaker.violated(Self.a, now: 60 * Self.second) == nil)
        #expect(breaker.violated(Self.a, now: 60 * Self.second) != nil)
    }

    @Test func `what led to a stop counts no more`() {
        let breaker = breaker()
        for _ in 0..<2 { #expect(breaker.violated(Self.a, now: 0) == nil) }
        #expect(breaker.violated(Self.a, now: 0) != nil)
        for _ in 0..<2 { #expect(breaker.violated(Self.a, now: 1) == nil) }
        #expect(breaker.violated(Self.a, now: 1) != nil)
        #expect(breaker.trips == (2, 0))
    }

    @Test func `rejects stop the strategy, or the account of orders that name none`() {
        let breaker = breaker()
        #expect(breaker.rejected(strategy: Self.a, account: Self.a, now: 0) == nil)
        #expect(breaker.rejected(strategy: .none, account: Self.a, now: 0) == nil)
        #expect(breaker.rejected(strategy: Self.b, account: Self.a, now: 0) == nil)
        #expect(breaker.rejects(strategy: Self.a, account: Self.b, now: 0) == 1)
        let strategy = breaker.rejected(strategy: Self.a, account: Self.b, now: 0)
        #expect(strategy?.scope == .strategy && strategy?.name == Self.a)
        let account = breaker.rejected(strategy: .none, account: Self.a, now: 0)
        #expect(account?.scope == .account && account?.name == Self.a)
        #expect(breaker.rejects(strategy: Self.b, account: Self.a, now: 0) == 1)
        #expect(breaker.trips == (0, 2))
    }

    @Test func `a threshold of zero is off`() {
        let breaker = breaker(violations: 0, rejects: 0)
        for _ in 0..<100 {
            #expect(breaker.violated(Self.a, now: 0) == nil)
            #expect(breaker.rejected(strategy: Self.a, account: Self.a, now: 0) == nil)
        }
        #expect(breaker.violations(of: Self.a, now: 0) == 0 && breaker.trips == (0, 0))
    }

    @Test func `there is room for every account and strategy`() {
        let breaker = breaker(violations: 2)
        for index in 1...8 as ClosedRange<UInt32> {
            let name = NameID(index: index)
            #expect(breaker.violated(name, now: 0) == nil)
            #expect(breaker.rejected(strategy: name, account: Self.a, now: 0) == nil)
            #expect(breaker.rejected(strategy: .none, account: name, now: 0) == nil)
        }
        for index in 1...8 as ClosedRange<UInt32> {
            let name = NameID(index: index)
            #expect(breaker.violated(name, now: 0) != nil)
            #expect(breaker.rejected(strategy: name, account: Self.a, now: 0) != nil)
            #expect(breaker.rejected(strategy: .none, account: name, now: 0) != nil)
        }
    }

    @Test func `a reject by a rule counts, one by a built-in check or for a missing input does not`() throws {
        let desk = try Desk([
            ["id: quantity", "metric: order_quantity", "max: 5"],
            ["id: collar", "metric: price_deviation", "max: 0.1"],
            ["id: soft", "metric: order_quantity", "max: 1", "severity: soft"],
        ])
        try desk.snapshot()
        try desk.price("BTC", "100")
        func isByRule(_ order: Order) -> Bool {
            desk.engine.isByRule(desk.engine.check(order, connection: 1, now: desk.now))
        }
        #expect(try isByRule(desk.order(.buy, "6", at: "100")))
        #expect(try isByRule(desk.order(.buy, "1", at: "120")))
        #expect(try !isByRule(desk.order(.buy, "2", at: "100")))
        #expect(try !isByRule(desk.order(.buy, "1", at: "100", reduceOnly: true)))
        try desk.noPrice("BTC")
        #expect(try !isByRule(desk.order(.buy, "1", at: "100")))
    }
}
