import RiskRules

/// One order of a batch: what the rules see of it, and what the ledger holds for it.
struct BatchOrder: BitwiseCopyable {
    var order = Order.none
    /// The client's id of it, as people write it; empty where it is longer.
    var clientOrderIDText = NameText()
    /// Of a replace: the order that it takes the place of.
    var replaces: OrderReference?
    var reservation: ReservationID?
    /// Of its decision and of what is reserved for it.
    var number: UInt64 = 0
    /// The rules approved it: it is refused only with the others.
    var wasApproved = false
}

/// The orders of one call, in room for as many as a batch may have.
struct Batch: BitwiseCopyable {
    typealias Pointer = UnsafeMutablePointer<Batch>

    let orders: UnsafeMutablePointer<BatchOrder>
    var count = 0
    /// The order that the call is refused for; -1: none, or all of them.
    var refused = -1
    var nextFree: Pointer?
}

/// Batches in recycled slots, which never move.
final class BatchPool {
    /// Batches that may be under way at once.
    private static let capacity = 1024

    private var slots: [Batch.Pointer] = []
    private var firstFree: Batch.Pointer?

    deinit {
        for slot in slots {
            slot.pointee.orders.deallocate()
            slot.deallocate()
        }
    }

    /// A batch of `count` orders, at most `OrderDecoder.maximumBatch`, of which nothing is known yet; nil where too many are
    /// under way.
    func take(count: Int) -> Batch.Pointer? {
        if firstFree == nil { addSlot() }
        guard let batch = firstFree else { return nil }
        firstFree = batch.pointee.nextFree
        batch.pointee.nextFree = nil
        batch.pointee.count = count
        batch.pointee.refused = -1
        for index in 0..<count { batch.pointee.orders[index] = BatchOrder() }
        return batch
    }

    /// Takes a batch back, whose reservations must have been settled.
    func give(_ batch: Batch.Pointer) {
        batch.pointee.nextFree = firstFree
        firstFree = batch
    }

    private func addSlot() {
        guard slots.count < Self.capacity else { return }
        let orders = UnsafeMutablePointer<BatchOrder>.allocate(capacity: OrderDecoder.maximumBatch)
        orders.initialize(repeating: BatchOrder(), count: OrderDecoder.maximumBatch)
        let slot = Batch.Pointer.allocate(capacity: 1)
        slot.initialize(to: Batch(orders: orders))
        slots.append(slot)
        firstFree = slot
    }
}
