import Gate
import RiskRules
import Testing

/// The plan against a model of an exchange that refuses, loses, delays and fills in part, with snapshots that come late.
/// Times are milliseconds.
@Suite struct UnwindSimulationTests {
    struct Order: Equatable {
        var id: String
        var account: String
        var symbol: String
        var sells: Bool
        var left: Int
    }

    struct Place: Hashable, Comparable {
        var account: String
        var symbol: String
        static func < (left: Place, right: Place) -> Bool {
            (left.account, left.symbol) < (right.account, right.symbol)
        }
    }

    /// A closing order on its way or at the exchange, not wholly filled.
    struct LiveClose {
        var number: UInt64
        var place: Place
        var sells: Bool
        var quantity: Int
        var fillsAt: Int64
        /// What of it will be filled.
        var part: Int
    }

    final class Simulation {
        var random: SplitMix
        let hasOutsiders: Bool
        var plan: UnwindPlan
        var now: Int64 = 0
        /// Until when things go wrong.
        let calmAfter: Int64 = 20_000
        let concurrency: Int

        var positions: [Place: Int] = [:]
        var orders: [Order] = []
        var live: [LiveClose] = []
        var cancelling: [UInt64: String] = [:]
        var answers: [(at: Int64, number: UInt64, outcome: UnwindPlan.Outcome, cancels: String?)] = []
        var snapshots: [(visibleAt: Int64, accounts: [UnwindPlan.Account])] = []
        var shown: [UnwindPlan.Account] = []
        var ids: Set<String> = []
        var steps = 0
        let target = StopTarget.global

        static let settleAfter: Int64 = 100
        static let unknownAfter: Int64 = 2000

        init(seed: UInt64, hasOutsiders: Bool, attempts: Int) {
            random = SplitMix(seed: seed)
            self.hasOutsiders = hasOutsiders
            concurrency = Int.random(in: 1...8, using: &random)
            var settings = UnwindPlan.Settings()
            settings.concurrency = concurrency
            settings.attempts = attempts
            settings.backoff = 20_000_000
            settings.settleAfter = Self.settleAfter * 1_000_000
            settings.unknownAfter = Self.unknownAfter * 1_000_000
            plan = UnwindPlan(settings)
            for account in ["a", "b"] {
                for symbol in ["BTC", "ETH", "SOL"] {
                    positions[Place(account: account, symbol: symbol)] = Int.random(in: -50...50, using: &random)
                    for _ in 0..<Int.random(in: 0...3, using: &random) {
                        orders.append(
                            Order(
                                id: "o-\(orders.count)", account: account, symbol: symbol,
                                sells: chance(50), left: Int.random(in: 1...30, using: &random)))
                    }
                }
            }
            plan.begin(target, epoch: 1, now: 0)
        }

        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        func trouble(_ percent: Int) -> Bool { now < calmAfter && chance(percent) }

        /// Runs until it is completed, or the time is over. Returns whether it was completed.
        func run(until end: Int64 = 60_000) throws -> Bool {
            while now < end, plan.progress(of: target)?.isCompleted != true {
                now += 10
                moveMarket()
                answer()
                publish()
                try act()
            }
            return plan.progress(of: target)?.isCompleted == true
        }

        // MARK: The exchange

