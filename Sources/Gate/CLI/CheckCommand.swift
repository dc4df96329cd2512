import ArgumentParser
import Foundation
import RiskRules

/// `gate check`: judges rule files, and an order mapping, before they are put in force, and explains what they make of an
/// order.
struct CheckCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "check",
        abstract: "Check rule files and run the examples in them.",
        discussion: """
            Prints a line per problem, file:line:column: message, and which rule binds which orders. Exit code 0: none, \
            1: problems, 2: something cannot be read.

            With --explain it prints what the rules make of one order, and why: each rule's value, bound and use, and the \
            largest quantity that would pass. The file is JSON: account, symbol, side and quantity, and where they are \
            meant strategy, type, price, stop_price, time_in_force and reduce_only; account_state, as the account's keeper \
            writes it; prices, by symbol a number or {"bid_price": …, "ask_price": …}. Exit code 0 whether the order would \
            be approved or rejected; 1 and 2 as above.
            """)

    @Option(help: ArgumentHelp("Order mapping to check too.", valueName: "file"))
    var orders: String?

    @Option(help: ArgumentHelp("Explain what the rules make of the order in this file.", valueName: "file"))
    var explain: String?

    @Option(help: ArgumentHelp("The account's state for --explain, in a file of its own.", valueName: "file"))
    var account: String?

    @Option(help: ArgumentHelp("The prices for --explain, in a file of their own.", valueName: "file"))
    var prices: String?

    @Option(help: "text or json.")
    var format: OutputFormat = .text

    @Flag(help: "Take warnings for problems.")
    var strict = false

    @Argument(help: "Directory of the rule files (*.yaml).")
    var rules: String

    func validate() throws {
        if explain == nil, account != nil || prices != nil {
            throw ValidationError("--account and --prices belong to an order: give it with --explain.")
        }
    }

    func run() throws {
        let mapping = checkOrders()
        let directory = RuleDirectory(reading: rules)
        let check = RuleCheck(directory, mapping: mapping.problems, isMappingUnreadable: mapping.isUnreadable)
        if let explain, check.exitCode(isStrict: strict) == 0, let ruleSet = check.ruleSet {
            return try self.explain(explain, ruleSet)
        }
        switch format {
        case .json: try printJSON(RuleCheckMessage(check, directory: directory))
        case .text:
            for finding in check.findings { print(finding) }
            if let coverage = check.coverage { print(([""] + coverage.lines + [""]).joined(separator: "\n")) }
            print(Self.summary(check.counts, directory))
        }
        let code = check.exitCode(isStrict: strict)
        if code != 0 { throw ExitCode(code) }
    }

    private static func summary(_ counts: RuleCheck.Counts, _ directory: RuleDirectory) -> String {
        func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }
        let problems = counts.errors == 0 ? "no problems" : count(counts.errors, "problem")
        let parts = [
            count(counts.rules, "rule"), count(counts.instruments, "instrument"), count(counts.examples, "example"),
            problems, counts.warnings == 0 ? "no warnings" : count(counts.warnings, "warning"),
        ]
        return "\(directory.path): \(parts.joined(separator: ", "))"
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

    // MARK: Explaining

    private func explain(_ file: String, _ ruleSet: RuleSet) throws {
        let log = ProblemLog()
        guard let order = try readOrder(file, into: log), log.isEmpty else { return try refuse(log.problems) }
        switch OrderScene.read(order.document, account: order.account).flatMap({ $0.explain(by: ruleSet) }) {
        case .failure(let failure): try refuse(failure.problems)
        case .success(let explanation):
            switch format {
            case .text: print(ExplanationText(explanation, ruleSet).lines.joined(separator: "\n"))
            case .json: try printJSON(ExplanationMessage(explanation, ruleSet))
            }
        }
    }

    private func readOrder(_ file: String, into log: ProblemLog) throws -> OrderFileReader? {
        guard var order = OrderFileReader(order: try read(file), file: file, into: log) else { return nil }
        if let account { order.read(account: try read(account), file: account, into: log) }
        if let prices { order.read(prices: try read(prices), file: prices, into: log) }
        return order
    }

    private func read(_ file: String) throws -> [UInt8] {
        do throws(SystemError) {
            return try FileReader.read(file)
        } catch {
            try refuse([Problem("cannot be read: \(error)", at: RuleDirectory.place(file))], code: 2)
            return []
        }
    }

    private func refuse(_ problems: [Problem], code: Int32 = 1) throws {
        let findings = problems.map { RuleCheck.Finding($0, .error) }
        switch format {
        case .text: for finding in findings { print(finding) }
        case .json: try printJSON(["findings": findings])
        }
        throw ExitCode(code)
    }

    private func printJSON(_ message: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        print(String(decoding: try encoder.encode(message), as: UTF8.self))
    }
}
