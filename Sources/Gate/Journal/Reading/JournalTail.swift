import CLinux
import Glibc

/// Follows a journal while it is written, over its segments.
package final class JournalTail {
    private let directory: String
    private var printer = JournalPrinter()
    private var number: UInt64
    private var descriptor: Int32
    private var memory: UnsafeMutableRawBufferPointer
    private var count = 0
    private var scan: SegmentScan?
    private var hasEnded = false

    /// Begins with the newest segment; what stands in it already is passed over. Throws where there is none.
    package init(following directory: String) throws(SystemError) {
        self.directory = directory
        let files = try JournalFiles(listing: directory)
        let begun = files.numbers(.segment).last { number in
            (try? JournalBytes(reading: files.path(.segment, number), limit: JournalFormat.segmentHeaderSize)).map {
                file in
                withExtendedLifetime(file) { SegmentHeader(file.bytes) != nil }
            } ?? false
        }
        guard let number = begun ?? files.numbers(.segment).last else {
            throw SystemError("no segment in \(directory)", errno: ENOENT)
        }
        self.number = number
        (descriptor, memory) = try Self.open(files.path(.segment, number))
        _ = try poll { _, _ in }
    }

    deinit {
        close(descriptor)
        memory.deallocate()
    }

    private static func open(_ path: String) throws(SystemError) -> (Int32, UnsafeMutableRawBufferPointer) {
        let descriptor = try checked("open \(path)") { gate_open(path, O_RDONLY | O_CLOEXEC, 0) }
        let size = lseek(descriptor, 0, SEEK_END)
        guard size >= 0, size <= JournalFiles.longestFile else {
            close(descriptor)
            throw SystemError("read \(path)", errno: size < 0 ? errno : EFBIG)
        }
        // Taken as it is read: most of it is nothing but zeros for long.
        return (descriptor, .allocate(byteCount: max(size, 1), alignment: 16))
    }

    /// Calls `body` with each line that is new. Returns what is wrong where the journal cannot be followed any further.
    package func poll(_ body: (RecordHeader, JournalLine) -> Void) throws(SystemError) -> String? {
        while true {
            if let problem = try readOn(body) { return problem }
            guard hasEnded, try goOn() else { return nil }
        }
    }

    private func readOn(_ body: (RecordHeader, JournalLine) -> Void) throws(SystemError) -> String? {
        while try read() {
            let bytes = UnsafeRawBufferPointer(rebasing: memory[..<count])
            if scan == nil { scan = SegmentScan(bytes) } else { scan?.extend(to: bytes) }
            let before = scan?.offset
            if let problem = lines(body) { return problem }
            if scan?.offset == before { return nil }
        }
        return nil
    }

    /// Reads what may have been written behind the last record; false where the file ends there.
    private func read() throws(SystemError) -> Bool {
        let start = scan?.offset ?? 0
        let end = min(memory.count, start + wanted(at: start))
        guard end > start else { return false }
        count =
            start
            + (try checked("pread") {
                pread(descriptor, memory.baseAddress.map { $0 + start }, end - start, off_t(start))
            })
        return count > start
    }

    /// A stretch that holds the record which begins at an offset, as far as that is known.
    private func wanted(at offset: Int) -> Int {
        guard count - offset >= 8 else { return Self.stretch }
        return max(Self.stretch, Int(memory.loadUnaligned(fromByteOffset: offset, as: UInt32.self)))
    }

    private static let stretch = 1 << 20

    private func lines(_ body: (RecordHeader, JournalLine) -> Void) -> String? {
        while true {
            let before = scan?.offset ?? 0
            switch scan?.next() {
            case .record(let header, let record)?:
                hasEnded = header.kind == JournalKind.end.rawValue || header.kind == JournalKind.close.rawValue
                body(header, printer.line(header, record))
            case .end?, nil: return nil
            case .broken(let what)?:
                // The rest of the record may not have been read yet.
                let isCut = wanted(at: before) > count - before && count < memory.count
                return isCut ? nil : "\(directory)/\(JournalFiles.name(.segment, number)):\(before): \(what)"
            }
        }
    }

    /// Goes on to the next segment; false where it has not been made yet.
    private func goOn() throws(SystemError) -> Bool {
        let path = "\(directory)/\(JournalFiles.name(.segment, number + 1))"
        guard access(path, R_OK) == 0 else { return false }
        let (next, room) = try Self.open(path)
        close(descriptor)
        memory.deallocate()
        (descriptor, memory) = (next, room)
        number += 1
        count = 0
        scan = nil
        hasEnded = false
        return true
    }
}
