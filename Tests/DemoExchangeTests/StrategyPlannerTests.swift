import DemoExchange
import Foundation
import Testing

private func planner(mistakeInterval: Duration = .zero) -> StrategyPlanner {
    StrategyPlanner(account: "a", mistakeInterval: mistakeInterval, idPrefix: "t-", seed: 5)
}

private let quiet = MarketView(marks: [:])

@Suite struct StrategyPlannerTests {
    @Test func `a sane strategy sends orders that an exchange takes, each under its own id`() {
        var planner = planner()
        var ids: Set<String> = []
        for step in 1...500 {
            guard case .send(let order) = planner.next(quiet, elapsed: .seconds(step)) else {
                Issue.record("it has nothing to cancel")
                continue
            }
            #expect(!order.intent.isMistake)
            #expect(ids.insert(order.ticket.clientOrderID).inserted)
            let instrument = Instrument.listed.first { $0.symbol == order.ticket.symbol }
            #expect(instrument.map { order.ticket.quantity.isMultiple(of: $0.lotSize) } == true)
            #expect(instrument.map { order.ticket.price?.isMultiple(of: $0.tickSize) ?? true } == true)
        }
    }

    @Test func `an old order is canceled, a young one is not`() {
        var planner = planner()
        let view = { (age: Duration) in
            MarketView(marks: [:], open: [.init(id: "o", symbol: "BTCUSDT", age: age)])
        }
        if case .cancel = planner.next(view(.seconds(3)), elapsed: .zero) { Issue.record("it is young") }
        guard case .cancel(let id, _) = planner.next(view(.seconds(4)), elapsed: .zero) else {
            Issue.record("it is old")
            return
        }
        #expect(id == "o")
    }

    @Test func `every mistake is made in its turn`() {
        var planner = planner(mistakeInterval: .seconds(1))
        var seen: Set<PlannedOrder.Intent> = []
        for step in 0..<2_000 {
            switch planner.next(quiet, elapsed: .milliseconds(step * 25)) {
            case .send(let order): seen.insert(order.intent)
            case .burst(let orders):
                #expect(orders.count == StrategyPlanner.burstSize)
                #expect(Set(orders.map(\.ticket.clientOrderID)).count == orders.count)
                seen.formUnion(orders.map(\.intent))
            case .cancel: break
            }
        }
        let mistakes: Set<PlannedOrder.Intent> = [
            .fatFingerPrice, .fatFingerQuantity, .wrongSymbol, .duplicate, .oversizing, .runaway,
        ]
        #expect(seen.isSuperset(of: mistakes))
    }

    @Test func `a duplicate repeats the id of the last sane order`() {
        var planner = planner(mistakeInterval: .seconds(1))
        var last = ""
        for step in 0..<1_000 {
            guard case .send(let order) = planner.next(quiet, elapsed: .milliseconds(step * 25)) else { continue }
            if order.intent == .duplicate {
                #expect(order.ticket.clientOrderID == last)
                return
            }
            if !order.intent.isMistake { last = order.ticket.clientOrderID }
        }
        Issue.record("it never repeats itself")
    }

    @Test func `after some refusals the oversized position is given up and worked off`() {
        var planner = planner(mistakeInterval: .milliseconds(1))
        var view = quiet
        var oversizing = 0
        for step in 1...500 {
            guard case .send(let order) = planner.next(view, elapsed: .milliseconds(step)) else { continue }
            if order.intent == .oversizing {
                oversizing += 1
                planner.learnRefusal(of: .oversizing, elapsed: .milliseconds(step))
                view.positions = [order.ticket.symbol: order.ticket.side.sign * 1_000]
            } else if order.intent == .reduce {
                #expect(order.ticket.reduceOnly)
                #expect(order.ticket.side.sign * (view.positions.first?.value ?? 0) < 0)
                #expect((2...30).contains(oversizing))
                return
            }
        }
        Issue.record("it never reduces")
    }

    @Test func `a refused reduction is not repeated at once`() {
        var planner = planner()
        let view = MarketView(marks: [:], positions: ["BTCUSDT": 100])
        let reduces = { (planner: inout StrategyPlanner, elapsed: Duration) in
            (0..<100).contains { _ in
                if case .send(let order) = planner.next(view, elapsed: elapsed) {
                    order.intent == .reduce
                } else {
                    false
                }
            }
        }
        #expect(reduces(&planner, .seconds(1)))
        planner.learnRefusal(of: .reduce, elapsed: .seconds(1))
        #expect(!reduces(&planner, .seconds(2)))
        #expect(reduces(&planner, .seconds(3)))
    }
}
