import CChecksum

/// What stands in every file of the journal. Numbers are little-endian.
///
/// A segment is a file of a fixed size: its header, then records one behind the other. A record is its header, the fixed
/// fields of its kind (`RecordCodec`), and its texts, filled up to a multiple of 8 bytes. It is there as soon as the first word of
/// its header is, which is written last; a word of zero is the end. Each record's checksum goes on from the one before it, over
/// segments and runs, so that none can be changed, left out or moved by accident.
package enum JournalFormat {
    /// "GATEJRNL".
    package static let magic: UInt64 = 0x4C4E_524A_4554_4147
    package static let version: UInt32 = 1
    /// Of each kind's fields. Later versions may only add to the end of the fixed ones.
    package static let recordVersion: UInt8 = 1
    package static let segmentHeaderSize = 64
    package static let recordHeaderSize = 32
    /// Records begin at multiples of this.
    package static let alignment = 8
    /// Texts are cut to this.
    package static let longestText = 1024
    /// The least that a segment can be: several of the longest records.
    package static let smallestSegment = 1 << 20

    /// The size of a record whose fields and texts take `size` bytes.
    package static func recordSize(_ size: Int) -> Int { (recordHeaderSize + size + alignment - 1) & ~(alignment - 1) }
}

/// What a record says. A number is never used again for something else.
package enum JournalKind: UInt8, CaseIterable, Sendable {
    /// A run begins.
    case start = 1
    /// The rules that decide from here on.
    case rules
    /// What a number in the records behind stands for.
    case name
    /// An order was decided.
    case decision
    /// A cancel was forwarded, or refused.
    case cancel
    /// What the ledger holds for an order, whole.
    case reservation
    /// The ledger holds nothing any more for an order.
    case gone
    /// What became of a forwarded order.
    case outcome
    /// A stop was latched or lifted.
    case stop
    /// An account's state as its keeper wrote it.
    case snapshot
    /// A person's word on an order whose outcome was unknown.
    case settle
    /// What could not be recorded before this.
    case gap
    /// An alert, or a step of an unwinding.
    case note
    /// The next segment goes on from here.
    case end
    /// The run ends, with nothing under way.
    case close
    /// A decision whose numbers fit in 64 bits, and which says nothing unusual.
    case briefDecision
    /// The same of what the ledger holds for an order that replaces none.
    case briefReservation
    /// What became different in what the ledger holds for such an order.
    case change

    // Of checkpoints alone.

    /// Where to read on from.
    case checkpoint = 32
    /// Client order ids that are remembered of an account, the oldest first.
    case identifiers
    /// What a rate window has counted.
    case window
    /// The checkpoint is whole.
    case complete
}

extension JournalKind {
    /// The kind that says the same at length, and by whose name people call it.
    package var full: JournalKind {
        switch self {
        case .briefDecision: .decision
        case .briefReservation: .reservation
        default: self
        }
    }
}

