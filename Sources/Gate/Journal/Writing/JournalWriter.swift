package import RiskRules
import Synchronization

/// Where a journal goes on: behind the last record of the run before.
package struct JournalPosition: Hashable, Sendable, BitwiseCopyable {
    /// Of the last record; 0 where there is none.
    package var sequence: UInt64
    package var checksum: UInt32
    package static let beginning = JournalPosition(sequence: 0, checksum: 0)
}

/// Writes the journal. Belongs to the order thread.
///
/// A record is written with plain stores into memory that stands ready, and is there for every reader, and for the next run, as
/// soon as its call returns true: call it before what it records takes effect. Where no segment is ready (a full disk, or one that
/// is too slow), it returns false and counts; the first record of the next segment then says how much is missing. No call
/// allocates, waits or makes a system call, but for one wake-up of the keeper a segment.
///
/// `at` is unix nanoseconds everywhere.
package final class JournalWriter {
    private struct State: BitwiseCopyable {
        /// Of the segment in hand; nil before the first.
        var base: UnsafeMutableRawPointer?
        var offset = 0
        /// How far records may go: an `end` must still fit behind.
        var limit = 0
        /// Of records in a segment.
        var capacity = 0
        var segment: UInt32 = 0
        var position: JournalPosition
        var gap = GapRecord()
        var ruleSet: UInt32 = 0
    }

    private enum Missed { case decision, cancel, other }

    private let handover: JournalHandover
    let engine: RiskEngine
    private let metrics: JournalMetrics
    private let state: UnsafeMutablePointer<State>
    let names: JournalNamesWritten
    var published: PublishedRules?

    /// Room that a decision takes at most, with the names that it may have to say first.
    private let decisionRoom: Int
    /// The same of every other record but a snapshot.
    private static let room = JournalFormat.recordSize(256 + 4 * JournalFormat.longestText) + 5 * NameRecord.largestSize

    /// - Parameters:
    ///   - position: where the journal goes on.
    ///   - engine: whose names the records use.
    package init(
        handover: JournalHandover, position: JournalPosition, engine: RiskEngine, metrics: JournalMetrics
    ) {
        self.handover = handover
        self.engine = engine
        self.metrics = metrics
        names = JournalNamesWritten(engine.limits)
        state = .allocate(capacity: 1)
        state.initialize(to: State(position: position))
        let violation = JournalViolation.size + 2 * NameRecord.largestSize
        decisionRoom = Self.room + engine.limits.maxViolations * violation
    }

    deinit { state.deallocate() }

    /// Whether a decision can be recorded now: to be asked before it is settled what becomes of an order.
    package func isReady(at: Int64) -> Bool { makeRoom(decisionRoom, at: at) }

    // MARK: Runs and rules

    /// A run begins: the first record of each.
    package func start(instance: String, version: String, process: Int32, at: Int64) -> Bool {
        var instance = instance
        var version = version
        return instance.withUTF8 { instance in
            version.withUTF8 { version in
                var record = StartRecord(
                    process: process, instance: RecordText(UnsafeRawBufferPointer(instance)),
                    version: RecordText(UnsafeRawBufferPointer(version)))
                return append(&record, at: at)
            }
        }
    }

    /// This set decides from here on.
    package func rules(_ published: PublishedRules, at: Int64) -> Bool {
        self.published = published
        state.pointee.ruleSet &+= 1
        names.forgetRules(count: published.ruleSet.rules.count)
        // Where there is no room, the next segment begins with it.
        guard makeRoom(Self.room, at: at) else { return false }
        writeRules(at: at)
        return true
    }

    /// The run ends, with nothing under way: the last record of each that ends well.
    package func close(at: Int64) -> Bool {
        guard makeRoom(Self.room, at: at) else { return miss(.other, at: at) }
        write(.close, at: at)
        return true
    }

    // MARK: Orders

    /// An order was decided; to be written before it is forwarded.
    /// - Parameter record: its client order id is cut, and what the writer fills in is filled in.
    package func decision(
        _ record: inout JournalDecision, violations: UnsafeBufferPointer<Violation>, at: Int64
    ) -> Bool {
        guard makeRoom(decisionRoom, at: at) else { return miss(.decision, at: at) }
        record.clientOrderID = record.clientOrderID.prefix(NameText.capacity)
        record.ruleSet = state.pointee.ruleSet
        record.violations = UInt16(truncatingIfNeeded: min(violations.count, engine.limits.maxViolations))
        name(.account, record.order.account, at: at)
        name(.strategy, record.order.strategy, at: at)
        name(.symbol, record.order.symbol, at: at)
        name(.timeInForce, record.order.timeInForce, at: at)
        name(record.reason, at: at)
        var index = 0
        while index < Int(record.violations) {
            name(JournalReason(violations[index].reason), at: at)
            name(rule: violations[index].rule, at: at)
            index += 1
        }
        var kind = BriefDecision.kind
        var encoder = begin()
        record.layBriefly(&encoder)
        if encoder.isCut {
            kind = JournalDecision.kind
            encoder = begin()
            record.lay(&encoder)
        }
        index = 0
        while index < Int(record.violations) {
            var violation = JournalViolation(violations[index])
            violation.lay(&encoder)
            index += 1
        }
        encoder.content(of: &record.clientOrderID)
        finish(encoder, kind, at: at)
        return true
    }

    /// A cancel was seen; it is forwarded whether it can be recorded or not.
    package func cancel(_ cancel: JournalCancel, at: Int64) -> Bool {
        guard makeRoom(Self.room, at: at) else { return miss(.cancel, at: at) }
        var record = cancel
        record.clientOrderID = record.clientOrderID.prefix(NameText.capacity)
        record.orderID = record.orderID.prefix(NameText.capacity)
        name(.account, record.account, at: at)
        name(.strategy, record.strategy, at: at)
        name(.symbol, record.symbol, at: at)
        name(record.reason, at: at)
        write(&record, at: at)
        return true
    }

    /// What became of an order.
    package func outcome(_ outcome: JournalOutcome, at: Int64) -> Bool {
        var record = outcome
        record.orderID = record.orderID.prefix(NameText.capacity)
        return append(&record, at: at)
    }

    /// What changed in the ledger; to be given to `RiskEngine.drainLedgerChanges` after every call that may change it. What is not
    /// taken the ledger tells again later: it is never missing, and does not count as unrecorded.
    package func ledger(_ change: LedgerChange, at: Int64) -> Bool {
        guard makeRoom(Self.room, at: at) else { return false }
        switch change {
        case .image(let image):
            name(.account, image.account, at: at)
            name(.symbol, image.symbol, at: at)
            name(.strategy, image.terms.strategy, at: at)
            name(.timeInForce, image.terms.timeInForce, at: at)
            var record = ReservationRecord(image: image)
            write(&record, at: at)
        case .brief(let brief):
            name(.account, brief.account, at: at)
            name(.symbol, brief.symbol, at: at)
            name(.strategy, brief.strategy, at: at)
            name(.timeInForce, brief.timeInForce, at: at)
            var record = BriefReservationRecord(brief)
            write(&record, at: at)
        case .change(let change):
            name(.account, change.account, at: at)
            var record = ChangeRecord(change)
            write(&record, at: at)
        case .gone(let number, let forgetsID, let forgetsNotional):
            var record = GoneRecord(number: number, forgetsID: forgetsID, forgetsNotional: forgetsNotional)
            write(&record, at: at)
        }
        return true
    }

    /// A person settled an order.
    package func settle(_ settle: JournalSettle, at: Int64) -> Bool {
        guard makeRoom(Self.room, at: at) else { return miss(.other, at: at) }
        var record = settle
        record.clientOrderID = record.clientOrderID.prefix(NameText.capacity)
        name(.account, record.account, at: at)
        write(&record, at: at)
        return true
    }

    /// An account's snapshot came into force. It takes as long as the snapshot is large: for those that settled something, and
    /// otherwise now and then, so that a restart knows the positions that what is gone from the ledger went into.
    /// One that is too large for a segment is not recorded, and counted.
    package func snapshot(_ snapshot: AccountSnapshot, of account: NameID, at: Int64) -> Bool {
        let values = snapshot.values
        let room = SnapshotRecord.room(for: values) + NameRecord.largestSize
        guard room <= state.pointee.capacity else {
            count(.other, at: at)
            if makeRoom(Self.room, at: at), !state.pointee.gap.isEmpty { writeGap(at: at) }
            return false
        }
        guard makeRoom(room, at: at) else { return miss(.other, at: at) }
        name(.account, account, at: at)
        var record = SnapshotRecord(values, of: account)
        var encoder = begin()
        record.lay(&encoder)
        encoder.lists(of: values)
        finish(encoder, .snapshot, at: at)
        return true
    }

    // MARK: Control

    /// A stop was latched or lifted.
    package func stop(_ stop: JournalStop, at: Int64) -> Bool {
        var record = stop
        record.name = record.name.prefix(NameText.capacity)
        return append(&record, at: at)
    }

    /// Something that people should be able to read later.
    package func note(_ note: JournalNote, at: Int64) -> Bool {
        guard makeRoom(Self.room, at: at) else { return miss(.other, at: at) }
        var record = note
        name(.account, record.account, at: at)
        write(&record, at: at)
        return true
    }

    // MARK: Records

    /// Writes a record that names nothing.
    func append<Record: JournalRecord>(_ record: inout Record, at: Int64) -> Bool {
        guard makeRoom(Self.room, at: at) else { return miss(.other, at: at) }
        write(&record, at: at)
        return true
    }

    /// Writes a record for which there is room.
    func write<Record: JournalRecord>(_ record: inout Record, at: Int64) {
        var encoder = begin()
        record.lay(&encoder)
        finish(encoder, Record.kind, at: at)
    }

    /// Writes a record that has no fields, for which there is room.
    private func write(_ kind: JournalKind, at: Int64) { finish(begin(), kind, at: at) }

    /// Where the fields of the next record go; there is room for it.
    private func begin() -> RecordEncoder {
        guard let base = state.pointee.base else { preconditionFailure("there is no room in no segment") }
        return RecordEncoder(base + state.pointee.offset + JournalFormat.recordHeaderSize)
    }

    /// Makes the record visible whose fields were written.
    private func finish(_ encoder: RecordEncoder, _ kind: JournalKind, at: Int64) {
        guard let start = state.pointee.base.map({ $0 + state.pointee.offset }) else { return }
        let size = JournalFormat.recordSize(encoder.cursor - start - JournalFormat.recordHeaderSize)
        state.pointee.position.sequence &+= 1
        let header = RecordHeader(size: size, kind: kind, sequence: state.pointee.position.sequence, at: at)
        state.pointee.position.checksum = header.seal(at: start, after: state.pointee.position.checksum)
        state.pointee.offset += size
        metrics.bytes.add(UInt64(size))
        start.assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .store(header.word.littleEndian, ordering: .releasing)
    }

    // MARK: Segments

    /// Whether there is room for `size` bytes of records, in the next segment if need be.
    func makeRoom(_ size: Int, at: Int64) -> Bool {
        state.pointee.offset &+ size <= state.pointee.limit || rotate(size, at: at)
    }

    private func rotate(_ size: Int, at: Int64) -> Bool {
        guard let next = handover.take() else { return false }
        if state.pointee.base != nil { write(.end, at: at) }
        next._withUnsafeGuaranteedRef { segment in
            state.pointee.base = segment.base
            state.pointee.offset = JournalFormat.segmentHeaderSize
            state.pointee.limit = segment.capacity - JournalFormat.recordHeaderSize
            state.pointee.capacity = state.pointee.limit - JournalFormat.segmentHeaderSize - Self.room
            state.pointee.segment &+= 1
            SegmentHeader(
                number: segment.number, previousSequence: state.pointee.position.sequence,
                previousChecksum: state.pointee.position.checksum, startedAt: at
            ).write(to: segment.base)
        }
        names.forgetAll()
        if published != nil { writeRules(at: at) }
        if !state.pointee.gap.isEmpty { writeGap(at: at) }
        return state.pointee.offset &+ size <= state.pointee.limit
    }

    private func writeGap(at: Int64) {
        var gap = state.pointee.gap
        write(&gap, at: at)
        state.pointee.gap = GapRecord()
    }

    private func writeRules(at: Int64) {
        guard let published else { return }
        var record = RulesRecord(
            index: state.pointee.ruleSet, count: UInt32(truncatingIfNeeded: published.ruleSet.rules.count),
            version: RecordText(published.version))
        write(&record, at: at)
    }

    /// Counts what cannot be recorded; false. Nothing else is until a gap has been said.
    private func miss(_ what: Missed, at: Int64) -> Bool {
        count(what, at: at)
        state.pointee.limit = 0
        return false
    }

    private func count(_ what: Missed, at: Int64) {
        if state.pointee.gap.isEmpty { state.pointee.gap.since = at }
        switch what {
        case .decision: state.pointee.gap.decisions &+= 1
        case .cancel: state.pointee.gap.cancels &+= 1
        case .other: state.pointee.gap.others &+= 1
        }
        metrics.unrecorded.add()
    }
}
