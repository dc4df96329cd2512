import Foundation
import Yams

/// The bounds that the rule files set on what the demo shows. Only to be shown: the rules are Gate's to judge.
struct RuleLimits {
    struct Limit {
        let rule: String
        let metric: String
        let max: Double
        /// Globs; empty: all.
        let symbols: [String]

        func binds(_ symbol: String) -> Bool {
            symbols.isEmpty || symbols.contains { fnmatch($0, symbol, 0) == 0 }
        }
    }

    private struct File: Decodable {
        let rules: [Rule]?
    }

    private struct Rule: Decodable {
        struct Scope: Decodable {
            let symbols: [String]?
        }

        let id: String
        let metric: String
        let max: Double?
        let scope: Scope?

        private enum CodingKeys: String, CodingKey {
            case id, metric, max
            case scope = "applies_to"
        }
    }

    private let limits: [Limit]

    init() { limits = [] }

    /// The limits in a directory's files; what cannot be read sets none.
    init(directory: String) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
        limits = names.filter { $0.hasSuffix(".yaml") }.sorted().flatMap { name -> [Limit] in
            guard let data = FileManager.default.contents(atPath: "\(directory)/\(name)"),
                let file = try? YAMLDecoder().decode(File.self, from: data)
            else { return [] }
            return (file.rules ?? []).compactMap { rule in
                rule.max.map { Limit(rule: rule.id, metric: rule.metric, max: $0, symbols: rule.scope?.symbols ?? []) }
            }
        }
    }

    /// The tightest bound of a metric, of those that bind the symbol.
    func tightest(_ metric: String, symbol: String? = nil) -> Limit? {
        limits.filter { limit in
            limit.metric == metric && (symbol.map(limit.binds) ?? limit.symbols.isEmpty)
        }.min { $0.max < $1.max }
    }
}
