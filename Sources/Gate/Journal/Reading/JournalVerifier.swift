/// Checks a journal: that its segments are all there and in their order, that each record follows on the one before it, and that
/// the chain's hashes are those of the bytes.
package struct JournalVerifier {
    /// Something that is not as Gate wrote it.
    package struct Finding: Hashable, Sendable, CustomStringConvertible {
        package var file: String
        /// Where in the file; nil where it is about the whole of it.
        package var offset: UInt64?
        package var what: String

        package var description: String { "\(file)\(offset.map { ":\($0)" } ?? ""): \(what)" }
    }

    package private(set) var findings: [Finding] = []
    /// What is no damage: a tail that a crash has torn, and what no chain covers yet.
    package private(set) var remarks: [Finding] = []
    package private(set) var segments = 0
    package private(set) var records: UInt64 = 0
    package private(set) var bytes: UInt64 = 0
    /// Of the first and the last record.
    package private(set) var firstSequence: UInt64 = 0
    package private(set) var lastSequence: UInt64 = 0
    /// The last of the chain: kept elsewhere, it proves that nothing was cut off the end.
    package private(set) var hash = SegmentChain.Hash.zero

    /// Of every entry.
    private var hashes: Set<SegmentChain.Hash> = []
    private let files: JournalFiles
    private var position: JournalPosition?
    private var previous: (number: UInt64, hash: SegmentChain.Hash)?

    /// Checks the journal of a directory. Throws where a file cannot be read.
    package init(checking files: JournalFiles) throws(SystemError) {
        self.files = files
        let numbers = files.numbers(.segment)
        // Before a checkpoint is written, or another chain begun, the chains of all segments before are complete.
        let complete = max(files.numbers(.checkpoint).last ?? 0, files.numbers(.chain).last ?? 0)
        for number in numbers { try check(number, mayBeOpen: number >= complete) }
        for number in files.numbers(.chain) where !numbers.contains(number) {
            if numbers.first.map({ number > $0 }) ?? true { find(.chain, number, nil, "its segment is missing") }
        }
        for number in files.numbers(.checkpoint) { try checkCheckpoint(number, numbers) }
    }

    private mutating func find(_ kind: JournalFiles.Kind, _ number: UInt64, _ offset: UInt64?, _ what: String) {
        findings.append(Finding(file: files.path(kind, number), offset: offset, what: what))
    }

    private mutating func remark(_ kind: JournalFiles.Kind, _ number: UInt64, _ offset: UInt64?, _ what: String) {
        remarks.append(Finding(file: files.path(kind, number), offset: offset, what: what))
    }

    /// Whether the chain came by a hash, in hexadecimal.
    package func hasCome(by hash: String) -> Bool { hashes.contains { $0.description == hash } }

    // MARK: Segments

    private mutating func check(_ number: UInt64, mayBeOpen: Bool) throws(SystemError) {
        let segment = try JournalBytes(reading: files.path(.segment, number))
        let chain = files.numbers(.chain).contains(number) ? try JournalBytes(reading: files.path(.chain, number)) : nil
        try withExtendedLifetime((segment, chain)) { () throws(SystemError) in
            check(number, segment.bytes, chain?.bytes, mayBeOpen: mayBeOpen)
        }
    }

    private mutating func check(
        _ number: UInt64, _ bytes: UnsafeRawBufferPointer, _ chain: UnsafeRawBufferPointer?, mayBeOpen: Bool
    ) {
        if let previous, number != previous.number + 1 {
            find(.segment, number, nil, "segment \(previous.number + 1) is missing before it")
            position = nil
        }
        guard let written = checkChain(number, bytes, chain, mayBeOpen: mayBeOpen) else { return }
        if bytes.endOfContent == 0, mayBeOpen, written.entries.isEmpty {
            // Prepared, and not begun.
            if bytes.isEmpty { find(.segment, number, nil, "it is empty") }
            return
        }
        segments += 1
        self.bytes += UInt64(bytes.count)
        defer { previous = (number, written.hash) }
        guard var scan = SegmentScan(bytes) else {
            if written.entries.last?.recordsEnd == 0 || (mayBeOpen && written.entries.isEmpty) {
                remark(.segment, number, 0, "torn by a crash: its header is not whole")
            } else {
                find(.segment, number, 0, "its header is not that of a segment")
                position = nil
            }
            return
        }
        if scan.header.number != number {
            find(.segment, number, 16, "its header names it \(scan.header.number)")
        }
        if let position, scan.position != position {
            find(
                .segment, number, 24,
                "it goes on from record \(scan.position.sequence), the segment before it ends with \(position.sequence)"
            )
        }
        if firstSequence == 0 { firstSequence = scan.position.sequence &+ 1 }
        let problem = walk(&scan)
        position = scan.position
        lastSequence = scan.position.sequence
        judgeEnd(number, bytes, written, scan, problem, mayBeOpen: mayBeOpen)
    }

    /// Reads all records; what is wrong with the one that it ends at.
    private mutating func walk(_ scan: inout SegmentScan) -> String? {
        while true {
            switch scan.next() {
            case .record: records += 1
            case .end: return nil
            case .broken(let what): return what.description
            }
        }
    }

    private mutating func judgeEnd(
        _ number: UInt64, _ bytes: UnsafeRawBufferPointer, _ chain: SegmentChain, _ scan: SegmentScan,
        _ problem: String?, mayBeOpen: Bool
    ) {
        let end = UInt64(scan.offset)
        let rest = UnsafeRawBufferPointer(rebasing: bytes[scan.offset...])
        if let last = chain.entries.last, last.isLast {
            if last.recordsEnd != end {
                find(.segment, number, end, problem ?? "records are missing up to \(last.recordsEnd)")
            } else if problem != nil || !rest.isEmpty {
                remark(.segment, number, end, "\(rest.count) bytes behind the last record were torn by a crash")
            }
            return
        }
        guard mayBeOpen else {
            find(.chain, number, nil, "the chain does not come to its segment's end")
            return
        }
        if let covered = chain.entries.last?.recordsEnd, end < covered {
            find(.segment, number, end, problem ?? "records are missing up to \(covered)")
        } else if problem != nil || rest.endOfContent > 0 {
            remark(.segment, number, end, "torn by a crash: \(problem ?? "what follows is no record")")
        } else if chain.entries.last?.recordsEnd != end {
            remark(
                .segment, number, chain.entries.last?.recordsEnd ?? 0,
                "in use, or ended by a crash: the chain does not cover the latest records yet")
        }
    }

    // MARK: Chains

    /// Hashes the segment again as far as its chain goes; nil where the chain cannot be read.
    private mutating func checkChain(
        _ number: UInt64, _ bytes: UnsafeRawBufferPointer, _ file: UnsafeRawBufferPointer?, mayBeOpen: Bool
    ) -> SegmentChain? {
        let expected = previous?.number == number - 1 ? previous?.hash : nil
        guard let file, !(mayBeOpen && file.count < SegmentChain.headerSize) else {
            // Without a chain nothing can be said of a segment but the last, whose chain may not have been begun.
            if !mayBeOpen { find(.chain, number, nil, "it is missing") }
            return SegmentChain(number: number, previous: expected ?? .zero)
        }
        guard let written = SegmentChain.decode(file), written.number == number else {
            find(.chain, number, 0, "it is no chain of segment \(number)")
            return nil
        }
        if let expected, written.previous != expected {
            find(.chain, number, 24, "it does not go on from the chain of the segment before")
        }
        var chain = SegmentChain(number: number, previous: written.previous)
        for (index, entry) in written.entries.enumerated() {
            let place = UInt64(SegmentChain.headerSize + index * SegmentChain.entrySize)
            guard !chain.isComplete else {
                find(.chain, number, place, "an entry follows on the last one")
                break
            }
            guard entry.end >= chain.hashed, entry.end <= bytes.count else {
                find(.segment, number, UInt64(bytes.count), "it was cut off: the chain covers \(entry.end) bytes")
                break
            }
            let start = chain.hashed
            chain.update(UnsafeRawBufferPointer(rebasing: bytes[Int(start)..<Int(entry.end)]))
            hashes.insert(entry.hash)
            if chain.seal(recordsEnd: entry.recordsEnd, isLast: entry.isLast) != entry {
                find(.segment, number, start, "bytes \(start) to \(entry.end) are not those that the chain covers")
                break
            }
        }
        if written.rest > 0 {
            let place = UInt64(file.count - written.rest)
            if mayBeOpen, !chain.isComplete {
                remark(.chain, number, place, "its last entry was torn by a crash")
            } else {
                find(.chain, number, place, "\(written.rest) bytes follow on the last entry")
            }
        }
        if chain.isComplete, chain.covered != bytes.count {
            find(.segment, number, chain.covered, "bytes follow on the segment's end")
        }
        hash = chain.hash
        return chain
    }

    // MARK: Checkpoints

    private mutating func checkCheckpoint(_ number: UInt64, _ segments: [UInt64]) throws(SystemError) {
        let file = try JournalBytes(reading: files.path(.checkpoint, number))
        withExtendedLifetime(file) {
            switch CheckpointReader.check(file.bytes, number: number) {
            case .whole: break
            case .damaged(let offset, let what): find(.checkpoint, number, offset, what)
            }
        }
        // Written when the segment before it was complete.
        if let last = segments.last, number > last + 1 {
            find(.checkpoint, number, nil, "the segments between \(last) and it are missing")
        }
    }
}
