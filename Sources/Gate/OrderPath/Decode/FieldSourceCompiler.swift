import RiskRules
import SwiftProtobuf

/// Judges where one role's value is to come from: that the field is there and of a type that the role can be read from.
struct FieldSourceCompiler {
    let index: DescriptorIndex
    /// The message that paths start at.
    let message: String
    /// What messages call the role: `fields.side`.
    let path: String
    let log: ProblemLog

    /// What a role is read as.
    private enum Kind {
        /// An account, a symbol, an order id.
        case text
        case number
        /// One of a few values: a side, a type, a flag, a status.
        case choice
        case words
    }

    /// The field that a path leads to.
    private struct Target {
        var type: WireFieldType
        var typeText: String
        var hasPresence: Bool
        var enumeration: Google_Protobuf_EnumDescriptorProto?
    }

    /// Where a role of an order comes from; nil where something is wrong with it, which is in the log.
    mutating func source(
        of field: OrderMapping.Field<OrderRole>, values: [OrderMapping.Value], tree: inout FieldTree,
        in parts: inout PlanParts
    ) -> FieldSource? {
        let kind: Kind =
            switch field.role {
            case .account, .strategy, .symbol, .clientOrderID, .orderID: .text
            case .quantity, .price, .stopPrice: .number
            case .side, .type, .timeInForce, .reduceOnly: .choice
            }
        guard let (target, origin) = target(field.source),
            check(
                target, kind, hasValues: !values.isEmpty || (field.role == .reduceOnly && target.type == .bool),
                at: field.source.location)
        else { return nil }
        var source = store(field.source.value, role: field.role.rawValue, target, origin, tree: &tree, in: &parts)
        if kind == .choice {
            var choices = ChoiceCompiler(path: path, log: log)
            choices.add(field.role, type: target.type, values: values, enumeration: target.enumeration)
            for name in choices.ambiguous {
                log.report(
                    "\(path): \(name) has the number of a value that means something else; say under values which it is",
                    at: field.source.location)
            }
            if choices.isEmpty, values.isEmpty, target.type != .string {
                log.report(
                    "\(path): no value of \(target.typeText) is known; say under values what they mean",
                    at: field.source.location)
            }
            (source.firstChoice, source.choiceCount) = choices.store(in: &parts)
        }
        checkConstant(field, values: values)
        return source
    }

    /// Where a part of an answer comes from; nil where something is wrong with it, which is in the log.
    mutating func source(
        of field: OrderMapping.Field<AnswerRole>, response: OrderMapping.Response, tree: inout FieldTree,
        in parts: inout PlanParts
    ) -> FieldSource? {
        let kind: Kind =
            switch field.role {
            case .orderID, .clientOrderID: .text
            case .status: .choice
            case .filled: .number
            case .error: .words
            }
        guard let (target, origin) = target(field.source),
            check(target, kind, hasValues: true, at: field.source.location)
        else { return nil }
        var source = store(field.source.value, role: field.role.rawValue, target, origin, tree: &tree, in: &parts)
        if field.role == .status {
            var choices = ChoiceCompiler(path: path, log: log)
            choices.add(response.rejected, meaning: .rejected, type: target.type, enumeration: target.enumeration)
            choices.add(response.ended, meaning: .ended, type: target.type, enumeration: target.enumeration)
            (source.firstChoice, source.choiceCount) = choices.store(in: &parts)
        }
        return source
    }

    // MARK: Targets

    private func target(_ source: Located<OrderMapping.Source>) -> (Target, FieldSource.Origin)? {
        let text = Target(type: .string, typeText: "a text", hasPresence: true, enumeration: nil)
        switch source.value {
        case .path(let path): return resolve(path, at: source.location).map { ($0, .message) }
        case .header(let name): return checkHeader(name, at: source.location) ? (text, .header) : nil
        case .constant: return (text, .constant)
        }
    }

