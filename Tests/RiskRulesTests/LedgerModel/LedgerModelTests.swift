import Foundation
import RiskRules
import Testing

/// The ledger against a slow model of the same rules, and both against an exchange that may fill at any time.
///
/// A sequence that fails is told by its seed and its last steps. Its seed alone runs it again:
/// `GATE_SEED=123 swift test --filter LedgerModelTests`.
struct LedgerModelTests {
    private static let parts = 4
    private static let sequences = Effort.of(500)
    private static let steps = 500
    private static let named = ProcessInfo.processInfo.environment["GATE_SEED"].flatMap { UInt64($0) }

    struct Failure: Error, CustomStringConvertible {
        var description: String
    }

    @Test(arguments: 0..<parts)
    func `after each of a million steps the ledger agrees with the model and covers what the exchange can do`(
        part: Int
    ) throws {
        let ruleSet = try RuleLines.compile([["id: wide", "metric: symbol", "deny: [NEVER]"]])
        var counts: [String: Int] = [:]
        for place in 0..<Self.sequences {
            let seed = Self.named ?? UInt64(place * Self.parts + part + 1)
            var walk = try LedgerWalk(seed: seed, ruleSet: ruleSet)
            do {
                for _ in 0..<Self.steps { try walk.step() }
            } catch let difference as LedgerWalk.Difference {
                throw Failure(description: "seed \(seed): \(difference)\n\(try tail(of: seed, ruleSet))")
            }
            counts.merge(walk.counts) { $0 + $1 }
            if Self.named != nil { return }
        }
        for kind in ["order", "undo", "cancelled", "answer", "update", "unknown", "settle", "again", "snapshot"] {
            #expect(counts[kind, default: 0] > Self.sequences, "\(kind): \(counts)")
        }
    }

    /// The last steps of a sequence that fails.
    private func tail(of seed: UInt64, _ ruleSet: RuleSet) throws -> String {
        var walk = try LedgerWalk(seed: seed, ruleSet: ruleSet, isTraced: true)
        for _ in 0..<Self.steps {
            do { try walk.step() } catch { break }
        }
        return walk.history.suffix(80).joined(separator: "\n")
    }
}
