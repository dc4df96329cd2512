import DemoExchange
import Foundation
import Testing

private let day: Int64 = 86_400 * 1_000_000_000

private struct Books {
    var keeper = AccountKeeper(deposits: ["a": 1_000], at: 0)

    mutating func fill(_ side: Side, _ quantity: Decimal, at price: Decimal, fee: Decimal = 0) {
        keeper.apply(
            Fill(account: "a", symbol: "X", side: side, quantity: quantity, price: price, fee: fee))
    }

    mutating func mark(_ price: Decimal, at now: Int64 = 0) {
        keeper.mark([("X", Quote(bid: price, ask: price, asOf: now))], at: now)
    }

    var account: AccountKeeper.Account? { keeper.accounts["a"] }
    var position: AccountKeeper.Position? { account?.positions["X"] }
}

@Suite struct AccountKeeperTests {
    @Test func `adding to a position averages its entry price`() {
        var books = Books()
        books.fill(.buy, 1, at: 100)
        books.fill(.buy, 3, at: 120)
        #expect(books.position?.quantity == 4)
        #expect(books.position?.entryPrice == 115)
        #expect(books.account?.realized == 0)
    }

    @Test func `reducing realizes against the average and leaves the entry price`() {
        var books = Books()
        books.fill(.buy, 4, at: 115)
        books.fill(.sell, 1, at: 125)
        #expect(books.account?.realized == 10)
        #expect(books.position?.entryPrice == 115)
    }

    @Test func `a short gains when the price falls`() {
        var books = Books()
        books.fill(.sell, 2, at: 100)
        books.mark(90)
        #expect(books.keeper.unrealized(of: "a") == 20)
        books.fill(.buy, 2, at: 90)
        #expect(books.account?.realized == 20)
        #expect(books.position == nil)
    }

    @Test func `turning a position realizes the old one and opens the new one at the fill`() {
        var books = Books()
        books.fill(.buy, 2, at: 100)
        books.fill(.sell, 5, at: 110)
        #expect(books.account?.realized == 20)
        #expect(books.position?.quantity == -3)
        #expect(books.position?.entryPrice == 110)
    }

    @Test func `fees come off the balance`() {
        var books = Books()
        books.fill(.buy, 1, at: 100, fee: 3)
        #expect(books.account?.balance == 997)
        books.mark(100)
        #expect(books.keeper.equity(of: "a") == 997)
    }

    @Test func `the peak stays when equity falls, and the day starts anew at midnight`() {
        var books = Books()
        books.fill(.buy, 1, at: 100)
        books.mark(150)
        books.mark(120)
        #expect(books.account?.peakEquity == 1_050)
        #expect(books.account?.dailyStartEquity == 1_000)
        books.mark(120, at: day - 1)
        #expect(books.account?.dailyStartEquity == 1_000)
        books.mark(120, at: day)
        #expect(books.account?.dailyStartEquity == 1_020)
    }

    @Test func `a fill of an account that nobody opened changes nothing`() {
        var books = Books()
        books.keeper.apply(Fill(account: "b", symbol: "X", side: .buy, quantity: 1, price: 1, fee: 1))
        #expect(books.keeper.accounts.keys.sorted() == ["a"])
    }

    /// Thirds and sevenths, so that every reduction has something to round.
    @Test(arguments: 1...20 as ClosedRange<UInt64>)
    func `no sequence of fills creates or loses money`(seed: UInt64) {
        var generator = SeededGenerator(seed: seed)
        var books = Books()
        var cash: Decimal = 1_000
        var held: Decimal = 0
        for _ in 0..<Effort.of(500) {
            let side: Side = Bool.random(using: &generator) ? .buy : .sell
            let quantity = Decimal(Int.random(in: 1...7_000, using: &generator)) / 1_000
            let price = Decimal(Int.random(in: 1...99_999, using: &generator)) / 100
            let fee = Decimal(Int.random(in: 0...100, using: &generator)) / 10_000
            books.fill(side, quantity, at: price, fee: fee)
            cash -= side.sign * quantity * price + fee
            held += side.sign * quantity
            books.mark(price)
            #expect(books.keeper.position(of: "a", in: "X") == held)
            #expect(books.keeper.equity(of: "a") == cash + held * price)
        }
    }
}
