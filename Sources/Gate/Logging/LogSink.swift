import CLinux
import Glibc
import Synchronization

/// Where log lines go: a descriptor, usually standard error. A reader that is too slow costs lines, never time.
package final class LogSink: Sendable {
    package static let standardError = LogSink(descriptor: STDERR_FILENO)

    private let descriptor: Int32
    private let dropped = Atomic<UInt64>(0)

    /// A pipe that poll calls writable takes this much without waiting (PIPE_BUF), and takes it whole.
    static let maximumLine = 4096

    /// `descriptor` stays the caller's.
    package init(descriptor: Int32) {
        self.descriptor = descriptor
    }

    /// Lines that found no room.
    package var droppedLines: UInt64 { dropped.load(ordering: .relaxed) }

    /// Writes one line, with its newline, of at most `maximumLine` bytes.
    func write(_ line: [UInt8]) {
        var poll = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        let ready = retryingInterrupts { Glibc.poll(&poll, 1, 0) }
        guard ready == 1, poll.revents & Int16(POLLOUT) != 0,
            retryingInterrupts({ Glibc.write(descriptor, line, line.count) }) == line.count
        else {
            dropped.wrappingAdd(1, ordering: .relaxed)
            return
        }
    }
}
