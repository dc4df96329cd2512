/// Exchanges in recycled slots. Slots are made in slabs and never move, so that a pointer to one stays good; what a slot has
/// allocated (header room, byte blocks) stays with it for the next call.
final class ExchangePool {
    private static let slabSize = 128

    private let capacity: Int
    /// Of the header buffers that exchanges hold.
    private let memory: HTTP2Memory
    private var slabs: [Exchange.Pointer] = []
    private var firstFree: Exchange.Pointer?
    private(set) var used = 0
    /// Free slots that kept their room; the others gave it back.
    private var warm = 0
    private static let warmCapacity = 512

    /// At most `capacity` exchanges are alive at once. `memory`: of the sessions whose header buffers they hold.
    init(capacity: Int, memory: HTTP2Memory) {
        self.capacity = capacity
        self.memory = memory
    }

    deinit {
        for slab in slabs {
            for index in 0..<Self.slabSize { Self.deallocate(slab + index) }
            slab.deallocate()
        }
    }

    /// How many more can be taken.
    var left: Int { capacity - used }

    /// A fresh exchange; nil where all are in use.
    func take() -> Exchange.Pointer? {
        guard left > 0 else { return nil }
        if firstFree == nil { addSlab() }
        guard let exchange = firstFree else { return nil }
        if warm > 0 { warm -= 1 }
        firstFree = exchange.pointee.nextFree
        exchange.pointee.nextFree = nil
        used += 1
        return exchange
    }

    /// Takes an exchange back. It must be in no list and have no timer.
    func give(_ exchange: Exchange.Pointer) {
        var fresh = Exchange()
        if warm < Self.warmCapacity {
            warm += 1
            exchange.pointee.requestHead.reset()
            exchange.pointee.requestTrailers.reset()
            exchange.pointee.responseHead.reset()
            exchange.pointee.responseTrailers.reset()
            exchange.pointee.requestBody.reset()
            exchange.pointee.responseBody.reset()
            exchange.pointee.answer.reset()
            fresh.requestHead = exchange.pointee.requestHead
            fresh.requestTrailers = exchange.pointee.requestTrailers
            fresh.responseHead = exchange.pointee.responseHead
            fresh.responseTrailers = exchange.pointee.responseTrailers
            fresh.requestBody = exchange.pointee.requestBody
            fresh.responseBody = exchange.pointee.responseBody
            fresh.answer = exchange.pointee.answer
        } else {
            Self.deallocate(exchange)
        }
        fresh.nextFree = firstFree
        exchange.pointee = fresh
        firstFree = exchange
        used -= 1
    }

    private func addSlab() {
        guard slabs.count * Self.slabSize < capacity else { return }
        let slab = Exchange.Pointer.allocate(capacity: Self.slabSize)
        for index in (0..<Self.slabSize).reversed() {
            (slab + index).initialize(to: Exchange())
            (slab + index).pointee.nextFree = firstFree
            firstFree = slab + index
        }
        slabs.append(slab)
    }

    private static func deallocate(_ exchange: Exchange.Pointer) {
        exchange.pointee.requestHead.deallocate()
        exchange.pointee.requestTrailers.deallocate()
        exchange.pointee.responseHead.deallocate()
        exchange.pointee.responseTrailers.deallocate()
        exchange.pointee.requestBody.deallocate()
        exchange.pointee.responseBody.deallocate()
        exchange.pointee.answer.deallocate()
    }
}
