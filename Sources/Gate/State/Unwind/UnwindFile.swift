import Logging

/// Keeps in the state directory which stops are being unwound.
final class UnwindFile {
    private let file: DurableFile
    private let path: String
    private let log: Logger
    private var written: [UInt8]?
    private var lastTry = Int64.min

    static let fileName = "unwind.json"
    private static let maximumBytes = 64 * 1024 * 1024
    private static let pause: Int64 = 1_000_000_000

    init(directory: String, log: Logger) {
        file = DurableFile(directory: directory, name: Self.fileName)
        path = "\(directory)/\(Self.fileName)"
        self.log = log
    }

    /// What an earlier run has left; nothing, and a line in the log, where it cannot be read.
    func read() -> [StopTarget: (epoch: Int64, progress: UnwindProgress)] {
        do throws(RefusedValue) {
            let content: [UInt8]?
            do throws(SystemError) {
                content = try file.read(limit: Self.maximumBytes)
            } catch {
                throw RefusedValue("\(error)")
            }
            written = content
            return try content.map { content throws(RefusedValue) in try UnwindDocument.read(content) } ?? [:]
        } catch {
            log.error(
                "\(path) cannot be used: \(error.reason). No unwinding goes on that an earlier run began: stop again to begin anew"
            )
            return [:]
        }
    }

    /// Writes what has changed; counts that grow are written once a second.
    func write(_ plan: UnwindPlan, now: Int64, isUrgent: Bool) {
        guard isUrgent || now - Self.pause >= lastTry || plan.underWayStops.isEmpty else { return }
        guard let content = try? UnwindDocument(plan.stops).encoded(), content != written else { return }
        lastTry = now
        do throws(SystemError) {
            try file.replace(with: content)
            written = content
        } catch {
            log.error("\(path) could not be written, a restart would not go on unwinding: \(error)")
        }
    }
}
