import CLinux
import RiskRules

/// What the journal is told of orders: each decision with all that it was taken on, what the ledger holds for it, and what became
/// of it. A decision and its reservation are written before the order's bytes leave; what became of it, before its client
/// hears of it.
extension OrderPath {
    /// A verdict that has not been written down yet; its violations are the engine's, until the next decision.
    struct Decided: BitwiseCopyable {
        var verdict: Verdict
        /// From the start of decoding, nanoseconds.
        var duration: Int64 = 0
    }

    /// Unix nanoseconds, as this turn knows them.
    var wallNow: Int64 { loop.now &+ engine.wallOffset }

    // MARK: Decisions

    /// Writes down what was decided of a call's one order; before its reservation, which would be among its inputs. False where
    /// there is no room to.
    /// - Parameter reason: why it is refused all the same.
    func record(_ exchange: Exchange.Pointer, _ decided: Decided, refusedFor reason: Reason? = nil) -> Bool {
        exchange.pointee.isRecorded = true
        var record = decision(decided, on: exchange.pointee.order, replacing: exchange.pointee.replaces)
        record.decisionID = exchange.pointee.decisionID
        record.connection = connectionNumber(exchange)
        if exchange.pointee.action == .replace { record.flags.insert(.replace) }
        if exchange.pointee.attempts > 0 { record.flags.insert(.again) }
        if let reason {
            record.flags.remove(.approved)
            record.flags.insert(.refusedLater)
            record.reason = JournalReason(reason)
        } else if record.flags.contains(.approved) || configuration.shadow {
            record.reservation = exchange.pointee.decisionID
        }
        return exchange.pointee.clientOrderIDText.withBytes {
            record.clientOrderID = RecordText($0)
            return journal.decision(&record, violations: decided.verdict.violations, at: wallNow)
        }
    }

    /// The same of one order of a batch.
    func record(
        _ order: UnsafeMutablePointer<BatchOrder>, at index: Int, of exchange: Exchange.Pointer, _ decided: Decided
    )
        -> Bool
    {
        exchange.pointee.isRecorded = true
        var record = decision(decided, on: order.pointee.order, replacing: order.pointee.replaces)
        record.decisionID = order.pointee.number
        record.connection = connectionNumber(exchange)
        record.index = UInt16(truncatingIfNeeded: index)
        record.flags.insert(.batch)
        if exchange.pointee.action == .replace { record.flags.insert(.replace) }
        if exchange.pointee.attempts > 0 { record.flags.insert(.again) }
        if record.flags.contains(.approved) || configuration.shadow { record.reservation = order.pointee.number }
        return order.pointee.clientOrderIDText.withBytes {
            record.clientOrderID = RecordText($0)
            return journal.decision(&record, violations: decided.verdict.violations, at: wallNow)
        }
    }

    /// Writes down that a call was refused before anything was decided of it, as far as it could be read. A call whose refusal
    /// cannot be written down is refused all the same.
    func recordUndecided(_ exchange: Exchange.Pointer, _ reason: Reason) {
        exchange.pointee.isRecorded = true
        if exchange.pointee.action == .cancel {
            recordCancel(exchange, reason: reason)
            return
        }
        var record = JournalDecision()
        record.decisionID = exchange.pointee.decisionID
        record.connection = connectionNumber(exchange)
        record.order = exchange.pointee.order
        record.reason = JournalReason(reason)
        record.flags.insert(.undecided)
        if exchange.pointee.action == .replace { record.flags.insert(.replace) }
        _ = exchange.pointee.clientOrderIDText.withBytes {
            record.clientOrderID = RecordText($0)
            return journal.decision(&record, violations: UnsafeBufferPointer(start: nil, count: 0), at: wallNow)
        }
    }

    private func decision(_ decided: Decided, on order: Order, replacing: OrderReference?) -> JournalDecision {
        let inputs = engine.inputs(of: order, now: loop.now)
        var record = JournalDecision()
        record.order = order
        if let replacing { record.replaces = replacing }
        if decided.verdict.approved { record.flags.insert(.approved) }
        if decided.verdict.isReducing { record.flags.insert(.reducing) }
        if configuration.shadow { record.flags.insert(.shadow) }
        record.reason = JournalReason(decided.verdict.reason)
        record.omitted = UInt32(truncatingIfNeeded: decided.verdict.omitted)
        record.duration = decided.duration
        if inputs.hasPrice {
            record.mark = inputs.mark
            record.priceAge = inputs.priceAge
        }
        if inputs.hasBidAsk {
            record.bid = inputs.bid
            record.ask = inputs.ask
        }
        record.openBuys = inputs.openBuys
        record.openSells = inputs.openSells
        guard inputs.hasAccount else { return record }
        record.position = inputs.position
        record.accountAge = inputs.accountAge
        record.sequence = inputs.sequence >= 0 ? inputs.sequence : nil
        record.equity = inputs.equity
        record.marginUsed = inputs.marginUsed
        record.availableMargin = inputs.availableMargin
        return record
    }

