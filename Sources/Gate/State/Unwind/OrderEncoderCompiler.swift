package import RiskRules
package import SwiftProtobuf

/// Finds in an order mapping how to cancel an order and how to close a position by a reduce-only market order, or says why
/// that cannot be said in the endpoint's API.
package struct OrderEncoderCompiler {
    private let index: DescriptorIndex
    private let strategy: Located<String>?
    private let timeInForce: Located<String>?
    private let log: ProblemLog

    /// nil where it cannot be said: `log` then has every problem. The mapping must be one that `OrderMappingCompiler` takes.
    /// - Parameters:
    ///   - strategy: what all calls are to name as their strategy; nil: none.
    ///   - timeInForce: of the closing orders; nil: none is named.
    package static func compile(
        _ mapping: OrderMapping, descriptors: Google_Protobuf_FileDescriptorSet, strategy: Located<String>? = nil,
        timeInForce: Located<String>? = nil, into log: ProblemLog
    ) -> OrderEncoder? {
        let compiler = Self(
            index: DescriptorIndex(descriptors), strategy: strategy, timeInForce: timeInForce, log: log)
        let create = compiler.create(mapping)
        let cancels = compiler.cancels(mapping)
        guard let create, !cancels.isEmpty else { return nil }
        return OrderEncoder(create: create, cancels: cancels, strategy: strategy?.value)
    }

    // MARK: Methods

    /// The first method that can close a position; nil where none can, which is in the log.
    private func create(_ mapping: OrderMapping) -> MethodEncoder? {
        let methods = mapping.methods.filter { $0.action == .create && $0.each == nil }
        if methods.isEmpty {
            log.report(
                "unwind: closing a position needs a method of action create that is no batch; map one, or leave unwind out",
                at: mapping.descriptors.location)
        }
        return working(methods.map { method in { $0.create(method) } }).first
    }

    /// The ways to cancel an order, those by the endpoint's id first; empty where there is none, which is in the log.
    private func cancels(_ mapping: OrderMapping) -> [OrderEncoder.Cancel] {
        let methods = mapping.methods.filter { $0.action == .cancel }
        if methods.isEmpty {
            log.report(
                "unwind: there is no method of action cancel; map one, or leave unwind out",
                at: mapping.descriptors.location)
        }
        let ways = [OrderRole.orderID, .clientOrderID].flatMap { id in
            methods.filter { $0.fields.contains { $0.role == id } }.map { (id: id, method: $0) }
        }
        return working(ways.map { way in { $0.cancel(way.method, by: way.id) } })
    }

    /// What those of the attempts make that find nothing wrong. Where all do, the log has what the first found.
    private func working<Result>(_ attempts: [(Self) -> Result?]) -> [Result] {
        var results: [Result] = []
        var first: ProblemLog?
        for attempt in attempts {
            let own = ProblemLog()
            if let result = attempt(Self(index: index, strategy: strategy, timeInForce: timeInForce, log: own)) {
                results.append(result)
            } else {
                first = first ?? own
            }
        }
        if results.isEmpty, let first { for problem in first.problems { log.report(problem) } }
        return results
    }

    private func create(_ method: OrderMapping.Method) -> MethodEncoder? {
        let mapped = Set(method.fields.map(\.role))
        if !mapped.contains(.reduceOnly) {
            report("an order that closes a position must say reduce_only, and fields has none; map it", method)
        }
        if !mapped.contains(.type), method.defaultType?.value == .limit {
            report("an order that closes a position is a market order, and default_type is LIMIT; map type", method)
        }
        for (value, role) in [(strategy, OrderRole.strategy), (timeInForce, .timeInForce)] {
            guard let value, !mapped.contains(role) else { continue }
            log.report(
                "unwind.\(role.rawValue): \(method.path.value) has no such field in the order mapping; map it, or leave this out",
                at: value.location)
        }
        var roles: [OrderRole] = [.account, .symbol, .side, .type, .quantity, .reduceOnly, .clientOrderID]
        if strategy != nil { roles.append(.strategy) }
        if timeInForce != nil { roles.append(.timeInForce) }
        return encoder(of: method, roles)
    }

    private func cancel(_ method: OrderMapping.Method, by id: OrderRole) -> OrderEncoder.Cancel? {
        let roles = [id, .symbol, .account] + (strategy == nil ? [] : [.strategy])
        return encoder(of: method, roles).map { OrderEncoder.Cancel(id: id, method: $0) }
    }

    /// The encoder of those of the roles that the method maps; nil where something stands in its way, which is in the log.
    private func encoder(of method: OrderMapping.Method, _ roles: [OrderRole]) -> MethodEncoder? {
        guard let type = index.methods[method.path.value]?.inputType else { return nil }
        var encoders: [MethodEncoder.Role] = []
        var targets: [(role: OrderRole, target: FieldPathResolver.Target)] = []
        for field in method.fields where roles.contains(field.role) {
            guard let (encoder, target) = role(field, of: method, in: type) else { continue }
            encoders.append(encoder)
            if let target { targets.append((field.role, target)) }
        }
        checkApart(targets, method)
        checkRequired(type, filled: targets.map(\.target.numbers), method)
        return log.isEmpty ? MethodEncoder(path: method.path.value, roles: encoders) : nil
    }

    // MARK: Roles

    private func role(
        _ field: OrderMapping.Field<OrderRole>, of method: OrderMapping.Method, in type: String
    ) -> (MethodEncoder.Role, FieldPathResolver.Target?)? {
        let path = "fields.\(field.role.rawValue)"
        var choices = ChoiceCompiler(path: path, log: log)
        let values = method.values.filter { $0.role == field.role }
        switch field.source.value {
        case .fields(let paths):
            let resolver = FieldPathResolver(index: index, path: path, log: log)
            guard let first = paths.first,
                let target = resolver.field(first.path.value, in: type, at: first.path.location)
            else { return nil }
            if field.role == .clientOrderID, method.action == .create, target.type.isInteger {
                report("the client order ids of closing orders are texts, and fields.client_order_id is none", method)
            }
            choices.add(field.role, type: target.type, values: values, enumeration: target.enumeration)
            let place = MethodEncoder.Place.field(
                numbers: target.numbers, type: target.type, scale: first.scale?.value)
            var encoder = MethodEncoder.Role(role: field.role, place: place)
            encoder.choices = wire(choices, field, type: target.type)
            return (encoder, target)
        case .header(let name):
            choices.add(field.role, type: .string, values: values, enumeration: nil)
            var encoder = MethodEncoder.Role(role: field.role, place: .header(name.lowercased()))
            encoder.choices = wire(choices, field, type: .string)
            return (encoder, nil)
        case .constant(let text):
            choices.add(field.role, type: .string, values: values, enumeration: nil)
            check(text, choices, field)
            return (MethodEncoder.Role(role: field.role, place: .constant(text)), nil)
        }
    }

    /// What stands on the wire for what a closing order says by a role.
    private func wire(
        _ choices: ChoiceCompiler, _ field: OrderMapping.Field<OrderRole>, type: WireFieldType
    ) -> [UInt8: ChoiceCompiler.WireChoice] {
        var wire: [UInt8: ChoiceCompiler.WireChoice] = [:]
        var missing: [String] = []
        if field.role == .timeInForce, let timeInForce {
            // A text that no value names stands for itself.
            wire[MethodEncoder.timeInForce] =
                choices.wire(of: timeInForce.value.uppercased()) ?? (type == .string ? .text(timeInForce.value) : nil)
            if wire.isEmpty { missing.append(timeInForce.value) }
        }
        for (code, name) in Self.codes(of: field.role) {
            wire[code] = choices.wire(of: code)
            if wire[code] == nil { missing.append(name) }
        }
        for name in missing {
            log.report(
                "unwind: closing a position needs fields.\(field.role.rawValue) to say \(name), and no value of it does; say under values which it is, or leave unwind out",
                at: field.source.location)
        }
        return wire
    }

    /// Whether what every order says by a constant is what a closing order has to say.
    private func check(_ text: String, _ choices: ChoiceCompiler, _ field: OrderMapping.Field<OrderRole>) {
        let codes = Self.codes(of: field.role)
        let isRight =
            switch field.role {
            case .quantity, .side: false
            case .timeInForce: text.uppercased() == timeInForce?.value.uppercased()
            default: codes.allSatisfy { choices.means($0.code, text) }
            }
        guard !isRight else { return }
        let needed = codes.map(\.name).joined(separator: " or ")
        log.report(
            "unwind: by the mapping every \(field.role.rawValue) is \(quoted(text)), and closing a position needs \(needed.isEmpty ? "another" : needed); map a field, or leave unwind out",
            at: field.source.location)
    }

    private static func codes(of role: OrderRole) -> [(code: UInt8, name: String)] {
        switch role {
        case .side: [(Side.buy.rawValue, "BUY"), (Side.sell.rawValue, "SELL")]
        case .type: [(OrderType.market.rawValue, "MARKET")]
        case .reduceOnly: [(1, "TRUE")]
        default: []
        }
    }

    // MARK: Messages

    /// Each role needs a field of its own.
    private func checkApart(
        _ targets: [(role: OrderRole, target: FieldPathResolver.Target)], _ method: OrderMapping.Method
    ) {
        for (place, first) in targets.enumerated() {
            for second in targets[(place + 1)...]
            where first.target.numbers == second.target.numbers || first.target.sharesOneof(with: second.target) {
                report(
                    "\(first.role.rawValue) and \(second.role.rawValue) cannot both be written: they are one field, or members of one oneof",
                    method)
            }
        }
    }

    /// proto2's required fields must all be filled.
    private func checkRequired(_ type: String, filled: [[Int32]], _ method: OrderMapping.Method) {
        for field in index.messages[type]?.descriptor.field ?? [] {
            let inside = filled.filter { $0.first == field.number }
            if inside.isEmpty {
                if field.label == .required {
                    report("the field \(field.name) is required, and no role fills it", method)
                }
            } else if field.wireType == .message {
                checkRequired(field.typeName, filled: inside.map { Array($0.dropFirst()) }, method)
            }
        }
    }

    private func report(_ message: String, _ method: OrderMapping.Method) {
        log.report("unwind: \(method.path.value): \(message), or leave unwind out", at: method.location)
    }
}
