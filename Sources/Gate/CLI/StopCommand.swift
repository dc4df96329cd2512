import ArgumentParser
import Foundation

/// `gate stop`
struct StopCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "stop",
        abstract: "Refuse risk-raising orders until somebody resumes.",
        discussion: "Cancels and orders that reduce a position still pass.")

    @OptionGroup var admin: AdminOptions

    @Option(help: "Why, for those who find trading stopped.")
    var reason: String

    @Option(help: "global, account:NAME, strategy:NAME or symbol:NAME.")
    var scope = "global"

    @Option(help: ArgumentHelp("Who stops. Default: the login name.", valueName: "person"))
    var by: String?

    func run() async throws {
        let person = by ?? ProcessInfo.processInfo.userName
        try await admin.connect { gate in
            let stop = try await gate.post(
                "/api/v1/stops", StopRequest(scope: scope, reason: reason, by: person), as: StopMessage.self)
            try admin.show(
                stop, "stopped \(stop.scope) at \(stop.at), by \(stop.by): \(stop.reason)\(stop.sharingWords)")
        }
    }
}
