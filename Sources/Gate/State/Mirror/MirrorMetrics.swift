package import Synchronization

/// What the mirror counts beside the metrics of every Gate. Written by the state thread, read by anyone.
package final class MirrorMetrics: Sendable {
    /// What came of reading a key.
    package final class Lookups: Sendable {
        package let present = Atomic<UInt64>(0)
        package let absent = Atomic<UInt64>(0)
        /// There, but not to be used: not a number, out of range, the wrong type …
        package let refused = Atomic<UInt64>(0)
        /// Older than what is mirrored already (a lower `as_of`).
        package let outdated = Atomic<UInt64>(0)
    }

    package let prices = Lookups()
    package let accounts = Lookups()
    /// Attempts to build the link, the first included.
    package let connects = Atomic<UInt64>(0)
    /// Losses of a live link.
    package let losses = Atomic<UInt64>(0)
    /// Keys of invalidation messages, ours or not.
    package let invalidations = Atomic<UInt64>(0)
    /// Requests to watch a name that were turned away because the table is full.
    package let overflows = Atomic<UInt64>(0)

    package init() {}
}

extension Atomic where Value == UInt64 {
    /// Counts one more.
    @inline(__always)
    func count() { wrappingAdd(1, ordering: .relaxed) }
}
