import DemoExchange
import Foundation
import Testing

/// The exchange in a box, so that an expectation can act on it.
private final class Venue {
    var exchange: Exchange

    init(deposit: Decimal = 1_000_000, seed: UInt64 = 7) {
        exchange = Exchange(deposits: ["a": deposit, "b": deposit], feeRate: Decimal(2) / 10_000, seed: seed, at: 0)
    }

    /// The order as it stands after it was sent.
    @discardableResult
    func send(_ ticket: OrderTicket, at now: Int64 = 1) throws -> ExchangeOrder {
        try #require(try exchange.create(ticket, at: now).last?.order)
    }

    func events(_ ticket: OrderTicket, at now: Int64 = 1) throws -> [OrderEvent.Kind] {
        try exchange.create(ticket, at: now).map(\.kind)
    }

    func cancel(_ id: String, symbol: String = "") -> (ExchangeOrder, [OrderEvent])? {
        exchange.cancel(id, symbol: symbol, at: 2)
    }

    func nextState(of account: String, at now: Int64) -> AccountState? { exchange.nextState(of: account, at: now) }
}

private func limit(
    _ side: Side, _ quantity: Decimal, _ price: Decimal, symbol: String = "BTCUSDT", account: String = "a",
    id: String = "", reduceOnly: Bool = false
) -> OrderTicket {
    OrderTicket(
        account: account, clientOrderID: id, symbol: symbol, side: side, kind: .limit, quantity: quantity, price: price,
        reduceOnly: reduceOnly)
}

private func market(_ side: Side, _ quantity: Decimal, reduceOnly: Bool = false) -> OrderTicket {
    OrderTicket(
        account: "a", symbol: "BTCUSDT", side: side, kind: .market, quantity: quantity,
        timeInForce: .immediateOrCancel, reduceOnly: reduceOnly)
}

