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

    /// An order of the ledger whose margin could not be computed makes the sum unknown until a snapshot contains it.
    private func reservedAndRequired(_ facts: OrderFacts) -> Measure {
        guard facts.account.pointee.unknownMargins == 0 else { return .missing(.priceUnavailable) }
        let required = facts.requiredMargin()
        guard case .amount(let amount) = required else { return required }
        return Measure(facts.account.pointee.reservedMargin &+ amount.units)
    }
}
