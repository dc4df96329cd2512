import RiskRules

/// One account as the reference of the controls words it: lists that are summed anew for every question. Quantities are
/// in thousandths, prices in tenths, money in ten-thousandths, margin in hundred-thousandths, so that all of it is exact
/// in whole numbers.
struct ExposureModel {
    struct Working {
        var symbol: Int
        var side: Side
        var quantity: Int
        /// nil: without a price, valued at the mark.
        var price: Int?
        var clientID: Int?
        var orderID: Int?
    }
    struct Sent {
        var order: Working
        var state = ReservationState.inFlight
        var margin: Int?
        var changedAt: Int64 = 0
        /// Counts as a snapshot says from now on; only its answer is waited for.
        var isShown = false
    }
    struct Snapshot {
        var asOf: Int64
        var equity: Int
        var marginUsed: Int
        var availableMargin: Int
        var positions: [Int: (quantity: Int, price: Int?)] = [:]
        var pending: [Working] = []
    }
    struct Bounds {
        var positionQuantity = 40_000
        var positionNotional = 45_000_000
        var gross = 90_000_000
        var net = 60_000_000
        var leverage = 9
        /// Of equity, in tenths.
        var concentration = 45
        var openOrders = 14
        var openNotional = 60_000_000
        var marginRatio = 1
        var availableMargin = 50_000_000
    }

    var bounds = Bounds()
    var prices: [Int: Int] = [:]
    var snapshot: Snapshot?
    var sent: [Int: Sent] = [:]

    private var counting: [Working] { sent.values.filter { !$0.isShown }.map(\.order) }
    private var open: [Sent] { sent.values.filter { !$0.isShown && $0.state != .closing } }

    /// `WCL` and `WCS`.
    func worstCase(_ symbol: Int, with order: Working? = nil) -> (long: Int, short: Int) {
        let position = snapshot?.positions[symbol]?.quantity ?? 0
        let working = ((snapshot?.pending ?? []) + counting + [order].compactMap { $0 }).filter { $0.symbol == symbol }
        let buys = working.filter { $0.side == .buy }.map(\.quantity).reduce(0, +)
        let sells = working.filter { $0.side == .sell }.map(\.quantity).reduce(0, +)
        return (position + buys, position - sells)
    }

    private func longShort(_ symbol: Int, with order: Working? = nil) -> (long: Int, short: Int) {
        let worst = worstCase(symbol, with: order)
        return (max(0, worst.long), max(0, -worst.short))
    }

    func isReducing(_ order: Working) -> Bool {
        guard snapshot != nil else { return false }
        let before = longShort(order.symbol)
        let after = longShort(order.symbol, with: order)
        return after.long <= before.long && after.short <= before.short
    }

    /// `p*`.
    func cost(_ order: Working) -> Int? {
        if order.side == .buy, let price = order.price { return price }
        guard let mark = prices[order.symbol] else { return nil }
        return max(order.price ?? 0, mark)
    }

    func requiredMargin(_ order: Working) -> Int? {
        let before = longShort(order.symbol)
        let after = longShort(order.symbol, with: order)
        let growth = max(0, max(after.long, after.short) - max(before.long, before.short))
        return growth == 0 ? 0 : cost(order).map { growth * $0 }
    }

    private func mark(_ symbol: Int) -> Int? { prices[symbol] ?? snapshot?.positions[symbol]?.price }

    private func positionNotional(_ symbol: Int, with order: Working) -> Int? {
        let worst = worstCase(symbol, with: order)
        let quantity = max(abs(worst.long), abs(worst.short))
        return quantity == 0 ? 0 : mark(symbol).map { quantity * $0 }
    }

    private func symbols(with order: Working) -> Set<Int> {
        Set((snapshot?.positions.keys).map(Array.init) ?? [])
            .union((snapshot?.pending ?? []).map(\.symbol)).union(counting.map(\.symbol)).union([order.symbol])
    }

    private func gross(with order: Working) -> Int? {
        symbols(with: order).reduce(0) { sum, symbol in
            guard let sum, let notional = positionNotional(symbol, with: order) else { return nil }
            return sum + notional
        }
    }

    private func net(with order: Working) -> Int? {
        var long = 0
        var short = 0
        for symbol in symbols(with: order) {
            let worst = worstCase(symbol, with: order)
            if worst == (0, 0) { continue }
            guard let mark = mark(symbol) else { return nil }
            long += worst.long * mark
            short += worst.short * mark
        }
        return max(abs(long), abs(short))
    }

