import RiskRules
package import SwiftProtobuf

/// Judges an order mapping against the descriptors of its API and makes the plan that decoders run on.
package struct OrderMappingCompiler {
    private let mapping: OrderMapping
    private let index: DescriptorIndex
    private let log: ProblemLog
    private var parts = PlanParts()
    private var messages: MessagePlanBuilder

    /// The plan, or nil where anything is wrong: `log` then has every problem.
    package static func compile(
        _ mapping: OrderMapping, descriptors: Google_Protobuf_FileDescriptorSet, into log: ProblemLog
    ) -> DecodePlan? {
        var compiler = OrderMappingCompiler(mapping, descriptors: descriptors, log: log)
        return compiler.compile()
    }

    private init(_ mapping: OrderMapping, descriptors: Google_Protobuf_FileDescriptorSet, log: ProblemLog) {
        self.mapping = mapping
        self.log = log
        index = DescriptorIndex(descriptors)
        messages = MessagePlanBuilder(index)
    }

    private mutating func compile() -> DecodePlan? {
        var lines: [String: Int] = [:]
        for method in mapping.methods {
            if let line = lines[method.path.value] {
                report("\(quoted(method.path.value)) stands twice, first on line \(line); keep one", at: method.path)
                continue
            }
            lines[method.path.value] = method.path.location.line
            guard let plan = compile(method) else { continue }
            parts.paths.append(method.path.value)
            parts.methods.append(plan)
        }
        if !mapping.methods.isEmpty, !mapping.methods.contains(where: { $0.action == .create }) {
            report("no method has the action create, so that no order would be checked", at: mapping.descriptors)
        }
        for type in messages.missing.sorted() {
            report(
                "the descriptor set lacks \(type.drop { $0 == "." }); make it with protoc --include_imports",
                at: mapping.descriptors)
        }
        return log.isEmpty ? DecodePlan(parts) : nil
    }

    private mutating func compile(_ method: OrderMapping.Method) -> MethodPlan? {
        guard let descriptor = index.methods[method.path.value] else {
            let known = index.methods.keys.sorted()
            let meant = Suggestion.closest(to: method.path.value, among: known).map { "; did you mean \($0)?" } ?? ""
            report(
                "the descriptors have no method \(quoted(method.path.value))\(meant) (write /package.Service/Method)",
                at: method.path)
            return nil
        }
        if method.action == .pass {
            refuseWithPass(method)
            return MethodPlan(
                action: .pass, request: RequestPlan(), response: observe(method, type: descriptor.outputType),
                rejectMessage: nil, definitiveStatuses: 0, observes: method.observe != nil)
        }
        if let observe = method.observe {
            log.report(
                "observe: is for methods that pass; what a \(method.action.rawValue) is answered is read by response",
                at: observe.location)
        }
        guard !descriptor.clientStreaming, !descriptor.serverStreaming else {
            report(
                "a streaming method cannot be a \(method.action.rawValue): orders are single calls; map it as pass",
                at: method.path)
            return nil
        }
        let request = request(method, type: descriptor.inputType)
        let response = response(method, type: descriptor.outputType)
        let reject = RejectMessageCompiler(index: index, message: descriptor.outputType, log: log)
        return MethodPlan(
            action: method.action, request: request, response: response,
            rejectMessage: reject.plan(method, in: &parts),
            definitiveStatuses: (method.response?.definitive ?? OrderMapping.Response.definitiveByDefault)
                .reduce(0) { $0 | 1 << UInt32($1) })
    }

    private func refuseWithPass(_ method: OrderMapping.Method) {
        if !method.fields.isEmpty || !method.values.isEmpty || method.response != nil || method.defaultType != nil
            || method.foldsSymbol || method.each != nil || method.reject != nil
        {
            log.report(
                "a method that passes is not read: leave out all but path, action and observe, or write create, replace or cancel",
                at: method.location)
        }
    }

    private func report(_ message: String, at text: Located<String>) {
        log.report(message, at: text.location)
    }

    /// The messages that paths start at: the message's own, or those of the items of `each`.
    private func scope(_ each: Located<String>?, _ type: String, path: String) -> FieldScope {
        guard let each else { return FieldScope(message: type) }
        let resolver = FieldPathResolver(index: index, path: path, log: log)
        guard let items = resolver.list(each.value, in: type, at: each.location) else {
            return FieldScope(message: type)
        }
        return FieldScope(items: items, each: each.value, of: type)
    }

    /// The nodes of a scope's messages: the one that is walked first, and that of an item, -1 where there are none.
    private mutating func nodes(_ scope: FieldScope) -> (message: Int32, item: Int32) {
        guard let outer = scope.outer else {
            return (messages.node(scope.message, tree: scope.tree, in: &parts), -1)
        }
        return (
            messages.node(outer, tree: scope.outerTree, in: &parts),
            messages.node(scope.message, tree: scope.tree, in: &parts)
        )
    }

    // MARK: Requests

    private mutating func request(_ method: OrderMapping.Method, type: String) -> RequestPlan {
        checkRoles(method)
        var plan = RequestPlan()
        var scope = scope(method.each, type, path: "each")
        // Where the list is not one, its items' fields cannot be judged.
        guard method.each == nil || scope.outer != nil else { return plan }
        var sources: [OrderRole: FieldSource] = [:]
        for field in method.fields {
            let values = method.values.filter { $0.role == field.role }
            sources[field.role] = FieldSourceCompiler(field.role, index: index, log: log)
                .source(of: field, values: values, scope: &scope, in: &parts)
        }
        for value in method.values where !method.fields.contains(where: { $0.role == value.role }) {
            report("values.\(value.role.rawValue): the role is not among fields", at: value.wire)
        }
        (plan.node, plan.itemNode) = nodes(scope)
        plan.defaultType = method.defaultType?.value
        plan.foldsSymbol = method.foldsSymbol
        // What is not mapped keeps the role's name, so that a reject can say what was missing.
        func source(_ role: OrderRole) -> SourceID {
            parts.store(sources[role] ?? .absent(name: parts.store(role.rawValue)))
        }
        plan.account = source(.account)
        plan.strategy = source(.strategy)
        plan.symbol = source(.symbol)
        plan.side = source(.side)
        plan.type = source(.type)
        plan.quantity = source(.quantity)
        plan.price = source(.price)
        plan.stopPrice = source(.stopPrice)
        plan.timeInForce = source(.timeInForce)
        plan.reduceOnly = source(.reduceOnly)
        plan.clientOrderID = source(.clientOrderID)
        plan.orderID = source(.orderID)
        plan.replaces = source(.replaces)
        plan.replacesClientOrderID = source(.replacesClientOrderID)
        return plan
    }

    /// Whether the method maps what its action needs, and nothing that its action has no use for.
    private func checkRoles(_ method: OrderMapping.Method) {
        let roles = Set(method.fields.map(\.role))
        let known =
            switch method.action {
            case .create: OrderRole.ofCreate
            case .replace: OrderRole.ofReplace
            case .cancel, .pass: OrderRole.ofCancel
            }
        for field in method.fields where !known.contains(field.role) {
            log.report(
                "fields.\(field.role.rawValue): a \(method.action.rawValue) has no use for it; leave it out (known: \(known.map(\.rawValue).joined(separator: ", ")))",
                at: field.source.location)
        }
        switch method.action {
        case .create: checkCreate(method, roles)
        case .replace: checkReplace(method, roles)
        case .cancel: checkCancel(method, roles)
        case .pass: break
        }
    }

    private func checkCreate(_ method: OrderMapping.Method, _ roles: Set<OrderRole>) {
        for role in OrderRole.needed where !roles.contains(role) {
            log.report("fields: \(role.rawValue) is missing and needed", at: method.location)
        }
        if !roles.contains(.type), method.defaultType == nil {
            log.report("fields: type is missing; map it, or say default_type", at: method.location)
        }
        if method.defaultType?.value == .byPrice, !roles.contains(.price) {
            log.report(
                "default_type: by_price needs fields.price", at: method.defaultType?.location ?? method.location)
        }
    }

    private func checkReplace(_ method: OrderMapping.Method, _ roles: Set<OrderRole>) {
        if !roles.contains(.replaces), !roles.contains(.replacesClientOrderID) {
            log.report("fields: replaces or replaces_client_order_id is missing and needed", at: method.location)
        }
        if roles.contains(.replacesClientOrderID), !roles.contains(.replaces), !roles.contains(.account) {
            log.report(
                "fields: account is missing and needed: a client's order id is an account's own", at: method.location)
        }
        if let type = method.defaultType {
            log.report("default_type: a replace takes its type from the original; leave it out", at: type.location)
        }
    }

    private func checkCancel(_ method: OrderMapping.Method, _ roles: Set<OrderRole>) {
        if !roles.contains(.orderID), !roles.contains(.clientOrderID) {
            log.report("fields: order_id or client_order_id is missing and needed", at: method.location)
        }
        if let type = method.defaultType {
            log.report("default_type: a cancel has no type; leave it out", at: type.location)
        }
        if let each = method.each {
            log.report("each: a cancel is never a batch of orders; leave it out", at: each.location)
        }
    }

    // MARK: Answers

    private mutating func response(_ method: OrderMapping.Method, type: String) -> ResponsePlan {
        guard let response = method.response else { return ResponsePlan() }
        checkStatus(response, of: "response")
        checkEach(method, response)
        return answer(response, of: "response", type: type)
    }

    /// How the answers of a method that passes are read.
    private mutating func observe(_ method: OrderMapping.Method, type: String) -> ResponsePlan {
        guard var observe = method.observe else { return ResponsePlan() }
        let roles = Set(observe.fields.map(\.role))
        if let status = observe.fields.first(where: { $0.role == .status }), observe.rejected.isEmpty,
            observe.ended.isEmpty
        {
            // An API has one list of states: what orders are answered with says it for all.
            let usual = mapping.methods.first { $0.action == .create && $0.response?.listsStatuses == true }?.response
            observe.rejected = (usual?.rejected ?? []).map { Located($0.value, at: status.source.location) }
            observe.ended = (usual?.ended ?? []).map { Located($0.value, at: status.source.location) }
        }
        checkStatus(observe, of: "observe")
        if !roles.contains(.orderID), !roles.contains(.clientOrderID) {
            log.report("observe: order_id or client_order_id is missing and needed", at: observe.location)
        }
        if !roles.contains(.status), !roles.contains(.filled) {
            log.report(
                "observe: status or filled is missing and needed: nothing else tells what became of an order",
                at: observe.location)
        }
        return answer(observe, of: "observe", type: type)
    }

    private func checkStatus(_ response: OrderMapping.Response, of key: String) {
        let hasStatus = response.fields.contains { $0.role == .status }
        if hasStatus, !response.listsStatuses {
            log.report("\(key).status: says nothing without rejected or ended", at: response.location)
        }
        if !hasStatus, let status = (response.rejected + response.ended).first {
            report("\(key): rejected and ended need \(key).status", at: status)
        }
    }

    private mutating func answer(_ response: OrderMapping.Response, of key: String, type: String) -> ResponsePlan {
        var plan = ResponsePlan()
        var scope = scope(response.each, type, path: "\(key).each")
        guard response.each == nil || scope.outer != nil else { return plan }
        var sources: [AnswerRole: FieldSource] = [:]
        for field in response.fields {
            sources[field.role] = FieldSourceCompiler(field.role, of: key, index: index, log: log)
                .source(of: field, response: response, scope: &scope, in: &parts)
        }
        (plan.node, plan.itemNode) = nodes(scope)
        func source(_ role: AnswerRole) -> SourceID { sources[role].map { parts.store($0) } ?? .absent }
        plan.orderID = source(.orderID)
        plan.clientOrderID = source(.clientOrderID)
        plan.account = source(.account)
        plan.status = source(.status)
        plan.filled = source(.filled)
        plan.error = source(.error)
        return plan
    }

    /// Whether what the answer says can be told of one order.
    private func checkEach(_ method: OrderMapping.Method, _ response: OrderMapping.Response) {
        if let each = response.each, method.each == nil {
            report("response.each: the method has no each: it is no batch; leave it out", at: each)
        }
        guard method.each != nil, response.each == nil else { return }
        for field in response.fields where field.role != .status && field.role != .error {
            log.report(
                "response.\(field.role.rawValue): of which order of the batch is not known; say response.each, or leave it out",
                at: field.source.location)
        }
    }
}