/// The first 32 bytes of a record.
package struct RecordHeader: BitwiseCopyable {
    /// Of the whole record.
    package var size: UInt32
    /// A `JournalKind`, or of a later version.
    package var kind: UInt8
    package var version: UInt8
    /// One more than that of the record before.
    package var sequence: UInt64
    /// Unix nanoseconds.
    package var at: Int64
    /// CRC32C of the record, gone on with from that of the record before.
    package var checksum: UInt32

    /// The word that makes the record visible.
    package var word: UInt64 { UInt64(size) | UInt64(kind) << 32 | UInt64(version) << 40 }

    /// What stands at `base`, which has room for it.
    init(at base: UnsafeRawPointer) {
        let word = UInt64(littleEndian: base.loadUnaligned(as: UInt64.self))
        size = UInt32(truncatingIfNeeded: word)
        kind = UInt8(truncatingIfNeeded: word >> 32)
        version = UInt8(truncatingIfNeeded: word >> 40)
        sequence = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        at = Int64(littleEndian: base.loadUnaligned(fromByteOffset: 16, as: Int64.self))
        checksum = UInt32(littleEndian: base.loadUnaligned(fromByteOffset: 24, as: UInt32.self))
    }

    package init(size: Int, kind: JournalKind, sequence: UInt64, at: Int64) {
        self.size = UInt32(truncatingIfNeeded: size)
        self.kind = kind.rawValue
        version = JournalFormat.recordVersion
        self.sequence = sequence
        self.at = at
        checksum = 0
    }

    /// Writes all but the first word, and the checksum of a record whose fields are written.
    /// - Parameter previous: the checksum of the record before.
    /// - Returns: the record's checksum.
    package func seal(at base: UnsafeMutableRawPointer, after previous: UInt32) -> UInt32 {
        base.storeBytes(of: sequence.littleEndian, toByteOffset: 8, as: UInt64.self)
        base.storeBytes(of: at.littleEndian, toByteOffset: 16, as: Int64.self)
        let checksum = Self.checksum(of: base, word: word, size: Int(size), after: previous)
        base.storeBytes(of: checksum.littleEndian, toByteOffset: 24, as: UInt32.self)
        return checksum
    }

    /// The checksum of a record: of its first word, and of all but the place of the checksum itself.
    static func checksum(of base: UnsafeRawPointer, word: UInt64, size: Int, after previous: UInt32) -> UInt32 {
        var word = word.littleEndian
        let begun = gate_crc32c(gate_crc32c(previous, &word, 8), base + 8, 16)
        return gate_crc32c(begun, base + 28, size - 28)
    }
}

/// The first bytes of a segment, written when its first record is about to be; all zero until then.
package struct SegmentHeader: BitwiseCopyable {
    package var number: UInt64
    /// Of the last record before it; 0 where there is none.
    package var previousSequence: UInt64
    /// The checksum of the last record before it.
    package var previousChecksum: UInt32
    /// Unix nanoseconds.
    package var startedAt: Int64

    private static let checkedSize = 56

    package init(number: UInt64, previousSequence: UInt64, previousChecksum: UInt32, startedAt: Int64) {
        self.number = number
        self.previousSequence = previousSequence
        self.previousChecksum = previousChecksum
        self.startedAt = startedAt
    }

    /// nil where the bytes are none of this version.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count >= JournalFormat.segmentHeaderSize, let base = bytes.baseAddress else { return nil }
        func word(_ offset: Int) -> UInt64 {
            UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
        }
        guard word(0) == JournalFormat.magic,
            word(8) == UInt64(JournalFormat.version) | UInt64(JournalFormat.segmentHeaderSize) << 32,
            word(Self.checkedSize) == UInt64(gate_crc32c(0, base, Self.checkedSize)), word(40) >> 32 == 0,
            word(48) == 0
        else { return nil }
        number = word(16)
        previousSequence = word(24)
        startedAt = Int64(bitPattern: word(32))
        previousChecksum = UInt32(truncatingIfNeeded: word(40))
    }

    /// Writes it to memory that has room for it.
    package func write(to base: UnsafeMutableRawPointer) {
        func put(_ word: UInt64, _ offset: Int) {
            base.storeBytes(of: word.littleEndian, toByteOffset: offset, as: UInt64.self)
        }
        put(JournalFormat.magic, 0)
        put(UInt64(JournalFormat.version) | UInt64(JournalFormat.segmentHeaderSize) << 32, 8)
        put(number, 16)
        put(previousSequence, 24)
        put(UInt64(bitPattern: startedAt), 32)
        put(UInt64(previousChecksum), 40)
        put(0, 48)
        put(UInt64(gate_crc32c(0, base, Self.checkedSize)), Self.checkedSize)
    }
}

extension UnsafeRawBufferPointer {
    /// Where what is not zero ends.
    var endOfContent: Int {
        var end = count
        while end % 8 != 0, end > 0, self[end - 1] == 0 { end -= 1 }
        while end >= 8, end % 8 == 0, loadUnaligned(fromByteOffset: end - 8, as: UInt64.self) == 0 { end -= 8 }
        while end > 0, self[end - 1] == 0 { end -= 1 }
        return end
    }
}
