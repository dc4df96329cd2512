import ArgumentParser
import RiskRules

/// `gate check`: judges rule files, and an order mapping, before they are put in force.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check rule files and run the examples in them.",
        discussion: "Prints one problem per line. Exit code 0: none, 1: problems, 2: something cannot be read.")

    @Option(help: "Order mapping to check too.")
    var orders: String?

    @Argument(help: "Directory of the rule files (*.yaml).")
    var rules: String

    func run() throws {
        let mapping = checkOrders()
        let directory = RuleDirectory(reading: rules)
        var loader = RuleLoader()
        let outcome = loader.load(directory, trigger: .requested)
        for problem in mapping.problems + loader.problems { print(problem) }
        if directory.isUnreadable || mapping.isUnreadable { throw ExitCode(2) }
        guard case .loaded(let ruleSet) = outcome, mapping.problems.isEmpty else { throw ExitCode(1) }
        report(ruleSet, examples: directory.documents.reduce(0) { $0 + $1.examples.count })
    }

    private func checkOrders() -> (problems: [Problem], isUnreadable: Bool) {
        guard let orders else { return ([], false) }
        let log = ProblemLog()
        var isUnreadable = false
        _ = OrderMappingLoader.load(orders, into: log) { path, limit throws(SystemError) in
            do throws(SystemError) {
                return try FileReader.read(path, limit: limit)
            } catch {
                isUnreadable = true
                throw error
            }
        }
        return (log.problems, isUnreadable)
    }

    private func report(_ ruleSet: RuleSet, examples: Int) {
        print("\(rules): \(ruleSet.rules.count) rules, \(examples) examples, no problems")
        if examples == 0 {
            print(
                "\(rules):1:1: warning: no example proves that the rules do what they should; add some under examples:")
        }
    }
}
