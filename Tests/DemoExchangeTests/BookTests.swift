import DemoExchange
import Foundation
import Testing

/// A ledger that only adds up.
private struct PlainLedger: FillLedger {
    var fills: [Fill] = []
    var positions: [String: Decimal] = [:]

    mutating func apply(_ fill: Fill) {
        fills.append(fill)
        positions[fill.account, default: 0] += fill.quantity * fill.side.sign
    }

    func position(of account: String, in symbol: String) -> Decimal { positions[account] ?? 0 }
}

/// Bid 99, ask 100, ticks of 1, two on each level, fee of 1 %.
private final class Market {
    var book = Book(
        instrument: Instrument(
            symbol: "X", startPrice: 100, tickSize: 1, lotSize: 1, minQuantity: 1, maxQuantity: 1_000, minNotional: 0,
            initialMargin: 1, depth: 2, volatility: 0),
        quote: Quote(bid: 99, ask: 100, asOf: 0), feeRate: Decimal(1) / 100)
    var ledger = PlainLedger()
    var now: Int64 = 0

    @discardableResult
    func place(
        _ side: Side, _ quantity: Decimal, _ kind: OrderTicket.Kind = .limit, at price: Decimal? = nil,
        stop: Decimal? = nil, _ timeInForce: OrderTicket.TimeInForce = .goodTillCanceled, postOnly: Bool = false,
        reduceOnly: Bool = false
    ) -> ExchangeOrder {
        now += 1
        let ticket = OrderTicket(
            account: "a", symbol: "X", side: side, kind: kind, quantity: quantity, price: price, stopPrice: stop,
            timeInForce: timeInForce, postOnly: postOnly, reduceOnly: reduceOnly)
        return book.place(ExchangeOrder(id: "o\(now)", ticket: ticket, at: now), into: &ledger, at: now)
    }

    @discardableResult
    func move(bid: Decimal, ask: Decimal) -> [ExchangeOrder] {
        now += 1
        return book.advance(to: Quote(bid: bid, ask: ask, asOf: now), into: &ledger, at: now)
    }

    func cancel(_ id: String) -> ExchangeOrder? {
        now += 1
        return book.cancel(id, at: now)
    }
}

@Suite struct BookTests {
    @Test func `a market order fills at the touch and pays the fee`() {
        let market = Market()
        let order = market.place(.buy, 2, .market, .immediateOrCancel)
        #expect(order.state == .filled)
        #expect(order.averagePrice == 100)
        #expect(order.fee == 2)
    }

    @Test func `a market order larger than a level walks to the next`() {
        let market = Market()
        let order = market.place(.buy, 5, .market, .immediateOrCancel)
        #expect(market.ledger.fills.map(\.price) == [100, 101, 102])
        #expect(market.ledger.fills.map(\.quantity) == [2, 2, 1])
        #expect(order.filledNotional == 504)
    }

    @Test func `a sell walks downwards`() {
        let market = Market()
        market.place(.sell, 3, .market, .immediateOrCancel)
        #expect(market.ledger.fills.map(\.price) == [99, 98])
    }

    @Test func `what one order took is gone for the next until the next quote`() {
        let market = Market()
        market.place(.buy, 2, .market, .immediateOrCancel)
        #expect(market.place(.buy, 1, .market, .immediateOrCancel).averagePrice == 101)
        market.move(bid: 99, ask: 100)
        #expect(market.place(.buy, 1, .market, .immediateOrCancel).averagePrice == 100)
    }

    @Test func `any quantity finds its price at the last level`() {
        let market = Market()
        let order = market.place(.buy, 1_000, .market, .immediateOrCancel)
        #expect(order.state == .filled)
        #expect(market.ledger.fills.last?.price == Decimal(100 + Book.levels - 1))
    }

