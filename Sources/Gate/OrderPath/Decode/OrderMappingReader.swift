import RiskRules

/// Reads an order mapping strictly: an unknown key is a problem, and so is a key of what this version does not do yet.
package struct OrderMappingReader {
    private let log: ProblemLog
    private var sources: FieldSourceReader { FieldSourceReader(log: log) }

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
        let action = map.choice("action", of: MethodAction.self)
        let fields = map.mapping("fields")
        let values = map.mapping("values")
        let response = map.mapping("response")
        let defaultType = map.choice("default_type", of: DefaultType.self)
        let fold = map.choice("fold", of: Fold.self)
        let reject = map.choice("reject", of: RejectForm.self)
        let each = each(&map)
        let observe = map.mapping("observe")
        map.finish()

        guard let path, let action = action?.value else { return nil }
        var method = OrderMapping.Method(location: node.location, path: path, action: action)
        if let fields { method.fields = self.fields(fields) }
        if let values { method.values = self.values(values) }
        method.response = response.map(self.response)
        method.observe = observe.map(self.observe)
        method.defaultType = defaultType
        method.foldsSymbol = fold != nil
        method.each = each
        method.reject = reject
        return method
    }

    private enum Fold: String, CaseIterable, Sendable { case upper }

    /// `each: ""` says that the message is the order.
    private func each(_ map: inout StrictMapping) -> Located<String>? {
        map.text("each", allowsEmpty: true).flatMap { $0.value.isEmpty ? nil : $0 }
    }

    private func fields(_ fields: StrictMapping) -> [OrderMapping.Field<OrderRole>] {
        var map = fields
        var result: [OrderMapping.Field<OrderRole>] = []
        for role in OrderRole.allCases {
            let path = map.path(of: role.rawValue)
            guard let node = map.node(role.rawValue), let source = sources.source(node, path: path) else { continue }
            result.append(OrderMapping.Field(role: role, source: Located(source, at: node.location)))
        }
        map.finish()
        return result
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
        var result = answer(&map, AnswerRole.ofResponse)
        if let statuses = map.list("definitive") {
            result.definitive = statuses.compactMap {
                log.integer($0, path: map.path(of: "definitive"), in: 1...16)?.value
            }
        }
        result.each = each(&map)
        map.finish()
        return result
    }

    private func observe(_ observe: StrictMapping) -> OrderMapping.Response {
        var map = observe
        var result = answer(&map, AnswerRole.ofObserve)
        result.each = each(&map)
        map.finish()
        return result
    }

    private func answer(_ map: inout StrictMapping, _ roles: [AnswerRole]) -> OrderMapping.Response {
        var result = OrderMapping.Response(location: map.location)
        for role in roles {
            guard let node = map.node(role.rawValue) else { continue }
            // An empty path says that the answer does not have it.
            if case .scalar("", _) = node.content { continue }
            guard let paths = sources.paths(node, path: map.path(of: role.rawValue)) else { continue }
            result.fields.append(OrderMapping.Field(role: role, source: Located(.fields(paths), at: node.location)))
        }
        result.rejected = map.texts("rejected") ?? []
        result.ended = map.texts("ended") ?? []
        return result
    }
}
