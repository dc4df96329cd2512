import ArgumentParser

/// `gate version`
struct VersionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "version", abstract: "Print the version, the commit and the linked libraries.")

    func run() {
        print(GateVersion.summary)
    }
}
