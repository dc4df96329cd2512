/// One value as it stood on the wire, its type checked.
struct WireValue: BitwiseCopyable {
    /// A varint or fixed value, sign-extended or zigzag-decoded where its type is signed.
    var bits: UInt64
    /// A string or bytes.
    var bytes: UnsafeRawBufferPointer
}

/// Memory that messages are read into; allocated once.
final class DecodeMemory {
    /// The values of the mapped fields.
    let slots: UnsafeMutablePointer<WireValue>
    /// The orders of a batch, or the items of an answer.
    let items: UnsafeMutablePointer<UnsafeRawBufferPointer>
    /// Items that are kept.
    let itemCapacity: Int
    /// Names that are not as they stood on the wire.
    let scratch: UnsafeMutableRawBufferPointer

    init(itemCapacity: Int = MessageReader.itemCapacity) {
        self.itemCapacity = itemCapacity
        slots = .allocate(capacity: MessageReader.slotCount)
        slots.initialize(repeating: WireValue(bits: 0, bytes: .empty), count: MessageReader.slotCount)
        items = .allocate(capacity: itemCapacity)
        items.initialize(repeating: .empty, count: itemCapacity)
        scratch = .allocate(byteCount: SourceReader.scratchSize, alignment: 1)
    }

    deinit {
        slots.deallocate()
        items.deallocate()
        scratch.deallocate()
    }
}

/// Walks one message along its plan: checks all of what is declared, keeps what is mapped.
///
/// Follows protobuf's rules for what a parser at the endpoint will read: the last of a repeated singular field wins,
/// sub-messages given twice merge, a member of a oneof empties the others. What parsers read differently, or some not at
/// all, is refused: wrong wire types of declared fields, groups, overflowing varints, text that is not UTF-8.
struct MessageReader: BitwiseCopyable {
    /// Slots that one message can have.
    static let slotCount = 64
    /// No slot: stands in a plan for the list whose items are read one by one.
    static let itemSlot: Int8 = 63
    /// Items of such a list that a batch may have.
    static let itemCapacity = 128
    /// How deep messages may be nested, as in other protobuf parsers.
    private static let depthLimit = 100

    private let tables: PlanTables
    private let slots: UnsafeMutablePointer<WireValue>
    private let items: UnsafeMutablePointer<UnsafeRawBufferPointer>
    private let itemCapacity: Int
    /// Bit n set: slot n has a value.
    private(set) var present: UInt64 = 0
    /// How many items the list has; those past the memory's capacity are checked and not kept.
    private(set) var itemCount = 0
    /// What is wrong, once `read` returned false.
    private(set) var fault: StaticString = ""
    /// Which declared field is to blame; nil where none is.
    private(set) var faultField: PlanText?

    /// `memory` must outlive the reader.
    init(_ tables: PlanTables, _ memory: DecodeMemory) {
        self.tables = tables
        slots = memory.slots
        items = memory.items
        itemCapacity = memory.itemCapacity
    }

    /// Reads a whole message. False: it is malformed, `fault` says why.
    mutating func read(_ message: UnsafeRawBufferPointer, node: Int32) -> Bool {
        read(message, node: Int(node), depth: 0)
    }

    private mutating func read(_ message: UnsafeRawBufferPointer, node: Int, depth: Int) -> Bool {
        guard depth < Self.depthLimit else { return fail("nested too deep") }
        var cursor = WireCursor(message)
        while !cursor.isAtEnd {
            let tag: UInt32
            switch cursor.varint32() {
            case .value(let value): tag = UInt32(truncatingIfNeeded: value)
            case .truncated: return fail("truncated message")
            case .overflow: return fail("a field tag that overflows")
            }
            guard tag >> 3 != 0 else { return fail("field number 0") }
            if let index = field(number: tag >> 3, of: tables.nodes[node]) {
                guard readDeclared(tables.fields[index], wireType: tag & 7, from: &cursor, depth: depth) else {
                    return false
                }
            } else {
                guard skip(wireType: tag & 7, in: &cursor) else { return false }
            }
        }
        return true
    }

    private func field(number: UInt32, of node: MessageNode) -> Int? {
        if number < UInt32(truncatingIfNeeded: node.directCount) {
            let index = tables.direct[Int(node.direct) + Int(number)]
            return index < 0 ? nil : Int(index)
        }
        var low = Int(node.firstField)
        var high = low + Int(node.fieldCount)
        while low < high {
            let middle = (low + high) / 2
            let candidate = tables.fields[middle].number
            if candidate == number { return middle }
            if candidate < number { low = middle + 1 } else { high = middle }
        }
        return nil
    }

