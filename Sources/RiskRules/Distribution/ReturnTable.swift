/// The returns of each account, made when its first ones are read.
final class ReturnTable {
    private let accounts: Int
    private let series: UnsafeMutablePointer<Unmanaged<ReturnSeries>?>

    /// - Parameter accounts: how many there can be, the one at index 0 included.
    init(accounts: Int) {
        self.accounts = accounts
        series = .allocate(capacity: accounts)
        series.initialize(repeating: nil, count: accounts)
    }

    deinit {
        for account in 0..<accounts { series[account]?.release() }
        series.deallocate()
    }

    /// Takes over what a snapshot says; nil: nothing.
    func update(_ returns: [Double]?, of account: NameID) {
        let place = series + Int(account.index)
        guard let returns else {
            place.pointee?._withUnsafeGuaranteedRef { $0.removeAll() }
            return
        }
        if place.pointee == nil { place.pointee = .passRetained(ReturnSeries()) }
        place.pointee?._withUnsafeGuaranteedRef { $0.update(returns) }
    }

    /// What a rule on the account's returns comes to; nil where there are too few.
    func value(_ metric: Metric, _ distribution: Distribution, of account: NameID) -> Double? {
        series[Int(account.index)]?._withUnsafeGuaranteedRef { series in
            metric == .expectedShortfall
                ? series.expectedShortfall(distribution) : series.valueAtRisk(distribution)
        } ?? nil
    }
}
