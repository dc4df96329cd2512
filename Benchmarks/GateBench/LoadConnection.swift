import CLinux

/// One connection of the closed loop: each of its slots always has one order in flight.
final class LoadConnection: OrderConnection {
    private unowned let load: Load

    init(target: Address, poller: Poller, callbacks: OpaquePointer, load: Load, message: Message, streams: Int) throws {
        self.load = load
        try super.init(
            target: target, poller: poller, callbacks: callbacks, path: Message.orderPath, message: message,
            slots: streams)
    }

    /// Fills all slots.
    func start() throws -> Bool {
        try submitSettings()
        for index in slots.indices {
            if let base = slots.baseAddress { submitNext(base + index, now: gate_monotonic_ns()) }
        }
        return try send()
    }

    override func ended(_ slot: UnsafeMutablePointer<Slot>, code: UInt32) {
        let now = gate_monotonic_ns()
        load.answered(submittedAt: slot.pointee.startedAt, now: now, failure: failure(of: slot.pointee, code: code))
        submitNext(slot, now: now)
    }

    private func submitNext(_ slot: UnsafeMutablePointer<Slot>, now: Int64) {
        guard let number = load.nextOrder(now: now) else { return }
        if let error = submit(slot, number: number, startedAt: now) {
            load.answered(submittedAt: now, now: now, failure: "\(error)")
        }
    }
}
