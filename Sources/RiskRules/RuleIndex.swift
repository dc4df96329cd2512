/// Which orders a rule applies to by name: indices of pattern lists, -1 for all.
struct RuleScope: Hashable, Sendable, BitwiseCopyable {
    var accounts: Int32 = -1
    var strategies: Int32 = -1
    var symbols: Int32 = -1
}

/// Finds the rules that can apply to an order by a literal name of theirs, so that the cost of a look-up depends on the
/// rules found and not on the rules loaded.
///
/// Each rule stands in one place: under each of its symbols where all are literal, else under its accounts, else under
/// its strategies, else among the general ones, which are tried for every name.
struct RuleIndex: Sendable {
    private var symbols: Postings
    private var accounts: Postings
    private var strategies: Postings
    private var general: [Int32] = []

    /// What `applies_to` of one rule names; empty: all.
    struct Names {
        var accounts: [String] = []
        var strategies: [String] = []
        var symbols: [String] = []
    }

    /// - Parameter names: of each rule, by rule index.
    init(_ names: [Names]) {
        var bySymbol: [String: [Int32]] = [:]
        var byAccount: [String: [Int32]] = [:]
        var byStrategy: [String: [Int32]] = [:]
        func areLiteral(_ list: [String]) -> Bool { !list.isEmpty && list.allSatisfy(Glob.isLiteral) }
        for (rule, names) in names.enumerated() {
            let rule = Int32(rule)
            if areLiteral(names.symbols) {
                for name in Set(names.symbols) { bySymbol[name, default: []].append(rule) }
            } else if areLiteral(names.accounts) {
                for name in Set(names.accounts) { byAccount[name, default: []].append(rule) }
            } else if areLiteral(names.strategies) {
                for name in Set(names.strategies) { byStrategy[name, default: []].append(rule) }
            } else {
                general.append(rule)
            }
        }
        symbols = Postings(bySymbol)
        accounts = Postings(byAccount)
        strategies = Postings(byStrategy)
    }

    /// Calls `visit` with each rule that may apply, in ascending order; the rest of its scope is still to be tried.
    func forEachCandidate(
        account: UnsafeRawBufferPointer, strategy: UnsafeRawBufferPointer, symbol: UnsafeRawBufferPointer,
        _ visit: (Int32) -> Void
    ) {
        var bySymbol = symbols.cursor(symbol)
        var byAccount = accounts.cursor(account)
        var byStrategy = strategies.cursor(strategy)
        var rest = Postings.Cursor(position: 0, end: general.count)
        while true {
            let next = Swift.min(
                Swift.min(bySymbol.head(of: symbols.rules), byAccount.head(of: accounts.rules)),
                Swift.min(byStrategy.head(of: strategies.rules), rest.head(of: general)))
            if next == Int32.max { return }
            visit(next)
            bySymbol.skip(next, in: symbols.rules)
            byAccount.skip(next, in: accounts.rules)
            byStrategy.skip(next, in: strategies.rules)
            rest.skip(next, in: general)
        }
    }
}

/// Rules by name, each name's in ascending order.
private struct Postings: Sendable {
    private let names: NameTable
    /// Where the rules of each name begin; one more than there are names.
    private let starts: [Int]
    let rules: [Int32]

    init(_ rulesByName: [String: [Int32]]) {
        var starts = [0]
        var rules: [Int32] = []
        for name in NameTable.sorted(Array(rulesByName.keys)) {
            rules.append(contentsOf: rulesByName[name, default: []])
            starts.append(rules.count)
        }
        names = NameTable(Array(rulesByName.keys))
        self.starts = starts
        self.rules = rules
    }

    /// Walks one name's rules.
    struct Cursor {
        var position: Int
        var end: Int

        func head(of rules: [Int32]) -> Int32 { position < end ? rules[position] : Int32.max }
        mutating func skip(_ rule: Int32, in rules: [Int32]) {
            if position < end, rules[position] == rule { position += 1 }
        }
    }

    func cursor(_ name: UnsafeRawBufferPointer) -> Cursor {
        let index = Int(names.index(of: name))
        return index < 0 ? Cursor(position: 0, end: 0) : Cursor(position: starts[index], end: starts[index + 1])
    }
}
