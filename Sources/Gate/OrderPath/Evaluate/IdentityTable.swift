import RiskRules

/// Which peer of a connection may trade for which accounts and strategies.
package struct IdentityBinding: Equatable, Sendable {
    /// How a peer is known.
    package enum Peer: Hashable, Sendable {
        /// By a name in its verified certificate: a DNS name or a URI.
        case certificate(String)
        /// By the user id that the kernel noted of a unix socket's other end.
        case user(UInt32)
    }

    package var peer: Peer
    /// Globs; empty: all.
    package var accounts: [String]
    /// Globs; empty: all. An order that names no strategy has an empty name.
    package var strategies: [String]

    package init(peer: Peer, accounts: [String], strategies: [String]) {
        self.peer = peer
        self.accounts = accounts
        self.strategies = strategies
    }
}

/// The bindings in force, ready to be asked for each order. Asking allocates nothing. A class: handing a struct of arrays on
/// would retain each of them, order by order.
package final class IdentityTable {
    private struct Row {
        var peer: IdentityBinding.Peer
        /// Indices into `patterns`; -1: all.
        var accounts: Int32
        var strategies: Int32
    }
    private let rows: [Row]
    private let patterns: PatternTable

    /// nil where there is no binding at all: every peer may then trade for every account.
    package init?(_ bindings: [IdentityBinding]) {
        guard !bindings.isEmpty else { return nil }
        var patterns = PatternTable()
        rows = bindings.map { binding in
            Row(
                peer: binding.peer, accounts: binding.accounts.isEmpty ? -1 : patterns.add(binding.accounts),
                strategies: binding.strategies.isEmpty ? -1 : patterns.add(binding.strategies))
        }
        self.patterns = patterns
    }

    /// The first binding that a peer is named by; nil: none, it may trade for nobody.
    package func binding(user: UInt32?, certificateHas: (String) -> Bool) -> Int? {
        rows.firstIndex {
            switch $0.peer {
            case .certificate(let name): certificateHas(name)
            case .user(let id): id == user
            }
        }
    }

    /// Whether a binding, nil for a peer that has none, covers an account.
    package func covers(_ binding: Int?, account: UnsafeRawBufferPointer) -> Bool {
        guard let binding else { return false }
        return rows[binding].accounts < 0 || patterns.matches(rows[binding].accounts, account)
    }

    /// Whether it covers a strategy.
    package func covers(_ binding: Int?, strategy: UnsafeRawBufferPointer) -> Bool {
        guard let binding else { return false }
        return rows[binding].strategies < 0 || patterns.matches(rows[binding].strategies, strategy)
    }
}
