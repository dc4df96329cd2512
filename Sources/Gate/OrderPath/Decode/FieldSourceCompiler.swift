import RiskRules
import SwiftProtobuf

/// Judges where one role's value is to come from: that the field is there and of a type that the role can be read from.
struct FieldSourceCompiler {
    private typealias Target = FieldPathResolver.Target

    /// What a role is read as.
    private enum Kind {
        /// An account, a symbol, an order id.
        case text
        case number
        /// One of a few values: a side, a type, a flag, a status.
        case choice
        case words
    }

    private let resolver: FieldPathResolver
    private let kind: Kind
    private var path: String { resolver.path }
    private var log: ProblemLog { resolver.log }

    /// For a role of an order.
    init(_ role: OrderRole, index: DescriptorIndex, log: ProblemLog) {
        resolver = FieldPathResolver(index: index, path: "fields.\(role.rawValue)", log: log)
        kind =
            switch role {
            case .account, .strategy, .symbol, .clientOrderID, .orderID, .replaces, .replacesClientOrderID: .text
            case .quantity, .price, .stopPrice: .number
            case .side, .type, .timeInForce, .reduceOnly: .choice
            }
    }

    /// For a part of an answer.
    /// - Parameter key: what of the mapping says it: `response` or `observe`.
    init(_ role: AnswerRole, of key: String, index: DescriptorIndex, log: ProblemLog) {
        resolver = FieldPathResolver(index: index, path: "\(key).\(role.rawValue)", log: log)
        kind =
            switch role {
            case .orderID, .clientOrderID, .account: .text
            case .status: .choice
            case .filled: .number
            case .error: .words
            }
    }

    /// Where a role of an order comes from; nil where something is wrong with it, which is in the log.
    func source(
        of field: OrderMapping.Field<OrderRole>, values: [OrderMapping.Value], scope: inout FieldScope,
        in parts: inout PlanParts
    ) -> FieldSource? {
        let source = sources(field.source, role: field.role.rawValue, scope: &scope, in: &parts) {
            target, location, source, parts in
            let hasValues = !values.isEmpty || (field.role == .reduceOnly && target.type == .bool)
            guard check(target, hasValues: hasValues, at: location) else { return false }
            if kind == .choice { store(field.role, values, target, at: location, in: &source, &parts) }
            return true
        }
        if source != nil { checkConstant(field, values: values) }
        return source
    }

    /// Where a part of an answer comes from; nil where something is wrong with it, which is in the log.
    func source(
        of field: OrderMapping.Field<AnswerRole>, response: OrderMapping.Response, scope: inout FieldScope,
        in parts: inout PlanParts
    ) -> FieldSource? {
        sources(field.source, role: field.role.rawValue, scope: &scope, in: &parts) {
            target, location, source, parts in
            guard check(target, hasValues: true, at: location) else { return false }
            if field.role == .status {
                var choices = ChoiceCompiler(path: path, log: log)
                choices.add(response.rejected, meaning: .rejected, type: target.type, enumeration: target.enumeration)
                choices.add(response.ended, meaning: .ended, type: target.type, enumeration: target.enumeration)
                (source.firstChoice, source.choiceCount) = choices.store(in: &parts)
            }
            return true
        }
    }

    /// The values that a choice may have.
    private func store(
        _ role: OrderRole, _ values: [OrderMapping.Value], _ target: Target, at location: SourceLocation,
        in source: inout FieldSource, _ parts: inout PlanParts
    ) {
        var choices = ChoiceCompiler(path: path, log: log)
        choices.add(role, type: target.type, values: values, enumeration: target.enumeration)
        for name in choices.ambiguous {
            log.report(
                "\(path): \(name) has the number of a value that means something else; say under values which it is",
                at: location)
        }
        if choices.isEmpty, values.isEmpty, target.type != .string {
            log.report(
                "\(path): no value of \(target.typeText) is known; say under values what they mean", at: location)
        }
        (source.firstChoice, source.choiceCount) = choices.store(in: &parts)
    }

    // MARK: Targets

    /// What a header or a constant is to a role.
    private static let text = Target(
        type: .string, typeText: "a text", numbers: [], oneofs: [], hasPresence: true, enumeration: nil)

    /// The places of one role, each judged and stored by `body`; nil where something is wrong, which is in the log.
    private func sources(
        _ source: Located<OrderMapping.Source>, role: String, scope: inout FieldScope, in parts: inout PlanParts,
        _ body: (Target, SourceLocation, inout FieldSource, inout PlanParts) -> Bool
    ) -> FieldSource? {
        switch source.value {
        case .fields(let paths):
            return fields(paths, scope: &scope, in: &parts, body)
        case .header(let name):
            var result = FieldSource.absent(name: parts.store(name.lowercased()))
            result.origin = .header
            result.text = result.name
            guard checkHeader(name, at: source.location), body(Self.text, source.location, &result, &parts) else {
                return nil
            }
            return result
        case .constant(let text):
            var result = FieldSource.absent(name: parts.store(role))
            result.origin = .constant
            result.text = parts.store(text)
            return body(Self.text, source.location, &result, &parts) ? result : nil
        }
    }

    /// The fields of one role, chained in their order.
    private func fields(
        _ paths: [OrderMapping.FieldPath], scope: inout FieldScope, in parts: inout PlanParts,
        _ body: (Target, SourceLocation, inout FieldSource, inout PlanParts) -> Bool
    ) -> FieldSource? {
        var chain: [FieldSource] = []
        for path in paths {
            let location = path.path.location
            guard !path.isOuter || scope.outer != nil else {
                log.report(
                    "\(self.path): outer stands for what is outside the items of each, and there is no each; write the path alone",
                    at: location)
                continue
            }
            let message = path.isOuter ? scope.outer ?? scope.message : scope.message
            guard let target = resolver.field(path.path.value, in: message, at: location) else { continue }
            var source = FieldSource.absent(name: parts.store(path.path.value))
            source.origin = .message
            source.type = target.type
            source.hasPresence = target.hasPresence
            guard body(target, location, &source, &parts), store(path.scale, target, in: &source, &parts) else {
                continue
            }
            guard let slot = scope.slot(of: path) else {
                log.report("\(self.path): more than \(FieldScope.slots) fields are mapped; map fewer", at: location)
                continue
            }
            source.slot = slot
            chain.append(source)
        }
        guard chain.count == paths.count, var first = chain.popLast() else { return nil }
        while var before = chain.popLast() {
            before.next = parts.store(first)
            first = before
        }
        return first
    }

    private func store(
        _ scale: Located<DecimalScale>?, _ target: Target, in source: inout FieldSource, _ parts: inout PlanParts
    ) -> Bool {
        guard let scale else { return true }
        guard kind == .number else {
            log.report("\(path): only a quantity or a price has a scale; leave it out", at: scale.location)
            return false
        }
        guard target.type.isInteger else {
            log.report("\(path): a scale is for integers, the field is \(target.typeText)", at: scale.location)
            return false
        }
        source.scale = Int32(parts.scales.count)
        parts.scales.append(scale.value)
        return true
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
    private func check(_ target: Target, hasValues: Bool, at location: SourceLocation) -> Bool {
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
        case .clientOrderID, .orderID, .replaces, .replacesClientOrderID:
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
