import CLinux
import FoundationEssentials
package import Logging
import RiskRules

/// Keeps the latched stops in the state directory, and tells the order thread of each change. Lives on the state thread.
///
/// A stop is in force before it is written down, and acknowledged after; its end is written down before it is in force. A
/// file that cannot be read stops everything: which stops it held, nobody knows.
package final class StopStore {
    /// Runs a task that may wait for the disk, on any thread, and then has `written` called on this one's.
    package typealias Disk = (_ task: @escaping @Sendable () -> Result<Void, SystemError>) -> Void
    /// Hears of a stop or its end, once it is written down or could not be.
    package typealias Acknowledge = (Result<StopRecord, StopControlError>) -> Void

    /// The end of a stop that is not written down yet, and therefore not in force.
    private struct Lift {
        var record: StopRecord
        /// Who asked for it here; nobody where another Gate lifted the stop.
        var acknowledge: Acknowledge?
        var trigger: StopTrigger
    }

    private let file: DurableFile
    private let disk: Disk
    private let outbox: StateOutbox
    private let metrics: GateMetrics
    private let log: Logger
    /// What is in force.
    private var ledger = StopLedger()
    private var lifts: [StopTarget: Lift] = [:]
    /// Stops that are not written down yet, and who waits for that.
    private var waiting: [(record: StopRecord, acknowledge: Acknowledge)] = []
    /// What the write under way holds.
    private var writing: (stops: [(record: StopRecord, acknowledge: Acknowledge)], lifts: [StopRecord])?
    /// Whether something changed since the last write began.
    private var isDirty = false
    /// Whether the file could not be read at start and has not been replaced since.
    private var isDamaged = false
    /// Whether something that is in force, or should be, could not be written down.
    package private(set) var isUnwritten = false
    /// Hears of each record that takes force, and of what set it off; on this thread. An end has the trigger of whoever resumed.
    package var onRecord: ((StopRecord, StopTrigger) -> Void)?
    /// Hears of each record that was made here, once it is in force.
    var onOwnRecord: ((StopTarget) -> Void)?

    static let fileName = "stops.json"
    static let damagedName = "stops.json.damaged"
    private static let maximumBytes = 64 * 1024 * 1024

    /// Reads the stops of `directory` and tells the order thread of those in force. Throws where the directory cannot be used.
    package init(
        directory: String, outbox: StateOutbox, metrics: GateMetrics, log: Logger, wallNow: Int64, disk: @escaping Disk
    ) throws(SystemError) {
        file = DurableFile(directory: directory, name: Self.fileName)
        self.disk = disk
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

    /// The record in force of every target that was ever stopped, the newest first.
    package var records: [StopRecord] { ledger.all }

    /// The record in force of a target.
    func inForce(_ target: StopTarget) -> StopRecord? { ledger[target] }

    /// The newest record of a target that is known: the one in force, or an end that is yet to be written down.
    func latest(_ target: StopTarget) -> StopRecord? {
        guard let lift = lifts[target]?.record else { return ledger[target] }
        guard let stop = ledger[target], stop.supersedes(lift) else { return lift }
        return stop
    }

    /// What is in force once everything is written down.
    private var wanted: StopLedger {
        var wanted = ledger
        for lift in lifts.values { wanted.apply(lift.record) }
        return wanted
    }

    // MARK: Stops

    /// Latches a stop: in force when this returns, acknowledged when it is written down. Where it cannot be written down it is in
    /// force all the same.
    package func stop(
        _ target: StopTarget, reason: String, by person: String, trigger: StopTrigger, wallNow: Int64,
        then acknowledge: @escaping Acknowledge = { _ in }
    ) {
        let record = wanted.next(target, active: true, reason: reason, by: person, wallNow: wallNow)
        enforce(record, trigger)
        waiting.append((record, acknowledge))
        onOwnRecord?(target)
        save()
    }

    /// Ends a stop, by name and with a reason: written down, then in force and acknowledged.
    package func resume(
        _ target: StopTarget, reason: String, authorizedBy person: String, wallNow: Int64,
        then acknowledge: @escaping Acknowledge = { _ in }
    ) {
        guard latest(target)?.active == true else {
            let detail = "\(target) is not stopped; the stops in force are at GET /api/v1/stops"
            return acknowledge(.failure(.notActive(detail)))
        }
        let record = wanted.next(target, active: false, reason: reason, by: person, wallNow: wallNow)
        lifts[target] = Lift(record: record, acknowledge: acknowledge, trigger: .person)
        save()
    }

    /// Takes over what another Gate latched or lifted, where it supersedes what is known here: a stop is in force when this
    /// returns, an end once it is written down.
    func take(_ record: StopRecord) {
        if let latest = latest(record.target), !record.supersedes(latest) { return }
        if record.active || ledger[record.target]?.active != true {
            enforce(record, .peer)
        } else {
            lifts[record.target]?.acknowledge?(.failure(Self.overtaken(record.target)))
            lifts[record.target] = Lift(record: record, trigger: .peer)
        }
        save()
    }

    private func enforce(_ record: StopRecord, _ trigger: StopTrigger) {
        let wasActive = ledger[record.target]?.active ?? false
        ledger.apply(record)
        if record.active || wasActive { tell(record) }
        // What does not fit now goes at the turn's end.
        _ = outbox.flush()
        if record.active { metrics.stops.add(trigger) }
        countActive()
        log.log(
            level: record.active || wasActive ? .warning : .info,
            record.active ? "trading is stopped" : "trading is resumed", metadata: Self.metadata(record, trigger))
        onRecord?(record, trigger)
    }

    private static func overtaken(_ target: StopTarget) -> StopControlError {
        .notActive("another stop or resume of \(target) came at the same time and counts; see GET /api/v1/stops")
    }

    // MARK: The file

    /// Whether a write is under way: `written` is yet to be called.
    var isWriting: Bool { writing != nil }

    /// Tries again to write down what could not be.
    package func writeAgain() {
        if isUnwritten { save() }
    }

    private func save() {
        isDirty = true
        guard writing == nil else { return }
        isDirty = false
        writing = (waiting, lifts.values.map(\.record))
        waiting = []
        disk { [file, log, isDamaged, records = wanted.all] in
            Result { () throws(SystemError) in try Self.write(records, to: file, isDamaged: isDamaged, log) }
        }
    }

    private static func write(
        _ records: [StopRecord], to file: DurableFile, isDamaged: Bool, _ log: Logger
    ) throws(SystemError) {
        let content: [UInt8]
        do {
            content = try StopDocument(records).encoded()
        } catch {
            throw SystemError("encoding the stops", errno: EINVAL)
        }
        if isDamaged {
            do throws(SystemError) {
                try file.keep(as: damagedName)
            } catch {
                log.error("the damaged \(fileName) could not be kept aside: \(error)")
            }
        }
        try file.replace(with: content)
    }

    /// The write that was handed to the disk ended.
    package func written(_ result: Result<Void, SystemError>) {
        guard let batch = writing else { return }
        writing = nil
        switch result {
        case .success:
            isDamaged = false
            if isUnwritten { log.notice("the stops in force are written down now") }
            isUnwritten = false
            for stop in batch.stops { stop.acknowledge(.success(stop.record)) }
            for record in batch.lifts { lift(record) }
        case .failure(let error):
            isUnwritten = true
            log.error("stops in force, or ends of stops that are not, could not be written down: \(error)")
            for stop in batch.stops {
                let detail = "the stop of \(stop.record.target) is in force, but a restart would forget it: \(error)"
                stop.acknowledge(.failure(.notStored(detail)))
            }
            for record in batch.lifts { keepStopped(record, error) }
        }
        if isDirty { save() }
    }

    /// The end of a stop is written down.
    private func lift(_ record: StopRecord) {
        guard let lift = lifts[record.target], lift.record == record else { return }
        lifts[record.target] = nil
        if let stop = ledger[record.target], !record.supersedes(stop) {
            lift.acknowledge?(.failure(Self.overtaken(record.target)))
            return
        }
        enforce(record, lift.trigger)
        if lift.trigger != .peer { onOwnRecord?(record.target) }
        lift.acknowledge?(.success(record))
    }

    /// The end of a stop could not be written down. One that a person asked for here is forgotten; another Gate's is tried again.
    private func keepStopped(_ record: StopRecord, _ error: SystemError) {
        guard let lift = lifts[record.target], lift.record == record, let acknowledge = lift.acknowledge else { return }
        lifts[record.target] = nil
        let detail = "the stop of \(record.target) stays in force: its end could not be written down: \(error)"
        acknowledge(.failure(.notStored(detail)))
    }

    // MARK: Telling

    private func tell(_ record: StopRecord) {
        var name = record.target.name
        let text = name.withUTF8 { NameText(UnsafeRawBufferPointer($0)) }
        outbox.publish(stop: record.target.scope, name: text, active: record.active)
    }

    private func countActive() {
        for scope in StopScope.allCases { metrics.activeStops.set(Int64(ledger.activeCount(of: scope)), scope) }
    }

    private static func metadata(_ record: StopRecord, _ trigger: StopTrigger) -> Logger.Metadata {
        [
            "scope": "\(record.target)", "active": "\(record.active)", "epoch": "\(record.epoch)",
            "reason": "\(record.reason)", "by": "\(record.by)", "trigger": "\(trigger.text)",
        ]
    }
}
