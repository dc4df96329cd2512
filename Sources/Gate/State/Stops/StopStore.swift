import CLinux
import FoundationEssentials
package import Logging
import RiskRules

/// Keeps the latched stops in the state directory, and tells the order thread of each change. Lives on the state thread.
///
/// A stop is in force before it is written down, and acknowledged after; its end is written down before it is in force. A
/// file that cannot be read stops everything: which stops it held, nobody knows.
package final class StopStore {
    private let file: DurableFile
    private let outbox: StateOutbox
    private let metrics: GateMetrics
    private let log: Logger
    private var ledger = StopLedger()
    /// Whether the file could not be read at start and has not been replaced since.
    private var isDamaged = false
    /// Hears of each stop and each end of one, once it is in force.
    package var onRecord: (StopRecord, StopTrigger) -> Void = { _, _ in }
    /// Whether a stop is in force that is not written down.
    package private(set) var isUnwritten = false

    static let fileName = "stops.json"
    static let damagedName = "stops.json.damaged"
    private static let maximumBytes = 64 * 1024 * 1024

    /// Reads the stops of `directory` and tells the order thread of those in force. Throws where the directory cannot be used.
    package init(
        directory: String, outbox: StateOutbox, metrics: GateMetrics, log: Logger, wallNow: Int64
    ) throws(SystemError) {
        file = DurableFile(directory: directory, name: Self.fileName)
        self.outbox = outbox
        self.metrics = metrics
        self.log = log
        try file.syncDirectory()
        do throws(RefusedValue) {
            for record in try read() { ledger.apply(record) }
        } catch {
            isDamaged = true
            let reason =
                "\(directory)/\(Self.fileName) is damaged: \(error.reason). Which stops it held is not known: resume "
                + "global once it is clear that none must hold"
            ledger.apply(ledger.next(.global, active: true, reason: reason, by: "gate", wallNow: wallNow))
            log.critical("everything is stopped: \(reason)")
        }
        for record in ledger.all where record.active { tell(record) }
        countActive()
    }

    private func read() throws(RefusedValue) -> [StopRecord] {
        let content: [UInt8]?
        do throws(SystemError) {
            content = try file.read(limit: Self.maximumBytes)
        } catch {
            throw RefusedValue("\(error)")
        }
        guard let content else { return [] }
        return try StopDocument.records(in: content)
    }

    /// The latest record of every target, the newest first.
    package var records: [StopRecord] { ledger.all }

    /// Latches a stop: in force at once, written down when this returns. Where it cannot be written down it is in force all the same.
    package func stop(
        _ target: StopTarget, reason: String, by person: String, trigger: StopTrigger, wallNow: Int64
    ) throws(StopControlError) -> StopRecord {
        let record = ledger.next(target, active: true, reason: reason, by: person, wallNow: wallNow)
        ledger.apply(record)
        tell(record)
        // Writing may take a while: the order thread need not wait for it. What does not fit now goes at the turn's end.
        _ = outbox.flush()
        metrics.stops.add(trigger)
        countActive()
        log.warning("trading is stopped", metadata: Self.metadata(record))
        defer { onRecord(record, trigger) }
        do throws(SystemError) {
            try write(ledger)
        } catch {
            isUnwritten = true
            log.error("the stop of \(target) is in force but not written down: \(error)")
            throw .notStored("the stop of \(target) is in force, but a restart would forget it: \(error)")
        }
        return record
    }

    /// Ends a stop, by name and with a reason: written down, then in force.
    package func resume(
        _ target: StopTarget, reason: String, authorizedBy person: String, wallNow: Int64
    ) throws(StopControlError) -> StopRecord {
        guard let stopped = ledger[target], stopped.active else {
            throw .notActive("\(target) is not stopped; the stops in force are at GET /api/v1/stops")
        }
        let record = ledger.next(target, active: false, reason: reason, by: person, wallNow: wallNow)
        var lifted = ledger
        lifted.apply(record)
        do throws(SystemError) {
            try write(lifted)
        } catch {
            log.error("the stop of \(target) stays in force: its end could not be written down: \(error)")
            throw .notStored("the stop of \(target) stays in force: its end could not be written down: \(error)")
        }
        ledger = lifted
        tell(record)
        countActive()
        log.warning("trading is resumed", metadata: Self.metadata(record))
        onRecord(record, .person)
        return record
    }

    /// Tries again to write down what is in force.
    package func writeAgain() {
        guard isUnwritten, (try? write(ledger)) != nil else { return }
        log.notice("the stops in force are written down now")
    }

    private func write(_ ledger: StopLedger) throws(SystemError) {
        let content: [UInt8]
        do {
            content = try StopDocument(ledger.all).encoded()
        } catch {
            throw SystemError("encoding the stops", errno: EINVAL)
        }
        if isDamaged {
            do throws(SystemError) {
                try file.keep(as: Self.damagedName)
            } catch {
                log.error("the damaged \(Self.fileName) could not be kept aside: \(error)")
            }
        }
        try file.replace(with: content)
        isDamaged = false
        isUnwritten = false
    }

    private func tell(_ record: StopRecord) {
        var name = record.target.name
        let text = name.withUTF8 { NameText(UnsafeRawBufferPointer($0)) }
        outbox.publish(stop: record.target.scope, name: text, active: record.active)
    }

    private func countActive() {
        for scope in StopScope.allCases { metrics.activeStops.set(Int64(ledger.activeCount(of: scope)), scope) }
    }

    private static func metadata(_ record: StopRecord) -> Logger.Metadata {
        [
            "scope": "\(record.target)", "active": "\(record.active)", "epoch": "\(record.epoch)",
            "reason": "\(record.reason)", "by": "\(record.by)",
        ]
    }
}
