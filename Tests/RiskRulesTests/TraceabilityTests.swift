import Foundation
import RiskRules
import Testing

/// `Tests/Traceability.md` names a test for each metric, reason and hole of the reference, and for each way in which proxies go
/// wrong: none is left out, and each test is there under the name that it gives.
struct TraceabilityTests {
    /// A row `| name | File: test<br>File: test |`.
    private struct Row {
        var name: String
        var tests: [(file: String, name: String)]
    }

    /// The folder of all tests.
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent()

    private static func rows(under heading: String) throws -> [Row] {
        let text = try String(contentsOf: folder.appending(path: "Traceability.md"), encoding: .utf8)
        let sections = text.components(separatedBy: "\n## ")
        let section = try #require(sections.first { $0.hasPrefix("\(heading)\n") })
        return section.components(separatedBy: "\n").filter { $0.hasPrefix("| ") }.dropFirst().map { line in
            let cells = line.dropFirst(2).dropLast(2).components(separatedBy: " | ")
            let tests = (cells.last ?? "").components(separatedBy: "<br>").map { text in
                let parts = text.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
                return (file: parts.first ?? "", name: parts.count > 1 ? parts[1] : "")
            }
            return Row(name: cells[0].trimmingCharacters(in: CharacterSet(charactersIn: "`")), tests: tests)
        }
    }

    /// The names of the tests in each file of tests, by the file's name without its ending.
    private static func tests() throws -> [String: Set<String>] {
        var tests: [String: Set<String>] = [:]
        let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
        while let file = files?.nextObject() as? URL {
            guard ["swift", "py"].contains(file.pathExtension) else { continue }
            let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
            let names = lines.compactMap { line -> String? in
                let line = line.trimmingCharacters(in: .whitespaces)
                if file.pathExtension == "py" {
                    return line.hasPrefix("def test_") ? String(line.dropFirst(4).prefix { $0 != "(" }) : nil
                }
                if line.hasPrefix("@Test(\"") { return String(line.dropFirst(7).prefix { $0 != "\"" }) }
                guard line.hasPrefix("func `") || line.hasPrefix("@Test"), let start = line.range(of: "func `") else {
                    return nil
                }
                return String(line[start.upperBound...].prefix { $0 != "`" })
            }
            tests[file.deletingPathExtension().lastPathComponent, default: []].formUnion(names)
        }
        return tests
    }

    private func check(_ heading: String, _ expected: [String]) throws {
        let rows = try Self.rows(under: heading)
        #expect(rows.map(\.name).sorted() == expected.sorted())
        let tests = try Self.tests()
        for row in rows {
            for test in row.tests {
                let isThere = tests[test.file]?.contains(test.name) == true
                #expect(isThere, "\(row.name): there is no test \"\(test.name)\" in \(test.file)")
            }
        }
    }

    @Test func `every metric has a test`() throws { try check("Metrics", Metric.allCases.map(\.rawValue)) }

    @Test func `every reason has a test`() throws {
        try check("Reasons", Reason.allCases.map { "\($0.code)" })
    }

    @Test func `every hole has a test`() throws {
        try check("Holes", (1...12).map(String.init))
    }

    @Test func `every way in which proxies go wrong has a test`() throws {
        try check("Proxy", (1...12).map(String.init))
    }
}
