import Foundation
import Gate
import RiskRules
import Testing

/// Seeded mutations of rule files, through everything that a file goes through before it is put in force: whatever a file
/// holds, there are problems or a set. `GATE_FUZZ_SEED` and `GATE_FUZZ_ROUNDS` try others, and more.
@Suite struct RuleFuzzTests {
    private static func seeds() throws -> [[UInt8]] {
        let folders =
            ["\(Fixtures.repository)/rules", "\(Fixtures.repository)/rules/b25"]
            + ["rules", "rule-seeds", "configuration"].map { "\(Fixtures.directory)/\($0)" }
        return try folders.flatMap { folder in
            try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasSuffix(".yaml") }.sorted().map {
                [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\($0)")))
            }
        }
    }

    private static let fragments: [String] = [
        "&a ", "*a", "<<: *a", "<<: {max: 1}", "!!int ", "!x ", "\t", "\r\n", "\u{0}", "\u{FEFF}", "\u{2028}", "\u{85}",
        "é",
        "\u{1F680}", "e\u{301}", "- ", "? ", ": ", "| \n", ">-\n", "---\n", "...\n", "%YAML 1.1\n", "{", "}", "[", "]",
        ",",
        "\"", "'", "#", "~", "null", "true", "0x10", "1e400", "-1", ".5", "99999999999999999999999999999999999999999",
        "1000000000000000000", "0.0000000001", "170141183460469231731687303715884105728", "24:00", "00:00",
        "2199-12-31T23:59:59Z",
        "1970-01-01T00:00:00-23:59", "*", "?*", "metric: value_at_risk\n", "id: clip\n", "max: 1\n", "active: {}\n",
        "rules:\n",
        "examples:\n", "Australia/Lord_Howe", "Etc/UTC", "UTC", "../../etc/passwd", "sun", "rollout: 1\n",
        "window: 24h\n",
    ]

    private static func mutate(_ bytes: inout [UInt8], _ seeds: [[UInt8]], _ random: inout SplitMix) {
        let place = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, place + Int.random(in: 0...40, using: &random))
        switch Int.random(in: 0..<12, using: &random) {
        case 0: if place < bytes.count { bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random) }
        case 1: if place < bytes.count { bytes[place] = UInt8.random(in: 0...255, using: &random) }
        case 2: bytes.removeSubrange(place..<end)
        case 3: bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
        case 4: bytes.removeSubrange(place...)
        case 5:
            let other = seeds.randomElement(using: &random) ?? []
            let cut = Int.random(in: 0...other.count, using: &random)
            bytes.replaceSubrange(place..., with: other[cut...])
        case 6:
            let count = Int.random(in: 1...64, using: &random)
            let open = Bool.random(using: &random) ? "[" : "{a: "
            bytes.insert(contentsOf: Array(String(repeating: open, count: count).utf8), at: place)
        case 7:
            bytes.insert(
                contentsOf: [UInt8](repeating: UInt8.random(in: 32...126, using: &random), count: 5000), at: place)
        case 8: swapScalars(&bytes, &random)
        default: bytes.insert(contentsOf: Array((fragments.randomElement(using: &random) ?? "").utf8), at: place)
        }
    }

    /// Puts a value of one line where another's stands: what is well formed there need not be here.
    private static func swapScalars(_ bytes: inout [UInt8], _ random: inout SplitMix) {
        var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).map(Array.init)
        let indices = lines.indices.filter { lines[$0].contains(UInt8(ascii: ":")) }
        guard let from = indices.randomElement(using: &random), let to = indices.randomElement(using: &random),
            let value = lines[from].firstIndex(of: UInt8(ascii: ":")),
            let place = lines[to].firstIndex(of: UInt8(ascii: ":"))
        else { return }
        lines[to].replaceSubrange(place..., with: lines[from][value...])
        bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")]))
    }

    /// What becomes of one file: a set, or problems.
    private static func load(_ bytes: [UInt8], _ calendar: RuleCalendar) -> (set: RuleSet?, problems: [Problem]) {
        let log = ProblemLog()
        guard let document = RuleFileReader.read(bytes, file: "a.yaml", into: log) else { return (nil, log.problems) }
        // What is wrong with the file keeps it from the compiler; the fuzzer shows it what is left all the same.
        switch RuleCompiler.compile([document], version: "v", calendar: calendar) {
        case .failure(let failure): return (nil, log.problems + failure.problems)
        case .success(let set):
            let problems = log.problems + RuleExamples.run([document], against: set, calendar: calendar)
            return (problems.isEmpty ? set : nil, problems)
        }
    }

    @Test("whatever a rule file holds, there are problems with a place, or a set")
    func mutationsYieldProblemsOrASet() throws {
        let environment = ProcessInfo.processInfo.environment
        let seed = environment["GATE_FUZZ_SEED"].flatMap(UInt64.init) ?? 1
        let rounds = environment["GATE_FUZZ_ROUNDS"].flatMap(Int.init) ?? 1500
        let calendar = RuleCalendar.system(now: 1_767_225_600_000_000_000)
        let seeds = try Self.seeds()
        var random = SplitMix(seed: seed)
        var loaded = 0
        for round in 0..<rounds {
            var bytes = seeds.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 0...4, using: &random) { Self.mutate(&bytes, seeds, &random) }
            let outcome = Self.load(bytes, calendar)
            if outcome.set != nil { loaded += 1 }
            if (outcome.set == nil) == outcome.problems.isEmpty {
                Issue.record("neither a set nor a problem in round \(round) of seed \(seed)")
            }
            for problem in outcome.problems
            where problem.message.isEmpty || problem.location.line < 1 || problem.location.column < 1 {
                Issue.record("a problem without words or a place: \(problem), round \(round) of seed \(seed)")
            }
        }
        #expect(loaded > rounds / 50, "some mutations must leave a good file, or nothing behind the reader is reached")
    }
}
