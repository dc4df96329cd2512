import CAllocations
import RiskRules

/// The same orders in every run, decided without a look at the clock: for counting instructions. What one order takes is the
/// difference between runs of two lengths, over the difference of the lengths.
enum TraceBenchmark {
    /// What of an order's way through the engine is run.
    enum Part: String, CaseIterable {
        /// The decision; of every fourth order, one that a rule refuses.
        case mixed
        /// The decision on orders that are approved.
        case approved
        /// As `mixed`, and what is let through is reserved, answered, and ended eight orders later.
        case whole
        /// The same, and a journal is told after each.
        case told
    }

    private static let working = 8

    static func run(_ part: Part, decisions: Int, rules: Int) throws {
        let desk = try BenchDesk(rules: DecisionBenchmark.rules(rules))
        for symbol in ["S0", "S1"] { desk.quote(symbol, bid: "99.9", ask: "100.1") }
        desk.snapshot("A", positions: 2)
        let orders = orders(desk).filter { part != .approved || $0.isKept }.map(\.order)
        if part == .told { desk.engine.noteLedgerChanges() }
        var open = [ReservationID?](repeating: nil, count: working)
        var (approved, images) = (0, 0)
        func tell() {
            guard part == .told else { return }
            desk.engine.drainLedgerChanges { change in
                if case .brief = change { images &+= 1 }
                return true
            }
        }
        let before = gate_allocations()
        for call in 0..<decisions {
            var order = orders[call % orders.count]
            order.clientOrderID = digest(call)
            // Ten milliseconds apart: the windows turn over as they would.
            let now = desk.now + Int64(call) * 10_000_000
            guard desk.engine.decide(order, connection: 1, now: now).approved else { continue }
            approved += 1
            guard part == .whole || part == .told else { continue }
            let place = approved % working
            if let id = open[place] {
                desk.engine.ended(id, filled: .zero, now: now, wallNow: now)
                tell()
            }
            open[place] = desk.engine.reserve(
                order, replacing: nil, connection: 1, number: UInt64(call + 1), now: now)
            tell()
            if let id = open[place] {
                desk.engine.accepted(id, orderID: digest(~call), now: now, wallNow: now)
                tell()
            }
        }
        let taken = gate_allocations() - before
        precondition(approved > 0 && (part == .approved) == (approved == decisions), "the trace is not what it was")
        precondition((part == .told) == (images > 0), "a journal is told of what happens")
        print("\(part.rawValue): \(decisions) decisions by \(rules) rules, \(approved) approved, \(taken) allocations")
    }

    /// Sixteen orders, twelve of which keep all rules.
    private static func orders(_ desk: BenchDesk) -> [(order: Order, isKept: Bool)] {
        (0..<16).map { number in
            let side: Side = number % 3 == 0 ? .sell : .buy
            var order = desk.order(
                side, symbol: number % 5 == 0 ? "S1" : "S0", quantity: "\(1 + number % 7).25",
                price: side == .buy ? "100.0\(number % 10)" : "99.9\(number % 10)")
            switch number {
            case 2, 9: order.type = .market
            case 6: order.type = .postOnly
            // Too many, too dear, too far from the market, and too many and too dear.
            case 3: order.quantity = desk.number("1001")
            case 7: order.quantity = desk.number("2600")
            case 11: order.price = desk.number("120")
            case 15: order.quantity = desk.number("6000")
            default: break
            }
            return (order, number % 4 != 3)
        }
    }

    /// As an order id's hash would be: no two alike, and the same in every run.
    private static func digest(_ number: Int) -> Digest {
        let word = UInt64(bitPattern: Int64(number)) &+ 1
        return Digest(low: (word &* 0x9E37_79B9_7F4A_7C15).byteSwapped, high: word)
    }
}
