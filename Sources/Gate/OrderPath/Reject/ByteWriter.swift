import RiskRules

/// Appends bytes to memory of fixed size. What does not fit is left out, and noted.
struct ByteWriter: BitwiseCopyable {
    private let buffer: UnsafeMutableRawBufferPointer
    private(set) var count = 0
    /// Whether something did not fit.
    private(set) var isCut = false

    init(_ buffer: UnsafeMutableRawBufferPointer) { self.buffer = buffer }

    /// What was written.
    var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]) }

    mutating func append(_ byte: UInt8) {
        guard count < buffer.count else {
            isCut = true
            return
        }
        buffer[count] = byte
        count += 1
    }

    /// The next `size` bytes, to be filled by the caller; nil, and noted, where they do not fit.
    mutating func room(_ size: Int) -> UnsafeMutableRawBufferPointer? {
        guard size <= buffer.count - count else {
            isCut = true
            return nil
        }
        defer { count += size }
        return UnsafeMutableRawBufferPointer(rebasing: buffer[count..<count + size])
    }

    mutating func append(_ text: StaticString) { append(text.bytes) }

    mutating func append(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count <= buffer.count - count else {
            isCut = true
            return
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer[count...]).copyMemory(from: bytes)
        count += bytes.count
    }

    /// A text that somebody else wrote: printable ASCII, no longer than 128 bytes.
    mutating func append(printable text: UnsafeRawBufferPointer) {
        let text = text.prefix(128)
        guard text.count <= buffer.count - count else {
            isCut = true
            return
        }
        for byte in text {
            buffer[count] = byte >= 0x20 && byte <= 0x7E ? byte : UInt8(ascii: "?")
            count += 1
        }
    }

    /// A decimal without trailing zeros.
    mutating func append(_ number: FixedPoint) {
        let written = number.write(into: UnsafeMutableRawBufferPointer(rebasing: buffer[count...]))
        if written == 0 { isCut = true }
        count += written
    }

    mutating func append(_ number: UInt64) {
        var power: UInt64 = 1
        while number / power >= 10 { power *= 10 }
        while power > 0 {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: number / power % 10))
            power /= 10
        }
    }

    /// Takes back what was written after `count` bytes.
    mutating func cut(to count: Int) {
        self.count = min(self.count, count)
        isCut = false
    }

    // MARK: Protobuf

    /// Begins a length-delimited field; to be ended with the position that this returns.
    mutating func begin(field tag: UInt8) -> Int {
        append(tag)
        return begin()
    }

    /// The same behind a tag that stands there already.
    mutating func begin() -> Int {
        // Room for the longest length that this memory can need; `end` takes back what it does not.
        append(UInt8(0))
        append(UInt8(0))
        return count
    }

    /// Ends a field that began at `start`, by writing its length.
    mutating func end(_ start: Int) {
        // A field that was cut, or is longer than two bytes can say, is for the caller to take back.
        let length = count - start
        guard !isCut, length < 1 << 14 else {
            isCut = true
            return
        }
        guard length >= 0x80 else {
            buffer[start - 2] = UInt8(length)
            UnsafeMutableRawBufferPointer(rebasing: buffer[(start - 1)...])
                .copyMemory(from: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[start..<count]))
            count -= 1
            return
        }
        buffer[start - 2] = UInt8(length & 0x7F) | 0x80
        buffer[start - 1] = UInt8(length >> 7)
    }

    /// A string or bytes field.
    mutating func field(_ tag: UInt8, _ text: StaticString) {
        let start = begin(field: tag)
        append(text)
        end(start)
    }
}

extension StaticString {
    /// The text's UTF-8, which lives as long as the program.
    var bytes: UnsafeRawBufferPointer {
        // A literal in quotes always has a pointer; a lone scalar, which has none, is written nowhere in Gate.
        hasPointerRepresentation ? UnsafeRawBufferPointer(start: utf8Start, count: utf8CodeUnitCount) : .empty
    }
}
