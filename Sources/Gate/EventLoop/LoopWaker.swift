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

    /// The loop is about to look at what was handed over: a wake from now on counts anew.
    func clear() {
        if pending.load(ordering: .relaxed) { pending.store(false, ordering: .sequentiallyConsistent) }
    }

    /// Takes the eventfd's count, so that it is not ready again.
    func drain() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}
