import Synchronization

/// Hands closures from any thread to the owner of an event loop, which runs them at the beginning of its next turn, in the order
/// in which each thread gave them. For control, not for orders: each closure is an allocation (of the caller's).
package final class LoopHandle<Owner: AnyObject>: Sendable {
    private final class Node: @unchecked Sendable {
        // Written by the one thread that pushes it before it is published, and then by the one that drains.
        let task: @Sendable (Owner) -> Void
        var next: Unmanaged<Node>?
        init(_ task: @escaping @Sendable (Owner) -> Void) { self.task = task }
    }

    private let newest = Atomic<Unmanaged<Node>?>(nil)
    private let waker: LoopWaker

    package init(waker: LoopWaker) {
        self.waker = waker
    }

    deinit {
        while let node = takeNewest() { node.forEach { _ in } }
    }

    /// Runs `task` on the owner's thread, soon.
    package func execute(_ task: @escaping @Sendable (Owner) -> Void) {
        let node = Node(task)
        let pointer = Unmanaged.passRetained(node)
        var seen = newest.load(ordering: .relaxed)
        while true {
            node.next = seen
            let (exchanged, original) = newest.weakCompareExchange(
                expected: seen, desired: pointer, successOrdering: .releasing, failureOrdering: .relaxed)
            if exchanged { break }
            seen = original
        }
        waker.wake()
    }

    /// Runs what was handed over; the owner calls it at the beginning of each turn. Costs one load where there is nothing.
    package func drain(_ owner: Owner) {
        if newest.load(ordering: .relaxed) == nil { return }
        takeNewest()?.forEach { $0.task(owner) }
    }

    /// All nodes, oldest first.
    private func takeNewest() -> [Node]? {
        guard var pointer = newest.exchange(nil, ordering: .acquiring) else { return nil }
        var nodes: [Node] = []
        while true {
            let node = pointer.takeRetainedValue()
            nodes.append(node)
            guard let next = node.next else { break }
            pointer = next
        }
        return nodes.reversed()
    }
}
