package import RiskRules

/// What a restart needs of all that a journal says: names, the latest image of each reservation that is not gone, remembered
/// client order ids, rate windows, and the last snapshot of each account. It is kept up record by record; the order thread has no
/// part in it.
///
/// Names are numbers of its own engine, which judges nothing: it holds names and client order ids, and counts again what the
/// deciding engine counted, in unix nanoseconds.
package final class JournalState {
    /// The last snapshot of an account, and when it came into force.
    struct Snapshot {
        var values: AccountSnapshot.Values
        /// Unix nanoseconds.
        var at: Int64
    }

    private struct Progress: BitwiseCopyable {
        var position = JournalPosition.beginning
        var at: Int64 = 0
        var ignored = 0
    }

    /// Of live reservations.
    let images = ImageTable()
    private(set) var snapshots: [NameID: Snapshot] = [:]
    let engine: RiskEngine
    private let progress: UnsafeMutablePointer<Progress>

    /// By `NameKind`.
    private let names: UnsafeMutablePointer<NumberTable>
    private var reasons: [UInt8: Reason] = [:]
    /// In the order in which they were told of; the one in force first.
    private var ruleSets: [RuleSet] = []
    private static let reasonsByCode = Dictionary(
        Reason.allCases.map { ("\($0.code)", $0) }, uniquingKeysWith: { first, _ in first })

    /// - Parameter limits: of the engine that decides.
    package init(limits: EngineLimits) {
        var own = limits
        own.maxReservations = 1
        own.maxExposures = 1
        own.maxVolatilities = 1
        engine = RiskEngine(limits: own)
        progress = .allocate(capacity: 1)
        progress.initialize(to: Progress())
        names = .allocate(capacity: NameKind.allCases.count)
        names.initialize(repeating: NumberTable(), count: NameKind.allCases.count)
    }

    deinit {
        progress.deallocate()
        names.deinitialize(count: NameKind.allCases.count)
        names.deallocate()
    }

    /// The last record that was taken up.
    package internal(set) var position: JournalPosition {
        get { progress.pointee.position }
        set { progress.pointee.position = newValue }
    }

    /// Of the last record, unix nanoseconds.
    package var at: Int64 { progress.pointee.at }

    /// Records that could not be taken up: of a kind of a later version, or more than the tables hold.
    package var ignored: Int { progress.pointee.ignored }

    /// Live reservations.
    package var imageCount: Int { images.count }

    /// Calls `body` with the image of each live reservation, in no order.
    package func forEachImage(_ body: (ReservationImage) -> Void) { images.forEach(body) }

    /// A rule set that decides now or soon: what the windows of later records are counted by.
    package func know(_ ruleSet: RuleSet) {
        ruleSets.append(ruleSet)
        if engine.ruleSet == nil { engine.install(ruleSet) }
    }

    /// Takes up a record that follows on the last one; of one that was taken up before, only what its numbers mean.
    package func take(_ header: RecordHeader, _ body: UnsafeRawBufferPointer) {
        guard header.sequence > progress.pointee.position.sequence else {
            if header.kind == JournalKind.name.rawValue { _ = read(body, takeName) }
            return
        }
        progress.pointee.position = JournalPosition(sequence: header.sequence, checksum: header.checksum)
        progress.pointee.at = max(progress.pointee.at, header.at)
        guard let kind = JournalKind(rawValue: header.kind), header.version == JournalFormat.recordVersion,
            take(kind, body, at: header.at)
        else {
            progress.pointee.ignored += 1
            return
        }
    }

    /// False where the bytes are no such record, or it does not fit.
    private func take(_ kind: JournalKind, _ body: UnsafeRawBufferPointer, at: Int64) -> Bool {
        switch kind {
        case .start: forgetNumbers()
        case .name: return read(body, takeName)
        case .rules: return read(body, takeRules)
        case .decision: return read(body) { (record: JournalDecision) in takeDecision(record, at: at) }
        case .briefDecision: return read(body) { (record: BriefDecision) in takeDecision(record.decision, at: at) }
        case .cancel: return read(body) { (record: JournalCancel) in takeCancel(record, at: at) }
        case .reservation: return read(body) { (record: ReservationRecord) in takeReservation(record.image) }
        case .briefReservation:
            return read(body) { (record: BriefReservationRecord) in takeReservation(ReservationImage(record.brief)) }
        case .change: return read(body, takeChange)
        case .gone: return read(body, takeGone)
        case .snapshot: return takeSnapshot(body, at: at)
        case .identifiers: return takeIdentifiers(body)
        case .window: return takeWindow(body)
        case .outcome, .stop, .settle, .gap, .note, .end, .close, .checkpoint, .complete: break
        }
        return true
    }

    private func read<Record: JournalRecord>(
        _ body: UnsafeRawBufferPointer, _ take: (Record) -> Bool
    ) -> Bool {
        var decoder = RecordDecoder(body)
        var record = Record()
        record.lay(&decoder)
        return !decoder.isDamaged && take(record)
    }

    // MARK: Names and rules

    /// Another run has numbers of its own.
    func forgetNumbers() {
        names.update(repeating: NumberTable(), count: NameKind.allCases.count)
        reasons = [:]
    }

    private func takeName(_ record: NameRecord) -> Bool {
        guard let kind = record.of.engineKind else {
            if record.of == .reason {
                reasons[UInt8(truncatingIfNeeded: record.number)] = Self.reasonsByCode[record.text.string]
            }
            return true
        }
        guard let id = engine.restoreName(kind, record.text.bytes) else { return false }
        names[Int(kind.rawValue)].set(record.number, to: id)
        return true
    }

    /// The number here of a name in a record; nil where no `name` record said it.
    private func own(_ kind: NameKind, _ id: NameID) -> NameID? {
        id == .none ? NameID.none : names[Int(kind.rawValue)][id.index]
    }

    private func takeRules(_ record: RulesRecord) -> Bool {
        // Of an earlier run's sets nothing is left: what is at hand counts in their place.
        let version = record.version.string
        guard let place = ruleSets.lastIndex(where: { $0.version == version }) else { return true }
        if engine.ruleSet !== ruleSets[place] { engine.install(ruleSets[place]) }
        ruleSets.removeFirst(place)
        return true
    }

    // MARK: Counts

    private func takeDecision(_ record: JournalDecision, at: Int64) -> Bool {
        guard record.flags.isDisjoint(with: [.again, .undecided]) else { return true }
        var order = record.order
        guard let account = own(.account, order.account), let strategy = own(.strategy, order.strategy),
            let symbol = own(.symbol, order.symbol), let timeInForce = own(.timeInForce, order.timeInForce)
        else { return false }
        order.account = account
        order.strategy = strategy
        order.symbol = symbol
        order.timeInForce = timeInForce
        let reason = record.reason == .none ? nil : reasons[record.reason.number] ?? .internal
        let isLater = record.flags.contains(.refusedLater)
        engine.recount(order, at: at, rejected: isLater ? nil : reason)
        if isLater { engine.recountReject(order, at: at) }
        return true
    }

    private func takeCancel(_ record: JournalCancel, at: Int64) -> Bool {
        guard let account = own(.account, record.account), let strategy = own(.strategy, record.strategy),
            let symbol = own(.symbol, record.symbol)
        else { return false }
        if account != .none { engine.recountCancel(account: account, strategy: strategy, symbol: symbol, at: at) }
        return true
    }

    // MARK: The ledger

    private func takeReservation(_ image: ReservationImage) -> Bool {
        var image = image
        guard let account = own(.account, image.account), let symbol = own(.symbol, image.symbol),
            let strategy = own(.strategy, image.terms.strategy),
            let timeInForce = own(.timeInForce, image.terms.timeInForce)
        else { return false }
        image.account = account
        image.symbol = symbol
        image.terms.strategy = strategy
        image.terms.timeInForce = timeInForce
        let isNew = images.update(image)
        guard isNew, !isReadingCheckpoint else { return true }
        if image.remembersID { engine.restore(clientOrderID: image.clientOrderID, of: account) }
        engine.recountApproval(image)
        return true
    }

    private func takeChange(_ record: ChangeRecord) -> Bool {
        guard let image = images.find(record.change.number) else { return false }
        image.pointee.apply(record.change)
        return true
    }

    private func takeGone(_ record: GoneRecord) -> Bool {
        guard let image = images.find(record.number) else { return true }
        images.remove(record.number)
        if record.forgetsID { engine.forget(clientOrderID: image.pointee.clientOrderID, of: image.pointee.account) }
        if record.forgetsNotional { engine.forgetApproval(image.pointee) }
        return true
    }

    private func takeSnapshot(_ body: UnsafeRawBufferPointer, at: Int64) -> Bool {
        var decoder = RecordDecoder(body)
        guard let (account, values) = decoder.snapshot(), let id = own(.account, account) else { return false }
        snapshots[id] = Snapshot(values: values, at: at)
        return true
    }

    // MARK: Checkpoints

    /// While a checkpoint is read, its images were counted and their ids remembered before.
    var isReadingCheckpoint = false

    private func takeIdentifiers(_ body: UnsafeRawBufferPointer) -> Bool {
        var decoder = RecordDecoder(body)
        var record = IdentifiersRecord()
        record.lay(&decoder)
        guard let account = own(.account, record.account) else { return false }
        for _ in 0..<record.count {
            var digest = Digest.none
            decoder.digest(&digest)
            guard !decoder.isDamaged else { return false }
            engine.restore(clientOrderID: digest, of: account)
        }
        return true
    }

    private func takeWindow(_ body: UnsafeRawBufferPointer) -> Bool {
        var decoder = RecordDecoder(body)
        var record = WindowRecord()
        record.lay(&decoder)
        var entries: [WindowExport.Entry] = []
        while entries.count < record.count {
            var entry = WindowExport.Entry(time: 0, amount: 0)
            entry.lay(&decoder)
            guard !decoder.isDamaged else { return false }
            entries.append(entry)
        }
        // A window that no rule of today has is let go.
        _ = engine.importWindow(
            WindowExport(
                kind: record.of, window: record.window, key: record.key, entries: entries, lostUntil: record.lostUntil),
            now: at)
        return true
    }
}
