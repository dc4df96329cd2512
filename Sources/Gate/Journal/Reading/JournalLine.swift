import FoundationEssentials

/// A record as people and other programs read it: named values, in the order in which they are said.
package struct JournalLine {
    package indirect enum Value: Encodable {
        case text(String)
        case integer(Int64)
        case flag(Bool)
        case none
        case list([JournalLine])

        package func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            switch self {
            case .text(let text): try container.encode(text)
            case .integer(let number): try container.encode(number)
            case .flag(let flag): try container.encode(flag)
            case .none: try container.encodeNil()
            case .list(let lines): try container.encode(lines)
            }
        }
    }

    package private(set) var fields: [(name: String, value: Value)] = []

    package subscript(name: String) -> Value? { fields.first { $0.name == name }?.value }

    mutating func add(_ name: String, _ value: Value) { fields.append((name, value)) }
    mutating func add(_ name: String, _ text: String) { add(name, .text(text)) }
    mutating func add(_ name: String, _ number: some BinaryInteger) { add(name, .integer(Int64(clamping: number))) }
    mutating func add(_ name: String, _ flag: Bool) { add(name, .flag(flag)) }
    mutating func add(_ name: String, _ text: (some CustomStringConvertible)?) {
        add(name, text.map { .text($0.description) } ?? .none)
    }

    // MARK: Forms

    /// One object of JSON.
    package var json: String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let bytes = try? encoder.encode(self) else { return "{}" }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Names and values behind one another; what is not known or empty is left out.
    package var text: String {
        fields.compactMap { name, value in
            switch value {
            case .text(let text): text.isEmpty ? nil : "\(name)=\(Self.written(text))"
            case .integer(let number): "\(name)=\(number)"
            case .flag(let flag): flag ? name : nil
            case .none: nil
            case .list(let lines): lines.isEmpty ? nil : "\(name)=[\(lines.map(\.text).joined(separator: "; "))]"
            }
        }.joined(separator: " ")
    }

    /// In quotes, where the end could not be told otherwise; never with a control character that a terminal would obey.
    private static func written(_ text: String) -> String {
        let isPlain = text.unicodeScalars.allSatisfy { $0.value > 0x20 && $0.value < 0x7F && $0 != "\"" && $0 != "]" }
        return isPlain ? text : text.debugDescription
    }
}

extension JournalLine: Encodable {
    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        for (name, value) in fields { try container.encode(value, forKey: Key(stringValue: name)) }
    }
}
