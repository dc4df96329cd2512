// Counting again what was counted before: an engine that judges nothing follows the one that decides, by what a journal says
// of it, so that its windows can be exported. The same rule sets are installed in it, in the same order among the rest, and
// its seed is the same; it has no ledger. It takes unix nanoseconds for its clock, and its `wallOffset` stays 0. What is kept
// per connection is not counted.
extension RiskEngine {
    /// Counts an order that was decided for the first time; one that was decided again is not to be counted.
    /// - Parameters:
    ///   - at: when it was decided.
    ///   - rejected: the reason of the decision, followed or, in Gate's shadow mode, not.
    package func recount(_ order: Order, at: Int64, rejected: Reason?) {
        recount(order, at: at) { $0 != .rejectCount }
        if let rejected, rejected != .rejectRateExceeded { recountReject(order, at: at) }
    }

    /// Counts a reject that came after its order's decision, as `countReject` did.
    package func recountReject(_ order: Order, at: Int64) { recount(order, at: at) { $0 == .rejectCount } }

    /// Counts a cancel that names an account; others count per connection only.
    package func recountCancel(account: NameID, strategy: NameID, symbol: NameID, at: Int64) {
        let cancel = Order(cancelOf: account, strategy: strategy, symbol: symbol)
        recount(cancel, at: at) { $0 == .messageCount }
    }

    /// Adds an order that was let through to the windows of approved notional: of the first image of each number.
    package func recountApproval(_ image: ReservationImage) {
        addNotional(of: Order(approvedIn: image), image.approvedNotional, at: image.approvedAt, connection: nil)
    }

    /// Takes it out of them again: where the reservation is gone with `forgetsNotional`.
    package func forgetApproval(_ image: ReservationImage) {
        forEachSum(Order(approvedIn: image), at: image.approvedAt, connection: nil) { _, key in
            windows.sums.remove(image.approvedNotional.units, at: image.approvedAt, key: key)
        }
    }

    private func recount(_ order: Order, at: Int64, _ isCounted: (Metric) -> Bool) {
        guard let plan = plan(order) else { return }
        for planned in plans.rules(.counters, of: plan) {
            let rule = plans.rules + Int(planned.rule)
            guard isCounted(rule.pointee.metric), rule.pointee.per != .connection,
                plans.applies(rule, to: order, wall: wall(at))
            else { continue }
            _ = count(order, rule, connection: 0, now: at)
        }
    }
}
