import Synchronization

/// How the writer comes by segments: the keeper puts the next one here, the writer takes it when the one before is full. The
/// keeper owns every segment until it has read that the writer went on to the next.
package final class JournalHandover: Sendable {
    private let next = Atomic<Unmanaged<JournalSegment>?>(nil)
    private let waker: LoopWaker

    /// - Parameter waker: of the keeper's loop.
    package init(waker: LoopWaker) { self.waker = waker }

    /// Whether the writer has taken the last one. For the keeper.
    var isEmpty: Bool { next.load(ordering: .acquiring) == nil }

    /// Makes a segment the next one; the one before must have been taken. For the keeper.
    func put(_ segment: JournalSegment) { next.store(.passUnretained(segment), ordering: .releasing) }

    /// Takes back what the writer has not taken. For the keeper, when the writer is no more.
    func withdraw() { next.store(nil, ordering: .relaxed) }

    /// The next segment, if it is ready; the keeper then begins another. For the writer.
    func take() -> Unmanaged<JournalSegment>? {
        guard next.load(ordering: .relaxed) != nil, let segment = next.exchange(nil, ordering: .acquiring) else {
            return nil
        }
        waker.wake()
        return segment
    }
}
