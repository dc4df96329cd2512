/// Walks over the records of a segment or a checkpoint. Takes any bytes whatever, and checks each record before it is told of.
package struct SegmentScan {
    package enum Step {
        /// A whole record: its header, and what stands behind it.
        case record(RecordHeader, UnsafeRawBufferPointer)
        /// No record begins here, and nothing but zeros follows in the word where one would.
        case end
        /// What begins here is no record, or not the one that follows on the one before.
        case broken(Damage)
    }

    /// What is wrong with the bytes where a record would begin.
    package enum Damage: BitwiseCopyable, CustomStringConvertible {
        case cutOff
        case size(Int)
        case checksum
        case order(UInt64, after: UInt64)

        package var description: String {
            switch self {
            case .cutOff: "a record is cut off"
            case .size(let size): "a record's size is \(size)"
            case .checksum: "a record's checksum is not that of its bytes behind the record before it"
            case .order(let sequence, let before): "record \(sequence) follows on \(before)"
            }
        }
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
            return rest.endOfContent == 0 ? .end : .broken(.cutOff)
        }
        let word = base.loadUnaligned(as: UInt64.self)
        if word == 0 { return .end }
        guard rest.count >= JournalFormat.recordHeaderSize else { return .broken(.cutOff) }
        let record = RecordHeader(at: base)
        let size = Int(record.size)
        guard size >= JournalFormat.recordHeaderSize, size % JournalFormat.alignment == 0 else {
            return .broken(.size(size))
        }
        guard size <= rest.count else { return .broken(.cutOff) }
        let checksum = RecordHeader.checksum(
            of: base, word: UInt64(littleEndian: word), size: size, after: position.checksum)
        guard checksum == record.checksum, record.word == UInt64(littleEndian: word) else {
            return .broken(.checksum)
        }
        guard record.sequence == position.sequence &+ 1 else {
            return .broken(.order(record.sequence, after: position.sequence))
        }
        offset += size
        position = JournalPosition(sequence: record.sequence, checksum: checksum)
        let body = UnsafeRawBufferPointer(rebasing: rest[JournalFormat.recordHeaderSize..<size])
        return .record(record, body)
    }
}
