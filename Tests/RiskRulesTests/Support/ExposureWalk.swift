import RiskRules

/// What an account's exposure is worth, by walking all of it for every question. Numbers are in units of 10^-10 and small
/// enough that a product of three fits 128 bits.
struct ExposureWalk {
    struct Price {
        var mark: Int128
        var freshUntil: Int64
        var expiresAt: Int64
    }
    struct Working {
        var symbol: Int
        var side: Side
        var quantity: Int128
        /// As it was valued when it was let through, or as the snapshot values it; nil: by the mark.
        var notional: Int128?
    }
    struct Snapshot {
        var positions: [Int: (quantity: Int128, price: Int128?)] = [:]
        var pending: [(order: Working, price: Int128?)] = []
    }
    enum Value: Equatable {
        case amount(Int128)
        case missing(Reason)
    }

    static let unit: Int128 = 10_000_000_000

    var prices: [Int: Price] = [:]
    var multipliers: [Int: Int128] = [:]
    var isLinkDown = false
    var snapshots: [Int: Snapshot] = [:]
    var sent: [Int: [Int: Working]] = [:]

    func multiplier(_ symbol: Int) -> Int128 { multipliers[symbol] ?? Self.unit }

    /// `quantity x price x multiplier`, rounded down and up.
    func product(_ symbol: Int, _ quantity: Int128, _ price: Int128) -> (floor: Int128, ceiling: Int128) {
        let whole = quantity * price * multiplier(symbol)
        let floor = whole / (Self.unit * Self.unit)
        return (floor, floor * Self.unit * Self.unit == whole ? floor : floor + 1)
    }

    private func working(_ account: Int) -> [Working] {
        let pending = (snapshots[account]?.pending ?? []).map { order, price in
            var order = order
            order.notional = price.map { product(order.symbol, order.quantity, $0).ceiling }
            return order
        }
        return pending + (sent[account] ?? [:]).values
    }

    private func worst(_ account: Int, _ symbol: Int, with order: Working) -> (long: Int128, short: Int128) {
        let position = snapshots[account]?.positions[symbol]?.quantity ?? 0
        let orders = (working(account) + [order]).filter { $0.symbol == symbol }
        let buys = orders.filter { $0.side == .buy }.reduce(0) { $0 + $1.quantity }
        let sells = orders.filter { $0.side == .sell }.reduce(0) { $0 + $1.quantity }
        return (position + buys, position - sells)
    }

    private func missing(_ symbol: Int, now: Int64) -> Reason? {
        if isLinkDown { return .stateUnavailable }
        guard let price = prices[symbol], now < price.expiresAt else { return .priceUnavailable }
        return now < price.freshUntil ? nil : .priceStale
    }

    private static func worse(_ one: Reason?, _ other: Reason) -> Reason {
        let order: [Reason] = [.stateUnavailable, .priceUnavailable, .priceStale]
        return order.first { $0 == one || $0 == other } ?? other
    }

    /// Gross and net exposure of an account with an order counted in.
    func exposure(_ account: Int, with order: Working, now: Int64) -> (gross: Value, net: Value) {
        var problem: Reason?
        var gross: Int128 = 0
        var long = (lower: Int128(0), upper: Int128(0))
        var short = long
        func add(
            _ quantity: Int128, _ product: (floor: Int128, ceiling: Int128),
            to sum: inout (lower: Int128, upper: Int128)
        ) {
            sum.lower += quantity < 0 ? -product.ceiling : product.floor
            sum.upper += quantity < 0 ? -product.floor : product.ceiling
        }
        for symbol in 0..<16 {
            let worst = worst(account, symbol, with: order)
            if worst == (0, 0) { continue }
            var mark = prices[symbol]?.mark
            if let reason = missing(symbol, now: now) {
                mark = snapshots[account]?.positions[symbol]?.price
                if mark == nil { problem = Self.worse(problem, reason) }
            }
            guard let mark else { continue }
            let longs = product(symbol, abs(worst.long), mark)
            let shorts = product(symbol, abs(worst.short), mark)
            gross += max(longs.ceiling, shorts.ceiling)
            add(worst.long, longs, to: &long)
            add(worst.short, shorts, to: &short)
        }
        if let problem { return (.missing(problem), .missing(problem)) }
        return (.amount(gross), .amount(max(long.upper, -long.lower, short.upper, -short.lower)))
    }

    /// What the open orders of an account are worth, with one counted in that is worth `own`.
    func openNotional(_ account: Int, own: Int128, now: Int64) -> Value {
        var problem: Reason?
        var sum = own
        var unpriced: [Int: Int128] = [:]
        for order in working(account) {
            if let notional = order.notional {
                sum += notional
            } else {
                unpriced[order.symbol, default: 0] += order.quantity
            }
        }
        for (symbol, quantity) in unpriced {
            if let reason = missing(symbol, now: now) {
                problem = Self.worse(problem, reason)
            } else if let mark = prices[symbol]?.mark {
                sum += product(symbol, quantity, mark).ceiling
            }
        }
        return problem.map { .missing($0) } ?? .amount(sum)
    }
}
