import RiskRules

/// Makes the message that refuses a call out of `response`: the status that says so, the words and the client's id.
struct RejectMessageCompiler {
    let index: DescriptorIndex
    /// The answer's message.
    let message: String
    let log: ProblemLog

    private typealias Leaf = (target: FieldPathResolver.Target, kind: AnswerPart.Kind, name: String)

    /// nil where something is wrong or missing, which is in the log.
    func plan(_ method: OrderMapping.Method, in parts: inout PlanParts) -> RejectMessagePlan? {
        guard let reject = method.reject, reject.value == .message else { return nil }
        guard method.each == nil else {
            log.report(
                "reject: a batch is refused as a whole, which no item of an answer can say; write status, or leave it out",
                at: reject.location)
            return nil
        }
        guard let response = method.response, response.fields.contains(where: { $0.role == .status }),
            let rejected = response.rejected.first
        else {
            log.report(
                "reject: a message needs response.status and response.rejected, or the answer would not say that the order was refused; write status, or map them",
                at: reject.location)
            return nil
        }
        // What is wrong with the paths has been said already.
        guard log.isEmpty else { return nil }
        let leaves = response.fields.compactMap { leaf($0) }.sorted {
            $0.target.numbers.lexicographicallyPrecedes($1.target.numbers)
        }
        guard log.isEmpty, !clash(leaves, at: reject.location) else { return nil }
        return store(leaves, rejected, in: &parts)
    }

    /// What a role's field is written with; nil for one that a refusal does not speak of.
    private func leaf(_ field: OrderMapping.Field<AnswerRole>) -> Leaf? {
        let kind: AnswerPart.Kind
        switch field.role {
        case .status: kind = .constant
        case .error: kind = .error
        case .clientOrderID: kind = .clientOrderID
        case .orderID, .filled, .account: return nil
        }
        guard case .fields(let paths) = field.source.value, let path = paths.first?.path else { return nil }
        let resolver = FieldPathResolver(index: index, path: "response.\(field.role.rawValue)", log: log)
        guard let target = resolver.field(path.value, in: message, at: path.location) else { return nil }
        if kind == .clientOrderID, target.type != .string, target.type != .bytes {
            log.report(
                "\(resolver.path): reject: message writes the id as text, the field is \(target.typeText); write reject: status",
                at: path.location)
            return nil
        }
        return (target, kind, path.value)
    }

    /// Two members of one oneof cannot both be told.
    private func clash(_ leaves: [Leaf], at location: SourceLocation) -> Bool {
        for (place, first) in leaves.enumerated() {
            for second in leaves[(place + 1)...] {
                guard first.target.sharesOneof(with: second.target) else { continue }
                log.report(
                    "reject: \(first.name) and \(second.name) are members of one oneof, of which a message has only one",
                    at: location)
                return true
            }
        }
        return false
    }

    private func store(
        _ leaves: [Leaf], _ rejected: Located<String>, in parts: inout PlanParts
    ) -> RejectMessagePlan? {
        let first = parts.answerParts.count
        var open: [Int32] = []
        func close(to depth: Int) {
            for _ in depth..<open.count { parts.answerParts.append(AnswerPart(kind: .end, bytes: .none)) }
            open.removeLast(open.count - depth)
        }
        for leaf in leaves {
            let around = leaf.target.numbers.dropLast()
            close(to: zip(open, around).prefix { $0 == $1 }.count)
            for number in around.dropFirst(open.count) {
                parts.answerParts.append(
                    AnswerPart(kind: .begin, bytes: parts.store(ProtobufText.tag(number, .message))))
                open.append(number)
            }
            guard open.count <= RejectMessageEncoder.maximumDepth, let number = leaf.target.numbers.last else {
                log.report("reject: \(leaf.name) is nested too deep", at: rejected.location)
                return nil
            }
            var bytes = ProtobufText.tag(number, leaf.target.type)
            if leaf.kind == .constant {
                guard let value = value(rejected, leaf.target) else { return nil }
                bytes += value
            }
            parts.answerParts.append(
                AnswerPart(kind: leaf.kind, bytes: parts.store(bytes), isText: leaf.target.type == .string))
        }
        close(to: 0)
        return RejectMessagePlan(first: Int32(first), count: Int32(parts.answerParts.count - first))
    }

    private func value(_ status: Located<String>, _ target: FieldPathResolver.Target) -> [UInt8]? {
        if target.type == .string {
            return ProtobufText.varint(UInt64(status.value.utf8.count)) + Array(status.value.utf8)
        }
        let choices = ChoiceCompiler(path: "response.rejected", log: log)
        return choices.number(status, type: target.type, enumeration: target.enumeration)
            .map { ProtobufText.scalar($0, target.type) }
    }
}
