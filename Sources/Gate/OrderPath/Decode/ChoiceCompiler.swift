import RiskRules
import SwiftProtobuf

/// What the values of one role can be on the wire, collected before they go into the plan.
///
/// A value means what the mapping's `values` say, else what its name says: in upper case, whole, or without the prefix that
/// all values of the enum share.
struct ChoiceCompiler {
    /// What a value means: a code, or a text (of a time in force).
    private enum Meaning: Equatable {
        case code(UInt8)
        case text(String)
        case unspecified
    }
    private enum Key: Hashable {
        case number(Int64)
        case exact(String)
        /// In upper case, matching in any case.
        case folded(String)
    }

    private let log: ProblemLog
    private let path: String
    private var entries: [(key: Key, meaning: Meaning)] = []

    init(path: String, log: ProblemLog) {
        self.path = path
        self.log = log
    }

    /// Whether no value is known.
    var isEmpty: Bool { entries.isEmpty }
    /// Names of an enum that share a number with one of another meaning, and that `values` does not tell apart.
    private(set) var ambiguous: [String] = []

    /// Names that mean something by themselves.
    static func names(of role: OrderRole) -> [(name: String, code: UInt8)] {
        switch role {
        case .side:
            [("BUY", Side.buy.rawValue), ("SELL", Side.sell.rawValue)]
        case .type:
            [
                ("MARKET", OrderType.market.rawValue), ("LIMIT", OrderType.limit.rawValue),
                ("STOP", OrderType.stopMarket.rawValue), ("STOP_MARKET", OrderType.stopMarket.rawValue),
                ("STOP_LIMIT", OrderType.stopLimit.rawValue), ("POST_ONLY", OrderType.postOnly.rawValue),
            ]
        case .reduceOnly:
            [("FALSE", 0), ("TRUE", 1)]
        default:
            []
        }
    }

    // MARK: Roles of an order

    /// The choices of a side, a type, a time in force or a flag.
    mutating func add(
        _ role: OrderRole, type: WireFieldType, values: [OrderMapping.Value],
        enumeration: Google_Protobuf_EnumDescriptorProto?
    ) {
        for value in values {
            guard let meaning = meaning(value.meaning, role: role) else { continue }
            guard let key = key(value.wire, type: type, enumeration: enumeration) else { continue }
            add(key, meaning, at: value.wire.location)
        }
        if let enumeration {
            addNames(of: enumeration, role: role)
        } else if type == .bool, role == .reduceOnly {
            for (number, code) in [(Int64(0), UInt8(0)), (1, 1)] { addDefault(.number(number), .code(code)) }
        } else if type == .string {
            for (name, code) in Self.names(of: role) { addDefault(.folded(name), .code(code)) }
        }
    }

    private func meaning(_ text: Located<String>, role: OrderRole) -> Meaning? {
        let name = text.value.uppercased()
        if role == .timeInForce {
            if name.isName { return .text(name) }
            log.report("\(path): \(quoted(text.value)) is not a time in force", at: text.location)
            return nil
        }
        let names = Self.names(of: role)
        if let known = names.first(where: { $0.name == name }) { return .code(known.code) }
        log.report(
            "\(path): one of \(names.map(\.name).joined(separator: ", ")) belongs here, found \(quoted(text.value))",
            at: text.location)
        return nil
    }

    private mutating func addNames(of enumeration: Google_Protobuf_EnumDescriptorProto, role: OrderRole) {
        let listed = Set(entries.map(\.key))
        var meanings: [Int32: Meaning] = [:]
        for value in enumeration.value {
            let key = Key.number(Int64(value.number))
            let whole = value.name.uppercased()
            let short = Self.short(value.name, in: enumeration)
            let names = Self.names(of: role)
            var meaning: Meaning?
            // A whole name goes first: of STOP_MARKET and STOP_LIMIT alone, no prefix may be dropped.
            if let known = names.first(where: { $0.name == whole }) ?? names.first(where: { $0.name == short }) {
                meaning = .code(known.code)
            } else if value.number == 0, whole.hasSuffix("UNSPECIFIED") {
                meaning = .unspecified
            } else if role == .timeInForce {
                meaning = .text(short)
            }
            guard let meaning, !listed.contains(key) else { continue }
            if let other = meanings[value.number] {
                // Two names of one time in force are one and the same; a side cannot be both.
                if other != meaning, role != .timeInForce { ambiguous.append(value.name) }
                continue
            }
            meanings[value.number] = meaning
            entries.append((key, meaning))
        }
    }

    // MARK: Statuses of an answer

    /// The statuses that the mapping lists, each with what it says of the order.
    mutating func add(
        _ statuses: [Located<String>], meaning outcome: OrderAnswer.Outcome, type: WireFieldType,
        enumeration: Google_Protobuf_EnumDescriptorProto?
    ) {
        for status in statuses {
            let key =
                type == .string ? .folded(status.value.uppercased()) : key(status, type: type, enumeration: enumeration)
            if let key { add(key, .code(outcome.rawValue), at: status.location) }
        }
    }

    // MARK: Keys

