import Gate
import RiskRules
import Testing

@Suite struct StrictReaderTests {
    private let log = ProblemLog()

    private func mapping(_ text: String) throws -> StrictMapping {
        StrictMapping(try #require(StrictReader.read(Array(text.utf8), file: "f", into: log)), path: "", log: log)
    }

    @Test("scalars keep the text and the place that they were written with")
    func scalarsKeepTheirTextAndPlace() throws {
        var map = try mapping("a: 0.30000000000000000004\nb: 007\n  # comment\nc: 'NO'\nd: 1_000\n")
        let texts = [map.text("a"), map.text("b"), map.text("c")].map { $0?.value }
        let last = map.text("d")
        map.finish()
        #expect(texts == ["0.30000000000000000004", "007", "NO"])
        #expect(last?.location == SourceLocation(file: "f", line: 5, column: 4))
        #expect(log.problems.isEmpty)
    }

    @Test("columns count characters, not bytes")
    func columnsCountCharacters() throws {
        var map = try mapping("{ä€😀: x, b: y}")
        let (first, second) = (map.text("ä€😀"), map.text("b"))
        #expect(first?.value == "x")
        #expect(second?.location.column == 13)
    }

    @Test("a byte order mark and Windows line ends are read past")
    func byteOrderMarkAndCarriageReturnsAreReadPast() throws {
        var map = try mapping("\u{FEFF}a: 1\r\nb: 2\r\n")
        let (first, second) = (map.text("a"), map.text("b"))
        #expect(first?.value == "1")
        #expect(second?.location.line == 2)
        #expect(log.problems.isEmpty)
    }

    @Test("null in quotes is a text, null without is no value", arguments: ["null", "~", "Null", "NULL", ""])
    func nullOutOfQuotesIsNoValue(_ text: String) throws {
        var map = try mapping("a: '\(text)'\nb: \(text)\n")
        let quoted = map.text("a", allowsEmpty: true)
        #expect(quoted?.value == text)
        #expect(log.problems.isEmpty)
        let missing = map.text("b", allowsEmpty: true)
        #expect(missing?.value == nil)
        #expect(log.problems.map(\.location.line) == [2])
    }

    @Test("a file of the largest size is read, one byte more is refused")
    func sizeIsBounded() throws {
        let head = Array("a: 1\n#".utf8)
        let largest = head + [UInt8](repeating: UInt8(ascii: "x"), count: StrictReader.maximumBytes - head.count)
        #expect(StrictReader.read(largest, file: "f", into: log) != nil)
        #expect(log.isEmpty)
        #expect(StrictReader.read(largest + [UInt8(ascii: "x")], file: "f", into: log) == nil)
        #expect(log.problems.count == 1)
    }

    @Test("the deepest nesting is read, one level more is refused")
    func depthIsBounded() throws {
        func nested(_ depth: Int) -> [UInt8] {
            Array((String(repeating: "[", count: depth) + String(repeating: "]", count: depth)).utf8)
        }
        #expect(StrictReader.read(nested(StrictReader.maximumDepth), file: "f", into: log) != nil)
        #expect(log.isEmpty)
        #expect(StrictReader.read(nested(StrictReader.maximumDepth + 1), file: "f", into: log) == nil)
        #expect(StrictReader.read(nested(100_000), file: "f", into: log) == nil)
        #expect(log.problems.count == 2)
    }

    @Test("more problems than are kept are counted in the last line")
    func problemsAreBounded() throws {
        let text = (0..<ProblemLog.capacity + 5).map { "key\($0): 1\n" }.joined()
        try mapping(text).finish()
        #expect(log.problems.count == ProblemLog.capacity + 1)
        #expect(log.problems.last?.message == "5 more problems are not listed")
    }

    @Test("a problem is one line whatever the file holds")
    func problemsAreOneLine() throws {
        try mapping("\"a\\nb\\tc\": 1\n\"\(String(repeating: "é", count: 500))\": 1\n").finish()
        #expect(log.problems.count == 2)
        for problem in log.problems {
            #expect(!problem.message.contains { $0.isNewline || $0 == "\t" })
            #expect(problem.message.count < 120)
        }
    }

    @Test(
        "durations are whole numbers with a unit",
        arguments: [
            ("0s", Duration.zero), ("250ms", .milliseconds(250)), ("1s", .seconds(1)), ("5m", .seconds(300)),
            ("1h", .seconds(3600)), ("10000h", .seconds(36_000_000)),
        ])
    func durationIsRead(_ text: String, _ duration: Duration) {
        #expect(Duration(written: text) == duration)
    }

    @Test(
        "nothing else is a duration",
        arguments: [
            "", "1", "s", "1.5s", "-1s", "+1s", "1 s", "1S", "1us", "1d", "1m30s", "10001h", "99999999999h",
            "123456789012ms",
            "1s ", "١s",
        ])
    func durationIsRefused(_ text: String) {
        #expect(Duration(written: text) == nil)
    }

    @Test("durations are written in the largest whole unit", arguments: ["0s", "1ms", "1500ms", "90s", "2m", "3h"])
    func durationIsWritten(_ text: String) {
        #expect(Duration(written: text)?.written == text)
    }

    @Test("only true and false are flags", arguments: ["yes", "no", "on", "True", "TRUE", "1", "'true'", "[]"])
    func flagIsRefused(_ text: String) throws {
        var map = try mapping("a: \(text)\nb: true\nc: false\n")
        let flags = [map.flag("b", default: false), map.flag("c", default: true)]
        #expect(flags == [true, false])
        #expect(log.isEmpty)
        let refused = map.flag("a", default: true)
        #expect(refused)
        #expect(log.problems.count == 1)
    }

    @Test("integers are digits only", arguments: ["1.0", "1e3", "0x10", "+1", "1_0", "", "one", "9223372036854775808"])
    func integerIsRefused(_ text: String) throws {
        var map = try mapping("a: '\(text)'\nb: '-5'\n")
        let allowed = map.integer("b", in: -5...5)
        #expect(allowed?.value == -5)
        #expect(log.isEmpty)
        let refused = map.integer("a", in: 0...Int.max)
        #expect(refused?.value == nil)
        #expect(log.problems.count == 1)
    }

    @Test("random bytes and mutated files yield a tree or problems, each with a place and on one line")
    func randomInputNeverFails() throws {
        var generator = SplitMix(seed: 20_260_101)
        var seeds: [[UInt8]] = []
        for folder in ["configuration", "rules"] {
            for name in try Fixtures.names(in: folder, ending: ".yaml") {
                seeds.append(try Fixtures.bytes("\(folder)/\(name)"))
            }
        }
        let alphabet = Array("&*!|>'\"%@`{}[],:?-#\n\t \\<~a0\u{FEFF}é".utf8) + [0, 0x80, 0xC0, 0xED, 0xFF]
        for round in 0..<4000 {
            var bytes = round % 10 == 0 ? [] : seeds.randomElement(using: &generator) ?? []
            for _ in 0..<Int.random(in: 1...12, using: &generator) {
                let place = Int.random(in: 0...bytes.count, using: &generator)
                let byte = alphabet.randomElement(using: &generator) ?? 0
                switch Int.random(in: 0..<5, using: &generator) {
                case 0: bytes.insert(byte, at: place)
                case 1 where place < bytes.count: bytes[place] = byte
                case 2 where place < bytes.count: bytes.remove(at: place)
                case 3: bytes.insert(contentsOf: bytes.prefix(place).suffix(20), at: place)
                default: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: place)
                }
            }
            judge(bytes)
        }
    }

    private func judge(_ bytes: [UInt8]) {
        let log = ProblemLog()
        _ = RuleFileReader.read(bytes, file: "f", into: log)
        var problems = log.problems
        let result = ConfigurationReader.read(file: "f", environment: [:], hostName: "h") { _ in bytes }
        if case .failure(let failure) = result {
            #expect(!failure.problems.isEmpty)
            problems += failure.problems
        }
        for problem in problems
        where problem.location.line < 1 || problem.location.column < 1 || problem.message.contains("\n") {
            Issue.record("\(problem) of \(bytes)")
        }
    }
}
