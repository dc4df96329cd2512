package import Foundation

/// What the strategy sees before it acts.
package struct MarketView: Sendable {
    package struct OpenOrder: Sendable {
        package let id: String
        package let symbol: String
        /// Since it was sent.
        package let age: Duration

        package init(id: String, symbol: String, age: Duration) {
            self.id = id
            self.symbol = symbol
            self.age = age
        }
    }

    /// By symbol.
    package var marks: [String: Decimal]
    /// Signed, by symbol.
    package var positions: [String: Decimal]
    /// Oldest first.
    package var open: [OpenOrder]

    package init(marks: [String: Decimal], positions: [String: Decimal] = [:], open: [OpenOrder] = []) {
        self.marks = marks
        self.positions = positions
        self.open = open
    }
}

/// What the strategy does next.
package enum StrategyAction: Sendable {
    case send(PlannedOrder)
    /// All at once, without waiting for an answer.
    case burst([PlannedOrder])
    case cancel(id: String, symbol: String)
}

/// An order with what the strategy meant, or got wrong.
package struct PlannedOrder: Sendable {
    package enum Intent: String, Sendable {
        case quote = "quote"
        case take = "take"
        case reduce = "reduce"
        case fatFingerPrice = "fat finger, price x10"
        case fatFingerQuantity = "fat finger, quantity x1000"
        case wrongSymbol = "wrong symbol"
        case duplicate = "duplicate"
        case oversizing = "oversized position"
        case runaway = "runaway loop"

        /// Whether a strategy in its right mind would send it.
        package var isMistake: Bool {
            switch self {
            case .quote, .take, .reduce: false
            default: true
            }
        }
    }

    package let ticket: OrderTicket
    package let intent: Intent
}

