import RiskRules

/// Writes the request of one method from what each of its roles is to say.
struct MethodEncoder: Sendable {
    /// What a role is to say.
    enum Value {
        case text(String)
        /// A code of `Choice`.
        case choice(UInt8)
        case quantity(FixedPoint)
    }

    /// Where a role stands.
    enum Place: Sendable {
        /// The field's number and those of the messages around it, outermost first; what its integers are counted in.
        case field(numbers: [Int32], type: WireFieldType, scale: DecimalScale?)
        case header(String)
        /// Every order says this, whatever it is.
        case constant(String)
    }

    struct Role: Sendable {
        let role: OrderRole
        let place: Place
        /// What stands on the wire for each code that may be asked for.
        var choices: [UInt8: ChoiceCompiler.WireChoice] = [:]
    }

    /// Stands for the one time in force that is ever written.
    static let timeInForce: UInt8 = 0

    let path: String
    let roles: [Role]

    /// The call; roles for which `value` is nil are left out.
    func call(_ value: (OrderRole) -> Value?) throws(UnexpressibleOrder) -> OrderEncoder.Call {
        var call = OrderEncoder.Call(path: path, headers: [], message: [])
        var leaves: [Leaf] = []
        for role in roles {
            guard let value = value(role.role) else { continue }
            switch role.place {
            case .field(let numbers, let type, let scale):
                let bytes = try role.bytes(of: value, as: type, in: scale)
                leaves.append(Leaf(numbers: numbers, type: type, bytes: bytes))
            case .header(let name):
                call.headers.append(OrderEncoder.Call.Header(name: name, value: try role.text(of: value)))
            case .constant(let constant):
                guard case .text(let text) = value, text != constant else { continue }
                throw UnexpressibleOrder(
                    "by the mapping every \(role.role.rawValue) is \(quoted(constant)), and \(quoted(text)) is needed")
            }
        }
        leaves.sort { $0.numbers.lexicographicallyPrecedes($1.numbers) }
        call.message = Leaf.message(leaves[...], depth: 0)
        return call
    }

    /// The value of one field, ready to be put behind its tag.
    private struct Leaf {
        let numbers: [Int32]
        let type: WireFieldType
        let bytes: [UInt8]

        /// The message at a depth, out of the leaves that are in it, in the order of their numbers.
        static func message(_ leaves: ArraySlice<Leaf>, depth: Int) -> [UInt8] {
            var message: [UInt8] = []
            var rest = leaves
            while let first = rest.first {
                let number = first.numbers[depth]
                if depth == first.numbers.count - 1 {
                    message += ProtobufText.tag(number, first.type) + first.bytes
                    rest = rest.dropFirst()
                } else {
                    let inside = rest.prefix { $0.numbers[depth] == number }
                    let inner = Self.message(inside, depth: depth + 1)
                    message += ProtobufText.tag(number, .message) + ProtobufText.varint(UInt64(inner.count)) + inner
                    rest = rest.dropFirst(inside.count)
                }
            }
            return message
        }
    }
}

extension MethodEncoder.Role {
    /// A value as a header has it.
    fileprivate func text(of value: MethodEncoder.Value) throws(UnexpressibleOrder) -> String {
        switch value {
        case .text(let text): return text
        case .quantity(let quantity): return quantity.description
        case .choice(let code):
            switch choices[code] {
            case .text(let text): return text
            case .number(let number): return String(number)
            case nil: throw UnexpressibleOrder("no value of \(role.rawValue) is known that says it")
            }
        }
    }

    /// A value as a field of this type has it.
    fileprivate func bytes(
        of value: MethodEncoder.Value, as type: WireFieldType, in scale: DecimalScale?
    ) throws(UnexpressibleOrder) -> [UInt8] {
        switch value {
        case .quantity(let quantity) where type != .string:
            return try number(quantity, as: type, in: scale)
        case .choice(let code):
            if case .number(let number) = choices[code] { return ProtobufText.scalar(number, type) }
        case .text(let text) where type.isInteger:
            guard let number = Int128(text), number.description == text else {
                throw UnexpressibleOrder("\(role.rawValue) is a number here, and \(quoted(text)) is none")
            }
            return try integer(number, as: type)
        case .text, .quantity: break
        }
        let text = Array(try text(of: value).utf8)
        return ProtobufText.varint(UInt64(text.count)) + text
    }

    /// The largest number that the field can hold and that is not above the quantity.
    private func number(
        _ quantity: FixedPoint, as type: WireFieldType, in scale: DecimalScale?
    ) throws(UnexpressibleOrder) -> [UInt8] {
        let text = quantity.description
        switch type {
        case .double:
            guard var value = Double(text) else { break }
            while value > 0, Self.isAbove(value.bitPattern, type, quantity) { value = value.nextDown }
            if value > 0 { return ProtobufText.scalar(Int64(bitPattern: value.bitPattern), type) }
        case .float:
            guard var value = Float(text) else { break }
            while value > 0, Self.isAbove(UInt64(value.bitPattern), type, quantity) { value = value.nextDown }
            if value > 0 { return ProtobufText.scalar(Int64(value.bitPattern), type) }
        default:
            let count = scale?.count(in: quantity) ?? quantity.units / FixedPoint.scale
            if count > 0 { return try integer(count, as: type) }
        }
        throw UnexpressibleOrder("\(text) is less than the least quantity that the message can say")
    }

    /// Whether a decoder would read more than the quantity, or nothing that it takes.
    private static func isAbove(_ bits: UInt64, _ type: WireFieldType, _ quantity: FixedPoint) -> Bool {
        let value = WireValue(bits: bits, bytes: UnsafeRawBufferPointer(start: nil, count: 0))
        guard case .number(let number) = WireNumber.read(value, as: type) else { return true }
        return number > quantity
    }

    private func integer(_ number: Int128, as type: WireFieldType) throws(UnexpressibleOrder) -> [UInt8] {
        let fits =
            switch type {
            case .int32, .sint32, .sfixed32: Int32(exactly: number) != nil
            case .uint32, .fixed32: UInt32(exactly: number) != nil
            case .uint64, .fixed64: UInt64(exactly: number) != nil
            default: Int64(exactly: number) != nil
            }
        guard fits else { throw UnexpressibleOrder("\(number) does not fit into the field of \(role.rawValue)") }
        return ProtobufText.scalar(Int64(truncatingIfNeeded: number), type)
    }
}
