import CLinux
package import RiskRules

/// What made the rules be read again.
package enum RuleTrigger: Sendable {
    /// A file was written, renamed into place, or removed.
    case change
    /// The directory was exchanged as a whole, by its link or its `..data`.
    case linkSwapped
    /// Someone asked for it: the start, or SIGHUP.
    case requested
}

/// Decides what becomes of a rule directory that was read: a new set, or the last good one and every reason why.
package struct RuleLoader {
    package enum Outcome: Sendable {
        /// The set to publish.
        case loaded(RuleSet)
        /// The last good set stays in force.
        case refused([Problem])
    }
    package typealias Compile = @Sendable ([RuleDocument], _ version: String) -> Outcome

    /// The last good set; nil before the first.
    package private(set) var ruleSet: RuleSet?
    /// Why the latest set was refused; empty where it was not.
    package private(set) var problems: [Problem] = []
    /// Reloads by result, the first load included.
    package private(set) var loaded = 0
    package private(set) var refused = 0

    private let compile: Compile
    /// The files that must be there: those of the last good set, until the directory is exchanged or someone asks.
    private var expected: Set<String> = []

    /// - Parameter compile: judges the documents of a whole set.
    package init(compile: @escaping Compile) {
        self.compile = compile
    }

    /// Compiles the documents and runs every example against the set.
    /// - Parameters:
    ///   - initialMargin: `limits.initial_margin` of the configuration.
    ///   - ungoverned: `ungoverned` of the configuration.
    package init(
        initialMargin: FixedPoint = GateConfiguration.Limits().initialMargin,
        ungoverned: GateConfiguration.Ungoverned = .reject
    ) {
        self.init { documents, version in
            let calendar = RuleCalendar.system(now: gate_realtime_ns())
            switch RuleCompiler.compile(documents, version: version, calendar: calendar) {
            case .failure(let failure):
                return .refused(failure.problems)
            case .success(let ruleSet):
                let problems = RuleExamples.run(
                    documents, against: ruleSet, initialMargin: initialMargin,
                    refusesUngoverned: ungoverned == .reject, calendar: calendar)
                return problems.isEmpty ? .loaded(ruleSet) : .refused(problems)
            }
        }
    }

    /// Takes what was read. A set with any problem is refused whole.
    package mutating func load(_ directory: RuleDirectory, trigger: RuleTrigger) -> Outcome {
        if trigger != .change { expected = [] }
        let outcome = judge(directory)
        switch outcome {
        case .loaded(let ruleSet):
            self.ruleSet = ruleSet
            problems = []
            loaded += 1
            expected = Set(directory.names)
        case .refused(let found):
            problems = found
            refused += 1
        }
        return outcome
    }

    /// The last good set with its hours laid out anew, a day after they were, or when the clock was set; nil where there is
    /// no need.
    package mutating func renew(by calendar: RuleCalendar) -> RuleSet? {
        guard let ruleSet, ruleSet.hasSchedules else { return nil }
        let (age, overflow) = calendar.now.subtractingReportingOverflow(ruleSet.laidOutAt)
        guard overflow || age < 0 || age >= Self.renewal else { return nil }
        let renewed = ruleSet.renewed(calendar)
        self.ruleSet = renewed
        return renewed
    }

    /// How old, in nanoseconds, a layout of hours may become.
    private static let renewal: Int64 = 86_400_000_000_000

    private func judge(_ directory: RuleDirectory) -> Outcome {
        let missing = expected.subtracting(directory.names).sorted().map { name in
            Problem(
                "the rule file has disappeared; put it back, or send SIGHUP to go on without it",
                at: RuleDirectory.place(RuleDirectory.join(directory.path, name)))
        }
        let problems = (directory.problems + missing).sorted()
        // What a file lacks would make the others look wrong, so the compiler only sees whole sets.
        guard problems.isEmpty else { return .refused(problems) }
        return compile(directory.documents, directory.version)
    }
}
