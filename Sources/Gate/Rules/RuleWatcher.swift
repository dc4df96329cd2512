import CLinux
import Glibc

/// Notices when the rule files change, by inotify: a file closed after writing, renamed into place or removed, the
/// directory's link or its `..data` exchanged. Modification alone is never a reason to read.
///
/// Changes within 20 ms of the first are told together. Lives on its event loop's thread.
package final class RuleWatcher: EventTarget {
    /// How long changes are gathered, in nanoseconds.
    package static let gathering: Int64 = 20_000_000

    private let path: String
    private let loop: EventLoop
    private let onChange: (RuleTrigger) -> Void
    private let descriptor: Int32
    private var registration = Registration.none
    private var watches: [Int32: RuleWatchPlan.Watch] = [:]
    private var timer: TimerID?
    private var pending: RuleTrigger?

    private static let mask = UInt32(
        IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_CREATE | IN_DELETE_SELF | IN_MOVE_SELF
            | IN_ONLYDIR)

    /// Watches a directory; read it after that, so that no change falls in between. It need not exist: its coming is
    /// noticed too.
    /// - Parameter onChange: told on the loop's thread that the directory should be read.
    package init(path: String, loop: EventLoop, onChange: @escaping (RuleTrigger) -> Void) throws(SystemError) {
        self.path = path
        self.loop = loop
        self.onChange = onChange
        descriptor = try checked("inotify_init1") { inotify_init1(Int32(IN_NONBLOCK | IN_CLOEXEC)) }
        super.init()
        do throws(SystemError) {
            registration = try loop.register(descriptor, events: EPOLLIN.rawValue, target: self)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
        arm()
    }

    deinit {
        Glibc.close(descriptor)
    }

    /// Ends the watch. Needed before the watcher is let go: the loop keeps no reference of its own.
    package func stop() {
        loop.deregister(registration)
        if let timer { loop.cancel(timer) }
        timer = nil
    }

    /// Tells of a change at once, whatever is being gathered: for SIGHUP.
    package func request() {
        pending = .requested
        tell()
    }

    // MARK: Events

    package override func ready(_ events: UInt32) {
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: MemoryLayout<inotify_event>.alignment) { buffer in
            while true {
                let count = retryingInterrupts { read(descriptor, buffer.baseAddress, buffer.count) }
                guard count > 0 else { return }
                take(UnsafeRawBufferPointer(rebasing: buffer.prefix(count)))
            }
        }
    }

    private func take(_ buffer: UnsafeRawBufferPointer) {
        let headerSize = MemoryLayout<inotify_event>.size
        var rest = buffer
        while rest.count >= headerSize {
            let event = rest.loadUnaligned(as: inotify_event.self)
            let end = min(headerSize + Int(event.len), rest.count)
            let name = String(decoding: rest[headerSize..<end].prefix { $0 != 0 }, as: UTF8.self)
            gather(RuleWatchPlan.meaning(of: event.mask, name: name, in: watches[event.wd]))
            rest = UnsafeRawBufferPointer(rebasing: rest[end...])
        }
    }

    private func gather(_ trigger: RuleTrigger?) {
        guard let trigger else { return }
        if pending != .linkSwapped { pending = trigger }
        if timer == nil { timer = loop.schedule(at: loop.now + Self.gathering, target: self, context: 0) }
    }

    package override func fired(_ context: UInt64) {
        timer = nil
        tell()
    }

    /// Arms before it tells, so that what changes while the files are read is noticed again.
    private func tell() {
        if let timer { loop.cancel(timer) }
        timer = nil
        guard let trigger = pending else { return }
        pending = nil
        arm()
        onChange(trigger)
    }

    // MARK: Watches

    /// Watches what the path leads through now. The kernel gives the same number for what was watched before.
    private func arm() {
        var armed: [Int32: RuleWatchPlan.Watch] = [:]
        for watch in RuleWatchPlan(path: path).watches {
            let number = inotify_add_watch(descriptor, watch.directory, Self.mask)
            guard number >= 0 else { continue }
            armed[number, default: watch].merge(watch)
        }
        for number in watches.keys where armed[number] == nil {
            inotify_rm_watch(descriptor, number)
        }
        watches = armed
    }
}
