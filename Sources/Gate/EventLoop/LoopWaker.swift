import CLinux
import Glibc
import Synchronization

/// Wakes one loop from other threads through an eventfd. Many wakes between two turns cost one system call.
package final class LoopWaker: Sendable {
    let descriptor: Int32
    private let pending = Atomic<Bool>(false)

    package init() throws(SystemError) {
        descriptor = try checked("eventfd") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }
    }

    deinit {
        close(descriptor)
    }

    /// Makes the loop begin a turn soon. What was handed over before the call is seen in that turn.
    package func wake() {
        if pending.exchange(true, ordering: .sequentiallyConsistent) { return }
        var one: UInt64 = 1
        _ = retryingInterrupts { write(descriptor, &one, 8) }
    }

    /// The loop is about to look at what was handed over: a wake from now on counts anew. Reads the flag as it clears it, so
    /// that what was handed over before a wake that found it set is seen.
    func clear() {
        if pending.load(ordering: .relaxed) { _ = pending.exchange(false, ordering: .sequentiallyConsistent) }
    }

    /// Takes the eventfd's count, so that it is not ready again. Always before `clear`: after it, this could take the count of a
    /// wake that is yet to come, and the flag would stay set with nothing behind it.
    func drain() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
