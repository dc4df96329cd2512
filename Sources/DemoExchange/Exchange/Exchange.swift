package import Foundation

/// Why an order is not one: the caller is told INVALID_ARGUMENT.
package struct InvalidOrder: Error, Equatable {
    package let message: String
}

/// What happened to an order, for those who follow it.
package struct OrderEvent: Sendable {
    package enum Kind: String, Sendable {
        case created = "CREATED"
        case updated = "UPDATED"
        case filled = "FILLED"
        case canceled = "CANCELED"
        case rejected = "REJECTED"
    }

    package let kind: Kind
    package let order: ExchangeOrder
}

/// The whole exchange as a value: books, prices and accounts, with time as an argument and no I/O.
package struct Exchange: Sendable {
    /// Open orders that one account may have.
    package static let maxOpenOrders = 500
    /// Ended orders that queries still find.
    package static let maxEndedOrders = 20_000

    package private(set) var keeper: AccountKeeper
    private var books: [String: Book] = [:]
    private var prices: [PriceProcess] = []
    private let symbols: [String]
    private let idPrefix: String
    private var lastID = 0
    private var orders: [String: ExchangeOrder] = [:]
    private var ended = EndedOrders(capacity: Exchange.maxEndedOrders)
    private var sequences: [String: Int64] = [:]

    /// - Parameters:
    ///   - deposits: what each account starts with.
    ///   - feeRate: fee of a fill as a fraction of its notional.
    ///   - seed: of the price processes.
    ///   - idPrefix: starts every order id, so that a restarted exchange does not repeat itself.
    ///   - now: Unix nanoseconds, as everywhere here.
    package init(
        instruments: [Instrument] = Instrument.listed, deposits: [String: Decimal], feeRate: Decimal, seed: UInt64,
        idPrefix: String = "o-", at now: Int64
    ) {
        symbols = instruments.map(\.symbol)
        self.idPrefix = idPrefix
        keeper = AccountKeeper(deposits: deposits, at: now)
        var seeds = SeededGenerator(seed: seed)
        for instrument in instruments {
            let process = PriceProcess(instrument: instrument, seed: seeds.next())
            prices.append(process)
            books[instrument.symbol] = Book(
                instrument: instrument, quote: process.quote(asOf: now), feeRate: feeRate)
        }
        keeper.mark(quotes, at: now)
    }

    /// The latest quote of every instrument.
    package var quotes: [(symbol: String, quote: Quote)] {
        symbols.compactMap { symbol in books[symbol].map { (symbol, $0.quote) } }
    }

    package var accountNames: [String] { keeper.accounts.keys.sorted() }

    // MARK: Orders

    /// Judges and places an order. One that is refused comes back as `.rejected`, with the reason as its message.
    package mutating func create(_ ticket: OrderTicket, at now: Int64) throws(InvalidOrder) -> [OrderEvent] {
        guard let instrument = books[ticket.symbol]?.instrument else {
            throw InvalidOrder(
                message: "unknown symbol \(ticket.symbol); listed are \(symbols.joined(separator: ", "))")
        }
        guard keeper.accounts[ticket.account] != nil else {
            throw InvalidOrder(message: "unknown account \(ticket.account)")
        }
        lastID += 1
        var order = ExchangeOrder(id: idPrefix + String(lastID), ticket: ticket, at: now)
        if let refusal = refusal(of: ticket, instrument) {
            order.end(.rejected, refusal, at: now)
        } else if let placed = books[ticket.symbol]?.place(order, into: &keeper, at: now) {
            order = placed
        }
        return remember([order], isNew: true)
    }

    /// The order that was canceled, or as it was found when there was nothing left to cancel; nil if there is none.
    package mutating func cancel(_ id: String, symbol: String, at now: Int64) -> (ExchangeOrder, [OrderEvent])? {
        guard let known = orders[id], symbol.isEmpty || symbol == known.ticket.symbol else { return nil }
        guard let canceled = books[known.ticket.symbol]?.cancel(id, at: now) else { return (known, []) }
        return (canceled, remember([canceled]))
    }

    package func order(_ id: String) -> ExchangeOrder? { orders[id] }

    /// Orders that match, oldest first. A nil or empty criterion matches all; times are Unix nanoseconds of creation.
    package func orders(
        symbol: String, state: ExchangeOrder.State?, createdFrom: Int64, to end: Int64, limit: Int
    ) -> [ExchangeOrder] {
        let matching = orders.values.filter { order in
            (symbol.isEmpty || order.ticket.symbol == symbol) && (state.map { $0 == order.state } ?? true)
                && order.createdAt >= createdFrom && order.createdAt <= end
        }
        return Array(matching.sorted { ($0.createdAt, $0.id) < ($1.createdAt, $1.id) }.prefix(limit))
    }

    // MARK: Time

    /// Moves every price by `interval` seconds of its process, and all that depends on prices.
    package mutating func advance(by interval: Double, at now: Int64) -> [OrderEvent] {
        var changed: [ExchangeOrder] = []
        for index in symbols.indices {
            let quote = prices[index].next(after: interval, asOf: now)
            changed += books[symbols[index]]?.advance(to: quote, into: &keeper, at: now) ?? []
        }
        keeper.mark(quotes, at: now)
        return remember(changed)
    }

    // MARK: Accounts

    /// The next state of an account to publish; nil if there is no such account.
    package mutating func nextState(of account: String, at now: Int64) -> AccountState? {
        guard let kept = keeper.accounts[account] else { return nil }
        let sequence = (sequences[account] ?? 0) + 1
        sequences[account] = sequence
        let equity = keeper.equity(of: account)
        let used = margin(of: account)
        return AccountState(
            seq: sequence, asOf: (Double(now) / 1_000_000).rounded(.down) / 1_000, equity: equity,
            balance: kept.balance, unrealizedPnl: keeper.unrealized(of: account), marginUsed: used,
            availableMargin: equity - used, peakEquity: max(kept.peakEquity, equity),
            dailyStartEquity: kept.dailyStartEquity, positions: positions(of: kept),
            pendingOrders: open(of: account).map { order in
                AccountState.PendingOrder(
                    clientOrderID: order.ticket.clientOrderID, orderID: order.id, symbol: order.ticket.symbol,
                    side: order.ticket.side.rawValue, quantity: order.remaining, price: order.ticket.price)
            })
    }

    /// Margin of the positions and of the open orders that could enlarge them.
    package func margin(of account: String, with ticket: OrderTicket? = nil) -> Decimal {
        symbols.reduce(0) { sum, symbol in
            guard let book = books[symbol] else { return sum }
            let extra = ticket.flatMap { $0.symbol == symbol ? $0 : nil }
            return sum + worstQuantity(of: account, in: book, with: extra) * book.quote.mark
                * book.instrument.initialMargin
        }
    }

    /// The largest position, long or short, that the account may come to if its open orders are filled.
    private func worstQuantity(of account: String, in book: Book, with ticket: OrderTicket?) -> Decimal {
        var long = keeper.position(of: account, in: book.instrument.symbol)
        var short = long
        for order in book.open where order.ticket.account == account && !order.ticket.reduceOnly {
            if order.ticket.side == .buy { long += order.remaining } else { short -= order.remaining }
        }
        if let ticket, !ticket.reduceOnly {
            if ticket.side == .buy { long += ticket.quantity } else { short -= ticket.quantity }
        }
        return max(abs(long), abs(short))
    }

    private func positions(of account: AccountKeeper.Account) -> [AccountState.Position] {
        account.positions.sorted { $0.key < $1.key }.compactMap { symbol, position in
            guard let book = books[symbol] else { return nil }
            let quantity = abs(position.quantity)
            return AccountState.Position(
                symbol: symbol, side: position.quantity > 0 ? .long : .short, quantity: quantity,
                entryPrice: position.entryPrice, currentPrice: book.quote.mark,
                margin: quantity * book.quote.mark * book.instrument.initialMargin)
        }
    }

    private func open(of account: String) -> [ExchangeOrder] {
        symbols.flatMap { books[$0]?.open.filter { $0.ticket.account == account } ?? [] }
    }

    // MARK: Judging

    /// Why the exchange does not take the order; nil if it does.
    private func refusal(of ticket: OrderTicket, _ instrument: Instrument) -> String? {
        for price in [ticket.price, ticket.stopPrice].compactMap(\.self)
        where !price.isMultiple(of: instrument.tickSize) {
            return "price \(price) is not a multiple of the tick size \(instrument.tickSize)"
        }
        if !ticket.quantity.isMultiple(of: instrument.lotSize) {
            return "quantity \(ticket.quantity) is not a multiple of the lot size \(instrument.lotSize)"
        }
        if ticket.quantity < instrument.minQuantity || ticket.quantity > instrument.maxQuantity {
            return "quantity \(ticket.quantity) is not within \(instrument.minQuantity) and \(instrument.maxQuantity)"
        }
        let position = keeper.position(of: ticket.account, in: ticket.symbol)
        let reduces = position * ticket.side.sign < 0 && ticket.quantity <= abs(position)
        if ticket.reduceOnly && !reduces { return "a reduce-only order would open or turn a position" }
        let mark = books[ticket.symbol]?.quote.mark ?? 0
        if !reduces, ticket.quantity * (ticket.price ?? mark) < instrument.minNotional {
            return "the order is worth less than \(instrument.minNotional)"
        }
        let open = open(of: ticket.account)
        if open.count >= Self.maxOpenOrders { return "the account has \(Self.maxOpenOrders) open orders" }
        if !ticket.clientOrderID.isEmpty, open.contains(where: { $0.ticket.clientOrderID == ticket.clientOrderID }) {
            return "an open order has the client order id \(ticket.clientOrderID)"
        }
        let before = margin(of: ticket.account)
        let after = margin(of: ticket.account, with: ticket)
        let equity = keeper.equity(of: ticket.account)
        if after > before, after > equity {
            return "insufficient margin: \(after.rounded(scale: 2)) needed, \(equity.rounded(scale: 2)) there"
        }
        return nil
    }

    // MARK: Memory

    private mutating func remember(_ changed: [ExchangeOrder], isNew: Bool = false) -> [OrderEvent] {
        var events: [OrderEvent] = []
        for order in changed {
            orders[order.id] = order
            if !order.state.isOpen, let forgotten = ended.append(order.id) { orders[forgotten] = nil }
            if isNew, order.state != .rejected { events.append(OrderEvent(kind: .created, order: order)) }
            switch order.state {
            case .new where isNew: break
            case .new, .partiallyFilled: events.append(OrderEvent(kind: .updated, order: order))
            case .filled: events.append(OrderEvent(kind: .filled, order: order))
            case .canceled, .expired: events.append(OrderEvent(kind: .canceled, order: order))
            case .rejected: events.append(OrderEvent(kind: .rejected, order: order))
            }
        }
        return events
    }
}

/// A ring of the ids of ended orders, oldest forgotten first.
private struct EndedOrders: Sendable {
    private let capacity: Int
    private var ids: [String] = []
    private var oldest = 0

    init(capacity: Int) { self.capacity = capacity }

    /// Returns the id that has to go.
    mutating func append(_ id: String) -> String? {
        guard ids.count == capacity else {
            ids.append(id)
            return nil
        }
        let forgotten = ids[oldest]
        ids[oldest] = id
        oldest = (oldest + 1) % capacity
        return forgotten
    }
}
