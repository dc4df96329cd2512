import RiskRules

/// Reads an order mapping strictly: an unknown key is a problem, and so is a key of what this version does not do yet.
package struct OrderMappingReader {
    private let log: ProblemLog

    /// What the file says; nil where nothing can be made of it. Whatever is wrong is in `log`, also where there is a result.
    package static func read(_ bytes: [UInt8], file: String, into log: ProblemLog) -> OrderMapping? {
        guard let root = StrictReader.read(bytes, file: file, into: log) else { return nil }
        return OrderMappingReader(log: log).mapping(root)
    }

    private func mapping(_ node: StrictNode) -> OrderMapping? {
        var map = StrictMapping(node, path: "", log: log)
        map.require("descriptors", "methods")
        let descriptors = map.text("descriptors")
        let nodes = map.list("methods")
        map.finish()
        guard let descriptors, let nodes else { return nil }
        if nodes.isEmpty { log.report("methods: at least one method belongs here", at: node.location) }
        return OrderMapping(descriptors: descriptors, methods: nodes.compactMap(method))
    }

    private func method(_ node: StrictNode) -> OrderMapping.Method? {
        var map = StrictMapping(node, path: "methods", log: log)
        map.require("path", "action")
        let path = map.text("path")
        if let action = map.node("action"), case .scalar("replace", _) = action.content {
            log.report("methods.action: replace is not yet supported by this version", at: action.location)
            return nil
        }
        let action = map.choice("action", of: MethodAction.self)
        let fields = map.mapping("fields")
        let values = map.mapping("values")
        let response = map.mapping("response")
        let defaultType = map.choice("default_type", of: DefaultType.self)
        let fold = map.choice("fold", of: Fold.self)
        if let reject = map.text("reject"), reject.value != "status" {
            log.report(
                reject.value == "message"
                    ? "methods.reject: message is not yet supported by this version; write status, or leave it out"
                    : "methods.reject: status belongs here, found \(quoted(reject.value))", at: reject.location)
        }
        refuseEach(&map)
        map.refuseUnsupported("observe")
        map.finish()

        guard let path, let action = action?.value else { return nil }
        var method = OrderMapping.Method(location: node.location, path: path, action: action)
        if let fields { method.fields = self.fields(fields) }
        if let values { method.values = self.values(values) }
        method.response = response.map(self.response)
        method.defaultType = defaultType
        method.foldsSymbol = fold != nil
        return method
    }

    private enum Fold: String, CaseIterable, Sendable { case upper }

    /// `each: ""` says that the message is the order, which is all that there is yet.
    private func refuseEach(_ map: inout StrictMapping) {
        guard let each = map.text("each", allowsEmpty: true), !each.value.isEmpty else { return }
        log.report(
            "\(map.path(of: "each")): batches are not yet supported by this version; leave it out", at: each.location)
    }

    private func fields(_ fields: StrictMapping) -> [OrderMapping.Field<OrderRole>] {
        var map = fields
        var result: [OrderMapping.Field<OrderRole>] = []
        for role in OrderRole.allCases {
            guard let node = map.node(role.rawValue), let source = source(node, path: map.path(of: role.rawValue))
            else { continue }
            result.append(OrderMapping.Field(role: role, source: Located(source, at: node.location)))
        }
        map.refuseUnsupported("replaces", "replaces_client_order_id")
        map.finish()
        return result
    }

    private func source(_ node: StrictNode, path: String) -> OrderMapping.Source? {
        switch node.content {
        case .scalar:
            return log.text(node, path: path).map { .path($0.value) }
        case .sequence:
            log.report("\(path): a list of fields is not yet supported by this version; name one", at: node.location)
            return nil
        case .mapping, .refused:
            break
        }
        var map = StrictMapping(node, path: path, log: log)
        let header = map.text("header")
        let constant = map.text("value")
        map.refuseUnsupported("field", "scale", "outer")
        map.finish()
        switch (header, constant) {
        case (let header?, nil): return .header(header.value)
        case (nil, let constant?): return .constant(constant.value)
        case (.some, .some):
            log.report("\(path): either header or value belongs here, not both", at: node.location)
        case (nil, nil):
            if map.keys.isEmpty {
                log.report("\(path): a field path, {header: name} or {value: text} belongs here", at: node.location)
            }
        }
        return nil
    }

    private func values(_ values: StrictMapping) -> [OrderMapping.Value] {
        var map = values
        var result: [OrderMapping.Value] = []
        for role in [OrderRole.side, .type, .timeInForce, .reduceOnly] {
            guard var table = map.mapping(role.rawValue) else { continue }
            for key in table.keys {
                guard let meaning = table.text(key.value) else { continue }
                result.append(OrderMapping.Value(role: role, wire: key, meaning: meaning))
            }
        }
        map.finish()
        return result
    }

    private func response(_ response: StrictMapping) -> OrderMapping.Response {
        var map = response
        var result = OrderMapping.Response(location: map.location)
        for role in AnswerRole.allCases {
            // An empty path says that the answer does not have it.
            guard let path = map.text(role.rawValue, allowsEmpty: true), !path.value.isEmpty else { continue }
            result.fields.append(
                OrderMapping.Field(role: role, source: Located(.path(path.value), at: path.location)))
        }
        result.rejected = map.texts("rejected") ?? []
        result.ended = map.texts("ended") ?? []
        if let statuses = map.list("definitive") {
            result.definitive = statuses.compactMap {
                log.integer($0, path: map.path(of: "definitive"), in: 1...16)?.value
            }
        }
        refuseEach(&map)
        map.finish()
        return result
    }
}
