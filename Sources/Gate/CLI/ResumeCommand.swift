import ArgumentParser

/// `gate resume`
struct ResumeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "resume",
        abstract: "Lift a stop.",
        discussion: """
            Needs the token of the Gate meant, in GATE_ADMIN_TOKEN, or its unix socket and a user in its admin_uids.
            """)

    @OptionGroup var admin: AdminOptions

    @Option(help: ArgumentHelp("Who allows it.", valueName: "person"))
    var authorizedBy: String

    @Option(help: "Why trading may go on.")
    var reason: String

    @Option(help: "global, account:NAME, strategy:NAME or symbol:NAME.")
    var scope = "global"

    func run() async throws {
        try await admin.connect { gate in
            let end = try await gate.post(
                "/api/v1/stops/resume", ResumeRequest(scope: scope, reason: reason, authorizedBy: authorizedBy),
                as: StopMessage.self)
            try admin.show(end, "resumed \(end.scope) at \(end.at), by \(end.by): \(end.reason)\(end.sharingWords)")
        }
    }
}
