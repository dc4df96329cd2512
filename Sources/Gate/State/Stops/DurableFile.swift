import CLinux
import Glibc

/// A small file that is only ever replaced whole, and on the disk before the replacement is reported: a crash at any
/// moment leaves either the old content or the new.
package struct DurableFile {
    /// What a replacement does, in this order.
    package enum Step: CaseIterable, Sendable { case create, write, sync, rename, syncDirectory }

    let directory: String
    let name: String

    package init(directory: String, name: String) {
        self.directory = directory
        self.name = name
    }

    private var path: String { "\(directory)/\(name)" }
    private var temporaryPath: String { "\(path).new" }

    /// The content; nil where there is no such file. A file above `limit` bytes is refused (EFBIG).
    package func read(limit: Int) throws(SystemError) -> [UInt8]? {
        let descriptor = retryingInterrupts { gate_open(path, O_RDONLY | O_CLOEXEC, 0) }
        if descriptor < 0 {
            guard errno == ENOENT else { throw SystemError("open \(path)", errno: errno) }
            return nil
        }
        defer { close(descriptor) }
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            let count = try checked("read \(path)") { Glibc.read(descriptor, &chunk, chunk.count) }
            guard count > 0 else { return content }
            content += chunk[..<count]
            guard content.count <= limit else { throw SystemError("read \(path)", errno: EFBIG) }
        }
    }

    /// Replaces the content. `before` is called ahead of each step; where it throws, nothing more is done, as in a crash.
    package func replace(
        with content: [UInt8], before: (Step) throws(SystemError) -> Void = { _ in }
    ) throws(SystemError) {
        try before(.create)
        let flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC
        let descriptor = try checked("open \(temporaryPath)") { gate_open(temporaryPath, flags, 0o600) }
        defer { close(descriptor) }
        try before(.write)
        try write(content, to: descriptor)
        try before(.sync)
        try checked("fsync \(temporaryPath)") { fsync(descriptor) }
        try before(.rename)
        try checked("rename \(temporaryPath)") { rename(temporaryPath, path) }
        try before(.syncDirectory)
        try syncDirectory()
    }

    /// Keeps the content under another name too, so that a replacement does not lose it.
    func keep(as other: String) throws(SystemError) {
        let copy = "\(directory)/\(other)"
        unlink(copy)
        try checked("link \(copy)") { link(path, copy) }
    }

    /// Throws where the directory cannot be opened.
    func syncDirectory() throws(SystemError) {
        let flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC
        let descriptor = try checked("open \(directory)") { gate_open(directory, flags, 0) }
        defer { close(descriptor) }
        try checked("fsync \(directory)") { fsync(descriptor) }
    }

    private func write(_ content: [UInt8], to descriptor: Int32) throws(SystemError) {
        var written = 0
        while written < content.count {
            let start = written
            written += try checked("write \(temporaryPath)") {
                content.withUnsafeBytes { bytes in
                    let rest = UnsafeRawBufferPointer(rebasing: bytes[start...])
                    return Glibc.write(descriptor, rest.baseAddress, rest.count)
                }
            }
        }
    }
}
