import Foundation
import Gate
import RiskRules
import Testing

/// `rules/README.md` says what the code does: its tables have every metric, reason, key and word, and no others, and its
/// examples are good ones.
struct RuleReferenceTests {
    private static let page = try? String(
        contentsOfFile: "\(Fixtures.repository)/rules/README.md", encoding: .utf8)

    /// The cells of all tables whose first head begins so, without the heads.
    private func rows(of head: String) throws -> [[String]] {
        var rows: [[String]] = []
        var isTable = false
        for line in try #require(Self.page).split(separator: "\n", omittingEmptySubsequences: false) {
            guard line.hasPrefix("|") else {
                isTable = false
                continue
            }
            let cells = line.dropFirst().dropLast().split(separator: "|", omittingEmptySubsequences: false)
                .map { $0.trimmingCharacters(in: .whitespaces) }
            if isTable {
                if !line.hasPrefix("|---") { rows.append(cells) }
            } else {
                isTable = cells.first?.hasPrefix(head) == true
            }
        }
        return rows
    }

    private func words(_ cell: String) -> [String] {
        cell.split(separator: "`", omittingEmptySubsequences: false).enumerated()
            .filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }

    private func code(_ words: [String]) -> String { words.map { "`\($0)`" }.joined(separator: ", ") }

    @Test func `each metric has one row, and it says what the code does`() throws {
        let written = try rows(of: "metric").map { $0.prefix(6).joined(separator: " | ") }
        let expected = Metric.allCases.map { metric in
            let traits = metric.traits
            let bound =
                switch traits.bound {
                case .names: ["allow", "deny"]
                case .max: ["max"]
                case .min: ["min"]
                case .maxOrMin: ["max", "min"]
                }
            let unit =
                switch traits.unit {
                case .name: "name"
                case .quantity: "quantity"
                case .money: "money"
                case .count: "count"
                case .fraction: "fraction"
                case .multiple: "multiple"
                }
            let per = metric.keys.map { "\($0)" }.joined(separator: ", ")
            let needs = (traits.takesWindow ? ["`window`"] : []) + (per.isEmpty ? [] : ["`per` \(per)"])
            let reducing =
                metric.exemptsReducing
                ? "exempt" : metric.exemptsReducingWithoutPrice ? "exempt without a price" : "judged"
            var reasons = bound.map { "\(metric.reason(isMax: $0 != "min").code)" }
            if traits.bound == .names { reasons.removeLast() }
            return ["`\(metric.rawValue)`", code(bound), unit, needs.joined(separator: "; "), reducing, code(reasons)]
                .joined(separator: " | ")
        }
        #expect(written.sorted() == expected.sorted())
        #expect(try rows(of: "metric").allSatisfy { $0.count == 7 && !$0[6].isEmpty })
    }

    @Test func `each reason has one row with its gRPC status and FIX code`() throws {
        func upper(_ name: String) -> String {
            name.reduce("") { $0 + ($1.isUppercase ? "_\($1)" : $1.uppercased()) }
        }
        let written = try rows(of: "reason").filter { $0.count == 4 }.map { Array($0.prefix(3)) }
        #expect(
            written
                == Reason.allCases.map { ["`\($0.code)`", upper("\($0.status)"), "\($0.fix)"] }.sorted(like: written))
    }

    /// The keys that the reader knows of a mapping in a rule file, as it tells where a key is unknown.
    private func knownKeys(_ text: String) throws -> [String] {
        let log = ProblemLog()
        _ = RuleFileReader.read(Array(text.utf8), file: "a.yaml", into: log)
        let message = try #require(log.problems.first { $0.message.contains("unknown key \"zz\"") }).message
        let list = try #require(message.split(separator: "(known keys: ").last).dropLast()
        return list.split(separator: ", ").map(String.init)
    }

    @Test(
        arguments: [
            ("key of a rule", "rules: [{zz: 1}]"), ("key of `applies_to`", "rules: [{applies_to: {zz: 1}}]"),
            ("key of `active`", "rules: [{active: {zz: 1}}]"), ("key of an instrument", "instruments: [{zz: 1}]"),
        ])
    func `each key has one row`(head: String, file: String) throws {
        #expect(try rows(of: head).flatMap { words($0[0]) }.sorted() == knownKeys(file).sorted())
    }

    @Test func `each key of an example is named`() throws {
        let parts = try rows(of: "part")
        #expect(
            (parts.map { words($0[0]).joined() } + ["name", "expect"]).sorted()
                == (try knownKeys("examples: [{zz: 1}]")).sorted())
        for (part, file) in [
            ("account", "examples: [{account: {zz: 1}}]"), ("account", "examples: [{account: {positions: [{zz: 1}]}}]"),
            ("account", "examples: [{account: {pending_orders: [{zz: 1}]}}]"),
            ("prices", "examples: [{prices: {B: {zz: 1}}}]"), ("order", "examples: [{order: {zz: 1}}]"),
        ] {
            let row = try #require(parts.first { words($0[0]) == [part] })
            #expect(Set(try knownKeys(file)).isSubset(of: words(row[1])), "\(file)")
        }
    }

    @Test func `the words of a key and its default are those of the code`() throws {
        let rows = try rows(of: "key of a rule")
        func cells(_ key: String) throws -> (words: Set<String>, standard: String) {
            let row = try #require(rows.first { words($0[0]) == [key] })
            return (Set(words(row[1])), words(row[2]).joined())
        }
        let log = ProblemLog()
        let document = try #require(
            RuleFileReader.read(Array("rules: [{id: a, metric: leverage, max: 1}]".utf8), file: "a", into: log))
        let rule = try #require(RuleCompiler.compile([document], version: "v").get().rules.first)
        #expect(try cells("severity") == (Set(Severity.allCases.map { "\($0)" }), "\(rule.severity)"))
        #expect(try cells("stop") == (Set(StopScope.allCases.map { "\($0)" }), "\(rule.stop)"))
        #expect(try cells("mode") == (Set(RuleMode.allCases.map { "\($0)" }), "\(rule.mode)"))
        #expect(try cells("per") == (Set(RuleKey.allCases.map { "\($0)" }), "\(rule.per)"))
        #expect(try cells("on_missing") == (["reject", "skip"], rule.skipsMissing ? "skip" : "reject"))
        let scope = try self.rows(of: "key of `applies_to`")
        #expect(scope.first { words($0[0]) == ["sides"] }.map { words($0[1]) } == Side.allCases.map(\.ruleName))
        #expect(scope.first { words($0[0]) == ["types"] }.map { words($0[1]) } == OrderType.allCases.map(\.ruleName))
    }

    @Test func `the examples of the page are good rule files`() throws {
        let snippets = try #require(Self.page).split(separator: "```yaml\n").dropFirst().compactMap {
            $0.split(separator: "```", maxSplits: 1).first.map(String.init)
        }
        #expect(snippets.count >= 3)
        let first = try #require(snippets.first)
        #expect(first.hasPrefix("rules:"))
        for snippet in snippets {
            let log = ProblemLog()
            // What shows instruments or examples only is about the rule that the page begins with.
            let texts = snippet.contains("rules:") ? [snippet] : [first, snippet]
            let documents = texts.enumerated().compactMap { place, text in
                RuleFileReader.read(Array(text.utf8), file: "\(place).yaml", into: log)
            }
            #expect(log.problems == [])
            let calendar = RuleCalendar.system(now: 0)
            let ruleSet = try RuleCompiler.compile(documents, version: "v", calendar: calendar).get()
            #expect(RuleExamples.run(documents, against: ruleSet, calendar: calendar) == [])
        }
    }

    @Test func `the order that the page explains can be read`() throws {
        let page = try #require(Self.page)
        let json = try #require(page.split(separator: "```json\n").dropFirst().first?.split(separator: "```").first)
        let log = ProblemLog()
        let reader = try #require(OrderFileReader(order: Array(json.utf8), file: "order.json", into: log))
        #expect(log.problems == [])
        #expect(throws: Never.self) { try OrderScene.read(reader.document, account: reader.account).get() }
    }
}

extension [[String]] {
    /// The same rows in the order of others, so that a difference is one of rows.
    fileprivate func sorted(like others: [[String]]) -> [[String]] {
        let places = Dictionary(others.enumerated().map { ($1[0], $0) }, uniquingKeysWith: { first, _ in first })
        return sorted { places[$0[0], default: .max] < places[$1[0], default: .max] }
    }
}
