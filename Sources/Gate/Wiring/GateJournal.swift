import CLinux
import Glibc
import Logging
import RiskRules

/// The journal at the start of a run: what the runs before left is read back into the engine that will decide, and what is to be
/// written from here on has its place.
///
/// Handed from the thread that makes it to the threads that its parts belong to, one after the other: hence unchecked.
struct GateJournal: @unchecked Sendable {
    let directory: JournalDirectory
    let recovery: JournalRecovery
    let engine: RiskEngine
    let writer: JournalWriter
    let handover: JournalHandover
    let handle: LoopHandle<JournalKeeper>

    /// Reads the journal of `configuration.journalDirectory` and restores from it.
    /// - Parameter limits: of the engine; its seed is the journal's.
    init(
        _ configuration: GateConfiguration, limits: EngineLimits, ruleSet: RuleSet, waker: LoopWaker,
        metrics: GateMetrics, log: Logger
    ) throws(GateStartError) {
        do throws(SystemError) {
            directory = try JournalDirectory(configuration.journalDirectory)
            var limits = limits
            limits.hashSeed = directory.seed
            let began = gate_monotonic_ns()
            recovery = try JournalRecovery(directory: directory.path, limits: limits, ruleSet: ruleSet)
            engine = RiskEngine(limits: limits)
            engine.install(ruleSet)
            let now = gate_monotonic_ns()
            engine.wallOffset = gate_realtime_ns() - now
            engine.noteLedgerChanges()
            let restored = recovery.state.restore(into: engine, now: now, startedAtWall: now + engine.wallOffset)
            Self.report(
                recovery, restored, seedProblem: directory.seedProblem, took: gate_monotonic_ns() - began, log)
        } catch {
            throw .unavailable("state_dir: journal: \(error)")
        }
        handover = JournalHandover(waker: waker)
        handle = LoopHandle(waker: waker)
        writer = JournalWriter(
            handover: handover, position: recovery.state.position, engine: engine, metrics: metrics.journal)
    }

    private static func report(
        _ recovery: JournalRecovery, _ restored: JournalState.Restored, seedProblem: String?, took: Int64, _ log: Logger
    ) {
        for problem in recovery.problems + (seedProblem.map { [$0] } ?? []) { log.error("\(problem)") }
        for remark in recovery.remarks { log.notice("\(remark)") }
        if restored.leftOut > 0 {
            log.critical(
                "\(restored.leftOut) reservations of the run before do not fit the tables and are not counted until snapshots show them"
            )
        }
        log.notice(
            "the journal is read",
            metadata: [
                "reservations": "\(restored.reservations)", "accounts": "\(restored.accounts)",
                "records": "\(recovery.recordsRead)", "milliseconds": "\(took / 1_000_000)",
            ])
    }
}
