import Glibc

/// A first-in first-out queue of bytes in one growing block. It keeps a small block when it is emptied and gives a large one
/// back, so that a recycled stream costs no allocation and an unusual one no memory for ever.
package struct ByteQueue: BitwiseCopyable {
    private var base: UnsafeMutableRawPointer?
    private var capacity = 0
    private var head = 0
    private var tail = 0

    /// The largest block that it keeps when it is emptied.
    private let keptCapacity: Int

    /// - Parameter keptCapacity: the largest block that it keeps when it is emptied: a frame's worth, or what it takes in usually.
    package init(keeping keptCapacity: Int = 16_384) { self.keptCapacity = keptCapacity }

    package var count: Int { tail &- head }
    package var isEmpty: Bool { tail == head }

    /// What is in the queue, valid until the queue changes.
    package var bytes: UnsafeRawBufferPointer {
        guard let base else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(start: base + head, count: count)
    }

    /// Puts `source` behind what is there. False, and nothing happens, where the queue would hold more than `limit` bytes.
    package mutating func append(_ source: UnsafeRawBufferPointer, limit: Int) -> Bool {
        guard source.count > 0, let start = source.baseAddress else { return true }
        guard source.count <= limit, count <= limit - source.count else { return false }
        if head == tail {
            head = 0
            tail = 0
        }
        reserve(source.count)
        guard let base else { return false }
        memcpy(base + tail, start, source.count)
        tail += source.count
        return true
    }

    /// Makes room for `size` more bytes.
    private mutating func reserve(_ size: Int) {
        if capacity - tail >= size { return }
        if let base, head > 0 {
            memmove(base, base + head, count)
            tail -= head
            head = 0
            if capacity - tail >= size { return }
        }
        var larger = max(capacity * 2, 4096)
        while larger - tail < size { larger *= 2 }
        base = realloc(base, larger)
        guard base != nil else { fatalError("out of memory") }
        capacity = larger
    }

    /// Copies at most `target.count` bytes out. They can be put back until something is appended or dropped.
    package mutating func take(into target: UnsafeMutableRawBufferPointer) -> Int {
        let size = min(count, target.count)
        guard size > 0, let base, let start = target.baseAddress else { return 0 }
        memcpy(start, base + head, size)
        head += size
        return size
    }

    /// Drops the oldest `size` bytes.
    package mutating func drop(_ size: Int) {
        head += min(size, count)
        if head == tail { reset() }
    }

    /// Puts the `size` bytes back that were taken last. False, and nothing happens, where they are not there any more: something
    /// may have been appended since.
    package mutating func putBack(_ size: Int) -> Bool {
        guard size >= 0, size <= head else { return false }
        head -= size
        return true
    }

    /// Empties the queue for its next use.
    package mutating func reset() {
        head = 0
        tail = 0
        if capacity > keptCapacity { deallocate() }
    }

    package mutating func deallocate() {
        free(base)
        base = nil
        capacity = 0
        head = 0
        tail = 0
    }
}
