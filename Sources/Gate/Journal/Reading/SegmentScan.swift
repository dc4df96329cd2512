/// Walks over the records of a segment or a checkpoint. Takes any bytes whatever, and checks each record before it is told of.
package struct SegmentScan {
    package enum Step {
        /// A whole record: its header, and what stands behind it.
        case record(RecordHeader, UnsafeRawBufferPointer)
        /// No record begins here, and nothing but zeros follows in the word where one would.
        case end
        /// What begins here is no record, or not the one that follows on the one before.
        case broken(String)
    }

    package let header: SegmentHeader
    private var bytes: UnsafeRawBufferPointer
    /// Where the next record begins.
    package private(set) var offset = JournalFormat.segmentHeaderSize
    /// Of the last record, or of the one before the segment.
    package private(set) var position: JournalPosition

    /// nil where the bytes do not begin with a segment's header.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard let header = SegmentHeader(bytes) else { return nil }
        self.header = header
        self.bytes = bytes
        position = JournalPosition(sequence: header.previousSequence, checksum: header.previousChecksum)
    }

    /// There is more of the same bytes.
    mutating func extend(to bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

    /// Goes on behind the record that begins at `offset`.
    package mutating func next() -> Step {
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        guard rest.count >= 8, let base = rest.baseAddress else {
            return rest.endOfContent == 0 ? .end : .broken("a record is cut off")
        }
        let word = base.loadUnaligned(as: UInt64.self)
        if word == 0 { return .end }
        guard rest.count >= JournalFormat.recordHeaderSize else { return .broken("a record is cut off") }
        let record = RecordHeader(at: base)
        let size = Int(record.size)
        guard size >= JournalFormat.recordHeaderSize, size % JournalFormat.alignment == 0 else {
            return .broken("a record's size is \(size)")
        }
        guard size <= rest.count else { return .broken("a record is cut off") }
        let checksum = RecordHeader.checksum(
            of: base, word: UInt64(littleEndian: word), size: size, after: position.checksum)
        guard checksum == record.checksum, record.word == UInt64(littleEndian: word) else {
            return .broken("a record's checksum is not that of its bytes behind the record before it")
        }
        guard record.sequence == position.sequence &+ 1 else {
            return .broken("record \(record.sequence) follows on \(position.sequence)")
        }
        offset += size
        position = JournalPosition(sequence: record.sequence, checksum: checksum)
        let body = UnsafeRawBufferPointer(rebasing: rest[JournalFormat.recordHeaderSize..<size])
        return .record(record, body)
    }
}