    @Test func `a limit order takes what its limit reaches and rests with the remainder`() {
        let market = Market()
        let order = market.place(.buy, 5, at: 101)
        #expect(order.state == .partiallyFilled)
        #expect(order.filled == 4)
        #expect(market.book.open.map(\.id) == [order.id])
    }

    @Test func `a resting order fills at its own price when the market comes to it, not before`() {
        let market = Market()
        let order = market.place(.buy, 2, at: 98)
        #expect(order.state == .new)
        #expect(market.move(bid: 98, ask: 99).isEmpty)
        let changed = market.move(bid: 96, ask: 97)
        #expect(changed.map(\.state) == [.filled])
        #expect(market.ledger.fills.map(\.price) == [98])
        #expect(market.book.open.isEmpty)
    }

    @Test func `a large resting order fills over several quotes`() {
        let market = Market()
        market.place(.sell, 5, at: 100)
        let states = (0..<3).map { _ in market.move(bid: 100, ask: 101).map(\.state) }
        #expect(states == [[.partiallyFilled], [.partiallyFilled], [.filled]])
    }

    @Test func `immediate-or-cancel keeps what it got and ends`() {
        let market = Market()
        let order = market.place(.buy, 5, at: 100, .immediateOrCancel)
        #expect(order.state == .expired)
        #expect(order.filled == 2)
        #expect(market.book.open.isEmpty)
    }

    @Test(arguments: [(4, ExchangeOrder.State.filled, 4), (5, .expired, 0)])
    func `fill-or-kill fills all or nothing`(quantity: Int, state: ExchangeOrder.State, filled: Int) {
        let market = Market()
        let order = market.place(.buy, Decimal(quantity), at: 101, .fillOrKill)
        #expect(order.state == state)
        #expect(order.filled == Decimal(filled))
    }

    @Test func `post-only is rejected where it would trade and rests where it would not`() {
        let market = Market()
        #expect(market.place(.buy, 1, at: 100, postOnly: true).state == .rejected)
        #expect(market.place(.buy, 1, at: 99, postOnly: true).state == .new)
        #expect(market.ledger.fills.isEmpty)
    }

    @Test func `a stop waits for its price, then trades at the market`() {
        let market = Market()
        #expect(market.place(.buy, 1, .stopMarket, stop: 105).state == .new)
        #expect(market.move(bid: 103, ask: 104).isEmpty)
        #expect(market.move(bid: 105, ask: 106).map(\.state) == [.filled])
        #expect(market.ledger.fills.map(\.price) == [106])
    }

    @Test func `a triggered stop-limit rests at its limit`() {
        let market = Market()
        market.place(.sell, 1, .stopLimit, at: 95, stop: 90)
        #expect(market.move(bid: 89, ask: 90).map(\.state) == [.new])
        #expect(market.move(bid: 95, ask: 96).map(\.state) == [.filled])
        #expect(market.ledger.fills.map(\.price) == [95])
    }

    @Test func `a stop whose price is reached already is rejected`() {
        let market = Market()
        #expect(market.place(.buy, 1, .stopMarket, stop: 99).state == .rejected)
        #expect(market.place(.sell, 1, .stopMarket, stop: 100).state == .rejected)
    }

    @Test func `reduce-only never goes past flat, even when the position shrank while it rested`() {
        let market = Market()
        market.ledger.positions["a"] = 2
        market.place(.sell, 2, at: 101, reduceOnly: true)
        market.ledger.positions["a"] = 1
        let first = market.move(bid: 101, ask: 102)
        #expect(first.map(\.filled) == [1])
        #expect(market.move(bid: 101, ask: 102).map(\.state) == [.expired])
        #expect(market.ledger.positions["a"] == 0)
    }

    @Test func `cancel ends an open order once`() {
        let market = Market()
        let order = market.place(.buy, 1, at: 90)
        #expect(market.cancel(order.id)?.state == .canceled)
        #expect(market.cancel(order.id) == nil)
        #expect(market.move(bid: 80, ask: 81).isEmpty)
    }
}