    private func connectionNumber(_ exchange: Exchange.Pointer) -> UInt32 {
        exchange.pointee.client?._withUnsafeGuaranteedRef { $0.number } ?? 0
    }

    /// Writes down a cancel, which is sent whether it can be or not.
    func recordCancel(_ exchange: Exchange.Pointer, reason: Reason? = nil) {
        let order = exchange.pointee.order
        var record = JournalCancel()
        record.account = order.account
        record.strategy = order.strategy
        record.symbol = order.symbol
        record.connection = connectionNumber(exchange)
        record.reason = JournalReason(reason)
        record.order = OrderReference(
            orderID: exchange.pointee.cancelledOrderID, clientOrderID: order.clientOrderID)
        _ = exchange.pointee.clientOrderIDText.withBytes { clientOrderID in
            exchange.pointee.orderIDText.withBytes { orderID in
                record.clientOrderID = RecordText(clientOrderID)
                record.orderID = RecordText(orderID)
                return journal.cancel(record, at: wallNow)
            }
        }
    }

    // MARK: What became of it

    /// Writes down what became of a forwarded order.
    func recordOutcome(
        of number: UInt64, _ what: JournalOutcome.What, status: UInt32? = nil, filled: FixedPoint? = nil,
        orderID: UnsafeRawBufferPointer = .empty
    ) {
        var record = JournalOutcome()
        record.number = number
        record.what = what
        record.status = status.map { UInt8(clamping: $0) }
        record.filled = filled
        record.orderID = RecordText(orderID)
        _ = journal.outcome(record, at: wallNow)
    }

    /// Writes down what changed in the ledger. False where there was no room for all of it: the rest is kept for another try.
    @discardableResult
    func recordLedger() -> Bool {
        guard engine.hasLedgerChanges else { return true }
        let (journal, now) = (journal, wallNow)
        engine.drainLedgerChanges { journal.ledger($0, at: now) }
        return !engine.hasLedgerChanges
    }

    /// Writes down a person's word on an order whose outcome was unknown.
    func record(_ settlement: OperatorSettlement, of account: NameID) {
        var (clientOrderID, by, reason) = (settlement.clientOrderID, settlement.by, settlement.reason)
        clientOrderID.withUTF8 { clientOrderID in
            by.withUTF8 { by in
                reason.withUTF8 { reason in
                    var record = JournalSettle()
                    record.isOpen = settlement.outcome == .open
                    record.account = account
                    record.clientOrderID = RecordText(UnsafeRawBufferPointer(clientOrderID))
                    record.by = RecordText(UnsafeRawBufferPointer(by))
                    record.reason = RecordText(UnsafeRawBufferPointer(reason))
                    _ = journal.settle(record, at: wallNow)
                }
            }
        }
    }

    /// Writes down a stop, or its end.
    func record(_ note: StopNote) {
        var (name, by, reason) = (note.record.target.name, note.record.by, note.record.reason)
        name.withUTF8 { name in
            by.withUTF8 { by in
                reason.withUTF8 { reason in
                    var record = JournalStop()
                    record.scope = note.record.target.scope
                    record.isActive = note.record.active
                    record.trigger = note.trigger
                    record.epoch = note.record.epoch
                    record.name = RecordText(UnsafeRawBufferPointer(name))
                    record.by = RecordText(UnsafeRawBufferPointer(by))
                    record.reason = RecordText(UnsafeRawBufferPointer(reason))
                    _ = journal.stop(record, at: wallNow)
                }
            }
        }
    }

    /// Writes down a step of an unwinding.
    func record(unwinding text: String) {
        var text = text
        text.withUTF8 {
            var note = JournalNote()
            note.topic = .unwind
            note.text = RecordText(UnsafeRawBufferPointer($0))
            _ = journal.note(note, at: wallNow)
        }
    }

    // MARK: Accounts

    /// Takes over an account's snapshot, and writes it down where it settled something, or the last that was written is a
    /// second old: a restart must know the positions that settled orders went into, and what it may let be reduced.
    func update(account snapshot: AccountSnapshot, of name: NameID) {
        let wasWritten = recordLedger()
        engine.update(account: snapshot, of: name, now: loop.now)
        let isSettling = !wasWritten || engine.hasLedgerChanges
        guard isSettling || loop.now >= snapshotsRecorded[Int(name.index)] &+ Self.snapshotInterval else { return }
        if journal.snapshot(snapshot, of: name, at: wallNow) { snapshotsRecorded[Int(name.index)] = loop.now }
        recordLedger()
    }

    private static let snapshotInterval: Int64 = 1_000_000_000
}
