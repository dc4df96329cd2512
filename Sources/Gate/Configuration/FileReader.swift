import CLinux
import Glibc

/// Reads whole files of a bounded size.
package enum FileReader {
    /// A file's bytes, at most one more than `limit`, so that whoever judges them sees that there are too many.
    /// Throws where it cannot be opened or read; a directory is `EISDIR`.
    package static func read(
        _ path: String, limit: Int = StrictReader.maximumBytes
    ) throws(SystemError) -> [UInt8] {
        // Non-blocking, so that a pipe without a writer ends the read instead of holding it.
        let descriptor = try checked("open") { gate_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0) }
        defer { close(descriptor) }
        var bytes = [UInt8](repeating: 0, count: limit + 1)
        var count = 0
        while count < bytes.count {
            let taken = try checked("read") {
                bytes.withUnsafeMutableBytes {
                    Glibc.read(descriptor, $0.baseAddress.map { $0 + count }, $0.count - count)
                }
            }
            if taken == 0 { break }
            count += taken
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }
}

/// Paths as configuration and mappings give them.
package enum FilePath {
    /// A path that is relative to the directory of the file in which it stands.
    package static func resolve(_ path: String, besides file: String) -> String {
        guard !path.hasPrefix("/"), let slash = file.lastIndex(of: "/") else { return path }
        return String(file[...slash]) + path
    }

    /// The last component.
    package static func name(_ path: String) -> String {
        String(path.split(separator: "/").last ?? "")
    }
}
