import CLinux
import Glibc

/// A segment that no chain brings to its end, because the run that wrote it ended without doing so: by a crash, mostly.
struct AbandonedSegment {
    private let segment: String
    private let chain: String
    /// What completes the chain's file, and where.
    private let completion: [UInt8]
    private let offset: Int
    /// How long the segment is without the zeros at its end; nil where it was never begun.
    private let size: Int?

    /// Never begun: it is to be removed, and its number used again.
    var isUnused: Bool { size == nil }

    /// Of a segment that was never begun.
    init(unused number: UInt64, in files: JournalFiles) {
        segment = files.path(.segment, number)
        chain = files.path(.chain, number)
        completion = []
        offset = 0
        size = nil
    }

    /// Completes a chain; nil where what there is of it is not that of the bytes: it is left alone, for people to look at.
    /// - Parameters:
    ///   - recordsEnd: where the last whole record ends.
    ///   - written: what there is of the chain.
    ///   - previous: the hash of the segment before.
    init?(
        _ number: UInt64, in files: JournalFiles, bytes: UnsafeRawBufferPointer, recordsEnd: Int,
        written: [SegmentChain.Entry], previous: SegmentChain.Hash, hash: inout SegmentChain.Hash
    ) {
        segment = files.path(.segment, number)
        chain = files.path(.chain, number)
        let size = max(recordsEnd, bytes.endOfContent)
        var chain = SegmentChain(number: number, previous: previous)
        func update(to end: Int) {
            chain.update(UnsafeRawBufferPointer(rebasing: bytes[Int(chain.hashed)..<end]))
        }
        for entry in written {
            guard entry.end >= chain.hashed, entry.end <= size else { return nil }
            update(to: Int(entry.end))
            guard chain.seal(recordsEnd: entry.recordsEnd, isLast: false) == entry else { return nil }
        }
        update(to: size)
        let last = chain.seal(recordsEnd: UInt64(recordsEnd), isLast: true)
        hash = last.hash
        completion = (written.isEmpty ? chain.header : []) + SegmentChain.encoded(last)
        offset = written.isEmpty ? 0 : SegmentChain.headerSize + written.count * SegmentChain.entrySize
        self.size = size
    }

    /// Writes the end of the chain, and gives back what the segment did not use.
    func seal() throws(SystemError) {
        guard let size else {
            guard unlink(chain) == 0 || errno == ENOENT else { throw SystemError("unlink \(chain)", errno: errno) }
            try checked("unlink \(segment)") { unlink(segment) }
            return
        }
        let file = try checked("open \(chain)") { gate_open(chain, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0o600) }
        defer { close(file) }
        // What is left of an entry that a crash has torn is not as long as a whole one.
        let count = try checked("pwrite \(chain)") { pwrite(file, completion, completion.count, off_t(offset)) }
        guard count == completion.count else { throw SystemError("pwrite \(chain)", errno: ENOSPC) }
        try checked("fsync \(chain)") { fsync(file) }
        try checked("truncate \(segment)") { truncate(segment, off_t(size)) }
    }
}
