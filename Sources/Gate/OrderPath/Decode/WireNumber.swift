import CShortest
import RiskRules

/// What a number on the wire is worth. No order has a use for a negative number: it is malformed whatever its size.
enum WireNumber: BitwiseCopyable {
    case number(FixedPoint)
    /// Not a number, or not one that an order can have.
    case malformed(StaticString)
    /// A number, but above 10^18 or finer than 10^-10.
    case outOfRange(StaticString)

    /// A field's value, its wire type already checked. Text is `[+-]digits[.digits]`.
    static func read(_ value: WireValue, as type: WireFieldType) -> WireNumber {
        switch type {
        case .double: Self.double(Double(bitPattern: value.bits))
        case .float: Self.float(Float(bitPattern: UInt32(truncatingIfNeeded: value.bits)))
        case .uint32, .uint64, .fixed32, .fixed64: Self.integer(Int128(value.bits))
        case .int32, .int64, .sint32, .sint64, .sfixed32, .sfixed64: Self.integer(Int128(Int64(bitPattern: value.bits)))
        case .string: Self.decimal(value.bytes)
        case .bool, .enumeration, .message, .bytes: .malformed("not a number")
        }
    }

    /// An integer that is counted in a scale.
    static func read(_ value: WireValue, as type: WireFieldType, in scale: DecimalScale) -> WireNumber {
        let count: Int128
        switch type {
        case .uint32, .uint64, .fixed32, .fixed64: count = Int128(value.bits)
        case .int32, .int64, .sint32, .sint64, .sfixed32, .sfixed64: count = Int128(Int64(bitPattern: value.bits))
        case .double, .float, .string, .bool, .enumeration, .message, .bytes: return .malformed("not an integer")
        }
        guard count >= 0 else { return negative }
        return switch scale.times(count) {
        case .number(let number): .number(number)
        case .tooLarge: tooLarge
        case .tooFine: tooFine
        }
    }

    private static let negative = WireNumber.malformed("a negative number")
    private static let tooLarge = WireNumber.outOfRange("a number above 10^18")
    private static let tooFine = WireNumber.outOfRange("a number finer than 10^-10")

    private static func integer(_ value: Int128) -> WireNumber {
        guard value >= 0 else { return negative }
        return FixedPoint(whole: value).map(WireNumber.number) ?? tooLarge
    }

    private static func double(_ value: Double) -> WireNumber {
        if let number = short(value) { return .number(number) }
        return binary(value) { gate_shortest_double(value, $0.baseAddress, $0.count) }
    }

    private static func float(_ value: Float) -> WireNumber {
        binary(value) { gate_shortest_float(value, $0.baseAddress, $0.count) }
    }

    /// What `binary` comes to for most numbers of orders, without writing them out: a decimal of at most 8 places and 15 digits. No
    /// two such decimals read as the same double (IEEE 754: 15 digits survive the way there and back), so the one that does is the
    /// shortest. A whole number below 2^53 and 10^8 are exact, and a division rounds once: what it gives is what the decimal reads
    /// as. nil: it is none, or zero or less.
    private static func short(_ value: Double) -> FixedPoint? {
        let count = (value * 1e8).rounded()
        guard count > 0, count < 1e15, count / 1e8 == value else { return nil }
        return FixedPoint(units: Int128(Int64(count)) * 100)
    }

    /// The shortest decimal that reads back as the same number, rounded half-even to 10^-10: a client's 0.1 + 0.2 is 0.3.
    private static func binary<Value: BinaryFloatingPoint>(
        _ value: Value, shortest: (UnsafeMutableBufferPointer<CChar>) -> Int
    ) -> WireNumber {
        guard value.isFinite else { return .malformed("not a finite number") }
        guard value >= 0 else { return negative }
        guard value > 0 else { return .number(FixedPoint(units: 0)) }
        return withUnsafeTemporaryAllocation(of: CChar.self, capacity: 32) { text in
            let count = shortest(text)
            do throws(FixedPoint.RoundingError) {
                return .number(
                    try FixedPoint(scientific: UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[..<count]))
                )
            } catch {
                switch error {
                case .malformed: return .malformed("not a finite number")
                case .outOfRange: return tooLarge
                case .roundsToZero: return tooFine
                }
            }
        }
    }

    private static func decimal(_ text: UnsafeRawBufferPointer) -> WireNumber {
        do {
            let number = try FixedPoint(parsing: text)
            return number.units < 0 ? negative : .number(number)
        } catch {
            switch error {
            case .malformed: return .malformed("not a decimal number")
            case .tooManyDecimals: return text.first == UInt8(ascii: "-") ? negative : tooFine
            case .outOfRange: return text.first == UInt8(ascii: "-") ? negative : tooLarge
            }
        }
    }
}
