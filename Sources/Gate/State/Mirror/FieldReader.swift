import Foundation
import RiskRules

/// A name of a JSON field.
struct FieldName: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
    init(_ name: String) { stringValue = name }
}

extension FixedPoint {
    /// `decimal` rounded half-even to 10^-10; nil above 10^18 in magnitude. `Decimal` keeps 38 digits of the text it was read
    /// from, and gives them back.
    init?(_ decimal: Decimal) {
        var text = decimal.description
        guard let value = text.withUTF8({ try? FixedPoint(rounding: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = value
    }
}

/// Reads the fields of one JSON object: each under its own name or as Go marshals it, and says clearly what is wrong.
/// A field that is absent or null is nil.
struct FieldReader {
    private let fields: KeyedDecodingContainer<FieldName>
    private let path: String

    init(_ decoder: any Decoder) throws {
        path = Self.text(decoder.codingPath)
        do {
            fields = try decoder.container(keyedBy: FieldName.self)
        } catch DecodingError.typeMismatch {
            throw RefusedValue("\(path.isEmpty ? "the value" : path) is not a JSON object")
        }
    }

    /// A money amount, price or quantity, exact and within range.
    func amount(_ names: String...) throws -> FixedPoint? {
        try number(names)?.value
    }

    /// The same, refused below zero.
    func unsignedAmount(_ names: String...) throws -> FixedPoint? {
        guard let (key, value) = try number(names) else { return nil }
        guard value >= .zero else { throw RefusedValue("\(path(key)) is \(value); it cannot be negative") }
        return value
    }

    /// Unix seconds, with a fraction or without, as nanoseconds.
    func instant(_ names: String...) throws -> Int64? {
        guard let (key, seconds) = try number(names) else { return nil }
        // Units are tenths of a nanosecond.
        guard seconds >= .zero, let nanoseconds = Int64(exactly: (seconds.units + 5) / 10) else {
            throw RefusedValue("\(path(key)) is \(seconds); it must be a number of unix seconds")
        }
        return nanoseconds
    }

    /// A whole number, not negative.
    func count(_ names: String...) throws -> Int64? {
        guard let key = try present(names) else { return nil }
        guard let count = try? fields.decode(Int64.self, forKey: key), count >= 0 else {
            throw RefusedValue("\(path(key)) is not a whole number from 0 to 2^63 - 1")
        }
        return count
    }

    func text(_ names: String...) throws -> String? {
        guard let key = try present(names) else { return nil }
        guard let text = try? fields.decode(String.self, forKey: key) else {
            throw RefusedValue("\(path(key)) is not a text")
        }
        return text
    }

    /// A list. Unlike other fields, one that is there and null is an empty list.
    func list<Element: Decodable>(of: Element.Type, _ names: String...) throws -> [Element]? {
        guard let key = try named(names) else { return nil }
        if try fields.decodeNil(forKey: key) { return [] }
        do {
            return try fields.decode([Element].self, forKey: key)
        } catch let error as DecodingError {
            throw RefusedValue(Self.reason(of: error, at: path(key)))
        }
    }

    /// The key that is present under one of `names`, null or not.
    private func named(_ names: [String]) throws -> FieldName? {
        var found: FieldName?
        for name in names where fields.contains(FieldName(name)) {
            if let found {
                throw RefusedValue("\(path(found)) is given twice, also as \(name); write it once")
            }
            found = FieldName(name)
        }
        return found
    }

    private func present(_ names: [String]) throws -> FieldName? {
        guard let key = try named(names), try !fields.decodeNil(forKey: key) else { return nil }
        return key
    }

    private func number(_ names: [String]) throws -> (key: FieldName, value: FixedPoint)? {
        guard let key = try present(names) else { return nil }
        if let decimal = try? fields.decode(Decimal.self, forKey: key) {
            guard let value = FixedPoint(decimal) else {
                throw RefusedValue("\(path(key)) is \(decimal), outside the range of +-10^18")
            }
            return (key, value)
        }
        // `Decimal` has no exponents beyond +-127.
        guard let double = try? fields.decode(Double.self, forKey: key) else {
            throw RefusedValue("\(path(key)) is not a number")
        }
        guard double.magnitude < 1e-100 else {
            throw RefusedValue("\(path(key)) is \(double), outside the range of +-10^18")
        }
        return (key, .zero)
    }

    func path(_ key: FieldName) -> String { path(key.stringValue) }

    func path(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }

    static func reason(of error: DecodingError, at place: String) -> String {
        switch error {
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .keyNotFound(_, let context):
            let path = text(context.codingPath)
            return "\(path.isEmpty ? place : path) has the wrong type"
        default:
            return "\(place) is not valid JSON"
        }
    }

    private static func text(_ path: [any CodingKey]) -> String {
        var text = ""
        for key in path {
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += text.isEmpty ? key.stringValue : ".\(key.stringValue)"
            }
        }
        return text
    }
}
