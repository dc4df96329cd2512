// What the account has lost, as its keeper says: today, and since its highest equity.
extension RiskEngine {
    func measureLoss(_ metric: Metric, _ account: UnsafeMutablePointer<AccountState>) -> Measure {
        let equity = account.pointee.equity
        guard equity.isPresent else { return .missing(.inputMissing) }
        if metric == .equity { return .amount(equity.value) }
        let start = metric == .drawdownMax ? account.pointee.peakEquity : account.pointee.dailyStartEquity
        guard start.isPresent, start.value > .zero else { return .missing(.inputMissing) }
        guard let difference = start.value.subtracting(equity.value) else { return .outOfRange }
        let loss = Swift.max(.zero, difference)
        return metric == .dailyLoss ? .amount(loss) : .ratio(loss, over: start.value)
    }
}
