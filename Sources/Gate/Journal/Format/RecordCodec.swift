import RiskRules

/// Goes over the fields of a record in the order in which they stand, to write or to read them, so that each layout is said
/// once. Everything but texts and lists takes a fixed room.
protocol RecordCodec {
    /// Whether fields are read, and may be anything; what is written was made by Gate.
    static var isReading: Bool { get }
    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value)
    /// A value that was read cannot be right: the rest of the record is then worth nothing. Or one is to be written that its kind
    /// of record has no room for: another kind has.
    mutating func refuse()
    /// The room of a text, which stands behind all fixed fields.
    mutating func length(of text: inout RecordText)
    mutating func content(of text: inout RecordText)
}

/// What a kind of record holds.
protocol JournalRecord: BitwiseCopyable {
    static var kind: JournalKind { get }
    /// Nothing yet: what reading fills in.
    init()
    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec)
}

extension RecordCodec {
    mutating func flag(_ value: inout Bool) {
        var byte: UInt8 = value ? 1 : 0
        integer(&byte)
        guard Self.isReading else { return }
        if byte > 1 { refuse() }
        value = byte == 1
    }

    mutating func choice<Value: RawRepresentable>(_ value: inout Value) where Value.RawValue == UInt8 {
        var byte = value.rawValue
        integer(&byte)
        guard Self.isReading else { return }
        if let read = Value(rawValue: byte) { value = read } else { refuse() }
    }

    /// One that may be missing: as the number above all others.
    mutating func choice<Value: RawRepresentable>(_ value: inout Value?) where Value.RawValue == UInt8 {
        var byte = value?.rawValue ?? .max
        integer(&byte)
        guard Self.isReading else { return }
        value = byte == .max ? nil : Value(rawValue: byte)
        if byte != .max, value == nil { refuse() }
    }

    mutating func number(_ value: inout FixedPoint) {
        integer(&value.units)
        guard Self.isReading else { return }
        if FixedPoint(inRange: value.units) == nil { refuse() }
    }

    /// One that may be missing: as the least that 128 bits hold.
    mutating func number(_ value: inout FixedPoint?) {
        var units = value?.units ?? .min
        integer(&units)
        guard Self.isReading else { return }
        value = units == .min ? nil : FixedPoint(inRange: units)
        if units != .min, value == nil { refuse() }
    }

    mutating func integer(_ value: inout Int64?) {
        var number = value ?? .min
        integer(&number)
        value = number == .min ? nil : number
    }

    mutating func name(_ value: inout NameID) { integer(&value.index) }

    mutating func digest(_ value: inout Digest) {
        integer(&value.low)
        integer(&value.high)
    }

    mutating func reference(_ value: inout OrderReference) {
        digest(&value.orderID)
        digest(&value.clientOrderID)
    }
}

/// The bytes of a text: the caller's where it is written, the file's where it was read. Valid as long as those are.
package struct RecordText: BitwiseCopyable {
    private var start: UnsafeRawPointer?
    fileprivate(set) var count: UInt16

    /// Cuts it to `JournalFormat.longestText` bytes.
    package init(_ bytes: UnsafeRawBufferPointer) {
        start = bytes.baseAddress
        count = UInt16(truncatingIfNeeded: min(bytes.count, JournalFormat.longestText))
    }

    package init() { self.init(.empty) }

    package var bytes: UnsafeRawBufferPointer {
        start == nil ? .empty : UnsafeRawBufferPointer(start: start, count: Int(count))
    }

    /// The first of it, up to `limit` bytes.
    package func prefix(_ limit: Int) -> RecordText {
        RecordText(UnsafeRawBufferPointer(rebasing: bytes.prefix(limit)))
    }
}

/// Writes fields into memory that has room for them.
struct RecordEncoder: RecordCodec {
    static var isReading: Bool { false }
    private(set) var cursor: UnsafeMutableRawPointer
    /// Whether a value had no room.
    private(set) var isCut = false

    init(_ base: UnsafeMutableRawPointer) { cursor = base }

    @inline(__always)
    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) {
        cursor.storeBytes(of: value.littleEndian, as: Value.self)
        cursor += MemoryLayout<Value>.size
    }

    mutating func refuse() { isCut = true }

    mutating func length(of text: inout RecordText) { integer(&text.count) }

    mutating func content(of text: inout RecordText) { put(text.bytes) }

    mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let start = bytes.baseAddress else { return }
        cursor.copyMemory(from: start, byteCount: bytes.count)
        cursor += bytes.count
    }
}

/// Reads fields of bytes that anybody may have written.
struct RecordDecoder: RecordCodec {
    static var isReading: Bool { true }
    private var next: UnsafeRawPointer?
    /// What has not been read.
    private var remaining: Int
    /// Whether something could not be right.
    private(set) var isDamaged = false

    init(_ bytes: UnsafeRawBufferPointer) {
        next = bytes.baseAddress
        remaining = bytes.count
    }

    @inline(__always)
    mutating func integer<Value: FixedWidthInteger & BitwiseCopyable>(_ value: inout Value) {
        guard let field = take(MemoryLayout<Value>.size)?.baseAddress else { return }
        value = Value(littleEndian: field.loadUnaligned(as: Value.self))
    }

    mutating func refuse() { isDamaged = true }

    mutating func length(of text: inout RecordText) {
        integer(&text.count)
        if text.count > JournalFormat.longestText { refuse() }
    }

    mutating func content(of text: inout RecordText) {
        text = take(Int(text.count)).map { RecordText($0) } ?? RecordText()
    }

    /// The next bytes; nil, and damaged, where there are not so many.
    @inline(__always)
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer? {
        guard let start = next, !isDamaged, count <= remaining else {
            isDamaged = isDamaged || count > remaining
            return nil
        }
        next = start + count
        remaining -= count
        return UnsafeRawBufferPointer(start: start, count: count)
    }
}
