import RiskRules

/// Takes the roles of one message from where the plan says they are.
///
/// A value on the stack of one decoding: every `read…` returns nil where the value is absent, and sets `failure` where it
/// is there and cannot be used.
struct SourceReader: BitwiseCopyable {
    /// Scratch memory that one decoding needs at most: one name for each of the roles that may be rewritten.
    static let scratchSize = 16 * 64

    private let tables: PlanTables
    private let memory: Unmanaged<DecodeMemory>
    private let slots: UnsafeMutablePointer<WireValue>
    private let scratch: UnsafeMutableRawBufferPointer
    private let headers: HeaderFields
    private(set) var present: UInt64 = 0
    private var scratchUsed = 0
    /// The first thing that was wrong.
    private(set) var failure: DecodeFailure?

    /// `memory` must outlive the reader.
    init(_ tables: PlanTables, _ memory: DecodeMemory, headers: HeaderFields) {
        self.tables = tables
        self.memory = .passUnretained(memory)
        slots = memory.slots
        scratch = memory.scratch
        self.headers = headers
    }

    /// How many items the list has that the message was walked for.
    private(set) var itemCount = 0

    /// Walks the message, or an item of one that was walked just before and had `present` of its own values; to be called
    /// before any value of it is read. False: it is malformed.
    mutating func walk(_ message: UnsafeRawBufferPointer, node: Int32, present outer: UInt64 = 0) -> Bool {
        present = outer
        guard node >= 0 else { return true }
        var reader = memory._withUnsafeGuaranteedRef { MessageReader(tables, $0) }
        guard reader.read(message, node: node) else {
            let field = reader.faultField.map { tables.text($0) } ?? .empty
            failure = DecodeFailure(.orderMalformed, reader.fault, field: field)
            return false
        }
        present |= reader.present
        itemCount = reader.itemCount
        return true
    }

    /// A number that is not negative; nil where it is absent or not readable.
    mutating func number(_ role: SourceID) -> FixedPoint? {
        guard let (source, value) = given(role) else { return nil }
        if source.pointee.type == .string, value.bytes.isEmpty { return nil }
        let number =
            source.pointee.scale < 0
            ? WireNumber.read(value, as: source.pointee.type)
            : WireNumber.read(value, as: source.pointee.type, in: tables.scales[Int(source.pointee.scale)])
        switch number {
        case .number(let number): return number
        case .malformed(let detail): fail(.orderMalformed, detail, source.pointee.name)
        case .outOfRange(let detail): fail(.orderOutOfRange, detail, source.pointee.name)
        }
        return nil
    }

    /// Whether the message says anything of a role: a zero that its field cannot tell from nothing, and an empty text, say
    /// nothing.
    mutating func says(_ role: SourceID) -> Bool {
        guard let (source, value) = given(role) else { return false }
        return !isNotGiven(value, source)
    }

    /// An account, a strategy or a symbol; empty where absent.
    mutating func name(_ role: SourceID, folds: Bool = false) -> UnsafeRawBufferPointer {
        let name = identifier(role)
        guard !name.isEmpty else { return .empty }
        guard name.isName else {
            fail(.orderMalformed, "not 1 to 64 characters of A-Z a-z 0-9 . _ : / @ -", role)
            return .empty
        }
        return folds ? uppercased(name) : name
    }

    /// An order id of any length; empty where absent.
    mutating func identifier(_ role: SourceID) -> UnsafeRawBufferPointer {
        guard let (source, value) = given(role) else { return .empty }
        switch source.pointee.type {
        case .string:
            if source.pointee.origin == .header, !value.bytes.isUTF8 {
                fail(.orderMalformed, "text that is not UTF-8", source.pointee.name)
                return .empty
            }
            return value.bytes
        case .bytes:
            return value.bytes
        case .uint32, .uint64, .fixed32, .fixed64:
            return isNotGiven(value, source) ? .empty : digits(value.bits, isNegative: false)
        default:
            let number = Int64(bitPattern: value.bits)
            return isNotGiven(value, source) ? .empty : digits(number.magnitude, isNegative: number < 0)
        }
    }

    /// The code of a side, a type, a flag or a status; nil where absent or unspecified.
    mutating func choice(_ role: SourceID) -> UInt8? {
        guard let (source, value) = given(role) else { return nil }
        guard let choice = match(value, source) else {
            if !isNotGiven(value, source) { fail(.orderMalformed, "an unknown value", source.pointee.name) }
            return nil
        }
        return choice.pointee.isUnspecified ? nil : choice.pointee.code
    }

