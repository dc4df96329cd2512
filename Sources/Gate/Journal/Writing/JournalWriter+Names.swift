import RiskRules

/// What the numbers in a record stand for is said before it, once a segment.
extension JournalWriter {
    @inline(__always)
    func name(_ kind: JournalNameKind, _ id: NameID, at: Int64) {
        if id.index > 0, names.mustSay(kind, Int(id.index)) { say(kind, id, at: at) }
    }

    @inline(never)
    private func say(_ kind: JournalNameKind, _ id: NameID, at: Int64) {
        let text: UnsafeRawBufferPointer
        switch kind {
        case .account: text = engine.accountName(id)
        case .strategy: text = engine.strategyName(id)
        case .symbol: text = engine.symbolName(id)
        case .timeInForce: text = engine.timeInForceName(id)
        case .reason, .rule: return
        }
        say(kind, id.index, text, at: at)
    }

    func name(_ reason: JournalReason, at: Int64) {
        guard reason != .none, names.mustSay(.reason, Int(reason.number)),
            let code = Reason(rawValue: reason.number)?.code
        else { return }
        say(
            .reason, UInt32(reason.number),
            UnsafeRawBufferPointer(start: code.utf8Start, count: code.utf8CodeUnitCount), at: at)
    }

    /// A rule of the set in force; none for a built-in check.
    func name(rule: Int32, at: Int64) {
        guard let published, names.mustSay(.rule, Int(rule)) else { return }
        withUnsafeTemporaryAllocation(byteCount: NameRecord.longestText, alignment: 1) { text in
            say(.rule, UInt32(bitPattern: rule), published.ruleText(rule, into: text), at: at)
        }
    }

    private func say(_ kind: JournalNameKind, _ number: UInt32, _ text: UnsafeRawBufferPointer, at: Int64) {
        var record = NameRecord(of: kind, number: number, text: RecordText(text).prefix(NameRecord.longestText))
        write(&record, at: at)
    }
}

extension PublishedRules {
    /// A rule's id and metric with a space between, in `room`.
    fileprivate func ruleText(_ rule: Int32, into room: UnsafeMutableRawBufferPointer) -> UnsafeRawBufferPointer {
        var writer = ByteWriter(room)
        writer.append(ruleID(rule))
        writer.append(UInt8(ascii: " "))
        writer.append(metric(rule)?.label ?? "")
        return writer.bytes
    }
}
