import ArgumentParser

/// `gate status`
struct StatusCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "status", abstract: "Tell whether a Gate is ready and what is stopped.")

    @OptionGroup var admin: AdminOptions

    func run() async throws {
        try await admin.connect { gate in
            let readiness = try await gate.get("/readyz")
            guard readiness.status == 200 || readiness.status == 503 else { throw AdminRefusal(readiness) }
            let stops = try await gate.get("/api/v1/stops", as: StopListMessage.self).stops
            let status = StatusMessage(
                ready: readiness.status == 200,
                reasons: readiness.text.split(separator: "\n").dropFirst().map(String.init), stops: stops)
            try admin.show(status, status.words)
        }
    }
}

/// What `gate status --format json` prints.
struct StatusMessage: Encodable {
    var ready: Bool
    var reasons: [String]
    var stops: [StopMessage]

    var words: String {
        let active = stops.filter(\.active).flatMap { stop in
            ["stopped: \(stop.scope) since \(stop.at), by \(stop.by): \(stop.reason)"]
                + (stop.unwind.map { ["  \($0.words)"] } ?? [])
        }
        let lines = [ready ? "ready" : "not ready"] + reasons.map { "  \($0)" }
        return (lines + (active.isEmpty ? ["no stop is active"] : active)).joined(separator: "\n")
    }
}
