import RiskRules

/// Writes `google.rpc.Status` with one `google.rpc.ErrorInfo` per violation: protobuf by hand, for it must not allocate.
struct StatusDetails {
    /// No more than this before base64. What does not fit is counted, as `more` in the last that did.
    static let maximumBytes = 4096
    /// Room for `more` and for the lengths that grow by it.
    private static let reserve = 32

    /// The rule set that decided.
    let ruleSet: UnsafeRawBufferPointer
    let decisionID: UnsafeRawBufferPointer

    /// `writer` must have room for `maximumBytes`.
    func write(
        _ violations: UnsafeBufferPointer<RejectedViolation>, omitted: Int, status: GRPCStatus,
        message: UnsafeRawBufferPointer, into writer: inout ByteWriter
    ) {
        writer.append(UInt8(0x08))  // Status.code = 1
        writer.append(status.rawValue)
        let text = writer.begin(field: 0x12)  // Status.message = 2
        writer.append(message)
        writer.end(text)
        var last = (index: 0, start: writer.count)
        var written = 0
        for index in violations.indices {
            let start = writer.count
            write(violations[index], more: 0, into: &writer)
            if writer.isCut || writer.count > Self.maximumBytes - Self.reserve {
                writer.cut(to: start)
                break
            }
            last = (index, start)
            written += 1
        }
        let more = violations.count - written + omitted
        guard more > 0, written > 0 else { return }
        writer.cut(to: last.start)
        write(violations[last.index], more: more, into: &writer)
    }

    private func write(_ violation: RejectedViolation, more: Int, into writer: inout ByteWriter) {
        let detail = writer.begin(field: 0x1A)  // Status.details = 3
        writer.field(0x0A, "type.googleapis.com/google.rpc.ErrorInfo")  // Any.type_url = 1
        let info = writer.begin(field: 0x12)  // Any.value = 2
        writer.field(0x0A, violation.reason.code)  // ErrorInfo.reason = 1
        writer.field(0x12, "gate")  // ErrorInfo.domain = 2
        metadata("rule", &writer) { $0.append(printable: violation.rule) }
        metadata("metric", &writer) { $0.append(violation.metric) }
        metadata("value", &writer) { if let value = violation.value { $0.append(value) } }
        metadata("bound", &writer) { if let bound = violation.bound { $0.append(bound) } }
        metadata("rule_set", &writer) { $0.append(printable: ruleSet) }
        metadata("decision_id", &writer) { $0.append(printable: decisionID) }
        metadata("forwarded", &writer) { $0.append(violation.reason.wasForwarded ? "true" : "false") }
        metadata("fix_ord_rej_reason", &writer) { $0.append(UInt64(violation.reason.fix)) }
        if let index = violation.index { metadata("index", &writer) { $0.append(UInt64(index)) } }
        if more > 0 { metadata("more", &writer) { $0.append(UInt64(more)) } }
        writer.end(info)
        writer.end(detail)
    }

    /// One entry of ErrorInfo.metadata = 3: a message with key = 1 and value = 2.
    private func metadata(_ key: StaticString, _ writer: inout ByteWriter, _ value: (inout ByteWriter) -> Void) {
        let entry = writer.begin(field: 0x1A)
        writer.field(0x0A, key)
        let text = writer.begin(field: 0x12)
        value(&writer)
        writer.end(text)
        writer.end(entry)
    }
}

extension Reason {
    /// Whether the endpoint may have the order.
    fileprivate var wasForwarded: Bool {
        if case .outcomeUnknown = self { true } else { false }
    }
}
