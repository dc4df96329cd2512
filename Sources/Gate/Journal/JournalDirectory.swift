import CLinux
import Glibc

/// The directory of one Gate's journal: held by one process at a time, and with the key under which digests mean the same in every
/// run.
package final class JournalDirectory: Sendable {
    package let path: String
    /// Key of the hashes of ids that stand in records: as secret as the ids of a client's orders must be unforgeable.
    package let seed: UInt64
    /// Why digests of the runs before mean nothing to this one; nil where they do.
    package let seedProblem: String?
    private let lock: Int32

    private static let seedFile = "seed"
    private static let lockFile = "lock"

    /// Makes the directory and the seed where they are missing, and takes the lock. Throws where another process has it
    /// (EWOULDBLOCK), or the file system refuses.
    package init(_ path: String) throws(SystemError) {
        if mkdir(path, 0o700) != 0, errno != EEXIST { throw SystemError("mkdir \(path)", errno: errno) }
        self.path = path
        let lockPath = "\(path)/\(Self.lockFile)"
        let descriptor = try checked("open \(lockPath)") {
            gate_open(lockPath, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let code = errno
            close(descriptor)
            throw SystemError("lock \(lockPath), which another Gate holds", errno: code)
        }
        do throws(SystemError) {
            (seed, seedProblem) = try Self.seed(in: path)
        } catch {
            close(descriptor)
            throw error
        }
        lock = descriptor
    }

    deinit { close(lock) }

    /// Sixteen hexadecimal digits.
    private static func seed(in path: String) throws(SystemError) -> (UInt64, problem: String?) {
        let file = DurableFile(directory: path, name: seedFile)
        let content = try file.read(limit: 64)
        if let content, let seed = decoded(content) { return (seed, nil) }
        let seed = UInt64.random(in: .min ... .max)
        let digits = String(seed, radix: 16)
        let text = String(repeating: "0", count: 16 - digits.count) + digits + "\n"
        try file.replace(with: Array(text.utf8))
        let problem =
            "\(path)/\(seedFile) cannot be read; it is made anew. Client order ids of the runs before may come again, and "
            + "snapshots do not find their orders by id"
        return (seed, content == nil ? nil : problem)
    }

    private static func decoded(_ content: [UInt8]) -> UInt64? {
        guard content.count == 17, content.last == 0x0A else { return nil }
        return UInt64(String(decoding: content.dropLast(), as: UTF8.self), radix: 16)
    }
}
