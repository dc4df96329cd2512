import Gate
import RiskRules
import Testing

@Suite struct RuleDirectoryTests {
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private func problems() -> [String] {
        RuleDirectory(reading: directory.path).problems.map { problem in
            problem.description.replacing(directory.path, with: "rules")
        }
    }

    @Test("rule files are read in name order, other files and hidden ones are left alone")
    func filesAreReadInNameOrder() throws {
        for name in ["b.yaml", "B.yaml", "a.yaml", ".hidden.yaml", ".a.yaml.swp", "README.md", "c.yaml~"] {
            try directory.write("rules: []\n", to: name)
        }
        try directory.makeDirectory("..data")
        let read = RuleDirectory(reading: directory.path)
        #expect(read.names == ["B.yaml", "a.yaml", "b.yaml"])
        #expect(read.documents.map(\.file) == ["B.yaml", "a.yaml", "b.yaml"].map(directory.path))
        #expect(read.problems.isEmpty)
        #expect(!read.isUnreadable)
    }

    @Test("the version is SHA-256 over names and contents")
    func versionIsTheDigest() throws {
        try directory.write("rules: []\n", to: "a.yaml")
        try directory.write("examples: []\n", to: "b.yaml")
        // printf 'a.yaml\0rules: []\n\0b.yaml\0examples: []\n\0' | sha256sum
        #expect(
            RuleDirectory(reading: directory.path).version
                == "9f263ed8376332f8b90bb8c92c63f03984b061ccdd128e133122693dd863cb35")
        try directory.write("hidden", to: ".c.yaml")
        #expect(
            RuleDirectory(reading: directory.path).version
                == "9f263ed8376332f8b90bb8c92c63f03984b061ccdd128e133122693dd863cb35")
    }

    @Test("a changed byte, name or number of files is another version")
    func versionTellsSetsApart() throws {
        var versions: Set<String> = []
        try directory.write("rules: []\n", to: "a.yaml")
        versions.insert(RuleDirectory(reading: directory.path).version)
        try directory.write("rules: [ ]\n", to: "a.yaml")
        versions.insert(RuleDirectory(reading: directory.path).version)
        try directory.rename("a.yaml", to: "b.yaml")
        versions.insert(RuleDirectory(reading: directory.path).version)
        try directory.write("rules: [ ]\n", to: "c.yaml")
        versions.insert(RuleDirectory(reading: directory.path).version)
        #expect(versions.count == 4)
    }

    @Test("a file that ends in .yml or in capitals is a problem, not left out silently")
    func otherEndingsAreProblems() throws {
        try directory.write("rules: []\n", to: "a.yaml")
        try directory.write("rules: []\n", to: "b.yml")
        try directory.write("rules: []\n", to: "c.YAML")
        let advice = "not read: the name of a rule file ends in .yaml; rename it"
        #expect(problems() == ["rules/b.yml:1:1: \(advice)", "rules/c.YAML:1:1: \(advice)"])
    }

    @Test("a directory without a rule file is a problem")
    func emptyDirectoryIsAProblem() throws {
        try directory.write("", to: "README.md")
        #expect(problems() == ["rules:1:1: there is no rule file (*.yaml) in this directory"])
    }

    @Test("a directory that is not there is unreadable")
    func missingDirectoryIsUnreadable() {
        let read = RuleDirectory(reading: directory.path("none"))
        #expect(read.isUnreadable)
        #expect(read.problems.map(\.message) == ["the directory cannot be read: opendir: No such file or directory"])
    }

    @Test("an unreadable file is a problem, and the others are judged all the same")
    func unreadableFileIsAProblem() throws {
        try directory.makeDirectory("a.yaml")
        try directory.link("b.yaml", to: "nowhere")
        try directory.write("rule: []\n", to: "c.yaml")
        #expect(RuleDirectory(reading: directory.path).isUnreadable)
        #expect(
            problems() == [
                "rules/a.yaml:1:1: cannot be read: read: Is a directory",
                "rules/b.yaml:1:1: cannot be read: open: No such file or directory",
                "rules/c.yaml:1:1: unknown key \"rule\"; did you mean rules? (known keys: rules, instruments, examples)",
            ])
    }

    @Test("a thousand and twenty-four files are read, one more is refused")
    func numberOfFilesIsBounded() throws {
        for index in 0..<RuleDirectory.maximumFiles { try directory.write("rules: []\n", to: "\(index).yaml") }
        #expect(problems().isEmpty)
        try directory.write("rules: []\n", to: "more.yaml")
        #expect(problems() == ["rules:1:1: 1025 rule files; the most is 1024"])
    }
}
