import CLinux
import Glibc

/// The files of a journal's directory.
package struct JournalFiles {
    package enum Kind: String, CaseIterable, Sendable {
        case segment = "gatej"
        /// What proves a segment.
        case chain
        /// What a restart needs of everything before, and from which segment to read on: that of its number.
        case checkpoint = "gatec"
    }

    package let directory: String
    private var found: [Kind: [UInt64]] = [:]

    /// The longest file that is read: a segment of the largest size.
    package static let longestFile = 1 << 30
    private static let digits = 12

    /// Lists the directory. Throws where it cannot be read.
    package init(listing directory: String) throws(SystemError) {
        self.directory = directory
        guard let stream = opendir(directory) else { throw SystemError("opendir \(directory)", errno: errno) }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if let (number, kind) = Self.parse(name) { found[kind, default: []].append(number) }
        }
        for kind in Kind.allCases { found[kind]?.sort() }
    }

    /// The numbers of one kind's files, in order.
    package func numbers(_ kind: Kind) -> [UInt64] { found[kind] ?? [] }

    package func path(_ kind: Kind, _ number: UInt64) -> String { "\(directory)/\(Self.name(kind, number))" }

    /// The name of a file.
    package static func name(_ kind: Kind, _ number: UInt64) -> String {
        let text = String(number)
        return String(repeating: "0", count: max(0, digits - text.count)) + text + "." + kind.rawValue
    }

    private static func parse(_ name: String) -> (UInt64, Kind)? {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == digits, let kind = Kind(rawValue: String(parts[1])),
            let number = UInt64(parts[0]), number > 0, Self.name(kind, number) == name
        else { return nil }
        return (number, kind)
    }
}

/// The bytes of a file of the journal, read whole.
package final class JournalBytes {
    private let memory: UnsafeMutableRawBufferPointer
    private var count = 0

    /// Throws where the file cannot be read, or is longer than any of the journal (EFBIG).
    /// - Parameter limit: how much of it is read at most.
    package init(reading path: String, limit: Int = JournalFiles.longestFile) throws(SystemError) {
        let descriptor = try checked("open \(path)") { gate_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0) }
        defer { close(descriptor) }
        let length = try checked("lseek \(path)") { lseek(descriptor, 0, SEEK_END) }
        guard length <= JournalFiles.longestFile else { throw SystemError("read \(path)", errno: EFBIG) }
        let size = min(length, limit)
        memory = .allocate(byteCount: max(size, 1), alignment: 16)
        do throws(SystemError) {
            while count < size {
                let start = count
                let taken = try checked("pread \(path)") {
                    pread(descriptor, memory.baseAddress.map { $0 + start }, size - start, off_t(start))
                }
                if taken == 0 { break }
                count += taken
            }
        } catch {
            memory.deallocate()
            throw error
        }
    }

    deinit { memory.deallocate() }

    /// Valid as long as this object.
    package var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: memory[..<count]) }
}