    /// Follows a field path through the messages.
    private func resolve(_ fieldPath: String, at location: SourceLocation) -> Target? {
        var type = message
        let names = fieldPath.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
        for (position, name) in names.enumerated() {
            // A type that the set lacks is reported once, by the plan builder's list.
            guard let message = index.messages[type] else {
                log.report(
                    "\(path): the descriptor set lacks \(type.drop { $0 == "." }); make it with protoc --include_imports",
                    at: location)
                return nil
            }
            guard let field = message.field(named: name) else {
                let names = message.descriptor.field.map(\.name)
                let meant = Suggestion.closest(to: name, among: names).map { "; did you mean \($0)?" } ?? ""
                log.report(
                    "\(path): the message \(type.drop { $0 == "." }) has no field \(quoted(name))\(meant) (its fields: \(names.joined(separator: ", ")))",
                    at: location)
                return nil
            }
            guard field.label != .repeated else {
                log.report("\(path): \(name) is repeated (or a map); only single fields can be mapped", at: location)
                return nil
            }
            guard let wireType = field.wireType else {
                log.report("\(path): \(name) is a group, which is not supported", at: location)
                return nil
            }
            if position == names.count - 1 {
                guard wireType != .message else {
                    log.report("\(path): \(name) is \(field.typeText); name a field of it", at: location)
                    return nil
                }
                guard !field.hasDefaultValue else {
                    log.report(
                        "\(path): \(name) has a default of its own (\(field.defaultValue)), which is not supported",
                        at: location)
                    return nil
                }
                return Target(
                    type: wireType, typeText: field.typeText, hasPresence: message.hasPresence(field),
                    enumeration: wireType == .enumeration ? index.enums[field.typeName] : nil)
            }
            guard wireType == .message else {
                log.report("\(path): \(name) is \(field.typeText) and has no fields", at: location)
                return nil
            }
            type = field.typeName
        }
        return nil
    }

    private func checkHeader(_ name: String, at location: SourceLocation) -> Bool {
        let isToken =
            !name.isEmpty
            && name.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                    true
                default:
                    false
                }
            }
        if !isToken {
            log.report("\(path): \(quoted(name)) is not the name of a header", at: location)
        } else if name.lowercased().hasSuffix("-bin") {
            log.report("\(path): headers ending in -bin are binary; name one with plain text", at: location)
        } else {
            return true
        }
        return false
    }

    /// Whether the role can be read from what the path leads to.
    private func check(_ target: Target, _ kind: Kind, hasValues: Bool, at location: SourceLocation) -> Bool {
        let wanted: String
        switch (kind, target.type) {
        case (.text, .string), (.text, .bytes), (.words, .string), (.number, .double), (.number, .float),
            (.number, .string), (.choice, .string), (.choice, .enumeration):
            return true
        case (.text, let type) where type.isInteger: return true
        case (.number, let type) where type.isInteger: return true
        case (.choice, let type) where type.isInteger || type == .bool:
            if hasValues { return true }
            log.report(
                "\(path): \(target.typeText) says nothing by itself; say under values what it means", at: location)
            return false
        case (.text, _): wanted = "a string, bytes or an integer"
        case (.number, _): wanted = "a double, a float, an integer or a decimal string"
        case (.choice, _): wanted = "an enum or a string"
        case (.words, _): wanted = "a string"
        }
        log.report("\(path): \(wanted) is needed here, the field is \(target.typeText)", at: location)
        return false
    }

    private func store(
        _ origin: OrderMapping.Source, role: String, _ target: Target, _ kind: FieldSource.Origin,
        tree: inout FieldTree, in parts: inout PlanParts
    ) -> FieldSource {
        var source = FieldSource.absent(name: .none)
        source.origin = kind
        source.type = target.type
        source.hasPresence = target.hasPresence
        switch origin {
        case .path(let path):
            source.slot = tree.insert(path.split(separator: ".").map(String.init))
            source.name = parts.store(path)
        case .header(let name):
            source.text = parts.store(name.lowercased())
            source.name = source.text
        case .constant(let text):
            source.text = parts.store(text)
            source.name = parts.store(role)
        }
        return source
    }

    /// A constant that no order could be read with is a problem now, not a reject of every order.
    private func checkConstant(_ field: OrderMapping.Field<OrderRole>, values: [OrderMapping.Value]) {
        guard case .constant(var text) = field.source.value else { return }
        let wanted: String
        switch field.role {
        case .account, .strategy, .symbol:
            if text.isName { return }
            wanted = "1 to 64 characters of A-Z a-z 0-9 . _ : / @ -"
        case .quantity, .price, .stopPrice:
            let number = text.withUTF8 {
                WireNumber.read(WireValue(bits: 0, bytes: UnsafeRawBufferPointer($0)), as: .string)
            }
            if case .number(let number) = number, number > .zero { return }
            wanted = "a number above zero"
        case .side, .type, .reduceOnly:
            let names = ChoiceCompiler.names(of: field.role).map(\.name)
            if names.contains(text.uppercased()) || values.contains(where: { $0.wire.value == text }) { return }
            wanted = "one of \(names.joined(separator: ", "))"
        case .timeInForce:
            if text.isName { return }
            wanted = "a time in force"
        case .clientOrderID, .orderID:
            wanted = "a field or a header, for no two orders may have the same id,"
        }
        log.report("\(path): \(wanted) belongs here, found \(quoted(text))", at: field.source.location)
    }
}

extension WireFieldType {
    var isInteger: Bool {
        switch self {
        case .int32, .int64, .uint32, .uint64, .sint32, .sint64, .fixed32, .fixed64, .sfixed32, .sfixed64: true
        case .double, .float, .bool, .string, .message, .bytes, .enumeration: false
        }
    }
}