private func decimal(_ text: String) throws -> Decimal { try #require(Decimal(string: text)) }

@Suite struct ExchangeTests {
    @Test func `an unknown symbol or account is no order`() {
        let venue = Venue()
        #expect(throws: InvalidOrder.self) { try venue.send(limit(.buy, 1, 1, symbol: "LUNAUSDT")) }
        #expect(throws: InvalidOrder.self) { try venue.send(limit(.buy, 1, 1, account: "c")) }
    }

    @Test(arguments: [
        ("0.001", "49000", true), ("0.0015", "49000", false), ("1", "49000.1", true), ("1", "49000.05", false),
        ("1000", "1000", true), ("1000.001", "1000", false), ("0.001", "5000", true), ("0.001", "4999.9", false),
    ])
    func `steps, sizes and the least notional are judged at their bounds`(
        quantity: String, price: String, isTaken: Bool
    ) throws {
        let venue = Venue(deposit: 100_000_000)
        let order = try venue.send(limit(.buy, decimal(quantity), decimal(price)))
        #expect((order.state == .new) == isTaken)
        #expect((order.state == .rejected) == !isTaken)
        #expect(order.message.isEmpty == isTaken)
    }

    @Test func `an order is taken up to the margin, working orders included, and not beyond`() throws {
        // 5 % of the mark of about 50,000: 400 BTC take the million, give or take the walk's first step.
        let venue = Venue()
        let mark = try #require(venue.exchange.keeper.marks["BTCUSDT"])
        let most = (1_000_000 / (mark / 20)).rounded(to: Decimal(1) / 1_000, .down)
        #expect(try venue.send(limit(.buy, most, 10_000), at: 1).state == .new)
        let next = try venue.send(limit(.buy, Decimal(1) / 1_000, 10_000), at: 2)
        #expect(next.state == .rejected)
        #expect(next.message.hasPrefix("insufficient margin"))
        // The other side does not add to the larger one.
        #expect(try venue.send(limit(.sell, most, 90_000), at: 3).state == .new)
    }

    @Test func `reduce-only is taken up to the position and not beyond`() throws {
        let venue = Venue()
        #expect(try venue.send(market(.sell, 1, reduceOnly: true), at: 1).state == .rejected)
        try venue.send(market(.buy, 1), at: 2)
        #expect(try venue.send(market(.sell, 2, reduceOnly: true), at: 3).state == .rejected)
        #expect(try venue.send(market(.buy, 1, reduceOnly: true), at: 4).state == .rejected)
        #expect(try venue.send(market(.sell, 1, reduceOnly: true), at: 5).state == .filled)
    }

    @Test func `a client order id is refused while an order with it is open`() throws {
        let venue = Venue()
        let first = try venue.send(limit(.buy, 1, 40_000, id: "x"), at: 1)
        #expect(try venue.send(limit(.buy, 1, 40_000, id: "x"), at: 2).state == .rejected)
        #expect(try venue.send(limit(.buy, 1, 40_000, account: "b", id: "x"), at: 3).state == .new)
        _ = venue.cancel(first.id, symbol: "")
        #expect(try venue.send(limit(.buy, 1, 40_000, id: "x"), at: 5).state == .new)
    }

    @Test func `open orders are counted per account, to the limit`() throws {
        let venue = Venue()
        for _ in 0..<Exchange.maxOpenOrders {
            #expect(try venue.send(limit(.buy, decimal("0.001"), 40_000), at: 1).state == .new)
        }
        #expect(try venue.send(limit(.buy, decimal("0.001"), 40_000), at: 2).state == .rejected)
        let other = limit(.buy, try decimal("0.001"), 40_000, account: "b")
        #expect(try venue.send(other, at: 3).state == .new)
    }

    @Test func `cancel answers with the order as it is, and knows it by its symbol`() throws {
        let venue = Venue()
        let order = try venue.send(limit(.buy, 1, 40_000), at: 1)
        #expect(venue.cancel(order.id, symbol: "ETHUSDT") == nil)
        #expect(venue.cancel("nobody's", symbol: "") == nil)
        let (canceled, events) = try #require(venue.cancel(order.id, symbol: "BTCUSDT"))
        #expect(canceled.state == .canceled)
        #expect(events.map(\.kind) == [.canceled])
        let (again, none) = try #require(venue.cancel(order.id, symbol: "BTCUSDT"))
        #expect(again.state == .canceled)
        #expect(none.isEmpty)
    }

    @Test func `events tell an order's life`() throws {
        let venue = Venue()
        #expect(try venue.events(limit(.buy, 1, 40_000), at: 1) == [.created])
        #expect(try venue.events(market(.buy, 1), at: 2) == [.created, .filled])
        #expect(try venue.events(limit(.buy, 10_000, 40_000), at: 3) == [.rejected])
    }

    @Test func `each event tells how the order stands and what is filled of it so far`() throws {
        let venue = Venue()
        func told(_ ticket: OrderTicket, at now: Int64) throws -> [String] {
            try venue.exchange.create(ticket, at: now).map { "\($0.kind) \($0.order.state) \($0.order.filled)" }
        }
        let ask = try #require(venue.exchange.quotes.first { $0.symbol == "BTCUSDT" }?.quote.ask)
        // The market offers 3 at its best price.
        #expect(try told(limit(.buy, 5, ask), at: 1) == ["created partiallyFilled 3", "updated partiallyFilled 3"])
        let resting = try #require(venue.exchange.orders(symbol: "", state: nil, createdFrom: 0, to: 9, limit: 9).first)
        let (_, events) = try #require(venue.cancel(resting.id))
        #expect(events.map { "\($0.kind) \($0.order.state) \($0.order.filled)" } == ["canceled canceled 3"])
        var ticket = limit(.buy, 5, ask + 1 / 10)
        ticket.timeInForce = .immediateOrCancel
        #expect(try told(ticket, at: 2) == ["created expired 3", "canceled expired 3"])
        ticket.timeInForce = .fillOrKill
        #expect(try told(ticket, at: 3) == ["created expired 0", "canceled expired 0"])
        ticket.postOnly = true
        #expect(try told(ticket, at: 4) == ["rejected rejected 0"])
    }

    @Test func `orders are found by symbol, state and time, oldest first`() throws {
        let venue = Venue()
        try venue.send(limit(.buy, 1, 40_000), at: 10)
        try venue.send(limit(.buy, 1, 2_000, symbol: "ETHUSDT"), at: 20)
        try venue.send(market(.buy, 1), at: 30)
        let times = { (symbol: String, state: ExchangeOrder.State?, from: Int64, to: Int64, limit: Int) in
            venue.exchange.orders(symbol: symbol, state: state, createdFrom: from, to: to, limit: limit).map(
                \.createdAt)
        }
        #expect(times("", nil, 0, .max, 10) == [10, 20, 30])
        #expect(times("BTCUSDT", nil, 0, .max, 10) == [10, 30])
        #expect(times("", .new, 0, .max, 10) == [10, 20])
        #expect(times("", nil, 11, 29, 10) == [20])
        #expect(times("", nil, 0, .max, 2) == [10, 20])
    }

    @Test func `a published state shows what is held and what works, and counts up`() throws {
        let venue = Venue()
        try venue.send(market(.sell, 2), at: 1)
        try venue.send(limit(.buy, 1, 40_000, id: "c-1"), at: 2)
        let state = try #require(venue.nextState(of: "a", at: 3_500_000_000))
        #expect(state.seq == 1)
        #expect(state.asOf == 3.5)
        #expect(state.positions.map(\.symbol) == ["BTCUSDT"])
        #expect(state.positions.map(\.side) == [.short])
        #expect(state.positions.map(\.quantity) == [2])
        #expect(state.pendingOrders.map(\.clientOrderID) == ["c-1"])
        #expect(state.pendingOrders.map(\.price) == [40_000])
        #expect(state.availableMargin == state.equity - state.marginUsed)
        #expect(state.equity == state.balance + state.unrealizedPnl)
        #expect(venue.nextState(of: "a", at: 4)?.seq == 2)
        #expect(venue.nextState(of: "c", at: 4) == nil)
    }

    @Test func `the same seed makes the same market`() {
        let (one, two, other) = (Venue(seed: 1), Venue(seed: 1), Venue(seed: 2))
        for step in 1...100 as ClosedRange<Int64> {
            _ = one.exchange.advance(by: 0.05, at: step)
            _ = two.exchange.advance(by: 0.05, at: step)
            _ = other.exchange.advance(by: 0.05, at: step)
        }
        #expect(one.exchange.quotes.map(\.quote) == two.exchange.quotes.map(\.quote))
        #expect(one.exchange.quotes.map(\.quote) != other.exchange.quotes.map(\.quote))
    }

    /// Every kind of order, cancels and a moving market; the accounts are checked against the orders alone.
    @Test(arguments: 1...6 as ClosedRange<UInt64>)
    func `positions are the sum of fills, and no money is made or lost`(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        let venue = Venue(seed: seed)
        for step in 1...Effort.of(1_500) {
            if Int.random(in: 0..<3, using: &generator) == 0 { _ = venue.exchange.advance(by: 1, at: step) }
            try venue.send(randomTicket(&generator), at: step)
            let open = venue.exchange.orders(symbol: "", state: .new, createdFrom: 0, to: .max, limit: .max)
            if open.count > 40, let order = open.randomElement(using: &generator) {
                _ = venue.cancel(order.id, symbol: "")
            }
        }
        let all = venue.exchange.orders(symbol: "", state: nil, createdFrom: 0, to: .max, limit: .max)
        #expect(all.count == Effort.of(1_500))
        #expect(all.contains { $0.state == .partiallyFilled || $0.state == .filled })
        #expect(all.allSatisfy { $0.filled >= 0 && $0.filled <= $0.ticket.quantity })
        #expect(all.allSatisfy { ($0.state == .filled) == ($0.remaining == 0) })
        for account in ["a", "b"] {
            var equity: Decimal = 1_000_000
            for (symbol, quote) in venue.exchange.quotes {
                let orders = all.filter { $0.ticket.account == account && $0.ticket.symbol == symbol }
                let held = orders.reduce(0) { $0 + $1.filled * $1.ticket.side.sign }
                #expect(venue.exchange.keeper.position(of: account, in: symbol) == held)
                equity += held * quote.mark
                equity -= orders.reduce(0) { $0 + $1.filledNotional * $1.ticket.side.sign + $1.fee }
            }
            #expect(venue.exchange.keeper.equity(of: account) == equity)
        }
    }

    private func randomTicket(_ generator: inout SeededGenerator) -> OrderTicket {
        let instrument = Instrument.listed.randomElement(using: &generator) ?? Instrument.listed[0]
        let kinds: [OrderTicket.Kind] = [.market, .limit, .limit, .stopMarket, .stopLimit]
        let kind = kinds.randomElement(using: &generator) ?? .limit
        let around = { (generator: inout SeededGenerator) -> Decimal in
            let ticks = Decimal(Int.random(in: -60...60, using: &generator))
            return instrument.startPrice + ticks * instrument.tickSize
        }
        return OrderTicket(
            account: Bool.random(using: &generator) ? "a" : "b", symbol: instrument.symbol,
            side: Bool.random(using: &generator) ? .buy : .sell, kind: kind,
            quantity: instrument.lotSize * Decimal(Int.random(in: 1...9_999, using: &generator)),
            price: kind == .limit || kind == .stopLimit ? around(&generator) : nil,
            stopPrice: kind == .stopMarket || kind == .stopLimit ? around(&generator) : nil,
            timeInForce: [.goodTillCanceled, .immediateOrCancel, .fillOrKill].randomElement(using: &generator)
                ?? .goodTillCanceled,
            postOnly: kind == .limit && Int.random(in: 0..<5, using: &generator) == 0,
            reduceOnly: Int.random(in: 0..<5, using: &generator) == 0)
    }
}
