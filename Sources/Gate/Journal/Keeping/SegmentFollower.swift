import CLinux
import Glibc
import Synchronization

/// Follows what the writer adds to one segment: into the state of a restart, onto the disk, and into the chain.
final class SegmentFollower {
    enum Progress {
        case open
        /// The writer went on to the next segment.
        case ended
        /// The run has ended.
        case closed
    }

    let segment: JournalSegment
    private let state: JournalState
    /// Begun when the segment before it is complete.
    private var chain: SegmentChain?
    private var chainFile: Int32 = -1
    private let chainPath: String
    private var scan: SegmentScan?
    private(set) var progress = Progress.open
    /// How far records were read, and how far when `sync` was last called.
    private var read = 0
    private var readBefore = 0
    private var synced = 0
    /// Entries that are not in the file yet, and how many are.
    private var pending: [SegmentChain.Entry] = []
    private var written = 0
    /// Entries in the file that may not be on the disk, and when all were.
    private var unsynced: [SegmentChain.Entry] = []
    private var chainSyncedAt: Int64 = 0
    private var lastEntryAt: Int64 = 0

    /// An entry of the chain covers at least so much, or a second; and a second is how long one may wait for the disk.
    private static let stretch = 65_536
    private static let longestWait: Int64 = 1_000_000_000

    init(_ segment: JournalSegment, files: JournalFiles, state: JournalState) {
        self.segment = segment
        self.state = state
        chainPath = files.path(.chain, segment.number)
    }

    deinit {
        if chainFile >= 0 { close(chainFile) }
    }

    /// The last of its chain.
    var hash: SegmentChain.Hash { chain?.hash ?? .zero }
    /// Whether the writer has begun it.
    var isBegun: Bool { scan != nil }

    /// Reads what was added. What cannot be read is told with its place: nothing but a stray store can have brought it about.
    /// - Parameter previous: the last hash of the segment before, which is complete.
    func follow(after previous: SegmentChain.Hash, now: Int64) -> String? {
        guard progress == .open else { return nil }
        var end = read == 0 ? JournalFormat.segmentHeaderSize : read
        while end + 8 <= segment.capacity, case let size = size(at: end), size > 0 { end += size }
        guard end > JournalFormat.segmentHeaderSize else { return nil }
        let bytes = UnsafeRawBufferPointer(start: segment.base, count: end)
        guard var scan = self.scan ?? SegmentScan(bytes) else {
            return "\(segment.path): its header is not that of a segment"
        }
        scan.extend(to: bytes)
        let damage = take(all: &scan)
        self.scan = scan
        if let damage { return "\(segment.path):\(scan.offset): \(damage)" }
        cover(to: end, after: previous, now: now)
        return nil
    }

    /// What is wrong with the record that it ends at.
    private func take(all scan: inout SegmentScan) -> SegmentScan.Damage? {
        var last: RecordHeader?
        defer {
            switch last?.kind {
            case JournalKind.end.rawValue: progress = .ended
            case JournalKind.close.rawValue: progress = .closed
            default: break
            }
        }
        while true {
            switch scan.next() {
            case .record(let header, let body):
                state.take(header, body)
                last = header
            case .end: return nil
            case .broken(let what): return what
            }
        }
    }

    /// The size of the record at an offset, once it is whole; 0 before.
    private func size(at offset: Int) -> Int {
        let word = (segment.base + offset).assumingMemoryBound(to: Atomic<UInt64>.self).pointee
            .load(ordering: .acquiring)
        return Int(UInt32(truncatingIfNeeded: UInt64(littleEndian: word)))
    }

    private func cover(to end: Int, after previous: SegmentChain.Hash, now: Int64) {
        read = end
        var chain = self.chain.take() ?? SegmentChain(number: segment.number, previous: previous)
        chain.update(UnsafeRawBufferPointer(start: segment.base + Int(chain.hashed), count: end - Int(chain.hashed)))
        let uncovered = Int(chain.hashed) - Int(chain.covered)
        let isDone = progress != .open
        if isDone || uncovered >= Self.stretch || (uncovered > 0 && now - lastEntryAt >= Self.longestWait) {
            lastEntryAt = now
            pending.append(chain.seal(recordsEnd: UInt64(end), isLast: isDone))
        }
        self.chain = chain
    }

    /// Brings to the disk what was read, the stretch that the writer is in only where it was read before the last call too; true
    /// where there was something. The kernel takes the right to write from what it brings to the disk: the writer would have to ask
    /// it anew for each page of that stretch, and wait for the disk meanwhile.
    func sync() throws(SystemError) -> Bool {
        defer { readBefore = read }
        let end = progress == .open ? max(read & ~(JournalSegment.stretch - 1), readBefore) : read
        guard end > synced else { return false }
        try segment.sync(from: synced, to: end)
        synced = end
        return true
    }

    /// Has the pages ready that the writer comes to next.
    func prepare() {
        if progress == .open { segment.prepare(from: read) }
    }

    /// Writes the chain's entries that cover no more than what is on the disk, and brings them there once a second, and at the end.
    func writeChain(now: Int64) throws(SystemError) {
        try writeReady()
        guard !unsynced.isEmpty, progress != .open || now - chainSyncedAt >= Self.longestWait else { return }
        do throws(SystemError) {
            try checked("fdatasync \(chainPath)") { fdatasync(chainFile) }
        } catch {
            // The kernel takes what it could not write for written: it has to be given it anew.
            pending = unsynced + pending
            written -= unsynced.count
            unsynced.removeAll()
            throw error
        }
        unsynced.removeAll(keepingCapacity: true)
        chainSyncedAt = now
    }

    private func writeReady() throws(SystemError) {
        let ready = pending.prefix { $0.end <= synced }
        guard let chain, !ready.isEmpty else { return }
        var bytes: [UInt8] = []
        if chainFile < 0 {
            let flags = O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC
            chainFile = try checked("open \(chainPath)") { gate_open(chainPath, flags, 0o600) }
        }
        if written == 0 { bytes = chain.header }
        for entry in ready { bytes += SegmentChain.encoded(entry) }
        let start = written == 0 ? 0 : SegmentChain.headerSize + written * SegmentChain.entrySize
        var done = 0
        while done < bytes.count {
            let from = done
            done += try checked("pwrite \(chainPath)") {
                bytes.withUnsafeBytes {
                    pwrite(chainFile, $0.baseAddress.map { $0 + from }, bytes.count - from, off_t(start + from))
                }
            }
        }
        written += ready.count
        unsynced += ready
        pending.removeFirst(ready.count)
    }

    /// Whether everything of it is on the disk and in the chain.
    var isSealed: Bool { chain?.isComplete == true && pending.isEmpty && unsynced.isEmpty }

    /// Gives back what the segment did not use.
    func truncate() throws(SystemError) { try segment.truncate(to: read) }
}