    /// The code of a value that the mapping lists; nil for every other.
    mutating func listed(_ role: SourceID) -> UInt8? {
        guard let (source, value) = given(role), let choice = match(value, source) else { return nil }
        return choice.pointee.code
    }

    /// A time in force in upper case; empty where absent or unspecified. Text that is not among the choices stands for
    /// itself.
    mutating func timeInForce(_ role: SourceID) -> UnsafeRawBufferPointer {
        guard let (source, value) = given(role) else { return .empty }
        if let choice = match(value, source) {
            return choice.pointee.isUnspecified ? .empty : tables.text(choice.pointee.text)
        }
        if isNotGiven(value, source) { return .empty }
        guard source.pointee.type == .string else {
            fail(.orderMalformed, "an unknown value", source.pointee.name)
            return .empty
        }
        guard value.bytes.isName else {
            fail(.orderMalformed, "not 1 to 64 characters of A-Z a-z 0-9 . _ : / @ -", source.pointee.name)
            return .empty
        }
        return uppercased(value.bytes)
    }

    /// Notes what is wrong, unless something was before.
    mutating func fail(_ reason: Reason, _ detail: StaticString, _ role: SourceID) {
        fail(reason, detail, tables.sources[Int(role.index)].name)
    }

    private mutating func fail(_ reason: Reason, _ detail: StaticString, _ name: PlanText) {
        guard failure == nil else { return }
        failure = DecodeFailure(reason, detail, field: tables.text(name))
    }

    /// Whether the mapping says where a role is to be found.
    func isMapped(_ role: SourceID) -> Bool { tables.sources[Int(role.index)].origin != .absent }

    private typealias Source = UnsafePointer<FieldSource>

    /// The first of a role's sources that is given, and what it says; the last where none is.
    private mutating func given(_ role: SourceID) -> (Source, WireValue)? {
        guard var source = tables.source(role) else { return nil }
        while let next = tables.source(source.pointee.next) {
            // Whether a zero that a field cannot tell from nothing was meant, the next one tells.
            if let value = value(source), source.pointee.hasPresence || !isNotGiven(value, source) {
                return (source, value)
            }
            source = next
        }
        return value(source).map { (source, $0) }
    }

    private mutating func value(_ source: Source) -> WireValue? {
        switch source.pointee.origin {
        case .absent:
            return nil
        case .message:
            if present & (1 << UInt64(source.pointee.slot)) != 0 { return slots[Int(source.pointee.slot)] }
            // What has no presence is always there, as its type's zero.
            return source.pointee.hasPresence ? nil : WireValue(bits: 0, bytes: .empty)
        case .header:
            switch headers.lookup(tables.text(source.pointee.text)) {
            case .absent: return nil
            case .value(let bytes): return WireValue(bits: 0, bytes: bytes)
            case .twice:
                fail(.orderMalformed, "a header given twice", source.pointee.name)
                return nil
            }
        case .constant:
            return WireValue(bits: 0, bytes: tables.text(source.pointee.text))
        }
    }

    /// Whether a value is how proto3 says that there is none: the zero of a field without presence, or an empty text.
    private func isNotGiven(_ value: WireValue, _ source: Source) -> Bool {
        switch source.pointee.type {
        case .string, .bytes: value.bytes.isEmpty
        default: value.bits == 0 && !source.pointee.hasPresence
        }
    }

    private func match(_ value: WireValue, _ source: Source) -> UnsafePointer<Choice>? {
        guard let choices = tables.choices.baseAddress else { return nil }
        var choice = choices + Int(source.pointee.firstChoice)
        let end = choice + Int(source.pointee.choiceCount)
        while choice < end {
            let matches =
                if source.pointee.type != .string {
                    choice.pointee.number == Int64(bitPattern: value.bits)
                } else if choice.pointee.foldsKey {
                    value.bytes.equalsFolded(tables.text(choice.pointee.key))
                } else {
                    value.bytes.equals(tables.text(choice.pointee.key))
                }
            if matches { return choice }
            choice += 1
        }
        return nil
    }

    private mutating func uppercased(_ name: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let start = scratchUsed
        for index in 0..<name.count { scratch[start + index] = name[index].asciiUppercased }
        scratchUsed += name.count
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(scratch)[start..<scratchUsed])
    }

    private mutating func digits(_ magnitude: UInt64, isNegative: Bool) -> UnsafeRawBufferPointer {
        var end = scratchUsed + 20
        let last = end
        var rest = magnitude
        repeat {
            end -= 1
            scratch[end] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        } while rest > 0
        if isNegative {
            end -= 1
            scratch[end] = UInt8(ascii: "-")
        }
        scratchUsed = last
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(scratch)[end..<last])
    }
}
