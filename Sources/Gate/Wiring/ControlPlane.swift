package import Logging
import ServiceLifecycle
import UnixSignals

/// What of Gate runs in Swift concurrency: the admin server, and the end of the process.
///
/// SIGTERM and SIGINT begin the end: `drain` runs while the admin server still answers (not ready, but alive and
/// measured), then the server goes. The threads that carry orders block all signals, so these two reach a thread of
/// the control plane; SIGHUP and SIGUSR1 are blocked in every thread and read by the state thread.
package struct ControlPlane: Sendable {
    private let admin: AdminServer
    private let logger: Logger
    private let drain: @Sendable () async -> Void

    /// `drain` ends the order path and returns when nothing is left to wait for; it bounds its own time.
    package init(admin: AdminServer, logger: Logger, drain: @escaping @Sendable () async -> Void) {
        self.admin = admin
        self.logger = logger
        self.drain = drain
    }

    /// Runs until a signal has been obeyed. Throws what ended the admin server, after draining all the same.
    package func run() async throws {
        var groupLogger = logger
        groupLogger.logLevel = max(logger.logLevel, .notice)
        // Shut down from the last to the first.
        let services = [
            ServiceGroupConfiguration.ServiceConfiguration(
                service: admin, failureTerminationBehavior: .gracefullyShutdownGroup),
            ServiceGroupConfiguration.ServiceConfiguration(
                service: Draining(logger: logger, drain: drain),
                successTerminationBehavior: .gracefullyShutdownGroup),
        ]
        let group = ServiceGroup(
            configuration: ServiceGroupConfiguration(
                services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: groupLogger))
        try await group.run()
    }
}

/// Waits for the end and then drains.
private struct Draining: Service {
    let logger: Logger
    let drain: @Sendable () async -> Void

    func run() async throws {
        try await gracefulShutdown()
        logger.notice("draining")
        await drain()
    }
}
