import CLinux
import Glibc

/// The signals that the state thread reads from a descriptor, so that they work when nothing else of Gate does.
package enum SignalMask {
    /// Blocks SIGUSR1 and SIGHUP for this thread and those it starts, and ignores SIGPIPE (a peer that closed its end is an
    /// error of the write). The first thing in `main`: a thread that is already running would take a signal in its own way.
    package static func block() {
        var set = stateThreadSignals
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    static var stateThreadSignals: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        sigaddset(&set, SIGUSR1)
        sigaddset(&set, SIGHUP)
        return set
    }
}
