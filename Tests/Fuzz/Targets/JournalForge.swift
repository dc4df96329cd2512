import Crypto
import Gate

/// Makes a journal's files of any bytes, with the checksums and hashes right that no mutation would ever meet.
///
/// The bytes are one file behind the other: what it is, its number, the size of its content in two bytes, and that content. Unless
/// it is taken as it is, the content of a segment or a checkpoint is one record behind the other: its kind, the first byte of its
/// time, the size of its fields in two bytes, and those; that of a chain is two bytes for each entry, where it ends in its segment.
struct JournalForge {
    /// The first byte of a file.
    private struct Shape {
        var byte: UInt8
        var kind: JournalFiles.Kind {
            switch byte & 3 {
            case 0, 1: .segment
            case 2: .checkpoint
            default: .chain
            }
        }
        var isRaw: Bool { byte & 0x80 != 0 }
        /// A chain to its segment's end, a checkpoint with its last record.
        var isComplete: Bool { byte & 0x40 != 0 }
        /// Goes on from nothing that came before.
        var isAlone: Bool { byte & 0x20 != 0 }
    }

    private var rest: Slice<UnsafeRawBufferPointer>
    private var sequence: UInt64 = 0
    private var checksum: UInt32 = 0
    private var hash = SegmentChain.Hash.zero
    private var files: [String: [UInt8]] = [:]

    /// By their names.
    static func files(of bytes: UnsafeRawBufferPointer) -> [String: [UInt8]] {
        var forge = JournalForge(rest: bytes[...])
        while forge.rest.count >= 4 { forge.file() }
        return forge.files
    }

    private init(rest: Slice<UnsafeRawBufferPointer>) { self.rest = rest }

    private mutating func file() {
        let shape = Shape(byte: byte())
        let number = UInt64(byte() % 4) + 1
        var content = take(size())
        let name = JournalFiles.name(shape.kind, number)
        guard !shape.isRaw else {
            files[name] = Array(content)
            return
        }
        switch shape.kind {
        case .segment:
            if shape.isAlone { (sequence, checksum) = (UInt64(number), 7) }
            files[name] = records(&content, number)
        case .checkpoint:
            let position = (sequence, checksum)
            (sequence, checksum) = (0, 0)
            var file = records(&content, number)
            if shape.isComplete { complete(&file) }
            files[name] = file
            (sequence, checksum) = position
        case .chain:
            if shape.isAlone { hash = .zero }
            let segment = files[JournalFiles.name(.segment, number)] ?? []
            files[name] = chain(&content, number, of: segment, isComplete: shape.isComplete)
        }
    }

    // MARK: Segments and checkpoints

    private mutating func records(_ content: inout Slice<UnsafeRawBufferPointer>, _ number: UInt64) -> [UInt8] {
        var file = [UInt8](repeating: 0, count: JournalFormat.segmentHeaderSize)
        let header = SegmentHeader(
            number: number, previousSequence: sequence, previousChecksum: checksum, startedAt: Self.time(0x17))
        file.withUnsafeMutableBytes { bytes in
            if let base = bytes.baseAddress { header.write(to: base) }
        }
        swap(&rest, &content)
        while rest.count >= 4 {
            let (kind, time) = (byte(), byte())
            let fields = take(size())
            if let kind = JournalKind(rawValue: kind) { append(kind, Self.time(time), Array(fields), to: &file) }
        }
        swap(&rest, &content)
        return file
    }

    /// What is not the first byte is the time at which nothing is odd.
    private static func time(_ first: UInt8) -> Int64 {
        Int64(truncatingIfNeeded: UInt64(first) << 56 | 0x00_97_9C_FE_36_2A_00_00)
    }

    private mutating func append(_ kind: JournalKind, _ at: Int64, _ fields: [UInt8], to file: inout [UInt8]) {
        sequence &+= 1
        var record = [UInt8](repeating: 0, count: JournalFormat.recordSize(fields.count))
        record.replaceSubrange(
            JournalFormat.recordHeaderSize..<JournalFormat.recordHeaderSize + fields.count, with: fields)
        let header = RecordHeader(size: record.count, kind: kind, sequence: sequence, at: at)
        record.withUnsafeMutableBytes { bytes in
            guard let base = bytes.baseAddress else { return }
            checksum = header.seal(at: base, after: checksum)
            base.storeBytes(of: header.word.littleEndian, as: UInt64.self)
        }
        file += record
    }

    private mutating func complete(_ file: inout [UInt8]) {
        let hash = Array(SHA256.hash(data: file))
        let count = withUnsafeBytes(of: sequence.littleEndian) { Array($0) }
        append(.complete, Self.time(0x17), count + hash, to: &file)
    }

    // MARK: Chains

    private mutating func chain(
        _ content: inout Slice<UnsafeRawBufferPointer>, _ number: UInt64, of segment: [UInt8], isComplete: Bool
    ) -> [UInt8] {
        var chain = SegmentChain(number: number, previous: hash)
        var file = chain.header
        var end = 0
        swap(&rest, &content)
        while rest.count >= 2 {
            let next = min(size(), segment.count)
            guard next >= end else { continue }
            segment[end..<next].withUnsafeBytes { chain.update($0) }
            end = next
            file += SegmentChain.encoded(chain.seal(recordsEnd: UInt64(end), isLast: false))
        }
        swap(&rest, &content)
        if isComplete {
            segment[end...].withUnsafeBytes { chain.update($0) }
            file += SegmentChain.encoded(chain.seal(recordsEnd: UInt64(segment.count), isLast: true))
        }
        hash = chain.hash
        return file
    }

    // MARK: Bytes

    private mutating func byte() -> UInt8 { rest.popFirst() ?? 0 }

    private mutating func size() -> Int { Int(byte()) | Int(byte()) << 8 }

    private mutating func take(_ count: Int) -> Slice<UnsafeRawBufferPointer> {
        let taken = rest.prefix(count)
        rest = rest.dropFirst(count)
        return taken
    }
}
