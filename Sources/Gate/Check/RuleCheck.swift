package import RiskRules

/// What `gate check` finds: in the rule directory, in its examples, and in an order mapping if one is given.
package struct RuleCheck: Sendable {
    package enum Severity: String, Encodable, Sendable { case error, warning }

    package struct Finding: Encodable, Sendable, CustomStringConvertible {
        package var file: String
        package var line: Int
        package var column: Int
        package var severity: Severity
        package var message: String

        init(_ problem: Problem, _ severity: Severity) {
            file = problem.location.file
            line = problem.location.line
            column = problem.location.column
            self.severity = severity
            message = problem.message
        }

        package var description: String {
            "\(file):\(line):\(column): \(severity == .warning ? "warning: " : "")\(message)"
        }
    }

    package struct Counts: Encodable, Sendable {
        package var files = 0
        package var rules = 0
        package var instruments = 0
        package var examples = 0
        package var errors = 0
        package var warnings = 0
    }

    /// The set; nil where it has a problem.
    package private(set) var ruleSet: RuleSet?
    /// nil where there is no set.
    package private(set) var coverage: RuleCoverage?
    /// Errors first.
    package private(set) var findings: [Finding] = []
    package private(set) var counts = Counts()
    package private(set) var isUnreadable: Bool

    /// - Parameter mapping: what was found in the order mapping.
    package init(_ directory: RuleDirectory, mapping: [Problem] = [], isMappingUnreadable: Bool = false) {
        var loader = RuleLoader()
        let outcome = loader.load(directory, trigger: .requested)
        isUnreadable = directory.isUnreadable || isMappingUnreadable
        let errors = mapping + loader.problems
        var warnings: [Problem] = []
        if case .loaded(let loaded) = outcome {
            let coverage = RuleCoverage(loaded)
            (ruleSet, self.coverage) = (loaded, coverage)
            warnings = Self.warnings(directory, coverage)
        }
        findings = errors.map { Finding($0, .error) } + warnings.map { Finding($0, .warning) }
        counts = Counts(
            files: directory.names.count, rules: directory.documents.reduce(0) { $0 + $1.rules.count },
            instruments: directory.documents.reduce(0) { $0 + $1.instruments.count },
            examples: directory.documents.reduce(0) { $0 + $1.examples.count }, errors: errors.count,
            warnings: warnings.count)
    }

    /// 0: none, 1: problems, 2: something cannot be read. Warnings count as problems only where they are asked to.
    package func exitCode(isStrict: Bool) -> Int32 {
        if isUnreadable { return 2 }
        return counts.errors > 0 || isStrict && counts.warnings > 0 ? 1 : 0
    }

    private static func warnings(_ directory: RuleDirectory, _ coverage: RuleCoverage) -> [Problem] {
        var warnings: [Problem] = []
        if directory.documents.allSatisfy(\.examples.isEmpty) {
            warnings.append(
                Problem(
                    "no example proves that the rules do what they should; add some under examples:",
                    at: RuleDirectory.place(directory.documents.first?.file ?? directory.path)))
        }
        let places = directory.documents.flatMap(\.instruments).compactMap(\.symbol)
        for instrument in coverage.instruments where !instrument.unlimited.isEmpty {
            guard let place = places.first(where: { $0.value == instrument.symbol }) else { continue }
            let advice = "add a rule, as in metric: position_notional, or give the instrument a max_quantity"
            let orders =
                instrument.limits.isEmpty ? "an order in" : "a \(instrument.unlimited.joined(separator: ", ")) order in"
            warnings.append(
                Problem("no rule bounds the size of \(orders) \(instrument.symbol): \(advice)", at: place.location))
        }
        return warnings.sorted()
    }
}

/// What `gate check --format json` prints.
struct RuleCheckMessage: Encodable {
    var rules: String
    var version: String?
    var counts: RuleCheck.Counts
    var findings: [RuleCheck.Finding]
    var coverage: RuleCoverage?

    init(_ check: RuleCheck, directory: RuleDirectory) {
        rules = directory.path
        version = check.ruleSet?.version
        counts = check.counts
        findings = check.findings
        coverage = check.coverage
    }
}
