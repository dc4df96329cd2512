/// Protobuf's wire format, for what is written once at the start.
enum ProtobufText {
    static func varint(_ value: UInt64) -> [UInt8] {
        var bytes: [UInt8] = []
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        return bytes + [UInt8(truncatingIfNeeded: rest)]
    }

    static func tag(_ number: Int32, _ type: WireFieldType) -> [UInt8] {
        varint(UInt64(UInt32(bitPattern: number)) << 3 | UInt64(type.wireType))
    }

    static func scalar(_ value: Int64, _ type: WireFieldType) -> [UInt8] {
        switch type.wireType {
        case 1: (0..<8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        case 5: (0..<4).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
        default:
            switch type {
            case .sint32, .sint64: varint(UInt64(bitPattern: value << 1 ^ value >> 63))
            default: varint(UInt64(bitPattern: value))
            }
        }
    }
}
