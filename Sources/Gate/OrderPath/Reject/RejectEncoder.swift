import RiskRules

/// Formats rejects as the header fields of a gRPC answer that ends with them (one HEADERS frame with END_STREAM).
///
/// Belongs to one thread. Allocates when it is made and never again: the fields it returns point into its own buffers and
/// are valid until the next call.
package final class RejectEncoder {
    /// The longest `grpc-message`, encoded.
    package static let maximumMessageBytes = 256
    private static let maximumTextBytes = 512

    private let fields: UnsafeMutableBufferPointer<HeaderField>
    /// The head of an answer that refuses by a message, and its trailer.
    private let head: UnsafeMutableBufferPointer<HeaderField>
    private let trailer: UnsafeMutableBufferPointer<HeaderField>
    private let text: UnsafeMutableRawBufferPointer
    private let message: UnsafeMutableRawBufferPointer
    private let status: UnsafeMutableRawBufferPointer
    private let details: UnsafeMutableRawBufferPointer
    private let encodedDetails: UnsafeMutableRawBufferPointer

    /// The fields in the order in which they stand; the last only where the message was compressed.
    private enum Field: Int, CaseIterable {
        case httpStatus, contentType, status, message, details, reason, pushback, acceptEncoding
    }

    package init() {
        text = .allocate(byteCount: Self.maximumTextBytes, alignment: 1)
        message = .allocate(byteCount: Self.maximumMessageBytes, alignment: 1)
        status = .allocate(byteCount: 2, alignment: 1)
        details = .allocate(byteCount: StatusDetails.maximumBytes, alignment: 1)
        encodedDetails = .allocate(byteCount: (StatusDetails.maximumBytes * 4 + 2) / 3, alignment: 1)
        fields = .allocate(capacity: Field.allCases.count)
        for field in Field.allCases {
            let (name, value): (StaticString, StaticString) =
                switch field {
                case .httpStatus: (":status", "200")
                case .contentType: ("content-type", "application/grpc")
                case .status: ("grpc-status", "")
                case .message: ("grpc-message", "")
                case .details: ("grpc-status-details-bin", "")
                case .reason: ("x-gate-reason", "")
                // Negative: do not retry (gRFC A6).
                case .pushback: ("grpc-retry-pushback-ms", "-1")
                case .acceptEncoding: ("grpc-accept-encoding", "identity")
                }
            fields.initializeElement(at: field.rawValue, to: HeaderField(name: name.bytes, value: value.bytes))
        }
        head = .allocate(capacity: 4)
        for (index, field) in [Field.httpStatus, .contentType, .reason, .acceptEncoding].enumerated() {
            head.initializeElement(at: index, to: fields[field.rawValue])
        }
        trailer = .allocate(capacity: 1)
        trailer.initializeElement(
            at: 0, to: HeaderField(name: fields[Field.status.rawValue].name, value: ("0" as StaticString).bytes))
    }

    deinit {
        fields.deallocate()
        head.deallocate()
        trailer.deallocate()
        text.deallocate()
        message.deallocate()
        status.deallocate()
        details.deallocate()
        encodedDetails.deallocate()
    }

    /// The header fields of a reject.
    /// - Parameters:
    ///   - violations: at least one; the first is the reason.
    ///   - omitted: violations beyond those, of which only the number is told.
    ///   - ruleSet: version of the rule set that decided; empty where none did.
    ///   - decisionID: the decision's id in hexadecimal.
    package func encode(
        _ violations: UnsafeBufferPointer<RejectedViolation>, omitted: Int = 0, ruleSet: UnsafeRawBufferPointer,
        decisionID: UnsafeRawBufferPointer
    ) -> UnsafeBufferPointer<HeaderField> {
        guard let first = violations.first else {
            // A reject without a reason is a bug, which the client is to see as one.
            return encode(RejectedViolation(.internal), ruleSet: ruleSet, decisionID: decisionID)
        }
        var plain = ByteWriter(text)
        RejectText.write(first, into: &plain)
        var encoded = ByteWriter(message)
        HeaderText.percentEncode(plain.bytes, limit: Self.maximumMessageBytes, into: &encoded)
        var code = ByteWriter(status)
        code.append(UInt64(first.reason.status.rawValue))
        var binary = ByteWriter(details)
        StatusDetails(ruleSet: ruleSet, decisionID: decisionID).write(
            violations, omitted: omitted, status: first.reason.status, message: plain.bytes, into: &binary)
        var base64 = ByteWriter(encodedDetails)
        HeaderText.base64(binary.bytes, into: &base64)

        fields[Field.status.rawValue].value = code.bytes
        fields[Field.message.rawValue].value = encoded.bytes
        fields[Field.details.rawValue].value = base64.bytes
        fields[Field.reason.rawValue].value = first.reason.code.bytes
        var count = Field.acceptEncoding.rawValue
        if case .orderCompressed = first.reason { count += 1 }
        return UnsafeBufferPointer(rebasing: fields[..<count])
    }

    /// The header fields before a message that refuses a call.
    func messageHead(_ reason: Reason) -> UnsafeBufferPointer<HeaderField> {
        head[2].value = reason.code.bytes
        let count = if case .orderCompressed = reason { 4 } else { 3 }
        return UnsafeBufferPointer(rebasing: head[..<count])
    }

    /// The trailers behind a message that refuses a call.
    var trailers: UnsafeBufferPointer<HeaderField> { UnsafeBufferPointer(trailer) }

    /// The header fields of a reject with one violation.
    package func encode(
        _ violation: RejectedViolation, ruleSet: UnsafeRawBufferPointer, decisionID: UnsafeRawBufferPointer
    ) -> UnsafeBufferPointer<HeaderField> {
        withUnsafePointer(to: violation) { pointer in
            encode(UnsafeBufferPointer(start: pointer, count: 1), ruleSet: ruleSet, decisionID: decisionID)
        }
    }
}
