import CLinux
import Glibc

/// Reads SIGUSR1 and SIGHUP from a signalfd on an event loop. Both must be blocked (`SignalMask`).
package final class SignalReader: EventTarget {
    /// A signal that came, and the process that sent it (0: the kernel).
    struct Received {
        var signal: Int32
        var process: UInt32
        var user: UInt32
    }

    private let loop: EventLoop
    private let descriptor: Int32
    private let onSignal: (Received) -> Void
    private var registration = Registration.none

    init(loop: EventLoop, onSignal: @escaping (Received) -> Void) throws(SystemError) {
        self.loop = loop
        self.onSignal = onSignal
        var set = SignalMask.stateThreadSignals
        descriptor = try checked("signalfd") { signalfd(-1, &set, Int32(SFD_NONBLOCK | SFD_CLOEXEC)) }
        super.init()
        do throws(SystemError) {
            registration = try loop.register(descriptor, events: EPOLLIN.rawValue, target: self)
        } catch {
            close(descriptor)
            throw error
        }
    }

    /// Ends the watch, before the reader is let go.
    func stop() {
        loop.deregister(registration)
        close(descriptor)
    }

    override package func ready(_ events: UInt32) {
        var info = signalfd_siginfo()
        while retryingInterrupts({ read(descriptor, &info, MemoryLayout<signalfd_siginfo>.size) })
            == MemoryLayout<signalfd_siginfo>.size
        {
            onSignal(Received(signal: Int32(info.ssi_signo), process: info.ssi_pid, user: info.ssi_uid))
        }
    }
}
