import ArgumentParser
import Glibc

/// What is printed of the journal, and how.
struct JournalOutput: ParsableArguments {
    @Option(help: "text, or json: an object a line.")
    var format: OutputFormat = .text

    @Option(help: ArgumentHelp("Only of this kind, as decision or stop; may be repeated.", valueName: "kind"))
    var kind: [String] = []

    @Option(help: ArgumentHelp("Only of this account.", valueName: "account"))
    var account: String?

    func validate() throws {
        for name in kind where Self.kind(of: name) == nil {
            let known = JournalKind.allCases.filter { $0.full == $0 }.map(\.text).joined(separator: ", ")
            throw ValidationError("There is no kind \(name). There are \(known).")
        }
    }

    private static func kind(of text: String) -> JournalKind? { JournalKind.allCases.first { $0.text == text } }

    var query: JournalQuery {
        var query = JournalQuery()
        query.kinds = Set(kind.compactMap(Self.kind))
        query.account = account
        return query
    }

    func write(_ line: JournalLine) {
        print(format == .json ? line.json : line.text)
    }
}

/// `gate journal print`
struct JournalPrintCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "print",
        abstract: "Print what the journal says, the oldest first.",
        discussion: """
            Decisions come with all that they were taken on; names and the like, which hold the journal together, only where --kind \
            asks for them. Exit code 0, 1: a segment cannot be read to its end, 2: the journal cannot be read.
            """)

    @OptionGroup var location: JournalLocation
    @OptionGroup var output: JournalOutput

    @Option(help: ArgumentHelp("From this instant on, as 2026-11-21T17:00:00Z.", valueName: "time"))
    var since: String?

    @Option(help: ArgumentHelp("Up to this instant.", valueName: "time"))
    var until: String?

    func validate() throws {
        for text in [since, until] {
            if let text, JournalTime.nanoseconds(text) == nil {
                throw ValidationError("\(text) is no instant; write it as 2026-11-21T17:00:00Z.")
            }
        }
    }

    func run() throws {
        let path = try location.path()
        var query = output.query
        if let since = since.flatMap(JournalTime.nanoseconds) { query.since = since }
        if let until = until.flatMap(JournalTime.nanoseconds) { query.until = until }
        let broken = try JournalCommand.reading { () throws(SystemError) in
            try query.forEachLine(in: JournalFiles(listing: path), output.write)
        }
        for line in broken { JournalCommand.complain(line) }
        if !broken.isEmpty { throw ExitCode(1) }
    }
}

/// `gate journal tail`
struct JournalTailCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tail",
        abstract: "Print what is added to the journal, as it is added.",
        discussion:
            "Ends when it is interrupted. Exit code 1: the journal cannot be followed any further, 2: it cannot be read."
    )

    private static let period: UInt32 = 100_000

    @OptionGroup var location: JournalLocation
    @OptionGroup var output: JournalOutput

    func run() throws {
        let path = try location.path()
        let query = output.query
        let tail = try JournalCommand.reading { () throws(SystemError) in try JournalTail(following: path) }
        while true {
            let problem = try JournalCommand.reading { () throws(SystemError) in
                try tail.poll { header, line in
                    if query.wants(header), query.wants(line) { output.write(line) }
                }
            }
            fflush(nil)
            if let problem {
                JournalCommand.complain(problem)
                throw ExitCode(1)
            }
            usleep(Self.period)
        }
    }
}
