import RiskRules

/// Reads what the endpoint's answer to a mapped method says of the order. Belongs to one thread and never allocates after
/// it is made; what it returns is valid as long as the message and until the next call.
package final class ResponseDecoder {
    private let plan: DecodePlan
    private let tables: PlanTables
    private let slots: UnsafeMutablePointer<WireValue>
    private let scratch: UnsafeMutableRawBufferPointer

    package init(plan: DecodePlan) {
        self.plan = plan
        self.tables = plan.tables
        self.slots = .allocate(capacity: MessageReader.slotCount)
        self.slots.initialize(
            repeating: WireValue(bits: 0, bytes: .empty), count: MessageReader.slotCount)
        self.scratch = .allocate(byteCount: SourceReader.scratchSize, alignment: 1)
    }

    deinit {
        slots.deallocate()
        scratch.deallocate()
    }

    /// Reads one answer. `method` is the index of a `create` or `cancel`; `message` is without the gRPC prefix.
    /// Where the mapping has no `response` the answer says that the order was accepted, and nothing else.
    package func decode(method: Int, message: UnsafeRawBufferPointer) -> OrderAnswer {
        let response = tables.methods[method].response
        var answer = OrderAnswer(
            outcome: .accepted, orderID: .empty, clientOrderID: .empty, error: .empty, filled: nil)
        var reader = SourceReader(tables, slots: slots, scratch: scratch, headers: .none)
        guard reader.walk(message, node: response.node) else {
            answer.outcome = .unreadable
            return answer
        }
        answer.orderID = reader.identifier(response.orderID)
        answer.clientOrderID = reader.identifier(response.clientOrderID)
        answer.error = reader.identifier(response.error)
        // A status that the mapping does not list is one under which the order lives on.
        answer.outcome = reader.listed(response.status).flatMap(OrderAnswer.Outcome.init(rawValue:)) ?? .accepted
        answer.filled = reader.number(response.filled)
        return answer
    }
}
