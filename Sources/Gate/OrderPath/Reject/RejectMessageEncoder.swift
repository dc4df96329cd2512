/// Writes the messages that refuse calls in the API's own form, along the plan of their method.
///
/// Belongs to one thread. Allocates when it is made and never again: what it returns is valid until the next call.
package final class RejectMessageEncoder {
    /// How deep the fields of such a message may be nested.
    static let maximumDepth = 16
    /// A longer client order id is not echoed.
    private static let maximumID = 1024
    private static let maximumText = 512

    private let plan: DecodePlan
    private let text: UnsafeMutableRawBufferPointer
    private let message: UnsafeMutableRawBufferPointer

    package init(plan: DecodePlan) {
        self.plan = plan
        text = .allocate(byteCount: Self.maximumText, alignment: 1)
        message = .allocate(byteCount: 8192, alignment: 1)
    }

    deinit {
        text.deallocate()
        message.deallocate()
    }

    /// The message with its gRPC prefix; nil where it does not fit.
    /// - Parameter clientOrderID: the order's own id; empty where it has none, or none that can be read.
    package func encode(
        _ parts: RejectMessagePlan, _ violation: RejectedViolation, clientOrderID: UnsafeRawBufferPointer
    ) -> UnsafeRawBufferPointer? {
        var words = ByteWriter(text)
        RejectText.write(violation, into: &words)
        var writer = ByteWriter(message)
        for _ in 0..<GRPCFraming.prefixSize { writer.append(UInt8(0)) }
        var starts = InlineArray<16, Int>(repeating: 0)
        var depth = 0
        for index in Int(parts.first)..<Int(parts.first) + Int(parts.count) {
            let part = plan.tables.answerParts[index]
            let bytes = plan.tables.text(part.bytes)
            switch part.kind {
            case .begin:
                writer.append(bytes)
                starts[depth] = writer.begin()
                depth += 1
            case .end:
                depth -= 1
                writer.end(starts[depth])
            case .constant:
                writer.append(bytes)
            case .error:
                append(words.bytes, tag: bytes, &writer)
            case .clientOrderID:
                guard !clientOrderID.isEmpty, clientOrderID.count <= Self.maximumID,
                    !part.isText || clientOrderID.isUTF8
                else { continue }
                append(clientOrderID, tag: bytes, &writer)
            }
        }
        guard !writer.isCut else { return nil }
        let size = UInt32(truncatingIfNeeded: writer.count - GRPCFraming.prefixSize)
        message.storeBytes(of: size.bigEndian, toByteOffset: 1, as: UInt32.self)
        return writer.bytes
    }

    private func append(
        _ value: UnsafeRawBufferPointer, tag: UnsafeRawBufferPointer, _ writer: inout ByteWriter
    ) {
        writer.append(tag)
        let start = writer.begin()
        writer.append(value)
        writer.end(start)
    }
}
