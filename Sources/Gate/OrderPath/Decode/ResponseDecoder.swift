import RiskRules

/// Reads what the endpoint's answer to a mapped method says of the order, or of several. Belongs to one thread and never allocates after
/// it is made; what it returns is valid as long as the message and until the next call.
package final class ResponseDecoder {
    private let plan: DecodePlan
    private let tables: PlanTables
    private let memory: DecodeMemory
    /// The values of the answer that hold for all of its items.
    private var outer: UInt64 = 0

    /// - Parameter itemCapacity: items that one answer may have.
    package init(plan: DecodePlan, itemCapacity: Int = OrderDecoder.maximumBatch) {
        self.plan = plan
        self.tables = plan.tables
        memory = DecodeMemory(itemCapacity: itemCapacity)
    }

    /// Reads one answer. `method` is the index of a method that does not pass, or is observed; `message` is without the gRPC
    /// prefix.
    /// Where the mapping has no `response` the answer says that the order was accepted, and nothing else.
    package func decode(method: Int, message: UnsafeRawBufferPointer) -> OrderAnswer {
        let response = tables.methods[method].response
        var reader = SourceReader(tables, memory, headers: .none)
        guard reader.walk(message, node: response.node) else { return OrderAnswer(outcome: .unreadable) }
        return Self.answer(response, &reader)
    }

    /// Reads an answer about several orders, item for item: how many there are, each to be read with `item`. nil: it cannot be
    /// read, or has more items than there is room for.
    package func decodeEach(method: Int, message: UnsafeRawBufferPointer) -> Int? {
        var reader = SourceReader(tables, memory, headers: .none)
        guard reader.walk(message, node: tables.methods[method].response.node),
            reader.itemCount <= memory.itemCapacity
        else { return nil }
        outer = reader.present
        return reader.itemCount
    }

    /// What the answer that was read last by `decodeEach` says of one order.
    package func item(_ index: Int, method: Int) -> OrderAnswer {
        let response = tables.methods[method].response
        var reader = SourceReader(tables, memory, headers: .none)
        guard reader.walk(memory.items[index], node: response.itemNode, present: outer) else {
            return OrderAnswer(outcome: .unreadable)
        }
        return Self.answer(response, &reader)
    }

    private static func answer(_ response: ResponsePlan, _ reader: inout SourceReader) -> OrderAnswer {
        var answer = OrderAnswer(outcome: .accepted)
        answer.orderID = reader.identifier(response.orderID)
        answer.clientOrderID = reader.identifier(response.clientOrderID)
        answer.account = reader.identifier(response.account)
        answer.error = reader.identifier(response.error)
        // A status that the mapping does not list is one under which the order lives on.
        answer.outcome = reader.listed(response.status).flatMap(OrderAnswer.Outcome.init(rawValue:)) ?? .accepted
        answer.filled = reader.number(response.filled)
        return answer
    }
}