    private func openNotional(with order: Working) -> Int? {
        guard var sum = cost(order).map({ $0 * order.quantity }) else { return nil }
        for pending in snapshot?.pending ?? [] {
            guard let price = pending.price ?? prices[pending.symbol] else { return nil }
            sum += price * pending.quantity
        }
        for order in open.map(\.order) {
            guard let price = order.price ?? prices[order.symbol] else { return nil }
            sum += price * order.quantity
        }
        return sum
    }

    private func neededMargin(with order: Working) -> Int? {
        guard var sum = requiredMargin(order) else { return nil }
        for sent in sent.values where !sent.isShown {
            guard let margin = sent.margin else { return nil }
            sum += margin
        }
        return sum
    }

    /// The reasons that rules on all exposure metrics give, in the order of `rules`.
    func reasons(_ order: Working) -> [Reason] {
        guard let snapshot else { return Array(repeating: .accountUnknown, count: Self.metrics.count) }
        if isReducing(order) { return [] }
        func judge(_ value: Int?, _ reason: Reason, _ isWithin: (Int) -> Bool) -> Reason? {
            guard let value else { return .priceUnavailable }
            return isWithin(value) ? nil : reason
        }
        let worst = worstCase(order.symbol, with: order)
        let position = positionNotional(order.symbol, with: order)
        let gross = gross(with: order)
        let equity = snapshot.equity
        let margin = neededMargin(with: order)
        return [
            judge(max(abs(worst.long), abs(worst.short)), .positionLimitExceeded) { $0 <= bounds.positionQuantity },
            judge(position, .positionLimitExceeded) { $0 <= bounds.positionNotional },
            judge(gross, .grossExposureExceeded) { $0 <= bounds.gross },
            judge(net(with: order), .netExposureExceeded) { $0 <= bounds.net },
            equity <= 0 ? .leverageExceeded : judge(gross, .leverageExceeded) { $0 <= bounds.leverage * equity },
            equity <= 0
                ? .concentrationExceeded
                : judge(position, .concentrationExceeded) { $0 * 10 <= bounds.concentration * equity },
            judge((snapshot.pending.count + open.count) + 1, .openOrdersExceeded) { $0 <= bounds.openOrders },
            judge(openNotional(with: order), .openOrderNotionalExceeded) { $0 <= bounds.openNotional },
            equity <= 0
                ? .marginRatioBelowMinimum
                : judge(margin, .marginRatioBelowMinimum) {
                    bounds.marginRatio * (snapshot.marginUsed * 10 + $0) <= equity * 10
                },
            judge(margin, .insufficientMargin) { snapshot.availableMargin * 10 - $0 >= bounds.availableMargin },
        ].compactMap { $0 }
    }

    private static let metrics = [
        "position_quantity", "position_notional", "gross_exposure", "net_exposure", "leverage", "concentration",
        "open_orders", "open_order_notional", "margin_ratio", "available_margin",
    ]

    /// Rules that say what `bounds` says.
    var rules: [[String]] {
        let values = [
            "max: \(bounds.positionQuantity / 1000)", "max: \(bounds.positionNotional / 10_000)",
            "max: \(bounds.gross / 10_000)", "max: \(bounds.net / 10_000)", "max: \(bounds.leverage)",
            "max: \(bounds.concentration / 10).\(bounds.concentration % 10)", "max: \(bounds.openOrders)",
            "max: \(bounds.openNotional / 10_000)", "min: \(bounds.marginRatio)",
            "min: \(bounds.availableMargin / 100_000)",
        ]
        return zip(Self.metrics, values).map { ["id: \($0.replacing("_", with: "-"))", "metric: \($0)", $1] }
    }

    mutating func apply(_ snapshot: Snapshot, settleAfter: Int64, unknownAfter: Int64) {
        self.snapshot = snapshot
        for (id, sent) in sent {
            let isShown = snapshot.pending.contains {
                $0.clientID != nil && $0.clientID == sent.order.clientID
                    || $0.orderID != nil && $0.orderID == sent.order.orderID
            }
            if isShown, sent.state == .inFlight {
                self.sent[id]?.isShown = true
                continue
            }
            let isLater =
                switch sent.state {
                case .inFlight: false
                case .open, .closing: snapshot.asOf > sent.changedAt + settleAfter
                case .unknown: snapshot.asOf > sent.changedAt + unknownAfter
                }
            if isShown || isLater { self.sent[id] = nil }
        }
    }
}