/// Decides what a small market maker would do next, and from time to time what one does whose code is broken.
/// Seeded and without I/O.
package struct StrategyPlanner: Sendable {
    package static let burstSize = 200
    /// Notional of one order while a position is built that is too large.
    private static let oversizedClip: Decimal = 80_000
    /// A position this large is reduced before anything else is quoted.
    private static let comfortableNotional: Decimal = 60_000
    private static let maxOpenOrders = 24
    private static let maxOrderAge = Duration.seconds(3)
    /// Orders that building the oversized position takes at most, and rejects after which it is given up.
    private static let maxOversizingOrders = 150
    private static let maxOversizingRejects = 12
    private static let pauseInReducing = Duration.milliseconds(1_500)
    private static let misspelt = ["LUNAUSDT", "BTCUSTD", "ETHUSD", "DOGEUSDT"]

    private enum Mood {
        case sane
        /// Building a position that is far too large.
        case oversizing(symbol: String, side: Side, sent: Int, rejects: Int)
    }

    private let account: String
    private let instruments: [Instrument]
    private let typicalNotional: Decimal
    private let mistakeInterval: Duration
    private let idPrefix: String
    private var generator: SeededGenerator
    private var mood = Mood.sane
    private var nextMistake: Duration
    private var nextReduction = Duration.zero
    private var mistakes = 0
    private var lastID = 0
    private var lastSent: OrderTicket?

    /// - Parameters:
    ///   - typicalNotional: what a sane order is worth.
    ///   - mistakeInterval: time between two mistakes; zero: it makes none.
    ///   - idPrefix: starts every client order id; differs from run to run.
    package init(
        account: String, instruments: [Instrument] = Instrument.listed, typicalNotional: Decimal = 2_000,
        mistakeInterval: Duration, idPrefix: String, seed: UInt64
    ) {
        self.account = account
        self.instruments = instruments
        self.typicalNotional = typicalNotional
        self.mistakeInterval = mistakeInterval
        self.idPrefix = idPrefix
        generator = SeededGenerator(seed: seed)
        nextMistake = mistakeInterval
    }

    /// - Parameter elapsed: since the strategy started.
    package mutating func next(_ view: MarketView, elapsed: Duration) -> StrategyAction {
        switch mood {
        case .oversizing(let symbol, let side, let sent, let rejects):
            if let instrument = instruments.first(where: { $0.symbol == symbol }), sent < Self.maxOversizingOrders,
                rejects < Self.maxOversizingRejects
            {
                mood = .oversizing(symbol: symbol, side: side, sent: sent + 1, rejects: rejects)
                return .send(market(instrument, side, worth: Self.oversizedClip, view, .oversizing))
            }
            mood = .sane
        case .sane:
            if mistakeInterval > .zero, elapsed >= nextMistake {
                nextMistake = elapsed + mistakeInterval
                mistakes += 1
                return mistake(mistakes, view)
            }
        }
        return sane(view, elapsed)
    }

    /// Tells that an order was not taken: a position is not built further against repeated refusal, and reducing waits
    /// until what was sent before has shown in the account.
    package mutating func learnRefusal(of intent: PlannedOrder.Intent, elapsed: Duration) {
        switch (intent, mood) {
        case (.oversizing, .oversizing(let symbol, let side, let sent, let rejects)):
            mood = .oversizing(symbol: symbol, side: side, sent: sent, rejects: rejects + 1)
        case (.reduce, _): nextReduction = elapsed + Self.pauseInReducing
        default: break
        }
    }

    // MARK: Sane flow

    private mutating func sane(_ view: MarketView, _ elapsed: Duration) -> StrategyAction {
        if let oldest = view.open.first, view.open.count > Self.maxOpenOrders || oldest.age > Self.maxOrderAge {
            return .cancel(id: oldest.id, symbol: oldest.symbol)
        }
        let heavy = instruments.first { instrument in
            abs(view.positions[instrument.symbol] ?? 0) * mark(of: instrument, view) > Self.comfortableNotional
        }
        if let heavy, elapsed >= nextReduction, chance(0.5), let reduction = reduction(of: heavy.symbol, view) {
            return .send(reduction)
        }
        let instrument = instruments.randomElement(using: &generator) ?? Instrument.listed[0]
        let side: Side = chance(0.5) ? .buy : .sell
        if chance(0.15) { return .send(market(instrument, side, worth: typicalNotional, view, .take)) }
        return .send(plan(quote(instrument, side, view), .quote))
    }

    /// A passive limit order a few ticks from the mark.
    private mutating func quote(_ instrument: Instrument, _ side: Side, _ view: MarketView) -> OrderTicket {
        let away = instrument.tickSize * Decimal(Int.random(in: 1...40, using: &generator)) * side.sign
        let mark = mark(of: instrument, view)
        let price = (mark - away).rounded(to: instrument.tickSize, side == .buy ? .down : .up)
        let quantity = quantity(worth: typicalNotional, instrument, mark)
        return ticket(instrument.symbol, side, .limit, quantity, price: price)
    }

    private mutating func market(
        _ instrument: Instrument, _ side: Side, worth notional: Decimal, _ view: MarketView,
        _ intent: PlannedOrder.Intent
    ) -> PlannedOrder {
        let quantity = quantity(worth: notional, instrument, mark(of: instrument, view))
        return plan(ticket(instrument.symbol, side, .market, quantity), intent)
    }

    /// Takes at most one clip off a position; nil where there is none.
    private mutating func reduction(of symbol: String, _ view: MarketView) -> PlannedOrder? {
        guard let instrument = instruments.first(where: { $0.symbol == symbol }),
            let position = view.positions[symbol], position != 0
        else { return nil }
        let clip = quantity(worth: Self.oversizedClip, instrument, mark(of: instrument, view))
        var order = ticket(symbol, position > 0 ? .sell : .buy, .market, min(clip, abs(position)))
        order.reduceOnly = true
        return plan(order, .reduce)
    }

    // MARK: Mistakes

    private mutating func mistake(_ number: Int, _ view: MarketView) -> StrategyAction {
        let instrument = instruments.randomElement(using: &generator) ?? Instrument.listed[0]
        let mark = mark(of: instrument, view)
        var ticket = quote(instrument, chance(0.5) ? .buy : .sell, view)
        switch number % 6 {
        case 1:
            ticket.side = .buy
            ticket.price = (mark * 10).rounded(to: instrument.tickSize, .down)
            return .send(plan(ticket, .fatFingerPrice))
        case 2:
            ticket.symbol = Self.misspelt.randomElement(using: &generator) ?? Self.misspelt[0]
            return .send(plan(ticket, .wrongSymbol))
        case 3:
            return .send(plan(lastSent ?? ticket, .duplicate))
        case 4:
            let price = ticket.price
            return .burst(
                (0..<Self.burstSize).map { _ in
                    plan(self.ticket(ticket.symbol, ticket.side, .limit, ticket.quantity, price: price), .runaway)
                })
        case 5:
            ticket.quantity *= 1_000
            return .send(plan(ticket, .fatFingerQuantity))
        default:
            // The calmest of them, so that it is the size and not the market that hurts.
            let calmest = instruments.min { $0.volatility < $1.volatility } ?? instrument
            mood = .oversizing(symbol: calmest.symbol, side: ticket.side, sent: 1, rejects: 0)
            return .send(market(calmest, ticket.side, worth: Self.oversizedClip, view, .oversizing))
        }
    }

    // MARK: Building orders

    private mutating func ticket(
        _ symbol: String, _ side: Side, _ kind: OrderTicket.Kind, _ quantity: Decimal, price: Decimal? = nil
    ) -> OrderTicket {
        lastID += 1
        return OrderTicket(
            account: account, clientOrderID: idPrefix + String(lastID), symbol: symbol, side: side, kind: kind,
            quantity: quantity, price: price,
            timeInForce: kind == .market ? .immediateOrCancel : .goodTillCanceled)
    }

    private mutating func plan(_ ticket: OrderTicket, _ intent: PlannedOrder.Intent) -> PlannedOrder {
        if !intent.isMistake { lastSent = ticket }
        return PlannedOrder(ticket: ticket, intent: intent)
    }

    private func quantity(worth notional: Decimal, _ instrument: Instrument, _ mark: Decimal) -> Decimal {
        max(instrument.minQuantity, (notional / mark).rounded(to: instrument.lotSize, .down))
    }

    private func mark(of instrument: Instrument, _ view: MarketView) -> Decimal {
        view.marks[instrument.symbol] ?? instrument.startPrice
    }

    private mutating func chance(_ probability: Double) -> Bool {
        Double.random(in: 0..<1, using: &generator) < probability
    }
}
