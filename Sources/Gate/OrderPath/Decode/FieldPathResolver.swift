import RiskRules
import SwiftProtobuf

/// Follows field paths through the messages of a descriptor set.
struct FieldPathResolver {
    let index: DescriptorIndex
    /// What messages call the role: `fields.side`.
    let path: String
    let log: ProblemLog

    /// The field that a path leads to.
    struct Target {
        var type: WireFieldType
        var typeText: String
        /// The field's number and those of the messages around it, outermost first.
        var numbers: [Int32]
        /// The oneof that each of them is a member of; nil: of none.
        var oneofs: [Int32?]
        var hasPresence: Bool
        var enumeration: Google_Protobuf_EnumDescriptorProto?

        /// Whether both are in different members of one oneof, of which a message has only one.
        func sharesOneof(with other: Target) -> Bool {
            let depth = zip(numbers, other.numbers).prefix { $0 == $1 }.count
            guard depth < oneofs.count, depth < other.oneofs.count, let oneof = oneofs[depth] else { return false }
            return oneof == other.oneofs[depth]
        }
    }

    /// The single field at the end of a path; nil where something is wrong, which is in the log.
    func field(_ fieldPath: String, in message: String, at location: SourceLocation) -> Target? {
        guard let found = follow(fieldPath, in: message, at: location) else { return nil }
        let field = found.field
        guard field.label != .repeated else {
            log.report("\(path): \(field.name) is repeated (or a map); only single fields can be mapped", at: location)
            return nil
        }
        guard let type = field.wireType, type != .message else {
            log.report("\(path): \(field.name) is \(field.typeText); name a field of it", at: location)
            return nil
        }
        guard !field.hasDefaultValue else {
            log.report(
                "\(path): \(field.name) has a default of its own (\(field.defaultValue)), which is not supported",
                at: location)
            return nil
        }
        return Target(
            type: type, typeText: field.typeText, numbers: found.numbers, oneofs: found.oneofs,
            hasPresence: found.message.hasPresence(field),
            enumeration: type == .enumeration ? index.enums[field.typeName] : nil)
    }

    /// The message that is repeated at the end of a path; nil where something is wrong, which is in the log.
    func list(_ fieldPath: String, in message: String, at location: SourceLocation) -> String? {
        guard let field = follow(fieldPath, in: message, at: location)?.field else { return nil }
        guard field.label == .repeated, field.wireType == .message,
            index.messages[field.typeName]?.descriptor.options.mapEntry != true
        else {
            let kind = field.label == .repeated ? "a map, or a list of values" : field.typeText
            log.report("\(path): a repeated message is needed here, \(field.name) is \(kind)", at: location)
            return nil
        }
        return field.typeName
    }

    private struct Found {
        var message: DescriptorIndex.Message
        var field: Google_Protobuf_FieldDescriptorProto
        var numbers: [Int32]
        var oneofs: [Int32?]
    }

    private func follow(_ fieldPath: String, in message: String, at location: SourceLocation) -> Found? {
        var type = message
        var numbers: [Int32] = []
        var oneofs: [Int32?] = []
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
            guard let wireType = field.wireType else {
                log.report("\(path): \(name) is a group, which is not supported", at: location)
                return nil
            }
            numbers.append(field.number)
            oneofs.append(message.oneof(of: field))
            if position == names.count - 1 {
                return Found(message: message, field: field, numbers: numbers, oneofs: oneofs)
            }
            guard field.label != .repeated else {
                log.report(
                    "\(path): \(name) is repeated (or a map); only single fields can be mapped", at: location)
                return nil
            }
            guard wireType == .message else {
                log.report("\(path): \(name) is \(field.typeText) and has no fields", at: location)
                return nil
            }
            type = field.typeName
        }
        return nil
    }
}
