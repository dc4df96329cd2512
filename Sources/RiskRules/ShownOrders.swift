/// A pending order of a snapshot.
struct ShownOrder: BitwiseCopyable {
    var symbol: NameID
    var side: Side
    var ids: OrderReference
    var sums: OrderSums
    /// The price that it was valued at; zero where it has none.
    var price: FixedPoint
}

/// The pending orders of one account's snapshot, found by either id.
final class ShownOrders {
    let capacity: Int
    private let base: UnsafeMutablePointer<ShownOrder>
    /// The client's id of the order at `n` stands at place `2n`, the endpoint's at `2n + 1`.
    private let index: DigestIndex
    private var count = 0

    init(capacity: Int) {
        self.capacity = capacity
        base = .allocate(capacity: Swift.max(capacity, 1))
        index = DigestIndex(capacity: capacity * 2)
    }

    deinit { base.deallocate() }

    /// Takes up an order for which there is room.
    func insert(_ order: ShownOrder) {
        precondition(count < capacity)
        (base + count).initialize(to: order)
        if order.ids.clientOrderID != .none { index.insert(order.ids.clientOrderID, at: count * 2) }
        if order.ids.orderID != .none { index.insert(order.ids.orderID, at: count * 2 + 1) }
        count += 1
    }

    func removeAll() {
        if count > 0 { index.removeAll() }
        count = 0
    }

    /// An order by the endpoint's id, or else by the client's.
    func find(_ ids: OrderReference) -> UnsafePointer<ShownOrder>? {
        find(ids.orderID, isClients: false) ?? find(ids.clientOrderID, isClients: true)
    }

    private func find(_ id: Digest, isClients: Bool) -> UnsafePointer<ShownOrder>? {
        guard id != .none else { return nil }
        var probe = index.start(id)
        while case let place = index.next(id, &probe), place >= 0 {
            // The same text may be the client's id of one order and the endpoint's of another.
            if place.isMultiple(of: 2) == isClients { return UnsafePointer(base + place / 2) }
        }
        return nil
    }
}
