import Synchronization

/// A bounded one-way mailbox between two threads: one pushes, one takes, neither waits and neither locks.
///
/// Elements are trivially copyable; a reference travels as an `Unmanaged` that the receiver releases.
package final class Mailbox<Element: BitwiseCopyable>: @unchecked Sendable {
    // Sound to share: `slots` is written by the producer only before it publishes `tail`, and read by the consumer only
    // after it has seen that `tail`; a slot is reused only after the consumer has published `head` past it.
    private let slots: UnsafeMutablePointer<Element>
    private let mask: Int
    private let waker: LoopWaker
    private let head = Atomic<Int>(0)
    private let tail = Atomic<Int>(0)

    /// `capacity` is rounded up to a power of two. `waker` belongs to the consumer's loop.
    package init(capacity: Int, waker: LoopWaker) {
        var size = 2
        while size < capacity { size *= 2 }
        slots = .allocate(capacity: size)
        mask = size - 1
        self.waker = waker
    }

    deinit {
        slots.deallocate()
    }

    /// Puts an element in and wakes the consumer. False, and nothing happens, where the mailbox is full.
    package func push(_ element: Element) -> Bool {
        let end = tail.load(ordering: .relaxed)
        if end &- head.load(ordering: .acquiring) > mask { return false }
        (slots + (end & mask)).initialize(to: element)
        tail.store(end &+ 1, ordering: .releasing)
        waker.wake()
        return true
    }

    /// Takes the oldest element, if there is one.
    package func take() -> Element? {
        let start = head.load(ordering: .relaxed)
        if start == tail.load(ordering: .acquiring) { return nil }
        let element = slots[start & mask]
        head.store(start &+ 1, ordering: .releasing)
        return element
    }
}
