import Synchronization

/// A fixed run of 64-bit cells that one thread writes and any thread reads.
///
/// Adding is a relaxed load and a relaxed store, two plain moves without a bus lock. That loses nothing only because a
/// cell has a single writing thread; every metric says which one. A reader sees each cell whole, and sees cells of
/// one run at slightly different moments, which is all that a scrape needs.
struct MetricCells: ~Copyable, @unchecked Sendable {
    // Sendable: the pointer never changes, the memory lives as long as the value, and every access to it is atomic.
    private let base: UnsafeMutablePointer<Atomic<UInt64>>
    let count: Int

    /// Two cache lines: the pair that an adjacent-line prefetcher fetches. Runs of different writers never share one.
    private static let alignment = 128

    init(count: Int) {
        let size = max(count, 1) * MemoryLayout<Atomic<UInt64>>.stride
        let rounded = (size + Self.alignment - 1) / Self.alignment * Self.alignment
        let memory = UnsafeMutableRawPointer.allocate(byteCount: rounded, alignment: Self.alignment)
        self.base = memory.bindMemory(to: Atomic<UInt64>.self, capacity: count)
        self.count = count
        for index in 0..<count { (base + index).initialize(to: Atomic(0)) }
    }

    deinit {
        base.deinitialize(count: count)
        UnsafeMutableRawPointer(base).deallocate()
    }

    /// Adds, wrapping. Only the writing thread may call it.
    @inline(__always)
    func add(_ amount: UInt64, at index: Int) {
        let sum = base[index].load(ordering: .relaxed) &+ amount
        base[index].store(sum, ordering: .relaxed)
    }

    /// Replaces the value. Only the writing thread may call it.
    @inline(__always)
    func set(_ value: UInt64, at index: Int) {
        base[index].store(value, ordering: .relaxed)
    }

    func value(at index: Int) -> UInt64 {
        base[index].load(ordering: .relaxed)
    }
}
