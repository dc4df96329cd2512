import CLinux
import RiskRules

/// What became of the orders of a batch.
extension OrderPath {
    /// The endpoint's answer to a batch is complete: what does it say of each order? Where it cannot be told which order is
    /// meant, all count as accepted, wholly open.
    func settle(_ batch: Batch.Pointer, of exchange: Exchange.Pointer, status: UInt32?) {
        let method = plan.method(Int(exchange.pointee.method))
        switch status {
        case 0:
            if let message = answerMessage(exchange) {
                settle(batch, method: Int(exchange.pointee.method), answersEach: method.answersEach, message)
            } else {
                settleAll(batch, as: .unreadable)
            }
        case .some(let status) where method.isDefinitive(status: status):
            settleAll(batch, as: .rejected)
        case .some, nil:
            outcomesUnknown(batch)
        }
    }

    private func settle(
        _ batch: Batch.Pointer, method: Int, answersEach: Bool, _ message: UnsafeRawBufferPointer
    ) {
        guard answersEach else {
            // One word for all: how much of which was filled it cannot say.
            return settleAll(batch, as: responseDecoder.decode(method: method, message: message).outcome)
        }
        guard let count = responseDecoder.decodeEach(method: method, message: message), count == batch.pointee.count,
            (0..<count).allSatisfy({ isAnswer(responseDecoder.item($0, method: method), to: batch, $0) })
        else { return settleAll(batch, as: .unreadable) }
        for index in 0..<count {
            guard let reservation = take(batch, index) else { continue }
            settle(
                reservation, batch.pointee.orders[index].number, by: responseDecoder.item(index, method: method))
        }
    }

    /// Whether an item can be the answer to the order at the same place: it names that order's id, or none.
    private func isAnswer(_ answer: OrderAnswer, to batch: Batch.Pointer, _ index: Int) -> Bool {
        let id = batch.pointee.orders[index].order.clientOrderID
        return id == .none || answer.clientOrderID.isEmpty || engine.digest(answer.clientOrderID) == id
    }

    private func settleAll(_ batch: Batch.Pointer, as outcome: OrderAnswer.Outcome) {
        for index in 0..<batch.pointee.count {
            if let reservation = take(batch, index) {
                settle(reservation, batch.pointee.orders[index].number, by: OrderAnswer(outcome: outcome))
            }
        }
    }

    /// Tells the ledger what an answer says of one order.
    /// - Parameter number: the reservation's, for the journal.
    func settle(_ reservation: ReservationID, _ number: UInt64, by answer: OrderAnswer?) {
        let wall = gate_realtime_ns()
        if let answer { texts.learn(reservation, orderID: answer.orderID) }
        let text = answer?.orderID ?? .empty
        switch answer?.outcome {
        case .rejected:
            recordOutcome(of: number, .rejected, status: 0, orderID: text)
            engine.release(reservation)
        case .ended:
            recordOutcome(of: number, .ended, status: 0, filled: answer?.filled, orderID: text)
            engine.ended(reservation, filled: answer?.filled, now: loop.now, wallNow: wall)
        case .accepted, .unreadable, nil:
            recordOutcome(of: number, .accepted, status: 0, filled: answer?.filled, orderID: text)
            let orderID = answer.map { engine.digest($0.orderID) } ?? .none
            engine.accepted(
                reservation, orderID: orderID, filled: answer?.filled, now: loop.now, wallNow: wall)
        }
    }

    /// Nobody knows what became of a batch: all of it stays counted.
    func outcomesUnknown(_ batch: Batch.Pointer) {
        for index in 0..<batch.pointee.count {
            metrics.unknownOutcomes.add()
            guard let reservation = take(batch, index) else { continue }
            recordOutcome(of: batch.pointee.orders[index].number, .unknown)
            engine.unknown(reservation, now: loop.now, wallNow: gate_realtime_ns())
        }
    }

    /// Takes back all that a batch has reserved, the latest first.
    func undo(_ batch: Batch.Pointer) {
        for index in (0..<batch.pointee.count).reversed() {
            guard let reservation = take(batch, index) else { continue }
            recordOutcome(of: batch.pointee.orders[index].number, .undone)
            engine.undo(reservation)
        }
    }

    /// An order's reservation, which is then no longer the batch's to settle.
    private func take(_ batch: Batch.Pointer, _ index: Int) -> ReservationID? {
        defer { batch.pointee.orders[index].reservation = nil }
        return batch.pointee.orders[index].reservation
    }
}
