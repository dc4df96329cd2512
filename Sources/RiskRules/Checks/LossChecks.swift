// What the account has lost, as its keeper says: today, and since its highest equity.
extension RiskEngine {
    @inline(always)
    func equity(_ account: UnsafeMutablePointer<AccountState>) -> Measure {
        account.pointee.equity.isPresent ? .amount(account.pointee.equity.value) : .missing(.inputMissing)
    }

    @inline(always)
    func dailyLoss(_ account: UnsafeMutablePointer<AccountState>) -> Measure {
        loss(account, since: account.pointee.dailyStartEquity) { loss, _ in .amount(loss) }
    }

    @inline(always)
    func drawdown(
        _ account: UnsafeMutablePointer<AccountState>, since start: AccountState.Amount
    ) -> Measure {
        loss(account, since: start) { loss, start in .ratio(loss, over: start) }
    }

    @inline(always)
    private func loss(
        _ account: UnsafeMutablePointer<AccountState>, since start: AccountState.Amount,
        _ measure: (_ loss: FixedPoint, _ start: FixedPoint) -> Measure
    ) -> Measure {
        let equity = account.pointee.equity
        guard equity.isPresent, start.isPresent, start.value > .zero else { return .missing(.inputMissing) }
        guard let difference = start.value.subtracting(equity.value) else { return .outOfRange }
        return measure(Swift.max(.zero, difference), start.value)
    }
}
