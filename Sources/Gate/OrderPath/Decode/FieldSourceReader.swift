import RiskRules

/// Reads where a role's value is found: a field path, a list of them, `{field: path, scale: 1e-8}`, `{outer: path}`,
/// `{header: name}` or `{value: text}`.
struct FieldSourceReader {
    let log: ProblemLog

    private static let forms =
        "a field path, a list of them, {field: path, scale: 1e-8}, {outer: path}, {header: name} or {value: text}"

    /// Where a role of a request is found; nil where something is wrong, which is in the log.
    func source(_ node: StrictNode, path: String) -> OrderMapping.Source? {
        guard case .mapping = node.content else { return paths(node, path: path).map(OrderMapping.Source.fields) }
        var map = StrictMapping(node, path: path, log: log)
        guard map.has("header") || map.has("value") else {
            return paths(node, path: path).map(OrderMapping.Source.fields)
        }
        let header = map.text("header")
        let constant = map.text("value")
        for key in ["field", "scale", "outer"] {
            guard let key = map.key(key) else { continue }
            log.report(
                "\(map.path(of: key.value)): a header or a constant stands alone; leave it out", at: key.location)
        }
        map.finish()
        switch (header, constant) {
        case (let header?, nil): return .header(header.value)
        case (nil, let constant?): return .constant(constant.value)
        case (.some, .some):
            log.report("\(path): either header or value belongs here, not both", at: node.location)
        case (nil, nil):
            break
        }
        return nil
    }

    /// One field or several; nil where something is wrong, which is in the log.
    func paths(_ node: StrictNode, path: String) -> [OrderMapping.FieldPath]? {
        guard case .sequence(let nodes) = node.content else { return self.path(node, path: path).map { [$0] } }
        if nodes.isEmpty { log.report("\(path): at least one field belongs in the list", at: node.location) }
        var paths: [OrderMapping.FieldPath] = []
        for node in nodes {
            guard let found = self.path(node, path: path) else { continue }
            if paths.contains(where: { $0.path.value == found.path.value && $0.isOuter == found.isOuter }) {
                log.report("\(path): \(quoted(found.path.value)) stands twice; keep one", at: found.path.location)
                continue
            }
            paths.append(found)
        }
        return paths.count == nodes.count && !paths.isEmpty ? paths : nil
    }

    private func path(_ node: StrictNode, path: String) -> OrderMapping.FieldPath? {
        switch node.content {
        case .scalar: return log.text(node, path: path).map { OrderMapping.FieldPath(path: $0) }
        case .refused: return nil
        case .sequence:
            log.report("\(path): a field belongs here, found a list in a list", at: node.location)
            return nil
        case .mapping: break
        }
        var map = StrictMapping(node, path: path, log: log)
        let field = map.text("field")
        let outer = map.text("outer")
        let scale = map.text("scale")
        for key in ["header", "value"] {
            guard let key = map.key(key) else { continue }
            log.report("\(map.path(of: key.value)): only fields of the message belong here", at: key.location)
        }
        map.finish()
        if let field, let outer {
            log.report(
                "\(path): either field (\(field.value)) or outer (\(outer.value)) belongs here, not both",
                at: node.location)
            return nil
        }
        guard let place = field ?? outer else {
            if map.keys.allSatisfy({ $0.value == "scale" }) {
                log.report("\(path): \(Self.forms) belongs here", at: node.location)
            }
            return nil
        }
        var result = OrderMapping.FieldPath(path: place, isOuter: outer != nil)
        if let scale {
            guard let parsed = DecimalScale(scale.value) else {
                log.report(
                    "\(map.path(of: "scale")): a decimal above 0, as 1e-8 or 0.00000001, belongs here, found \(quoted(scale.value))",
                    at: scale.location)
                return nil
            }
            result.scale = Located(parsed, at: scale.location)
        }
        return result
    }
}
