import RiskRules
import Testing

/// Long random sequences of orders, answers, snapshots and prices, each decision held against a slow model.
struct ExposureModelTests {
    private struct Failure: Error {
        var step: Int
        var expected: [Reason]
        var got: [Reason]
    }

    private struct Run {
        let desk: Desk
        var model = ExposureModel()
        var random: SplitMix
        var ids: [Int: ReservationID] = [:]
        var nextID = 0
        var approved = 0
        var refused = 0

        init(seed: UInt64) throws {
            random = SplitMix(seed: seed)
            desk = try Desk(model.rules)
            desk.snapshotAge = .max / 2
            desk.engine.accountAbsent(try desk.account("A"))
            for symbol in 0..<4 { try desk.noPrice("S\(symbol)") }
        }

        private func quantity(_ thousandths: Int) -> String { Self.text(thousandths, decimals: 3) }
        private func price(_ tenths: Int) -> String { Self.text(tenths, decimals: 1) }
        private func money(_ amount: Int) -> String { Self.text(amount, decimals: 4) }

        private static func text(_ value: Int, decimals: Int) -> String {
            let digits = String(value.magnitude)
            let padded = String(repeating: "0", count: max(0, decimals + 1 - digits.count)) + digits
            return (value < 0 ? "-" : "") + padded.dropLast(decimals) + "." + padded.suffix(decimals)
        }

        private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }

        mutating func step(_ number: Int) throws {
            switch self.number(0...99) {
            case 0...69: try order(step: number)
            case 70...87: try answer()
            case 88...95: try movePrice()
            default: try takeSnapshot()
            }
        }

        private mutating func order(step: Int) throws {
            let isLimit = number(0...3) > 0
            let mark = number(900...1100)
            nextID += 1
            var order = ExposureModel.Working(
                symbol: number(0...3), side: random.pick([.buy, .sell]),
                quantity: random.pick([number(1...3000), number(1...20_000), 1000]), price: isLimit ? mark : nil,
                clientID: number(0...1) == 0 ? nextID : nil, orderID: nil)
            let decided = try desk.order(
                order.side, quantity(order.quantity), at: isLimit ? price(mark) : nil, symbol: "S\(order.symbol)",
                clientID: order.clientID.map { "c\($0)" })
            let outcome = desk.decide(decided)
            let expected = model.reasons(order)
            guard outcome.reasons == expected, outcome.isReducing == model.isReducing(order) else {
                throw Failure(step: step, expected: expected, got: outcome.reasons)
            }
            guard outcome.reason == nil else {
                refused += 1
                return
            }
            approved += 1
            if !outcome.isReducing {
                let worst = model.worstCase(order.symbol, with: order)
                #expect(max(abs(worst.long), abs(worst.short)) <= model.bounds.positionQuantity)
            }
            let id = try #require(desk.engine.reserve(decided, now: desk.now))
            ids[nextID] = id
            let margin = model.requiredMargin(order)
            order.price = model.cost(order)
            model.sent[nextID] = ExposureModel.Sent(order: order, margin: margin)
        }

        private mutating func answer() throws {
            desk.now += Int64(number(0...200)) * 1_000_000
            guard let key = model.sent.keys.sorted().randomElement(using: &random), let id = ids[key],
                let sent = model.sent[key]
            else { return }
            let isWaiting = sent.state == .inFlight || sent.state == .unknown
            switch number(0...4) {
            case 0 where isWaiting:
                let orderID = number(0...1) == 0 ? key : nil
                desk.accept(id, orderID: orderID.map { "o\($0)" } ?? "")
                let isShown = model.snapshot?.pending.contains { $0.orderID != nil && $0.orderID == orderID } ?? false
                resolve(key, sent, isShown ? nil : .open, orderID: orderID)
            case 1 where sent.state == .inFlight:
                desk.engine.unknown(id, now: desk.now, wallNow: desk.wallNow)
                resolve(key, sent, .unknown)
            case 2:
                try desk.end(id)
                resolve(key, sent, .closing)
            case 3:
                desk.engine.release(id)
                model.sent[key] = nil
            default: break
            }
        }

        private mutating func resolve(
            _ key: Int, _ sent: ExposureModel.Sent, _ state: ReservationState?, orderID: Int? = nil
        ) {
            guard let state, !sent.isShown else {
                model.sent[key] = nil
                return
            }
            if sent.state == .inFlight || sent.state == .unknown { model.sent[key]?.changedAt = desk.wallNow }
            model.sent[key]?.state = state
            if let orderID, sent.order.orderID == nil { model.sent[key]?.order.orderID = orderID }
        }

        private mutating func movePrice() throws {
            desk.now += Int64(number(0...50)) * 1_000_000
            let symbol = number(0...3)
            if number(0...9) == 0 {
                model.prices[symbol] = nil
                try desk.noPrice("S\(symbol)")
            } else {
                model.prices[symbol] = number(900...1100)
            }
        }

        /// Prices are mirrored anew before each order, so that none is stale.
        mutating func refresh() throws {
            for (symbol, price) in model.prices { try desk.price("S\(symbol)", self.price(price)) }
        }

        private mutating func takeSnapshot() throws {
            desk.now += Int64(number(0...3000)) * 1_000_000
            var snapshot = ExposureModel.Snapshot(
                asOf: desk.wallNow - Int64(number(0...500)) * 1_000_000, equity: number(-1...20) * 1_000_000,
                marginUsed: number(0...400_000), availableMargin: number(0...20_000_000))
            if number(0...4) > 0 { snapshot.equity = 20_000_000 + number(0...20_000_000) }
            for symbol in 0..<4 where number(0...2) > 0 {
                snapshot.positions[symbol] = (number(-20_000...20_000), number(0...2) == 0 ? nil : number(900...1100))
            }
            for (key, sent) in model.sent.sorted(by: { $0.key < $1.key }) where number(0...2) == 0 {
                var order = sent.order
                order.quantity = number(1...order.quantity)
                order.orderID = number(0...1) == 0 ? order.orderID : key
                order.price = number(0...5) == 0 ? nil : number(900...1100)
                snapshot.pending.append(order)
            }
            if let latest = model.snapshot?.asOf, snapshot.asOf < latest { return }
            model.apply(
                snapshot, settleAfter: desk.engine.limits.settleAfter, unknownAfter: desk.engine.limits.unknownAfter)
            try desk.snapshot(
                equity: money(snapshot.equity), marginUsed: money(snapshot.marginUsed),
                availableMargin: money(snapshot.availableMargin),
                positions: snapshot.positions.map { symbol, position in
                    ("S\(symbol)", quantity(position.quantity), position.price.map(price))
                },
                pending: snapshot.pending.map {
                    (
                        "S\($0.symbol)", $0.side, quantity($0.quantity), $0.price.map(price),
                        $0.clientID.map { "c\($0)" }, $0.orderID.map { "o\($0)" }
                    )
                },
                asOf: snapshot.asOf)
        }
    }

    @Test(arguments: [1, 2, 3, 4, 5, 6, 7, 8] as [UInt64])
    func `every decision agrees with the model`(seed: UInt64) throws {
        var run = try Run(seed: seed)
        for step in 0..<20_000 {
            try run.refresh()
            try run.step(step)
        }
        #expect(run.approved > 500 && run.refused > 500, "\(run.approved) approved, \(run.refused) refused")
        #expect(run.desk.engine.counters.doubleResolves == 0)
        #expect(run.desk.engine.counters.ignoredSnapshots == 0)
    }
}
