import CLinux
import CNghttp2

/// One connection of the open loop, which takes a call whenever it is given one.
final class ArrivalConnection: OrderConnection {
    private let reasons: Reasons
    private let schedule: Schedule
    private var free: [Int]
    private(set) var hasUnsent = false
    /// What the schedule's times are counted from.
    var start: Int64 = 0

    /// Calls without an answer that one connection may have, those that the session holds back among them.
    private static let capacity = 16_384

    init(
        target: Address, poller: Poller, callbacks: OpaquePointer, path: String, message: Message, reasons: Reasons,
        schedule: Schedule
    ) throws {
        self.reasons = reasons
        self.schedule = schedule
        free = Array((0..<ArrivalConnection.capacity).reversed())
        try super.init(
            target: target, poller: poller, callbacks: callbacks, path: path, message: message,
            slots: ArrivalConnection.capacity, reasons: reasons)
    }

    func submit(_ number: Int) {
        guard let index = free.popLast(), let base = slots.baseAddress else {
            return answered(number, reasons.index(of: "not sent: too many calls without an answer".utf8))
        }
        if let error = submit(base + index, number: UInt64(number), startedAt: 0) {
            free.append(index)
            return answered(number, reasons.index(of: "not sent: \(error)".utf8))
        }
        hasUnsent = true
    }

    /// False: the other side has gone.
    func sendSubmitted() throws -> Bool {
        hasUnsent = false
        return try send()
    }

    override func ended(_ slot: UnsafeMutablePointer<Slot>, code: UInt32) {
        answered(Int(slot.pointee.number), reason(of: slot.pointee, code: code))
        if let base = slots.baseAddress { free.append(slot - base) }
    }

    private func reason(of slot: Slot, code: UInt32) -> UInt8 {
        guard let failure = failure(of: slot, code: code) else { return Reasons.accepted }
        return slot.reason != Reasons.accepted ? slot.reason : reasons.index(of: failure.utf8)
    }

    private func answered(_ number: Int, _ reason: UInt8) {
        schedule.answer(number, elapsed: gate_monotonic_ns() - start, reason: reason)
    }
}
