import Glibc

/// How many descriptors this process may have open: the soft limit holds, and may be raised to the hard one.
package struct DescriptorLimit: Equatable, Sendable {
    package var soft: UInt64
    package var hard: UInt64

    /// What is open besides clients and their connections to the endpoint: sockets that linger, those of Redis and of the admin
    /// address, files, event loops.
    private static let others = OrderPathConfiguration.maximumLingering + 128

    package init(soft: UInt64, hard: UInt64) {
        self.soft = soft
        self.hard = hard
    }

    /// Of this process, now.
    package static func current() throws(SystemError) -> DescriptorLimit {
        var limit = rlimit()
        try checked("getrlimit") { getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) }
        return DescriptorLimit(soft: UInt64(limit.rlim_cur), hard: UInt64(limit.rlim_max))
    }

    /// Descriptors needed for so many clients, each with a connection to the endpoint of its own.
    package static func needed(connections: Int) -> UInt64 {
        let (both, overflow) = connections.multipliedReportingOverflow(by: 2)
        return overflow ? .max : UInt64(clamping: both) + UInt64(others)
    }

    /// Raises the soft limit to the hard one, and tells what it was before.
    package static func raise() throws(SystemError) -> DescriptorLimit {
        let before = try current()
        if before.soft < before.hard {
            var raised = rlimit(rlim_cur: rlim_t(before.hard), rlim_max: rlim_t(before.hard))
            try checked("setrlimit") { setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &raised) }
        }
        return before
    }
}
