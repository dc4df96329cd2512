import RiskRules
import SwiftProtobuf

/// The mapped fields of one message, as a tree of their paths, each with the slot that its value goes to.
struct FieldTree {
    private(set) var slot: Int8 = -1
    private(set) var children: [String: FieldTree] = [:]

    /// Bits of all slots here and below.
    var slots: UInt64 {
        children.values.reduce(slot >= 0 ? 1 << UInt64(slot) : 0) { $0 | $1.slots }
    }

    /// Takes up a path, whose value goes to the slot `next` unless the path has one already, and says to which.
    mutating func insert(_ path: ArraySlice<String>, next: Int8) -> Int8 {
        guard let name = path.first else {
            if slot < 0 { slot = next }
            return slot
        }
        return children[name, default: FieldTree()].insert(path.dropFirst(), next: next)
    }
}

/// The messages that the paths of one method start at, and the slots that their values go to.
struct FieldScope {
    /// The message that paths start at.
    let message: String
    /// The message that holds the items of a batch; nil: there are none.
    let outer: String?
    private(set) var tree = FieldTree()
    private(set) var outerTree = FieldTree()
    private var used: Int8 = 0

    /// Fields that can be mapped.
    static let slots = Int8(MessageReader.itemSlot)

    /// The message alone.
    init(message: String) {
        self.message = message
        outer = nil
    }

    /// The items of the list at the path `each` of a message.
    init(items: String, each: String, of message: String) {
        self.message = items
        outer = message
        _ = outerTree.insert(each.split(separator: ".").map(String.init)[...], next: MessageReader.itemSlot)
    }

    /// The slot of a field's value; nil where all are in use.
    mutating func slot(of field: OrderMapping.FieldPath) -> UInt8? {
        guard used < Self.slots else { return nil }
        let path = field.path.value.split(separator: ".").map(String.init)[...]
        let slot = field.isOuter ? outerTree.insert(path, next: used) : tree.insert(path, next: used)
        if slot == used { used += 1 }
        return UInt8(slot)
    }
}

/// Makes the flat tables of messages out of their descriptors.
struct MessagePlanBuilder {
    let index: DescriptorIndex
    /// Messages of which nothing is mapped: their nodes only check, and are shared.
    private var checking: [String: Int32] = [:]
    /// Types that a field names and the set does not have.
    private(set) var missing: Set<String> = []

    init(_ index: DescriptorIndex) { self.index = index }

    /// Fields with numbers below this are found by one look.
    private static let directLimit: Int32 = 64

    /// The node of a message, and of all messages below it.
    mutating func node(_ type: String, tree: FieldTree?, name: String = "", in parts: inout PlanParts) -> Int32 {
        if tree == nil, let node = checking[type] { return node }
        let node = Int32(parts.nodes.count)
        parts.nodes.append(MessageNode(firstField: 0, fieldCount: 0, direct: 0, directCount: 0))
        if tree == nil { checking[type] = node }
        guard let message = index.messages[type] else {
            missing.insert(type)
            return node
        }
        var fields: [MessageField] = []
        for field in message.descriptor.field.sorted(by: { $0.number < $1.number }) {
            guard let wireType = field.wireType else { continue }
            let subtree = tree?.children[field.name]
            let fieldName = name.isEmpty ? field.name : "\(name).\(field.name)"
            var child: Int32 = -1
            if wireType == .message { child = self.node(field.typeName, tree: subtree, name: fieldName, in: &parts) }
            fields.append(
                MessageField(
                    number: UInt32(field.number), type: wireType, isRepeated: field.label == .repeated,
                    slot: subtree?.slot ?? -1, child: child, clears: clears(field, in: message, tree: tree),
                    name: parts.store(fieldName)))
        }
        parts.nodes[Int(node)] = store(fields, in: &parts)
        return node
    }

    /// The slots of the other members of a field's oneof.
    private func clears(
        _ field: Google_Protobuf_FieldDescriptorProto, in message: DescriptorIndex.Message, tree: FieldTree?
    ) -> UInt64 {
        guard let tree, let oneof = message.oneof(of: field) else { return 0 }
        return message.descriptor.field.reduce(0) { slots, other in
            guard other.number != field.number, message.oneof(of: other) == oneof else { return slots }
            return slots | (tree.children[other.name]?.slots ?? 0)
        }
    }

    private func store(_ fields: [MessageField], in parts: inout PlanParts) -> MessageNode {
        let first = Int32(parts.fields.count)
        parts.fields += fields
        let directCount = min((fields.last.map { Int32($0.number) } ?? -1) + 1, Self.directLimit)
        let direct = Int32(parts.direct.count)
        var table = [Int32](repeating: -1, count: Int(directCount))
        for (offset, field) in fields.enumerated() where field.number < UInt32(directCount) {
            table[Int(field.number)] = first + Int32(offset)
        }
        parts.direct += table
        return MessageNode(
            firstField: first, fieldCount: Int32(fields.count), direct: direct, directCount: directCount)
    }
}
