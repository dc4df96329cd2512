package import Foundation

/// Who keeps the accounts that a book's fills go to.
package protocol FillLedger {
    mutating func apply(_ fill: Fill)
    /// Signed position: above zero is long.
    func position(of account: String, in symbol: String) -> Decimal
}

/// The open orders of one instrument and the market they trade against.
///
/// The market offers `depth` at each level on either side, each level one tick worse than the one before, anew with
/// each quote. Clients trade with that market, not with one another.
package struct Book: Sendable {
    /// Behind this many levels the market is as deep as need be.
    package static let levels = 100

    package let instrument: Instrument
    package private(set) var quote: Quote
    /// In the order in which they came.
    package private(set) var open: [ExchangeOrder] = []
    private let feeRate: Decimal
    /// What has been taken from each side of the market since the quote.
    private var takenFromAsks: Decimal = 0
    private var takenFromBids: Decimal = 0

    package init(instrument: Instrument, quote: Quote, feeRate: Decimal) {
        self.instrument = instrument
        self.quote = quote
        self.feeRate = feeRate
    }

    /// Executes what can be at once; what remains rests, or ends, as its time in force says.
    package mutating func place(
        _ ticketed: ExchangeOrder, into ledger: inout some FillLedger, at now: Int64
    ) -> ExchangeOrder {
        var order = ticketed
        if order.ticket.postOnly, crosses(order) {
            order.end(.rejected, "a post-only order at \(order.ticket.price ?? 0) would trade at once", at: now)
        } else if !order.isTriggered, isReached(order) {
            order.end(.rejected, "a stop at \(order.ticket.stopPrice ?? 0) would trigger at once", at: now)
        } else if order.isTriggered {
            take(&order, into: &ledger, at: now)
        }
        if order.state.isOpen { open.append(order) }
        return order
    }

    /// Ends an open order; nil if no open order has this id.
    package mutating func cancel(_ id: String, at now: Int64) -> ExchangeOrder? {
        guard let index = open.firstIndex(where: { $0.id == id }) else { return nil }
        var order = open.remove(at: index)
        order.end(.canceled, "", at: now)
        return order
    }

    /// Moves the market, triggers stops and fills what it crosses; returns the orders that changed.
    package mutating func advance(
        to quote: Quote, into ledger: inout some FillLedger, at now: Int64
    ) -> [ExchangeOrder] {
        self.quote = quote
        takenFromAsks = 0
        takenFromBids = 0
        var changed: [ExchangeOrder] = []
        for index in open.indices {
            var order = open[index]
            if order.isTriggered {
                guard crosses(order) else { continue }
                fillResting(&order, into: &ledger, at: now)
            } else {
                guard isReached(order) else { continue }
                order.isTriggered = true
                order.updatedAt = now
                take(&order, into: &ledger, at: now)
            }
            open[index] = order
            if order.updatedAt == now { changed.append(order) }
        }
        open.removeAll { !$0.state.isOpen }
        return changed
    }

    private func crosses(_ order: ExchangeOrder) -> Bool {
        guard let limit = order.ticket.price else { return true }
        return order.ticket.side == .buy ? limit >= quote.ask : limit <= quote.bid
    }

    private func isReached(_ order: ExchangeOrder) -> Bool {
        guard let stop = order.ticket.stopPrice else { return true }
        return order.ticket.side == .buy ? quote.mark >= stop : quote.mark <= stop
    }

    /// Walks the levels, from the best, as far as the order's limit lets it.
    private mutating func take(_ order: inout ExchangeOrder, into ledger: inout some FillLedger, at now: Int64) {
        if order.ticket.timeInForce == .fillOrKill, available(to: order) < order.remaining {
            order.end(.expired, "not all of it could be filled at once", at: now)
            return
        }
        while order.state.isOpen {
            let taken = order.ticket.side == .buy ? takenFromAsks : takenFromBids
            let level = min((taken / instrument.depth).rounded(scale: 0, .down), Decimal(Self.levels - 1))
            let price = price(ofLevel: level, for: order.ticket.side)
            guard order.ticket.price.map({ order.ticket.side == .buy ? price <= $0 : price >= $0 }) ?? true else {
                break
            }
            let isLast = level == Decimal(Self.levels - 1)
            let room = isLast ? order.remaining : (level + 1) * instrument.depth - taken
            fill(&order, min(order.remaining, room), at: price, into: &ledger, now: now)
        }
        if order.state.isOpen, order.ticket.timeInForce != .goodTillCanceled {
            order.end(.expired, "the rest could not be filled at once", at: now)
        }
    }

    private func available(to order: ExchangeOrder) -> Decimal {
        guard let limit = order.ticket.price else { return order.remaining }
        guard crosses(order) else { return 0 }
        let (best, taken) = order.ticket.side == .buy ? (quote.ask, takenFromAsks) : (quote.bid, takenFromBids)
        let reachable = (abs(limit - best) / instrument.tickSize).rounded(scale: 0, .down) + 1
        return reachable >= Decimal(Self.levels) ? order.remaining : reachable * instrument.depth - taken
    }

    private func price(ofLevel level: Decimal, for side: Side) -> Decimal {
        side == .buy ? quote.ask + level * instrument.tickSize : quote.bid - level * instrument.tickSize
    }

    /// A resting order trades at its own price, with at most one level's quantity a quote.
    private mutating func fillResting(_ order: inout ExchangeOrder, into ledger: inout some FillLedger, at now: Int64) {
        guard let price = order.ticket.price else { return }
        fill(&order, min(order.remaining, instrument.depth), at: price, into: &ledger, now: now)
    }

    private mutating func fill(
        _ order: inout ExchangeOrder, _ wanted: Decimal, at price: Decimal, into ledger: inout some FillLedger,
        now: Int64
    ) {
        let ticket = order.ticket
        var quantity = wanted
        if ticket.reduceOnly {
            let position = ledger.position(of: ticket.account, in: ticket.symbol)
            quantity = min(quantity, max(0, -position * ticket.side.sign))
            if quantity == 0 {
                order.end(.expired, "nothing is left to reduce", at: now)
                return
            }
        }
        let fee = (quantity * price * feeRate).rounded(scale: 10)
        order.filled += quantity
        order.filledNotional += quantity * price
        order.fee += fee
        order.updatedAt = now
        order.state = order.remaining == 0 ? .filled : .partiallyFilled
        if ticket.side == .buy { takenFromAsks += quantity } else { takenFromBids += quantity }
        ledger.apply(
            Fill(
                account: ticket.account, symbol: ticket.symbol, side: ticket.side, quantity: quantity, price: price,
                fee: fee))
    }
}

extension ExchangeOrder {
    mutating func end(_ state: State, _ message: String, at now: Int64) {
        self.state = state
        self.message = message
        updatedAt = now
    }
}
