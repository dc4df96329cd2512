/// Reads protobuf's wire primitives from bytes that nobody has checked. Every read fails instead of passing the end.
struct WireCursor: BitwiseCopyable {
    private var rest: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) { self.rest = bytes }

    var isAtEnd: Bool { position == rest.count }
    /// Bytes not read yet.
    var remaining: Int { rest.count - position }

    enum Varint: BitwiseCopyable {
        case value(UInt64)
        case truncated
        /// More than 10 bytes, or bits beyond the 64th.
        case overflow
    }

    mutating func varint() -> Varint {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < rest.count {
            let byte = rest[position]
            position += 1
            if shift == 63, byte > 1 { return .overflow }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return .value(value) }
            shift += 7
        }
        return .truncated
    }

    /// A tag or a length: protobuf parsers read no more than 5 bytes and 32 bits of either.
    mutating func varint32() -> Varint {
        let start = position
        let varint = varint()
        guard case .value(let value) = varint else { return varint }
        return value <= UInt64(UInt32.max) && position - start <= 5 ? varint : .overflow
    }

    mutating func fixed64() -> UInt64? {
        guard remaining >= 8 else { return nil }
        defer { position += 8 }
        return UInt64(littleEndian: rest.loadUnaligned(fromByteOffset: position, as: UInt64.self))
    }

    mutating func fixed32() -> UInt32? {
        guard remaining >= 4 else { return nil }
        defer { position += 4 }
        return UInt32(littleEndian: rest.loadUnaligned(fromByteOffset: position, as: UInt32.self))
    }

    /// The next `count` bytes, where there are as many.
    mutating func bytes(_ count: UInt64) -> UnsafeRawBufferPointer? {
        guard count <= UInt64(remaining) else { return nil }
        let end = position + Int(count)
        defer { position = end }
        return UnsafeRawBufferPointer(rebasing: rest[position..<end])
    }
}
