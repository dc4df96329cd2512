import RiskRules

/// The `GATE_CONFIG_` variables of the environment: `GATE_CONFIG_REDIS_ADDRESS` stands for the key `redis.address`.
/// Which names there are follows from what the reader asks for, so that no list of them can be out of date.
package final class EnvironmentOverrides {
    package static let prefix = "GATE_CONFIG_"
    private let variables: [String: String]
    private var asked: Set<String> = []

    /// - Parameter environment: the whole environment; variables without the prefix are left alone.
    package init(_ environment: [String: String]) {
        variables = environment.filter { $0.key.hasPrefix(Self.prefix) }
    }

    /// The variable that overrides a key: `redis.prices.db` is `GATE_CONFIG_REDIS_PRICES_DB`.
    package static func name(of path: String) -> String {
        prefix + String(path.uppercased().map { $0 == "." ? "_" : $0 })
    }

    /// Whether the environment gives the key.
    func names(_ path: String) -> Bool { variables[Self.name(of: path)] != nil }

    /// What the environment gives for a key, as the file would have given it in quotes or out of them.
    func take(_ path: String) -> StrictNode? {
        let name = Self.name(of: path)
        asked.insert(name)
        return variables[name].map {
            StrictNode(.scalar(text: $0, isPlain: !$0.isEmpty), at: Self.location(of: name))
        }
    }

    /// Reports the variables that override nothing. Ask once everything has been read.
    package func finish(_ log: ProblemLog) {
        // Without the prefix, which would make any two of them look alike.
        let known = asked.sorted().map { String($0.dropFirst(Self.prefix.count)) }
        for name in variables.keys.sorted() where !asked.contains(name) {
            var message = "no such setting; \(Self.prefix)… overrides the single values of the configuration file"
            if let meant = Suggestion.closest(to: String(name.dropFirst(Self.prefix.count)), among: known) {
                message += "; did you mean \(Self.prefix)\(meant)?"
            }
            log.report(message, at: Self.location(of: name))
        }
    }

    private static func location(of name: String) -> SourceLocation {
        SourceLocation(file: "environment \(name)", line: 1, column: 1)
    }
}
