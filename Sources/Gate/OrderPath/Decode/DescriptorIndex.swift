import SwiftProtobuf

/// A descriptor set by name: methods by their full path, messages and enums by their full name (`.order.Order`).
struct DescriptorIndex {
    struct Message {
        var descriptor: Google_Protobuf_DescriptorProto
        /// Whether its plain scalar fields can tell "not given" from zero, unless a field says otherwise.
        var tracksPresence: Bool
    }
    private(set) var methods: [String: Google_Protobuf_MethodDescriptorProto] = [:]
    private(set) var messages: [String: Message] = [:]
    private(set) var enums: [String: Google_Protobuf_EnumDescriptorProto] = [:]

    init(_ set: Google_Protobuf_FileDescriptorSet) {
        for file in set.file {
            let scope = file.package.isEmpty ? "" : ".\(file.package)"
            for message in file.messageType { add(message, scope: scope, tracksPresence: Self.tracksPresence(file)) }
            for type in file.enumType { enums["\(scope).\(type.name)"] = type }
            for service in file.service {
                let name = file.package.isEmpty ? service.name : "\(file.package).\(service.name)"
                for method in service.method { methods["/\(name)/\(method.name)"] = method }
            }
        }
    }

    private mutating func add(_ message: Google_Protobuf_DescriptorProto, scope: String, tracksPresence: Bool) {
        let name = "\(scope).\(message.name)"
        messages[name] = Message(descriptor: message, tracksPresence: tracksPresence)
        for nested in message.nestedType { add(nested, scope: name, tracksPresence: tracksPresence) }
        for type in message.enumType { enums["\(name).\(type.name)"] = type }
    }

    private static func tracksPresence(_ file: Google_Protobuf_FileDescriptorProto) -> Bool {
        switch file.syntax {
        case "proto3": false
        case "editions": file.options.features.fieldPresence != .implicit
        default: true
        }
    }
}

extension DescriptorIndex.Message {
    func field(named name: String) -> Google_Protobuf_FieldDescriptorProto? {
        descriptor.field.first { $0.name == name }
    }

    /// Whether a field can tell "not given" from its type's zero.
    func hasPresence(_ field: Google_Protobuf_FieldDescriptorProto) -> Bool {
        if field.hasOneofIndex { return true }
        switch field.options.features.fieldPresence {
        case .explicit, .legacyRequired: return true
        case .implicit: return false
        default: return tracksPresence
        }
    }

    /// The oneof that a field is a member of; proto3's `optional` makes one up, which counts as none.
    func oneof(of field: Google_Protobuf_FieldDescriptorProto) -> Int32? {
        field.hasOneofIndex && !field.proto3Optional ? field.oneofIndex : nil
    }
}

extension Google_Protobuf_FieldDescriptorProto {
    /// The type as the plan has it; nil for groups, which no message that Gate reads may hold.
    var wireType: WireFieldType? {
        switch type {
        case .double: .double
        case .float: .float
        case .int64: .int64
        case .uint64: .uint64
        case .int32: .int32
        case .fixed64: .fixed64
        case .fixed32: .fixed32
        case .bool: .bool
        case .string: .string
        case .group: nil
        case .message: .message
        case .bytes: .bytes
        case .uint32: .uint32
        case .enum: .enumeration
        case .sfixed32: .sfixed32
        case .sfixed64: .sfixed64
        case .sint32: .sint32
        case .sint64: .sint64
        }
    }

    /// What messages call the type.
    var typeText: String {
        let name = typeName.drop { $0 == "." }
        return switch type {
        case .message: "the message \(name)"
        case .enum: "the enum \(name)"
        case .group: "a group"
        case .int32, .int64: "an \(type)"
        default: "a \(type)"
        }
    }
}
