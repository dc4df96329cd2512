import Foundation
import Gate
import RiskRules
import Testing

/// Broken files and the exact list of problems that a person is told. `GATE_WRITE_GOLDEN=1` writes the lists anew; a
/// difference is then for the reader of the change to judge.
@Suite struct GoldenProblemTests {
    @Test(
        "each broken configuration yields its list of problems",
        arguments: try Fixtures.names(in: "configuration", ending: ".yaml"))
    func brokenConfigurationYieldsItsProblems(_ name: String) throws {
        let result = ConfigurationReader.read(file: name, environment: [:], hostName: "host") { _ in
            (try? Fixtures.bytes("configuration/\(name)")) ?? []
        }
        guard case .failure(let failure) = result else {
            Issue.record("\(name) was read without a problem")
            return
        }
        try expect(failure.problems, golden: "configuration/\(name)")
    }

    @Test(
        "each broken rule file yields its list of problems", arguments: try Fixtures.names(in: "rules", ending: ".yaml")
    )
    func brokenRuleFileYieldsItsProblems(_ name: String) throws {
        let log = ProblemLog()
        _ = RuleFileReader.read(try Fixtures.bytes("rules/\(name)"), file: name, into: log)
        #expect(!log.isEmpty)
        try expect(log.problems, golden: "rules/\(name)")
    }

    private func expect(_ problems: [Problem], golden name: String) throws {
        let file = URL(fileURLWithPath: "\(Fixtures.directory)/\(name.dropLast(".yaml".count)).problems")
        let found = problems.map { "\($0)\n" }.joined()
        if ProcessInfo.processInfo.environment["GATE_WRITE_GOLDEN"] == "1" {
            try Data(found.utf8).write(to: file)
        }
        #expect(found == String(decoding: try Data(contentsOf: file), as: UTF8.self))
    }
}
