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
            let stops = try await gate.get("/api/v1/stops", as: StopListMessage.self)
            let status = StatusMessage(
                ready: readiness.status == 200,
                reasons: readiness.text.split(separator: "\n").dropFirst().map(String.init), redisLive: stops.redisLive,
                stops: stops.stops)
            try admin.show(status, status.words)
        }
    }
}

/// What `gate status --format json` prints.
struct StatusMessage: Encodable {
    var ready: Bool
    var reasons: [String]
    var redisLive: Bool
    var stops: [StopMessage]

    enum CodingKeys: String, CodingKey {
        case ready, reasons, stops
        case redisLive = "redis_live"
    }

    var words: String {
        let redis =
            redisLive
            ? "redis: followed" : "redis: not followed; stops are not exchanged with other Gates"
        let active = stops.filter(\.active).flatMap { [Self.words($0)] + ($0.unwind.map { ["  \($0.words)"] } ?? []) }
        let unshared = stops.count { !$0.active && !$0.shared }
        var lines = [ready ? "ready" : "not ready"] + reasons.map { "  \($0)" } + [redis]
        lines += active.isEmpty ? ["no stop is active"] : active
        if unshared > 0 { lines.append("ends of stops that other Gates do not know of yet: \(unshared)") }
        return lines.joined(separator: "\n")
    }

    private static func words(_ stop: StopMessage) -> String {
        "stopped: \(stop.scope) since \(stop.at), by \(stop.by): \(stop.reason) (epoch \(stop.epoch)\(stop.shared ? ")" : "; other Gates do not know of it yet)")"
    }
}

extension StopMessage {
    /// What is said of a record that the other Gates are yet to learn of; empty otherwise.
    var sharingWords: String { shared ? "" : "\nin force here; not yet shared with other Gates (see gate status)" }
}
