import RiskRules
import Testing

/// The running sums of exposure against a walk over all of it, through prices that change, become stale, expire and come
/// back, links that break, snapshots, orders, and contract multipliers that change with the rules.
struct ExposureSumsTests {
    private struct Failure: Error {
        var step: Int
        var metric: String
        var expected: ExposureWalk.Value
        var got: ExposureWalk.Value
    }

    private static let symbols = 6
    private static let accounts = 3
    private static let rules = ["gross_exposure", "net_exposure", "open_order_notional"].map {
        ["id: \($0.replacing("_", with: "-"))", "metric: \($0)", "max: 0.0000000001", "exempt_reducing: false"]
    }

    private struct Run {
        let desk: Desk
        var walk = ExposureWalk()
        var random: SplitMix
        var ids: [Int: (account: Int, id: ReservationID)] = [:]
        var nextID = 0
        var amounts = 0
        var missing: Set<Reason> = []

        init(seed: UInt64) throws {
            random = SplitMix(seed: seed)
            desk = try Desk(ExposureSumsTests.rules)
            desk.snapshotAge = .max / 2
            for account in 0..<ExposureSumsTests.accounts { try desk.snapshot("A\(account)") }
            for symbol in 0..<ExposureSumsTests.symbols { try desk.noPrice("S\(symbol)") }
        }

        private mutating func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
        private mutating func amount() -> Int128 {
            random.pick([
                1, 7, 10_000_000_000, Int128(number(1...900_000_000_000)), Int128(number(1...999)) * 1_000_000_000,
            ])
        }
        private mutating func symbol() -> Int { number(0...ExposureSumsTests.symbols - 1) }
        private mutating func account() -> Int { number(0...ExposureSumsTests.accounts - 1) }
        private func text(_ units: Int128) -> String { FixedPoint(units: units).description }

        mutating func step(_ step: Int) throws {
            switch number(0...99) {
            case 0...29: try movePrice()
            case 30...54: try send()
            case 55...69: release()
            case 70...77: try takeSnapshot()
            case 78...79: try changeMultipliers()
            case 80...83:
                walk.isLinkDown = number(0...2) == 0
                desk.engine.pricesLinkUntil = walk.isLinkDown ? desk.now : .max
            default: desk.now += Int64(number(0...700)) * 1_000_000
            }
            try probe(step)
        }

        private mutating func movePrice() throws {
            let symbol = symbol()
            guard number(0...5) > 0 else {
                walk.prices[symbol] = nil
                return try desk.noPrice("S\(symbol)")
            }
            let price = ExposureWalk.Price(
                mark: amount(), freshUntil: random.pick([.max, desk.now + Int64(number(-100...2000)) * 1_000_000]),
                expiresAt: random.pick([.max, desk.now + Int64(number(-100...3000)) * 1_000_000]))
            walk.prices[symbol] = price
            desk.engine.update(
                price: PriceQuote(
                    availability: .present, hasBidAsk: false, mark: FixedPoint(units: price.mark), bid: .zero,
                    ask: .zero,
                    since: desk.now, freshUntil: price.freshUntil, expiresAt: price.expiresAt),
                symbol: try desk.symbol("S\(symbol)"))
        }

        private mutating func send() throws {
            let (account, symbol, quantity, price) = (account(), symbol(), amount(), amount())
            let side: Side = random.pick([.buy, .sell])
            let isLimit = number(0...2) > 0
            let order = try desk.order(
                side, text(quantity), at: isLimit ? text(price) : nil, symbol: "S\(symbol)", account: "A\(account)")
            let mirrored = walk.prices[symbol].flatMap {
                walk.isLinkDown || desk.now >= min($0.freshUntil, $0.expiresAt) ? nil : $0.mark
            }
            let cost = isLimit && side == .buy ? price : mirrored.map { isLimit ? max(price, $0) : $0 }
            nextID += 1
            ids[nextID] = (account, try #require(desk.reserve(order)))
            walk.sent[account, default: [:]][nextID] = ExposureWalk.Working(
                symbol: symbol, side: side, quantity: quantity,
                notional: cost.map { walk.product(symbol, quantity, $0).ceiling })
        }

        private mutating func release() {
            guard let key = ids.keys.sorted().randomElement(using: &random), let (account, id) = ids[key] else {
                return
            }
            desk.engine.release(id)
            ids[key] = nil
            walk.sent[account]?[key] = nil
        }

        private mutating func takeSnapshot() throws {
            let account = account()
            var snapshot = ExposureWalk.Snapshot()
            for symbol in 0..<ExposureSumsTests.symbols where number(0...1) == 0 {
                let price: Int128? = number(0...2) == 0 ? nil : amount()
                snapshot.positions[symbol] = (random.pick([amount(), -amount(), 0]), price)
            }
            for _ in 0..<number(0...4) {
                let order = ExposureWalk.Working(
                    symbol: symbol(), side: random.pick([.buy, .sell]), quantity: amount())
                let price: Int128? = number(0...2) == 0 ? nil : amount()
                snapshot.pending.append((order, price))
            }
            walk.snapshots[account] = snapshot
            try desk.snapshot(
                "A\(account)",
                positions: snapshot.positions.map { ("S\($0)", text($1.quantity), $1.price.map(text)) },
                pending: snapshot.pending.map {
                    ("S\($0.symbol)", $0.side, text($0.quantity), $1.map(text), nil, nil)
                })
        }

        private mutating func changeMultipliers() throws {
            walk.multipliers = [:]
            for symbol in 0..<ExposureSumsTests.symbols where number(0...1) == 0 {
                walk.multipliers[symbol] = random.pick([1, 3, 15_000_000_000, 100_000_000_000])
            }
            let instruments = (0..<ExposureSumsTests.symbols).map {
                ["symbol: S\($0)", "contract_multiplier: \(text(walk.multiplier($0)))"]
            }
            desk.engine.install(try RuleLines.compile(ExposureSumsTests.rules, instruments: instruments))
        }

        private mutating func probe(_ step: Int) throws {
            let (account, symbol, quantity, price) = (account(), symbol(), amount(), amount())
            let order = try desk.order(
                .buy, text(quantity), at: text(price), symbol: "S\(symbol)", account: "A\(account)")
            let outcome = Desk.Outcome(desk.engine.check(order, connection: 1, now: desk.now))
            let added = ExposureWalk.Working(symbol: symbol, side: .buy, quantity: quantity)
            let (gross, net) = walk.exposure(account, with: added, now: desk.now)
            let own = walk.product(symbol, quantity, price).ceiling
            let expected = [gross, net, walk.openNotional(account, own: own, now: desk.now)]
            for (index, expected) in expected.enumerated() {
                let violation = outcome.violations.first { $0.rule == index }
                let got: ExposureWalk.Value =
                    switch violation {
                    case let violation? where violation.hasValue: .amount(violation.value.units)
                    case let violation?: .missing(violation.reason)
                    // No larger than the bound.
                    case nil: expected == .amount(0) ? .amount(0) : .amount(1)
                    }
                guard got == expected else {
                    throw Failure(step: step, metric: ExposureSumsTests.rules[index][1], expected: expected, got: got)
                }
                switch expected {
                case .amount: amounts += 1
                case .missing(let reason): missing.insert(reason)
                }
            }
        }
    }

    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func `every sum is what a walk over all of it gives`(seed: UInt64) throws {
        var run = try Run(seed: seed)
        for step in 0..<5000 { try run.step(step) }
        #expect(run.amounts > 1000)
        #expect(run.missing == [.stateUnavailable, .priceUnavailable, .priceStale])
    }
}