        private func moveMarket() {
            for index in orders.indices where chance(2) {
                fill(&orders[index], Int.random(in: 1...orders[index].left, using: &random))
            }
            orders.removeAll { $0.left == 0 }
            if hasOutsiders, now < calmAfter, chance(2),
                let place = positions.keys.sorted().randomElement(using: &random)
            {
                positions[place, default: 0] += Int.random(in: -20...20, using: &random)
            }
            for close in live where close.fillsAt <= now {
                let held = positions[close.place] ?? 0
                let reducible = close.sells ? max(held, 0) : max(-held, 0)
                // No more was ever asked for than is held, unless somebody else traded meanwhile.
                if !hasOutsiders { #expect(close.quantity <= reducible, "\(close) of \(held)") }
                let filled = min(close.part, reducible)
                positions[close.place] = held + (close.sells ? -filled : filled)
            }
            live.removeAll { $0.fillsAt <= now }
        }

        private func fill(_ order: inout Order, _ quantity: Int) {
            order.left -= quantity
            positions[Place(account: order.account, symbol: order.symbol), default: 0] +=
                order.sells ? -quantity : quantity
        }

        private func answer() {
            let due = answers.filter { $0.at <= now }
            answers.removeAll { $0.at <= now }
            for answer in due {
                if let id = answer.cancels {
                    orders.removeAll { $0.id == id }
                }
                cancelling[answer.number] = nil
                plan.resolve(answer.number, answer.outcome, now: now * 1_000_000)
            }
        }

        private func publish() {
            if chance(30) {
                let accounts = ["a", "b"].map { name in
                    UnwindPlan.Account(
                        name: name,
                        positions: positions.filter { $0.key.account == name && $0.value != 0 }
                            .sorted { $0.key < $1.key }
                            .map { .init(symbol: $0.key.symbol, quantity: units($0.value), currentPrice: nil) },
                        pending: orders.filter { $0.account == name }.map {
                            .init(
                                clientOrderID: nil, orderID: $0.id, symbol: $0.symbol, side: $0.sells ? .sell : .buy,
                                quantity: units($0.left), price: nil)
                        },
                        takenAt: now * 1_000_000)
                }
                let earliest = snapshots.last?.visibleAt ?? 0
                snapshots.append((max(earliest, now + Int64.random(in: 0...60, using: &random)), accounts))
            }
            while let first = snapshots.first, first.visibleAt <= now {
                shown = first.accounts
                snapshots.removeFirst()
            }
        }

        // MARK: The plan

        private func act() throws {
            for step in plan.next(shown, now: now * 1_000_000, wallNow: now * 1_000_000) {
                steps += 1
                switch step.action {
                case .cancel(let cancel): try take(step.number, cancel)
                case .close(let close): try take(step.number, close)
                }
            }
            #expect(answers.count <= concurrency)
        }

        private func take(_ number: UInt64, _ cancel: OrderCancel) throws {
            let id = try #require(cancel.orderID)
            #expect(!cancelling.values.contains(id), "two cancels of one order are under way")
            cancelling[number] = id
            let at = now + Int64.random(in: 1...80, using: &random)
            if trouble(15) {
                answers.append((at, number, .refused("not now"), nil))
            } else if trouble(15) {
                answers.append((at, number, .unknown("lost"), chance(50) ? id : nil))
            } else if trouble(10) {
                answers.append((at, number, .unsent("down"), nil))
            } else {
                let isThere = orders.contains { $0.id == id }
                answers.append((at, number, isThere ? .done : .refused("no such order"), id))
            }
        }

        private func take(_ number: UInt64, _ close: PositionClose) throws {
            #expect(ids.insert(close.clientOrderID).inserted, "a client order id came twice")
            let place = Place(account: close.account, symbol: close.symbol)
            #expect(!live.contains { $0.place == place }, "a second close while the first may still be filled")
            let quantity = Int(close.quantity.units / FixedPoint.scale)
            try #require(quantity > 0)
            var order = LiveClose(
                number: number, place: place, sells: close.side == .sell, quantity: quantity,
                fillsAt: now + Int64.random(in: 1...60, using: &random), part: quantity)
            if trouble(15) {
                answers.append((order.fillsAt, number, .refused("not now"), nil))
            } else if trouble(10) {
                answers.append((order.fillsAt, number, .unsent("down"), nil))
            } else if trouble(20) {
                // Lost: on the way there, or on the way back; what arrives may do so late.
                answers.append((now + 100, number, .unknown("lost"), nil))
                guard chance(60) else { return }
                order.fillsAt = now + Int64.random(in: 1...1900, using: &random)
                order.part = Int.random(in: 0...quantity, using: &random)
                live.append(order)
            } else {
                if trouble(30) { order.part = Int.random(in: 0...quantity, using: &random) }
                // Answered first, filled within settle_after.
                answers.append((now + Int64.random(in: 1...60, using: &random), number, .done, nil))
                order.fillsAt = now + Int64.random(in: 1...90, using: &random)
                live.append(order)
            }
        }
    }

    @Test(arguments: 1...60)
    func `nothing is closed twice or beyond what is held, and in the end nothing is left`(_ seed: Int) throws {
        let simulation = Simulation(seed: UInt64(seed), hasOutsiders: false, attempts: 1000)
        let isCompleted = try simulation.run()
        #expect(isCompleted, "seed \(seed)")
        #expect(simulation.positions.values.allSatisfy { $0 == 0 }, "seed \(seed): \(simulation.positions)")
        #expect(simulation.orders.isEmpty)
    }

    @Test(arguments: 1...60)
    func `it ends too where somebody else trades meanwhile`(_ seed: Int) throws {
        let simulation = Simulation(seed: UInt64(1000 + seed), hasOutsiders: true, attempts: 1000)
        let isCompleted = try simulation.run()
        #expect(isCompleted, "seed \(seed)")
    }

    @Test(arguments: 1...30)
    func `with few attempts it gives up what does not work and stops calling`(_ seed: Int) throws {
        let simulation = Simulation(seed: UInt64(2000 + seed), hasOutsiders: true, attempts: 2)
        guard try !simulation.run(until: 40_000) else { return }
        // What is left was tried as often as it may be: nothing is begun any more.
        let steps = simulation.steps
        #expect(try !simulation.run(until: 80_000))
        #expect(simulation.steps == steps)
        #expect(simulation.plan.progress(of: .global)?.lastError != nil)
    }
}

private func units(_ count: Int) -> FixedPoint { FixedPoint(units: Int128(count) * FixedPoint.scale) }
