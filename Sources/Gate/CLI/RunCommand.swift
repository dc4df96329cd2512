import ArgumentParser
import Glibc
import Logging

/// `gate run`
struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "Run Gate in front of an order-execution endpoint.",
        discussion: """
            Prints a line per bound address. SIGHUP reads the rules again, SIGUSR1 stops all trading, SIGTERM and SIGINT \
            drain and end. Exit code 0: ended by a signal; 64: bad configuration; 69: a needed address or directory is not \
            available; 70: internal failure.
            """)

    @Option(help: ArgumentHelp("The configuration file.", valueName: "file"))
    var config: String

    func run() async throws {
        do {
            let inputs = try GateInputs.read(file: config, environment: Self.environment)
            let log = Logger(label: "gate") { JSONLogHandler(label: $0) }
            try await GateProcess(inputs: inputs, log: log).run { line in
                print(line)
                // Whoever waits for the address reads it through a pipe.
                fflush(nil)
            }
        } catch let error as GateStartError {
            for line in error.lines { Self.complain(line) }
            throw ExitCode(error.exitCode)
        } catch let error as AdminServer.BindError {
            Self.complain("\(error)")
            throw ExitCode(69)
        } catch {
            Self.complain("internal failure: \(error)")
            throw ExitCode(70)
        }
    }

    static func complain(_ line: String) {
        var text = line + "\n"
        text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }

    static var environment: [String: String] {
        var variables: [String: String] = [:]
        var entry = environ
        while let text = entry.pointee {
            let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
            entry += 1
        }
        return variables
    }
}
