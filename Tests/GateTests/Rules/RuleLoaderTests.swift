import Gate
import RiskRules
import Testing

@Suite struct RuleLoaderTests {
    private let directory: TemporaryDirectory
    private var loader: RuleLoader

    private static let rule = """
        rules:
          - {id: clip, metric: order_notional, max: 250000}

        """

    init() throws {
        directory = try TemporaryDirectory()
        loader = RuleLoader()
        try directory.write(Self.rule, to: "a.yaml")
        try directory.write("examples: []\n", to: "b.yaml")
    }

    /// The version in force after reading the directory, and what was wrong.
    private mutating func load(_ trigger: RuleTrigger) -> (version: String?, problems: [String]) {
        _ = loader.load(RuleDirectory(reading: directory.path), trigger: trigger)
        let problems = loader.problems.map { $0.description.replacing(directory.path, with: "rules") }
        return (loader.ruleSet?.version, problems)
    }

    @Test("a good set is loaded, a bad one is refused whole and the last good one stays")
    mutating func lastGoodSetStays() throws {
        let first = load(.requested)
        #expect(first.version == RuleDirectory(reading: directory.path).version)
        #expect(first.problems == [])

        try directory.write("rules: [{id: clip, metrics: order_notional, max: 1}]\n", to: "a.yaml")
        let second = load(.change)
        #expect(second.version == first.version)
        #expect(second.problems.map { $0.prefix(18) } == ["rules/a.yaml:1:20:"])

        try directory.write(Self.rule + "\n", to: "a.yaml")
        let third = load(.change)
        #expect(third.version != first.version)
        #expect(third.problems == [])
        #expect(loader.loaded == 2)
        #expect(loader.refused == 1)
    }

    @Test("without a good set at the start there is none")
    mutating func noGoodSetAtStart() throws {
        try directory.write("rules: {}\n", to: "a.yaml")
        let result = load(.requested)
        #expect(result.version == nil)
        #expect(result.problems == ["rules/a.yaml:1:8: rules: a list belongs here, found a mapping"])
        #expect(loader.loaded == 0)
        #expect(loader.refused == 1)
    }

    @Test("what the compiler finds refuses the set")
    mutating func compilerProblemsRefuse() throws {
        let place = SourceLocation(file: "x", line: 1, column: 1)
        loader = RuleLoader { _, _ in .refused([Problem("no", at: place)]) }
        #expect(load(.requested).problems == ["x:1:1: no"])
        #expect(loader.ruleSet == nil)
    }

    @Test("a file that disappears is a problem until it is back")
    mutating func disappearedFileIsAProblemUntilItIsBack() throws {
        let first = load(.requested)
        try directory.rename("b.yaml", to: "b.yaml.old")
        let advice = "the rule file has disappeared; put it back, or send SIGHUP to go on without it"
        #expect(load(.change).problems == ["rules/b.yaml:1:1: \(advice)"])
        #expect(load(.change).problems == ["rules/b.yaml:1:1: \(advice)"])
        try directory.rename("b.yaml.old", to: "b.yaml")
        let back = load(.change)
        #expect(back.problems == [])
        #expect(back.version == first.version)
    }

    @Test(
        "a file that disappears is given up when asked, or with the link",
        arguments: [RuleTrigger.requested, .linkSwapped])
    mutating func disappearedFileIsGivenUp(_ trigger: RuleTrigger) throws {
        let first = load(.requested)
        try directory.remove("b.yaml")
        #expect(load(.change).version == first.version)
        let second = load(trigger)
        #expect(second.problems == [])
        #expect(second.version != first.version)
        #expect(load(.change).problems == [])
    }

    @Test("a file that only ever was refused may disappear")
    mutating func refusedFileMayDisappear() throws {
        _ = load(.requested)
        try directory.write("x", to: "c.yaml")
        #expect(load(.change).problems.count == 1)
        try directory.remove("c.yaml")
        #expect(load(.change).problems == [])
    }
}
