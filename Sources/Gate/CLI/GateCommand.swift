import ArgumentParser
import Glibc

/// Where the program begins.
package enum GateProgram {
    /// Carries out the command line, and ends the process.
    package static func main() -> Never {
        // Before anything starts a thread: threads inherit the mask.
        SignalMask.block()
        Task.detached {
            await GateCommand.main()
            exit(0)
        }
        // Not dispatchMain: its thread takes every signal, also those that the state thread reads.
        while true { pause() }
    }
}

/// The command line.
struct GateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "gate",
        abstract: "Check every order before it reaches the exchange.",
        version: GateVersion.summary,
        subcommands: [
            RunCommand.self, CheckCommand.self, StopCommand.self, ResumeCommand.self, StatusCommand.self,
            JournalCommand.self, VersionCommand.self,
        ])
}
