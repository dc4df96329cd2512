// Margin: what the account has, what its orders were taken to need, and what this order needs.
extension RiskEngine {
    /// Equity at or below zero is a violation before anything else is looked at; no margin in use is no bound.
    func marginRatio(_ facts: OrderFacts) -> Measure {
        let account = facts.account
        guard account.pointee.equity.isPresent else { return .missing(.inputMissing) }
        guard account.pointee.equity.value > .zero else { return .violated }
        guard account.pointee.showsExposure, account.pointee.marginUsed.isPresent else {
            return .missing(.inputMissing)
        }
        let needed = reservedAndRequired(facts)
        guard case .amount(let amount) = needed else { return needed }
        guard let total = account.pointee.marginUsed.value.adding(amount) else { return .outOfRange }
        return total > .zero ? .ratio(account.pointee.equity.value, over: total) : .satisfied
    }

    func availableMargin(_ facts: OrderFacts) -> Measure {
        guard facts.account.pointee.availableMargin.isPresent else { return .missing(.inputMissing) }
        let needed = reservedAndRequired(facts)
        guard case .amount(let amount) = needed else { return needed }
        return Measure(facts.account.pointee.availableMargin.value.subtracting(amount))
    }

    /// An order of the ledger whose margin could not be computed makes the sum unknown until a snapshot contains it. Where
    /// the snapshot shows the order that a replace takes the place of, it contains its margin.
    private func reservedAndRequired(_ facts: OrderFacts) -> Measure {
        let replaced = facts.replaced
        guard facts.account.pointee.unknownMargins == replaced.pointee.sums.unknownMargins else {
            return .missing(.priceUnavailable)
        }
        let required = facts.requiredMargin(notional(facts))
        guard case .amount(let amount) = required else { return required }
        let reserved = facts.account.pointee.reservedMargin &- replaced.pointee.sums.margin
        return Measure(reserved &+ Swift.max(0, amount.units &- replaced.pointee.shownMargin))
    }
}
