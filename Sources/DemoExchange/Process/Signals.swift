import Foundation

/// SIGINT, SIGTERM and SIGHUP, taken by the main thread when it asks for them instead of by handlers.
enum Signals {
    private static var requests: sigset_t {
        var set = sigset_t()
        sigemptyset(&set)
        for signal in [SIGINT, SIGTERM, SIGHUP] { sigaddset(&set, signal) }
        return set
    }

    /// To be called before any thread is started: threads inherit what is blocked.
    static func block() {
        var set = requests
        pthread_sigmask(SIG_BLOCK, &set, nil)
        signal(SIGPIPE, SIG_IGN)
    }

    /// Whether a signal asked the process to end within `duration`.
    static func endRequested(within duration: Duration) -> Bool {
        var set = requests
        var limit = timespec(
            tv_sec: Int(duration.components.seconds), tv_nsec: Int(duration.components.attoseconds / 1_000_000_000))
        return sigtimedwait(&set, nil, &limit) > 0
    }
}
