import CLinux
package import Logging

/// Reads certificates, keys and authorities again when their files change, links on the way to them included. What cannot be used
/// is logged and leaves the last good ones in force. Lives on the state thread.
package final class TLSReloader: EventTarget {
    /// What tells one state of a file from another; nil: it cannot be looked at.
    private struct Stamp: Equatable {
        private var device: UInt64
        private var inode: UInt64
        private var size: UInt64
        private var changed: Int64

        init?(_ path: String) {
            var stamp = gate_file_stamp()
            guard gate_stamp_file(path, &stamp) == 0 else { return nil }
            device = stamp.device
            inode = stamp.inode
            size = stamp.size
            changed = stamp.changed_ns
        }
    }

    /// How often the files are looked at, nanoseconds. A certificate lives for days: a watch in the kernel would gain nothing.
    private static let period: Int64 = 1_000_000_000

    private let loop: EventLoop
    private let settings: TLSSettings
    private let log: Logger
    private let publish: (TLSContexts) -> Void
    private var stamps: [Stamp?]
    private var timer = TimerID.none

    /// - Parameter publish: hears of each new state.
    package init(loop: EventLoop, settings: TLSSettings, log: Logger, publish: @escaping (TLSContexts) -> Void) {
        self.loop = loop
        self.settings = settings
        self.log = log
        self.publish = publish
        stamps = settings.files.map { Stamp($0) }
        super.init()
        if !stamps.isEmpty { wait() }
    }

    package func stop() {
        loop.cancel(timer)
    }

    package override func fired(_ context: UInt64) {
        wait()
        let stamps = settings.files.map { Stamp($0) }
        guard stamps != self.stamps else { return }
        self.stamps = stamps
        do throws(TLSError) {
            publish(try settings.load())
            log.notice("certificates loaded")
        } catch {
            log.error("certificates refused, the last good ones stay: \(error)")
        }
    }

    private func wait() {
        timer = loop.schedule(at: loop.now + Self.period, target: self, context: 0)
    }
}
