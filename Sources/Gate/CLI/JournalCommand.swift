import ArgumentParser
import Glibc

/// `gate journal`
struct JournalCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "journal",
        abstract: "Verify and read the journal of decisions.",
        subcommands: [JournalVerifyCommand.self, JournalPrintCommand.self, JournalTailCommand.self])
}

/// Where the journal is.
struct JournalLocation: ParsableArguments {
    @Argument(help: ArgumentHelp("The journal's directory: journal in state_dir.", valueName: "directory"))
    var directory: String?

    @Option(help: ArgumentHelp("The configuration file that names state_dir.", valueName: "file"))
    var config: String?

    func validate() throws {
        if (directory == nil) == (config == nil) {
            throw ValidationError("Name the journal's directory, or the configuration with --config.")
        }
    }

    /// Its path. Says what is wrong with the configuration, and ends with 2.
    func path() throws -> String {
        if let directory { return directory }
        do {
            let file = config ?? ""
            return try GateInputs.configuration(file: file, environment: RunCommand.environment).journalDirectory
        } catch {
            for line in error.lines { JournalCommand.complain(line) }
            throw ExitCode(2)
        }
    }
}

extension JournalCommand {
    static func complain(_ line: String) { RunCommand.complain(line) }

    /// Runs what reads the journal; one that cannot be read ends with 2.
    static func reading<Result>(_ body: () throws(SystemError) -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            complain("\(error)")
            throw ExitCode(2)
        }
    }
}

/// `gate journal verify`
struct JournalVerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Check that nothing of the journal was changed, removed or put elsewhere.",
        discussion: """
            Prints a line per finding, file:offset: what, and what it found whole. What a crash has torn, or what is still being \
            written, is said and is no finding. The chain's last hash, kept elsewhere and given again with --expect, proves that \
            nothing was cut off the end either. Exit code 0: whole, 1: damaged, 2: cannot be read.
            """)

    @OptionGroup var location: JournalLocation

    @Option(help: ArgumentHelp("A hash that the chain must have come by.", valueName: "hash"))
    var expect: String?

    func run() throws {
        let path = try location.path()
        let verifier = try JournalCommand.reading { () throws(SystemError) in
            try JournalVerifier(checking: JournalFiles(listing: path))
        }
        for finding in verifier.findings { print(finding) }
        for remark in verifier.remarks { print("\(remark)") }
        var isWhole = verifier.findings.isEmpty
        if let expect, !verifier.hasCome(by: expect.lowercased()) {
            print("\(path): the chain did not come by \(expect)")
            isWhole = false
        }
        let records = "\(verifier.records) records (\(verifier.firstSequence) to \(verifier.lastSequence))"
        print(
            "\(path): \(isWhole ? "whole" : "damaged"): \(verifier.segments) segments, \(records), \(verifier.bytes) bytes, hash \(verifier.hash)"
        )
        if !isWhole { throw ExitCode(1) }
    }
}
