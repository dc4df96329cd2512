/// The stops in force: one flag for all trading, and one for each account, strategy and symbol.
final class StopTable {
    private let global: UnsafeMutablePointer<Bool>
    private let accounts: UnsafeMutablePointer<Bool>
    private let strategies: UnsafeMutablePointer<Bool>
    private let symbols: UnsafeMutablePointer<Bool>

    /// - Parameters: how many names of each kind there can be, the one at index 0 included.
    init(accounts: Int, strategies: Int, symbols: Int) {
        global = .allocate(capacity: 1)
        global.initialize(to: false)
        self.accounts = .allocate(capacity: accounts)
        self.accounts.initialize(repeating: false, count: accounts)
        self.strategies = .allocate(capacity: strategies)
        self.strategies.initialize(repeating: false, count: strategies)
        self.symbols = .allocate(capacity: symbols)
        self.symbols.initialize(repeating: false, count: symbols)
    }

    deinit {
        global.deallocate()
        accounts.deallocate()
        strategies.deallocate()
        symbols.deallocate()
    }

    /// A name that the engine gave out; for `global` it has no meaning.
    subscript(scope: StopScope, name: NameID) -> Bool {
        get { flag(scope, name).pointee }
        set { flag(scope, name).pointee = newValue }
    }

    func covers(_ order: Order) -> Bool {
        global.pointee || accounts[Int(order.account.index)] || strategies[Int(order.strategy.index)]
            || symbols[Int(order.symbol.index)]
    }

    private func flag(_ scope: StopScope, _ name: NameID) -> UnsafeMutablePointer<Bool> {
        switch scope {
        case .global: global
        case .account: accounts + Int(name.index)
        case .strategy: strategies + Int(name.index)
        case .symbol: symbols + Int(name.index)
        }
    }
}