    /// What stands on the wire for a value that the mapping names.
    private func key(
        _ text: Located<String>, type: WireFieldType, enumeration: Google_Protobuf_EnumDescriptorProto?
    ) -> Key? {
        if let enumeration {
            let upper = text.value.uppercased()
            let values = enumeration.value
            if let value = values.first(where: { $0.name == text.value })
                ?? values.first(where: { $0.name.uppercased() == upper })
                ?? values.first(where: { Self.short($0.name, in: enumeration) == upper })
                ?? values.first(where: { String($0.number) == text.value })
            {
                return .number(Int64(value.number))
            }
            let names = values.map(\.name)
            let meant = Suggestion.closest(to: text.value, among: names).map { "; did you mean \($0)?" } ?? ""
            log.report(
                "\(path): the enum \(enumeration.name) has no value \(quoted(text.value))\(meant) (its values: \(names.joined(separator: ", ")))",
                at: text.location)
            return nil
        }
        switch type {
        case .string:
            return .exact(text.value)
        case .bool:
            if text.value == "true" || text.value == "false" { return .number(text.value == "true" ? 1 : 0) }
            log.report("\(path): true or false belongs here, found \(quoted(text.value))", at: text.location)
        default:
            if let number = Int64(text.value) { return .number(number) }
            log.report("\(path): a whole number belongs here, found \(quoted(text.value))", at: text.location)
        }
        return nil
    }

    /// The number that stands on the wire for a value that the mapping names; nil where there is none, which is in the log.
    func number(
        _ text: Located<String>, type: WireFieldType, enumeration: Google_Protobuf_EnumDescriptorProto?
    ) -> Int64? {
        guard case .number(let number) = key(text, type: type, enumeration: enumeration) else { return nil }
        return number
    }

    /// What stands on the wire for a value.
    enum WireChoice: Equatable, Sendable {
        case number(Int64)
        case text(String)
    }

    /// What is to be written for a code; nil where no value means it. What the mapping's `values` say goes first, and a
    /// name that matches in any letter case is written in upper case.
    func wire(of code: UInt8) -> WireChoice? { wire(of: .code(code)) }

    /// What is to be written for a time in force, which is in upper case; nil where no value means it.
    func wire(of timeInForce: String) -> WireChoice? { wire(of: .text(timeInForce)) }

    /// Whether a text, as a header or a constant has it, means a code.
    func means(_ code: UInt8, _ text: String) -> Bool {
        let entry =
            entries.first { $0.key == .exact(text) } ?? entries.first { $0.key == .folded(text.uppercased()) }
        return entry?.meaning == .code(code)
    }

    private func wire(of meaning: Meaning) -> WireChoice? {
        guard let entry = entries.first(where: { $0.meaning == meaning }) else { return nil }
        return switch entry.key {
        case .number(let number): .number(number)
        case .exact(let text), .folded(let text): .text(text)
        }
    }

    /// A value's name in upper case without the prefix, up to an underscore, that all values of its enum share.
    private static func short(_ name: String, in enumeration: Google_Protobuf_EnumDescriptorProto) -> String {
        let names = enumeration.value.map { $0.name.uppercased() }
        guard names.count > 1, var prefix = names.first else { return name.uppercased() }
        for name in names { prefix = String(zip(prefix, name).prefix { $0 == $1 }.map(\.0)) }
        let end = prefix.lastIndex(of: "_").map { prefix.index(after: $0) } ?? prefix.startIndex
        return String(name.uppercased().dropFirst(prefix.distance(from: prefix.startIndex, to: end)))
    }

    private mutating func add(_ key: Key, _ meaning: Meaning, at location: SourceLocation) {
        if let present = entries.first(where: { $0.key == key }) {
            let words = present.meaning == meaning ? "stands twice" : "is given two meanings"
            log.report("\(path): a value \(words); keep one", at: location)
            return
        }
        entries.append((key, meaning))
    }

    /// What a name says by itself counts only where the mapping says nothing.
    private mutating func addDefault(_ key: Key, _ meaning: Meaning) {
        if !entries.contains(where: { $0.key == key }) { entries.append((key, meaning)) }
    }

    /// Writes the choices into the plan: where they begin, and how many.
    func store(in parts: inout PlanParts) -> (first: Int32, count: Int32) {
        let first = Int32(parts.choices.count)
        for (key, meaning) in entries {
            var choice = Choice(
                number: 0, key: .none, foldsKey: false, isUnspecified: meaning == .unspecified, code: 0, text: .none)
            switch key {
            case .number(let number): choice.number = number
            case .exact(let text): choice.key = parts.store(text)
            case .folded(let text):
                choice.key = parts.store(text)
                choice.foldsKey = true
            }
            switch meaning {
            case .code(let code): choice.code = code
            case .text(let text): choice.text = parts.store(text)
            case .unspecified: break
            }
            parts.choices.append(choice)
        }
        return (first, Int32(entries.count))
    }
}

extension String {
    /// See `UnsafeRawBufferPointer.isName`.
    var isName: Bool {
        var text = self
        return text.withUTF8 { UnsafeRawBufferPointer($0).isName }
    }
}
