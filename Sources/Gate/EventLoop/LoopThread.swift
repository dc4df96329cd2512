import CLinux
import Glibc

/// Starts a thread of its own for an event loop. What belongs to the loop is made on that thread, inside `body`, and
/// never leaves it.
package final class LoopThread: Sendable {
    private final class Boot: Sendable {
        let name: String
        let body: @Sendable () -> Void
        init(name: String, body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    private let thread: pthread_t

    /// `name` is cut to the 15 bytes that the kernel keeps. Throws where no thread can be had.
    package init(name: String, body: @escaping @Sendable () -> Void) throws(SystemError) {
        let boot = Unmanaged.passRetained(Boot(name: String(name.prefix(15)), body: body))
        var thread = pthread_t()
        let result = pthread_create(
            &thread, nil,
            { argument in
                guard let argument else { return nil }
                let boot = Unmanaged<Boot>.fromOpaque(argument).takeRetainedValue()
                pthread_setname_np(pthread_self(), boot.name)
                // Signals are for the control plane and the state thread's descriptor.
                var all = sigset_t()
                sigfillset(&all)
                pthread_sigmask(SIG_BLOCK, &all, nil)
                boot.body()
                return nil
            }, boot.toOpaque())
        guard result == 0 else {
            boot.release()
            throw SystemError("pthread_create", errno: result)
        }
        self.thread = thread
    }

    /// Nobody will join the thread: what it used is freed when its body returns.
    package func detach() {
        pthread_detach(thread)
    }

    /// Waits until the thread's body has returned. Once; not after `detach`.
    package func join() {
        pthread_join(thread, nil)
    }
}
