import RiskRules
import Testing

struct StopTests {
    @Test(arguments: StopScope.allCases)
    func `a stop refuses the orders in its scope until it is lifted`(scope: StopScope) throws {
        let desk = try Desk()
        let inside = try desk.order(strategy: "grid")
        let outside = try desk.order(symbol: "ETH", account: "B", strategy: "hand")
        let name: NameID =
            switch scope {
            case .global: .none
            case .account: inside.account
            case .strategy: inside.strategy
            case .symbol: inside.symbol
            }
        #expect(desk.decide(inside).reason == nil)
        desk.engine.setStop(scope, name: name, active: true)
        #expect(desk.engine.isStopped(scope, name: name))
        #expect(desk.decide(inside).reasons == [.emergencyStopActive])
        #expect(desk.decide(outside).reason == (scope == .global ? .emergencyStopActive : nil))
        desk.engine.setStop(scope, name: name, active: false)
        #expect(desk.decide(inside).reason == nil)
    }

    @Test func `a stop of a strategy leaves orders that name none alone`() throws {
        let desk = try Desk()
        desk.engine.setStop(.strategy, name: try desk.strategy("grid"), active: true)
        #expect(desk.decide(try desk.order()).reason == nil)
    }

    @Test func `what reduces risk passes a stop, on the last known position`() throws {
        let desk = try Desk()
        try desk.snapshot(positions: [("BTC", "5", nil)])
        desk.engine.setStop(.global, name: .none, active: true)
        desk.advance(1000)
        desk.engine.accountsLinkUntil = 0
        #expect(desk.decide(try desk.order(.sell, "5")).reason == nil)
        #expect(desk.decide(try desk.order(.sell, "5.0000000001")).reason == .emergencyStopActive)
        #expect(desk.decide(try desk.order(.buy, "1")).reason == .emergencyStopActive)
    }

    @Test(arguments: StopScope.allCases)
    func `an emergency rule refuses, and stops its scope at once`(scope: StopScope) throws {
        let rules = [["id: clip", "metric: order_quantity", "max: 1", "severity: emergency", "stop: \(scope)"]]
        let desk = try Desk(rules)
        let order = try desk.order(strategy: "grid")
        var big = order
        big.quantity = try desk.decimal("1.0000000001")
        #expect(desk.decide(order).tripped.isEmpty)
        let outcome = desk.decide(big)
        #expect(outcome.reason == .orderQuantityExceeded)
        #expect(outcome.tripped.map(\.scope) == [scope])
        #expect(outcome.tripped.map(\.rule) == [0])
        #expect(desk.decide(order).reason == .emergencyStopActive)
        #expect(desk.decide(big).tripped.isEmpty)
        #expect(desk.decide(big).reasons == [.emergencyStopActive, .orderQuantityExceeded])
    }

    @Test func `an emergency of a strategy stops the account where the order names none`() throws {
        let desk = try Desk([["id: clip", "metric: order_quantity", "max: 1", "severity: emergency", "stop: strategy"]])
        let outcome = desk.decide(try desk.order(.buy, "2"))
        #expect(outcome.tripped.map(\.scope) == [.account])
        #expect(outcome.tripped.map(\.name) == [try desk.account("A")])
    }

    @Test func `a check trips nothing, and neither does a missing input`() throws {
        let desk = try Desk([
            ["id: loss", "metric: drawdown_max", "max: 0.1", "severity: emergency"],
            ["id: wide", "metric: symbol", "deny: [NEVER]"],
        ])
        let order = try desk.order()
        desk.engine.accountAbsent(order.account)
        #expect(desk.decide(order).reason == .accountUnknown)
        #expect(desk.decide(order).tripped.isEmpty)
        try desk.snapshot(equity: "89", peak: "100")
        #expect(desk.engine.check(order, connection: 1, now: desk.now).reason == .drawdownExceeded)
        #expect(!desk.engine.isStopped(.account, name: order.account))
        #expect(desk.decide(order).tripped.count == 1)
        #expect(desk.engine.isStopped(.account, name: order.account))
    }

    @Test func `in shadow mode no rule trips a stop, and a person's stop holds`() throws {
        let desk = try Desk([["id: clip", "metric: order_quantity", "max: 1", "severity: emergency"]]) {
            $0.isShadow = true
        }
        #expect(desk.decide(try desk.order(.buy, "2")).reason == .orderQuantityExceeded)
        #expect(desk.decide(try desk.order()).reason == nil)
        desk.engine.setStop(.global, name: .none, active: true)
        #expect(desk.decide(try desk.order()).reason == .emergencyStopActive)
    }
}
