import RiskRules

/// Turns records into lines. It has to see every record of a segment from its beginning: names come before their use.
package struct JournalPrinter {
    private var names: [JournalNameKind: [UInt32: String]] = [:]
    private var ruleSets: [UInt32: String] = [:]

    package init() {}

    /// What a record says; a record of a kind that this version does not know is only named.
    package mutating func line(_ header: RecordHeader, _ body: UnsafeRawBufferPointer) -> JournalLine {
        var line = JournalLine()
        line.add("sequence", header.sequence)
        line.add("at", JournalTime.text(header.at))
        guard let kind = JournalKind(rawValue: header.kind) else {
            line.add("kind", "unknown-\(header.kind)")
            return line
        }
        line.add("kind", kind.text)
        var decoder = RecordDecoder(body)
        say(kind, &decoder, &line)
        if decoder.isDamaged { line.add("unreadable", true) }
        return line
    }

    private mutating func say(_ kind: JournalKind, _ decoder: inout RecordDecoder, _ line: inout JournalLine) {
        switch kind {
        case .start: start(decoder.read(), &line)
        case .rules: rules(decoder.read(), &line)
        case .name: name(decoder.read(), &line)
        case .decision: decision(decoder.read(), &decoder, &line)
        case .briefDecision: decision((decoder.read() as BriefDecision).decision, &decoder, &line)
        case .cancel: cancel(decoder.read(), &line)
        case .reservation: reservation((decoder.read() as ReservationRecord).image, &line)
        case .briefReservation:
            reservation(ReservationImage((decoder.read() as BriefReservationRecord).brief), &line)
        case .change: change(decoder.read(), &line)
        case .gone: gone(decoder.read(), &line)
        case .outcome: outcome(decoder.read(), &line)
        case .stop: stop(decoder.read(), &line)
        case .snapshot: snapshot(&decoder, &line)
        case .settle: settle(decoder.read(), &line)
        case .gap: gap(decoder.read(), &line)
        case .note: note(decoder.read(), &line)
        case .end, .close, .checkpoint, .identifiers, .window, .complete: break
        }
    }

    // MARK: Runs

    private mutating func start(_ record: StartRecord, _ line: inout JournalLine) {
        names = [:]
        ruleSets = [:]
        line.add("instance", record.instance.string)
        line.add("version", record.version.string)
        line.add("process", record.process)
    }

    private mutating func rules(_ record: RulesRecord, _ line: inout JournalLine) {
        if ruleSets[record.index] == nil { names[.rule] = nil }
        ruleSets[record.index] = record.version.string
        line.add("rule_set", record.version.string)
        line.add("rules", record.count)
    }

    private mutating func name(_ record: NameRecord, _ line: inout JournalLine) {
        names[record.of, default: [:]][record.number] = record.text.string
        line.add("of", record.of.text)
        line.add("number", record.number)
        line.add("text", record.text.string)
    }

    private func gap(_ record: GapRecord, _ line: inout JournalLine) {
        line.add("since", JournalTime.text(record.since))
        line.add("decisions", record.decisions)
        line.add("cancels", record.cancels)
        line.add("others", record.others)
    }

    // MARK: Orders

    private func decision(_ decision: JournalDecision, _ decoder: inout RecordDecoder, _ line: inout JournalLine) {
        var record = decision
        var violations: [JournalViolation] = []
        while violations.count < record.violations, !decoder.isDamaged {
            var violation = JournalViolation()
            violation.lay(&decoder)
            violations.append(violation)
        }
        decoder.content(of: &record.clientOrderID)
        order(record, &line)
        line.add("decision", record.flags.contains(.approved) ? "approved" : "rejected")
        line.add("reason", text(of: record.reason) ?? "none")
        line.add("violations", .list(violations.map(self.line)))
        if record.omitted > 0 { line.add("violations_omitted", record.omitted) }
        line.add("rule_set", ruleSets[record.ruleSet])
        line.add("decision_ns", record.duration)
        for (flag, name) in Self.flags { line.add(name, record.flags.contains(flag)) }
        if record.flags.contains(.batch) { line.add("index", record.index) }
        line.add("connection", record.connection)
        if record.reservation != 0 { line.add("reservation", DecisionID.text(record.reservation)) }
        inputs(record, &line)
    }

    private static let flags: [(JournalDecision.Flags, String)] = [
        (.reducing, "reducing"), (.shadow, "shadow"), (.again, "again"), (.batch, "batch"), (.replace, "replace"),
        (.refusedLater, "refused_later"), (.undecided, "undecided"),
    ]

    private func order(_ record: JournalDecision, _ line: inout JournalLine) {
        let order = record.order
        line.add("decision_id", DecisionID.text(record.decisionID))
        line.add("account", text(.account, order.account))
        line.add("strategy", text(.strategy, order.strategy))
        line.add("symbol", text(.symbol, order.symbol))
        line.add("side", order.side.ruleName)
        line.add("type", order.type.ruleName)
        line.add("quantity", order.quantity.description)
        line.add("price", order.type.hasLimitPrice ? order.price : nil)
        line.add("stop_price", order.type.hasStopPrice ? order.stopPrice : nil)
        line.add("time_in_force", text(.timeInForce, order.timeInForce))
        line.add("reduce_only", order.reduceOnly)
        line.add("client_order_id", record.clientOrderID.string)
    }

    private func inputs(_ record: JournalDecision, _ line: inout JournalLine) {
        line.add("mark", record.mark)
        line.add("bid", record.bid)
        line.add("ask", record.ask)
        if record.priceAge >= 0 { line.add("price_age_ns", record.priceAge) }
        if record.accountAge >= 0 { line.add("account_age_ns", record.accountAge) }
        line.add("position", record.position)
        line.add("open_buys", record.openBuys)
        line.add("open_sells", record.openSells)
        line.add("equity", record.equity)
        line.add("margin_used", record.marginUsed)
        line.add("available_margin", record.availableMargin)
        line.add("seq", record.sequence.map { .integer($0) } ?? .none)
        line.add("valued_at", record.price)
        line.add("notional", record.notional)
    }

    private func line(_ violation: JournalViolation) -> JournalLine {
        var line = JournalLine()
        let rule = violation.rule < 0 ? nil : names[.rule]?[UInt32(bitPattern: violation.rule)]
        let parts = rule?.split(separator: " ", maxSplits: 1) ?? []
        line.add("reason", text(of: violation.reason))
        line.add("rule", parts.first)
        line.add("metric", parts.count > 1 ? parts[1] : nil)
        line.add("severity", violation.severity.text)
        line.add("mode", violation.mode.text)
        line.add("value", violation.value)
        line.add("bound", violation.bound)
        return line
    }

    private func cancel(_ record: JournalCancel, _ line: inout JournalLine) {
        line.add("account", text(.account, record.account))
        line.add("strategy", text(.strategy, record.strategy))
        line.add("symbol", text(.symbol, record.symbol))
        line.add("client_order_id", record.clientOrderID.string)
        line.add("order_id", record.orderID.string)
        line.add("connection", record.connection)
        line.add("reason", text(of: record.reason) ?? "none")
    }

    private func outcome(_ record: JournalOutcome, _ line: inout JournalLine) {
        line.add("reservation", DecisionID.text(record.number))
        line.add("outcome", record.what.text)
        line.add("status", record.status.map { .integer(Int64($0)) } ?? .none)
        line.add("filled", record.filled)
        line.add("order_id", record.orderID.string)
    }

    // MARK: The ledger

    private func reservation(_ image: ReservationImage, _ line: inout JournalLine) {
        line.add("reservation", DecisionID.text(image.number))
        line.add("account", text(.account, image.account))
        line.add("strategy", text(.strategy, image.terms.strategy))
        line.add("symbol", text(.symbol, image.symbol))
        line.add("side", image.side.ruleName)
        line.add("state", image.state.text)
        line.add("remaining", image.remaining.description)
        line.add("whole", image.whole.description)
        line.add("valued_at", image.isPriced ? image.price : nil)
        line.add("notional", image.notional.description)
        line.add("margin", image.isMarginKnown ? image.margin : nil)
        if image.filled > .zero { line.add("filled", image.filled.description) }
        line.add("shown", image.isShown)
        if image.predecessor != 0 { line.add("replaces", DecisionID.text(image.predecessor)) }
        if image.changedAt != 0 { line.add("changed_at", JournalTime.text(image.changedAt)) }
    }

    private func change(_ record: ChangeRecord, _ line: inout JournalLine) {
        let change = record.change
        line.add("reservation", DecisionID.text(change.number))
        line.add("account", text(.account, change.account))
        line.add("state", change.state.text)
        line.add("remaining", FixedPoint(units: Int128(change.remaining)).description)
        line.add("notional", FixedPoint(units: Int128(change.notional)).description)
        line.add("margin", change.isMarginKnown ? FixedPoint(units: Int128(change.margin)) : nil)
        if change.filled > 0 { line.add("filled", FixedPoint(units: Int128(change.filled)).description) }
        line.add("shown", change.isShown)
        if change.changedAt != 0 { line.add("changed_at", JournalTime.text(change.changedAt)) }
    }

    private func gone(_ record: GoneRecord, _ line: inout JournalLine) {
        line.add("reservation", DecisionID.text(record.number))
        line.add("never_sent", record.forgetsID || record.forgetsNotional)
    }

    private func snapshot(_ decoder: inout RecordDecoder, _ line: inout JournalLine) {
        guard let (account, values) = decoder.snapshot() else { return }
        line.add("account", text(.account, account))
        line.add("seq", values.seq.map { .integer($0) } ?? .none)
        line.add("as_of", values.asOf.map(JournalTime.text))
        line.add("equity", values.equity)
        line.add("balance", values.balance)
        line.add("unrealized_pnl", values.unrealizedPnL)
        line.add("margin_used", values.marginUsed)
        line.add("available_margin", values.availableMargin)
        line.add("peak_equity", values.peakEquity)
        line.add("daily_start_equity", values.dailyStartEquity)
        line.add("positions", values.positions.map { .list($0.map(Self.line)) } ?? .none)
        line.add("pending_orders", values.pendingOrders.map { .list($0.map(Self.line)) } ?? .none)
        line.add("returns", values.returns.map { .integer(Int64($0.count)) } ?? .none)
    }

    private static func line(_ position: AccountSnapshot.Position) -> JournalLine {
        var line = JournalLine()
        line.add("symbol", position.symbol)
        line.add("quantity", position.quantity.description)
        line.add("current_price", position.currentPrice)
        return line
    }

    private static func line(_ order: AccountSnapshot.PendingOrder) -> JournalLine {
        var line = JournalLine()
        line.add("symbol", order.symbol)
        line.add("side", order.side.ruleName)
        line.add("quantity", order.quantity.description)
        line.add("price", order.price)
        line.add("client_order_id", order.clientOrderID)
        line.add("order_id", order.orderID)
        return line
    }

    // MARK: People

    private func stop(_ record: JournalStop, _ line: inout JournalLine) {
        let name = record.name.string
        line.add("scope", record.scope == .global ? "global" : "\(record.scope.text):\(name)")
        line.add("active", .flag(record.isActive))
        line.add("epoch", record.epoch)
        line.add("by", record.by.string)
        line.add("reason", record.reason.string)
        line.add("trigger", record.trigger?.text)
    }

    private func settle(_ record: JournalSettle, _ line: inout JournalLine) {
        line.add("reservation", DecisionID.text(record.number))
        line.add("account", text(.account, record.account))
        line.add("client_order_id", record.clientOrderID.string)
        line.add("outcome", record.isOpen ? "open" : "released")
        line.add("by", record.by.string)
        line.add("reason", record.reason.string)
    }

    private func note(_ record: JournalNote, _ line: inout JournalLine) {
        line.add("topic", record.topic.text)
        line.add("account", text(.account, record.account))
        line.add("text", record.text.string)
    }

    // MARK: Names

    private func text(_ kind: JournalNameKind, _ id: NameID) -> String {
        id == .none ? "" : names[kind]?[id.index] ?? "?\(id.index)"
    }

    private func text(of reason: JournalReason) -> String? {
        reason == .none ? nil : names[.reason]?[UInt32(reason.number)] ?? "?\(reason.number)"
    }
}

extension RecordDecoder {
    fileprivate mutating func read<Record: JournalRecord>() -> Record {
        var record = Record()
        record.lay(&self)
        return record
    }
}