    private mutating func skip(wireType: UInt32, in cursor: inout WireCursor) -> Bool {
        switch wireType {
        case 0:
            switch cursor.varint() {
            case .value: return true
            case .truncated: return fail("truncated message")
            case .overflow: return fail("a varint that overflows")
            }
        case 1: return cursor.fixed64() != nil || fail("truncated message")
        case 2: return delimited(from: &cursor, field: nil) != nil
        case 5: return cursor.fixed32() != nil || fail("truncated message")
        case 3, 4: return fail("a group")
        default: return fail("an unknown wire type")
        }
    }

    private mutating func readDeclared(
        _ field: MessageField, wireType: UInt32, from cursor: inout WireCursor, depth: Int
    ) -> Bool {
        if wireType != field.type.wireType {
            guard wireType == 2, field.isRepeated else { return fail("wrong wire type", field.name) }
            return readPacked(field, from: &cursor)
        }
        present &= ~field.clears
        if field.clears & 1 << UInt64(Self.itemSlot) != 0 { itemCount = 0 }
        switch wireType {
        case 0, 1, 5:
            guard let bits = scalar(field, from: &cursor) else { return false }
            keep(WireValue(bits: bits, bytes: .empty), in: field)
            return true
        default:
            guard let bytes = delimited(from: &cursor, field: field) else { return false }
            if field.type == .message {
                if field.slot == Self.itemSlot { keep(item: bytes) }
                return read(bytes, node: Int(field.child), depth: depth + 1)
            }
            guard field.type != .string || bytes.isUTF8 else { return fail("text that is not UTF-8", field.name) }
            keep(WireValue(bits: 0, bytes: bytes), in: field)
            return true
        }
    }

    private mutating func keep(_ value: WireValue, in field: MessageField) {
        guard field.slot >= 0 else { return }
        slots[Int(field.slot)] = value
        present |= 1 << UInt64(truncatingIfNeeded: Int(field.slot))
    }

    private mutating func keep(item: UnsafeRawBufferPointer) {
        if itemCount < itemCapacity { items[itemCount] = item }
        itemCount &+= 1
    }

    /// A list of numbers in one length-delimited value; lists are only checked, never mapped.
    private mutating func readPacked(_ field: MessageField, from cursor: inout WireCursor) -> Bool {
        guard let bytes = delimited(from: &cursor, field: field) else { return false }
        var list = WireCursor(bytes)
        while !list.isAtEnd {
            guard scalar(field, from: &list) != nil else { return false }
        }
        return true
    }

    private mutating func delimited(
        from cursor: inout WireCursor, field: MessageField?
    ) -> UnsafeRawBufferPointer? {
        switch cursor.varint32() {
        case .value(let count):
            if let bytes = cursor.bytes(count) { return bytes }
            _ = fail("truncated message", field?.name)
        case .truncated: _ = fail("truncated message", field?.name)
        case .overflow: _ = fail("a length that overflows", field?.name)
        }
        return nil
    }

    private mutating func scalar(_ field: MessageField, from cursor: inout WireCursor) -> UInt64? {
        switch field.type.wireType {
        case 1:
            if let bits = cursor.fixed64() { return bits }
        case 5:
            if let bits = cursor.fixed32() {
                return field.type == .sfixed32 ? UInt64(bitPattern: Int64(Int32(bitPattern: bits))) : UInt64(bits)
            }
        default:
            switch cursor.varint() {
            case .value(let raw):
                if let bits = Self.bits(of: raw, as: field.type) { return bits }
                _ = fail("a number that overflows its type", field.name)
                return nil
            case .overflow:
                _ = fail("a varint that overflows", field.name)
                return nil
            case .truncated: break
            }
        }
        _ = fail("truncated message", field.name)
        return nil
    }

    /// A varint's value as its type has it; nil where it does not fit: parsers then keep different parts of it.
    private static func bits(of raw: UInt64, as type: WireFieldType) -> UInt64? {
        switch type {
        case .int32, .enumeration: Int32(exactly: Int64(bitPattern: raw)) == nil ? nil : raw
        case .uint32: raw <= UInt64(UInt32.max) ? raw : nil
        case .bool: raw <= 1 ? raw : nil
        case .sint32: raw <= UInt64(UInt32.max) ? Self.zigzag(raw) : nil
        case .sint64: Self.zigzag(raw)
        default: raw
        }
    }

    private static func zigzag(_ raw: UInt64) -> UInt64 { (raw >> 1) ^ (0 &- (raw & 1)) }

    private mutating func fail(_ fault: StaticString, _ field: PlanText? = nil) -> Bool {
        self.fault = fault
        faultField = field
        return false
    }
}
