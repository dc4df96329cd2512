// How large an order may be.
//
// Passing is not monotone in the quantity: a small order may reduce risk where a larger one turns the position round,
// instruments have minimums, and from flat a sale can bring an account's net exposure back within its bound. But between
// a few quantities at which an order's nature changes it is, check by check: either a check that holds for a quantity
// holds for every smaller one, or it holds for every larger one, or it does not depend on it. So the largest quantity
// between two such points that keeps the checks of the first kind is found by bisection, and if it does not pass as a
// whole, none between them does.
//
// Repetition alone refuses single quantities, those that were sent before: below such a one the next is tried, as often as
// windows remember quantities.
//
// The nature changes where the order stops reducing risk, where the side that it works on passes zero, where nothing is
// left on that side (which needs no price to be valued), and where margin begins to be needed.
extension RiskEngine {
    func largestQuantity(_ order: Order, connection: UInt32, now: Int64) -> FixedPoint? {
        let lattice = QuantityLattice(step: lotSize(of: order.symbol))
        func facts(at place: Int128) -> OrderFacts {
            self.facts(
                order.withQuantity(lattice.quantity(place)), nil, connection: connection, now: now, counting: .peeks)
        }
        let changes = [
            lattice.all.last { !facts(at: $0).takesSidePastZero },
            lattice.all.last { facts(at: $0).isReducing },
            lattice.all.last { facts(at: $0).after.growth(since: facts(at: $0).before) == .zero },
        ]
        var ends: Set<Int128> = [lattice.all.upperBound]
        for place in changes { if let place { ends.formUnion([place, place - 1]) } }
        let sorted = ends.filter { $0 > 0 }.sorted(by: >)
        for (end, next) in zip(sorted, sorted.dropFirst() + [0]) {
            let top = ((next + 1)...end).last { place in
                !isTooLarge(facts(at: place))
            }
            guard let top else { continue }
            let lowest = Swift.max(next + 1, top - Int128(repetitionsRemembered))
            for place in stride(from: top, through: lowest, by: -1) {
                let verdict = check(order.withQuantity(lattice.quantity(place)), connection: connection, now: now)
                if verdict.approved { return lattice.quantity(place) }
                if verdict.violations.contains(where: { $0.blocks && !isRepetition($0) }) { break }
            }
        }
        return nil
    }

    /// How many quantities the windows of rules on repetition can hold at most.
    private var repetitionsRemembered: Int {
        (0..<plans.tables.ruleCount).count { plans.rules[$0].metric == .duplicateCount } * RingShape.exact.entries
    }

    private func isRepetition(_ violation: Violation) -> Bool {
        violation.rule >= 0 && plans.rules[Int(violation.rule)].metric == .duplicateCount
    }

    private func lotSize(of symbol: NameID) -> FixedPoint {
        let instrument = symbols[Int(symbol.index)].instrument
        guard instrument >= 0 else { return .zero }
        return plans.instruments[Int(instrument)].lotSize
    }

    /// Whether something refuses the order that would refuse any larger one up to the next change of its nature.
    private func isTooLarge(_ facts: OrderFacts) -> Bool {
        let verdict = check(facts.order, connection: facts.connection, now: facts.now)
        return verdict.violations.contains { $0.blocks && isWorseWithMore($0, facts) }
    }

    private func isWorseWithMore(_ violation: Violation, _ facts: OrderFacts) -> Bool {
        switch violation.reason {
        case .notionalBelowMinimum, .quantityBelowMinimum: return false
        default: break
        }
        guard violation.rule >= 0 else { return true }
        switch plans.rules[Int(violation.rule)].metric {
        case .positionQuantity, .positionNotional, .grossExposure, .leverage, .concentration:
            return facts.takesSidePastZero
        case .netExposure: return widensNet(facts)
        case .duplicateCount: return false
        default: return true
        }
    }
}

/// The quantities that an order can have: whole multiples of a step, by how many steps they are.
private struct QuantityLattice {
    private let step: Int128

    /// - Parameter step: where it is zero, 10^-10.
    init(step: FixedPoint) { self.step = Swift.max(step.units, 1) }

    var all: ClosedRange<Int128> { 1...(FixedPoint.maximumUnits / step) }

    func quantity(_ place: Int128) -> FixedPoint { FixedPoint(units: place * step) }
}

extension ClosedRange where Bound == Int128 {
    /// The last number for which a condition holds that holds up to some number and not after it; nil where for none.
    fileprivate func last(where holds: (Int128) -> Bool) -> Int128? {
        guard holds(lowerBound) else { return nil }
        var low = lowerBound
        var high = upperBound
        while low < high {
            let middle = low + (high - low + 1) / 2
            if holds(middle) { low = middle } else { high = middle - 1 }
        }
        return low
    }
}

extension Order {
    fileprivate func withQuantity(_ quantity: FixedPoint) -> Order {
        var order = self
        order.quantity = quantity
        return order
    }
}

extension OrderFacts {
    /// Whether with this order the worst case of its side lies beyond zero in its direction: from there on, more of it is
    /// more exposure.
    var takesSidePastZero: Bool { order.side == .buy ? after.long > 0 : after.short < 0 }
}
