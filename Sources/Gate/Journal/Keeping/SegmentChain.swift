import Crypto

/// The hash chain over a segment, kept in a file beside it: a header, then an entry for every stretch of the segment. An entry's
/// hash is SHA-256 over the hash of the entry before, the stretch, and what the entry says of it; the first goes on from the last
/// of the segment before. So nothing that an entry covers can be changed, and no segment be left out or moved, without every
/// later hash being another.
package struct SegmentChain {
    /// SHA-256.
    package struct Hash: Hashable, Sendable, CustomStringConvertible {
        package let bytes: [UInt8]
        static let size = 32
        /// Before the first segment.
        package static let zero = Hash(bytes: Array(repeating: 0, count: size))

        package var description: String {
            bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
        }
    }

    /// What one entry says.
    package struct Entry: Hashable, Sendable {
        /// How far the entries up to this one cover the segment.
        var end: UInt64
        /// Where the last whole record in that ends.
        var recordsEnd: UInt64
        /// Nothing of the segment follows: it is as long as `end`.
        var isLast: Bool
        var hash: Hash
    }

    static let headerSize = 64
    static let entrySize = 64
    /// "GATECHAI".
    private static let magic: UInt64 = 0x4941_4843_4554_4147
    private static let version: UInt64 = 1

    let number: UInt64
    /// The last of the segment before.
    let previous: Hash
    private(set) var entries: [Entry] = []
    private var hasher = SHA256()
    /// How far the segment was hashed.
    private(set) var hashed: UInt64 = 0

    /// - Parameter previous: the last hash of the segment before.
    package init(number: UInt64, previous: Hash) {
        self.number = number
        self.previous = previous
        begin(after: previous)
    }

    /// The last hash.
    package var hash: Hash { entries.last?.hash ?? previous }
    var isComplete: Bool { entries.last?.isLast ?? false }
    /// How far the entries cover the segment.
    var covered: UInt64 { entries.last?.end ?? 0 }

    /// Takes up more of the segment, which goes on at `hashed`.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        hasher.update(bufferPointer: bytes)
        hashed += UInt64(bytes.count)
    }

    /// Makes an entry of what was taken up since the one before.
    package mutating func seal(recordsEnd: UInt64, isLast: Bool) -> Entry {
        var tail: [UInt8] = []
        Self.append(hashed, to: &tail)
        Self.append(recordsEnd, to: &tail)
        Self.append(isLast ? 1 : 0, to: &tail)
        hasher.update(data: tail)
        let entry = Entry(
            end: hashed, recordsEnd: recordsEnd, isLast: isLast, hash: Hash(bytes: Array(hasher.finalize())))
        entries.append(entry)
        begin(after: entry.hash)
        return entry
    }

    private mutating func begin(after hash: Hash) {
        hasher = SHA256()
        hasher.update(data: hash.bytes)
    }

    // MARK: The file

    /// What its file begins with.
    package var header: [UInt8] {
        var bytes: [UInt8] = []
        Self.append(Self.magic, to: &bytes)
        Self.append(Self.version, to: &bytes)
        Self.append(number, to: &bytes)
        bytes += previous.bytes
        Self.append(0, to: &bytes)
        return bytes
    }

    /// An entry of its file.
    package static func encoded(_ entry: Entry) -> [UInt8] {
        var bytes: [UInt8] = []
        append(entry.end, to: &bytes)
        append(entry.recordsEnd, to: &bytes)
        append(entry.isLast ? 1 : 0, to: &bytes)
        append(0, to: &bytes)
        return bytes + entry.hash.bytes
    }

    /// What a chain's file says; nil where it is none. Bytes behind the last whole entry are the beginning of one.
    static func decode(
        _ bytes: UnsafeRawBufferPointer
    ) -> (number: UInt64, previous: Hash, entries: [Entry], rest: Int)? {
        guard bytes.count >= headerSize, word(bytes, 0) == magic, word(bytes, 8) == version, word(bytes, 56) == 0
        else { return nil }
        var entries: [Entry] = []
        var offset = headerSize
        while bytes.count - offset >= entrySize {
            guard word(bytes, offset + 16) <= 1, word(bytes, offset + 24) == 0 else { return nil }
            entries.append(
                Entry(
                    end: word(bytes, offset), recordsEnd: word(bytes, offset + 8),
                    isLast: word(bytes, offset + 16) == 1, hash: hash(bytes, offset + 32)))
            offset += entrySize
        }
        return (word(bytes, 16), hash(bytes, 24), entries, bytes.count - offset)
    }

    private static func append(_ word: UInt64, to bytes: inout [UInt8]) {
        withUnsafeBytes(of: word.littleEndian) { bytes += $0 }
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> UInt64 {
        UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    private static func hash(_ bytes: UnsafeRawBufferPointer, _ offset: Int) -> Hash {
        Hash(bytes: Array(bytes[offset..<offset + Hash.size]))
    }
}
