import Foundation
import RiskRules
import Testing

/// Long random sequences of all that can happen to an engine, each decision held against the model.
///
/// A sequence that fails is cut down to the steps that its failure needs, and printed. Its seed alone runs it again:
/// `GATE_SEED=123 swift test --filter ScenarioTests`.
struct ScenarioTests {
    private static let cases = 8

    @Test(arguments: 0..<cases)
    func `every decision agrees with the model`(part: Int) throws {
        var total = Totals()
        for seed in Scenario.seeds(part: part, of: Self.cases, count: Effort.of(320)) {
            total.add(try Scenario(seed: seed).run(steps: 700))
        }
        guard Scenario.named == nil, Effort.isWhole else { return }
        #expect(total.decisions > 25_000, "\(total)")
        #expect(total.approved > total.decisions / 25, "\(total)")
        #expect(total.refused > total.decisions / 25, "\(total)")
        #expect(total.reducing > total.decisions / 100, "\(total)")
    }
}

/// What a number of sequences came to.
struct Totals {
    var decisions = 0
    var approved = 0
    var refused = 0
    var reducing = 0
    var refusals: [Reason: Int] = [:]

    mutating func add(_ run: ScenarioRun) {
        decisions += run.decisions
        approved += run.approved
        refused += run.refusals.values.reduce(0, +)
        reducing += run.reducing
        refusals.merge(run.refusals) { $0 + $1 }
    }
}

/// One sequence: what a seed makes of it.
struct Scenario {
    let seed: UInt64
    var limits: EngineLimits

    init(seed: UInt64) {
        self.seed = seed
        limits = EngineLimits(hashSeed: seed)
        limits.maxAccounts = 4
        limits.maxStrategies = 4
        limits.maxSymbols = 16
        limits.maxTimesInForce = 4
        limits.maxExposures = 16
        limits.maxReservations = 2048
        limits.maxWindowKeys = 512
        limits.maxPlans = 64
        limits.maxViolations = 64
        limits.clientOrderIDsPerAccount = 4096
        limits.unknownAfter = 5_000_000_000
        limits.refusesUngoverned = seed % 4 != 0
        limits.isShadow = seed % 16 == 5
    }

    /// The one seed that the environment asks for.
    static let named = ProcessInfo.processInfo.environment["GATE_SEED"].flatMap { UInt64($0) }

    /// The seeds of one of several parts; the named one alone where there is one.
    static func seeds(part: Int, of parts: Int, count: Int) -> [UInt64] {
        if let named { return part == 0 ? [named] : [] }
        return (0..<count).filter { $0 % parts == part }.map { UInt64($0 + 1) }
    }

    /// Runs it to its end, or throws what failed with the least that leads to it.
    func run(steps: Int) throws -> ScenarioRun {
        var generator = ScenarioGenerator(seed: seed, isWild: seed % 3 == 0)
        var run = ScenarioRun(limits)
        var history: [ScenarioStep] = []
        var coming = generator.opening(run)
        for place in 0..<steps {
            let step = coming.isEmpty ? generator.next(run) : coming.removeFirst()
            history.append(step)
            do {
                try run.take(step)
            } catch let difference as ScenarioRun.Difference {
                throw Failure(seed: seed, step: place, difference: difference, history: shortened(history))
            }
        }
        return run
    }

    /// What of a failing history is needed for its last step to fail.
    private func shortened(_ history: [ScenarioStep]) -> [ScenarioStep] {
        var history = history
        var length = history.count / 2
        while length > 0 {
            var start = 0
            while start < history.count - 1 {
                var shorter = history
                shorter.removeSubrange(start..<min(start + length, history.count - 1))
                if fails(shorter) { history = shorter } else { start += length }
            }
            length /= 2
        }
        return history
    }

    /// Whether the last step of a history, and none before it, fails.
    private func fails(_ history: [ScenarioStep]) -> Bool {
        var run = ScenarioRun(limits)
        for (place, step) in history.enumerated() {
            do { try run.take(step) } catch { return place == history.count - 1 }
        }
        return false
    }

    struct Failure: Error, CustomStringConvertible {
        var seed: UInt64
        var step: Int
        var difference: ScenarioRun.Difference
        var history: [ScenarioStep]

        var description: String {
            "seed \(seed), step \(step):\n\(difference)\nafter\n\(history.map { "\($0)" }.joined(separator: "\n"))"
        }
    }
}
