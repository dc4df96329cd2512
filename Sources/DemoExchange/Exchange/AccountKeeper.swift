package import Foundation

/// Cash, positions and profit of every account. Linear contracts, one currency.
///
/// `equity = balance + unrealised`, `balance = deposit + realised - fees`. Whatever is rounded when part of a position is
/// closed stays in the cost of what remains, so that nothing is ever created or lost: equity is at every moment the
/// deposit, less fees, less what the fills cost, plus what the positions are worth.
package struct AccountKeeper: FillLedger, Sendable {
    package struct Position: Sendable, Equatable {
        /// Signed: above zero is long.
        package fileprivate(set) var quantity: Decimal = 0
        /// Signed entry notional of what is open.
        package fileprivate(set) var cost: Decimal = 0

        package var entryPrice: Decimal { quantity == 0 ? 0 : (cost / quantity).rounded(scale: 10) }
    }

    package struct Account: Sendable {
        package let deposit: Decimal
        package fileprivate(set) var realized: Decimal = 0
        package fileprivate(set) var fees: Decimal = 0
        package fileprivate(set) var positions: [String: Position] = [:]
        package fileprivate(set) var peakEquity: Decimal
        package fileprivate(set) var dailyStartEquity: Decimal
        /// Days since 1970, in UTC.
        fileprivate var day: Int64

        package var balance: Decimal { deposit + realized - fees }
    }

    package private(set) var accounts: [String: Account] = [:]
    package private(set) var marks: [String: Decimal] = [:]

    /// Accounts with their deposits.
    package init(deposits: [String: Decimal], at now: Int64) {
        for (name, deposit) in deposits {
            accounts[name] = Account(
                deposit: deposit, peakEquity: deposit, dailyStartEquity: deposit, day: Self.day(of: now))
        }
    }

    package mutating func apply(_ fill: Fill) {
        guard var account = accounts[fill.account] else { return }
        var position = account.positions[fill.symbol] ?? Position()
        let signed = fill.quantity * fill.side.sign
        let closed = position.quantity * signed < 0 ? min(fill.quantity, abs(position.quantity)) : 0
        if closed > 0 {
            let share =
                closed == abs(position.quantity)
                ? position.cost : (position.cost * closed / abs(position.quantity)).rounded(scale: 10)
            account.realized -= fill.side.sign * closed * fill.price + share
            position.cost -= share
            position.quantity += fill.side.sign * closed
        }
        let opened = fill.quantity - closed
        position.quantity += fill.side.sign * opened
        position.cost += fill.side.sign * opened * fill.price
        account.fees += fill.fee
        account.positions[fill.symbol] = position.quantity == 0 ? nil : position
        accounts[fill.account] = account
    }

    package func position(of account: String, in symbol: String) -> Decimal {
        accounts[account]?.positions[symbol]?.quantity ?? 0
    }

    /// Takes new prices; peaks and the day's start follow.
    package mutating func mark(_ quotes: [(symbol: String, quote: Quote)], at now: Int64) {
        for (symbol, quote) in quotes { marks[symbol] = quote.mark }
        for name in accounts.keys {
            let equity = equity(of: name)
            accounts[name]?.observe(equity, day: Self.day(of: now))
        }
    }

    package func unrealized(of account: String) -> Decimal {
        guard let positions = accounts[account]?.positions else { return 0 }
        return positions.reduce(0) { $0 + $1.value.quantity * (marks[$1.key] ?? $1.value.entryPrice) - $1.value.cost }
    }

    package func equity(of account: String) -> Decimal {
        (accounts[account]?.balance ?? 0) + unrealized(of: account)
    }

    private static func day(of now: Int64) -> Int64 { now / (86_400 * 1_000_000_000) }
}

extension AccountKeeper.Account {
    fileprivate mutating func observe(_ equity: Decimal, day: Int64) {
        peakEquity = max(peakEquity, equity)
        if day != self.day {
            self.day = day
            dailyStartEquity = equity
        }
    }
}
