import CLinux
import CNghttp2
import Glibc
import RiskRules

/// Answering a call in the endpoint's place.
extension OrderPath {
    /// Refuses by what the rules said.
    func reject(_ exchange: Exchange.Pointer, _ verdict: Verdict) {
        var count = 0
        var first: Violation?
        for violation in verdict.violations where violation.blocks {
            if first == nil { first = violation }
            guard count < Self.violationCapacity else { break }
            rejected[count] = told(violation)
            count += 1
        }
        guard count > 0, let reason = verdict.reason else {
            reject(exchange, .internal)
            return
        }
        // The reason leads, wherever it stood.
        answer(exchange, UnsafeBufferPointer(start: rejected, count: count), omitted: verdict.omitted)
        finish(exchange, reason, first)
    }

    /// Refuses because the call cannot be read.
    func reject(_ exchange: Exchange.Pointer, _ failure: DecodeFailure) {
        rejected[0] = RejectedViolation(failure)
        answer(exchange, UnsafeBufferPointer(start: rejected, count: 1), omitted: 0)
        finish(exchange, failure.reason, nil)
    }

    /// Refuses for a reason that says all there is to say.
    func reject(_ exchange: Exchange.Pointer, _ reason: Reason) {
        rejected[0] = RejectedViolation(reason)
        answer(exchange, UnsafeBufferPointer(start: rejected, count: 1), omitted: 0)
        finish(exchange, reason, nil)
    }

    /// Refuses an approved call that cannot be sent; such a reject counts in the rules' own count of rejects.
    func refuseForwarding(_ exchange: Exchange.Pointer, _ reason: Reason) {
        if exchange.pointee.action == .create, let client = exchange.pointee.client {
            let number = client._withUnsafeGuaranteedRef { $0.number }
            engine.countReject(exchange.pointee.order, connection: number, now: loop.now)
        }
        reject(exchange, reason)
    }

    /// Refuses a request that is not gRPC, in HTTP's own words.
    func refuse(_ exchange: Exchange.Pointer, httpStatus: StaticString) {
        withUnsafeTemporaryAllocation(of: HeaderField.self, capacity: 1) { fields in
            fields.initializeElement(
                at: 0, to: HeaderField(name: (":status" as StaticString).bytes, value: httpStatus.bytes))
            submit(exchange, UnsafeBufferPointer(fields))
        }
        finish(exchange, .orderMalformed, nil)
    }

    static let violationCapacity = 64

    private func told(_ violation: Violation) -> RejectedViolation {
        let metric = rules?.metric(violation.rule)
        return RejectedViolation(
            reason: violation.reason, rule: rules?.ruleID(violation.rule) ?? .empty, metric: metric?.label ?? "",
            value: violation.hasValue ? violation.value : nil, bound: violation.hasBound ? violation.bound : nil,
            boundIsMax: violation.boundIsMax)
    }

    private func answer(
        _ exchange: Exchange.Pointer, _ violations: UnsafeBufferPointer<RejectedViolation>, omitted: Int
    ) {
        if exchange.pointee.decisionID == 0 {
            exchange.pointee.decisionID = nextDecisionID
            nextDecisionID &+= 1
        }
        let id: InlineArray<16, UInt8> = hexadecimal(exchange.pointee.decisionID)
        id.span.withUnsafeBytes { id in
            submit(
                exchange,
                rejects.encode(violations, omitted: omitted, ruleSet: rules?.version ?? .empty, decisionID: id))
        }
    }

    private func hexadecimal(_ number: UInt64) -> InlineArray<16, UInt8> {
        InlineArray { index in
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * index)) & 0xF
            return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
    }

    /// Hands fields to the client's session as a whole answer. libnghttp2 copies them: they stand in buffers that the next reject
    /// uses again.
    private func submit(_ exchange: Exchange.Pointer, _ fields: UnsafeBufferPointer<HeaderField>) {
        guard let client = exchange.pointee.client else { return }
        withUnsafeTemporaryAllocation(of: nghttp2_nv.self, capacity: fields.count) { values in
            for (index, field) in fields.enumerated() {
                values.initializeElement(
                    at: index,
                    to: nghttp2_nv(
                        name: UnsafeMutablePointer(mutating: field.name.bindMemory(to: UInt8.self).baseAddress),
                        value: UnsafeMutablePointer(mutating: field.value.bindMemory(to: UInt8.self).baseAddress),
                        namelen: field.name.count, valuelen: field.value.count,
                        flags: UInt8(NGHTTP2_NV_FLAG_NONE.rawValue)))
            }
            client._withUnsafeGuaranteedRef {
                guard let session = $0.session else { return }
                _ = nghttp2_submit_response(
                    session.raw, exchange.pointee.clientStream, values.baseAddress, fields.count, nil)
                $0.becameDirty()
            }
        }
    }

    /// Counts and notes a reject; the call is over as far as the client is concerned.
    private func finish(_ exchange: Exchange.Pointer, _ reason: Reason, _ violation: Violation?) {
        let wasForwarded = exchange.pointee.stage == .forwarded
        exchange.pointee.stage = .answered
        exchange.pointee.responseEnded = true
        cancelTimer(exchange)
        guard exchange.pointee.action != .pass || reason == .methodNotPermitted else { return }
        // A forwarded order was counted as approved when it left.
        if !wasForwarded {
            metrics.countOrder(exchange.pointee.action == .cancel ? .cancel : .create, reason: reason)
        }
        note(exchange, reason, violation)
    }

    /// Gives the state thread what it needs to write one line about it.
    private func note(_ exchange: Exchange.Pointer, _ reason: Reason, _ violation: Violation?) {
        var request = StateRequest(kind: .reject)
        request.reject.decisionID = exchange.pointee.decisionID
        request.reject.at = gate_realtime_ns()
        request.reject.reason = reason
        if let violation {
            request.reject.rule = violation.rule
            request.reject.hasValue = violation.hasValue
            request.reject.hasBound = violation.hasBound
            request.reject.value = violation.value
            request.reject.bound = violation.bound
        }
        let order = exchange.pointee.order
        if order.account != .none {
            request.reject.hasOrder = exchange.pointee.action == .create
            request.reject.side = order.side
            request.reject.type = order.type
            request.reject.quantity = order.quantity
            request.reject.price = order.price
            request.reject.account = NameText(engine.accountName(order.account))
            request.reject.strategy = NameText(engine.strategyName(order.strategy))
            request.reject.symbol = NameText(engine.symbolName(order.symbol))
            request.reject.clientOrderID = clientOrderID(exchange)
        }
        if let rules { request.reject.rules = Unmanaged.passRetained(rules).toOpaque() }
        send(request)
    }

    /// The client's own id of a refused order, read again: an order that passes does not pay for keeping it.
    private func clientOrderID(_ exchange: Exchange.Pointer) -> NameText {
        guard exchange.pointee.action == .create,
            case .message(let message) = GRPCFraming.whole(
                exchange.pointee.requestBody.bytes, limits: framingLimits(exchange)),
            case .order(let decoded) = decoder.decodeOrder(
                method: Int(exchange.pointee.method), message: message, headers: headerFields(of: exchange))
        else { return NameText() }
        return NameText(decoded.clientOrderID)
    }

    // MARK: Counting

    /// Counts what a decision found, blocking or not, and passes on the stops it asked for.
    func observe(_ verdict: Verdict, duration: Int64) {
        metrics.decision.record(duration)
        if verdict.priceAge >= 0 { metrics.priceAge.record(verdict.priceAge) }
        if verdict.accountAge >= 0 { metrics.accountAge.record(verdict.accountAge) }
        countLookups(verdict)
        guard !verdict.violations.isEmpty, let rules else { return }
        for violation in verdict.violations where violation.rule >= 0 {
            metrics.ruleViolations.add(slot: rules.slots[Int(violation.rule)])
        }
        for stop in verdict.trippedStops { latch(stop, rules) }
    }

    /// Counts what the decision found of its symbol's price and its account.
    private func countLookups(_ verdict: Verdict) {
        var price = verdict.priceAge >= 0 ? MirrorLookupLabels.Result.fresh : nil
        var account = verdict.accountAge >= 0 ? MirrorLookupLabels.Result.fresh : nil
        for violation in verdict.violations {
            switch violation.reason {
            case .priceStale: price = .stale
            case .priceUnavailable: price = .absent
            case .accountStale: account = .stale
            case .accountUnknown: account = .absent
            default: break
            }
        }
        if let price { metrics.mirrorLookups.add(MirrorLookupLabels(kind: .price, result: price)) }
        if let account { metrics.mirrorLookups.add(MirrorLookupLabels(kind: .account, result: account)) }
    }

    /// An emergency rule has set a stop in the engine: it is to be kept and told.
    private func latch(_ stop: TrippedStop, _ rules: PublishedRules) {
        var request = StateRequest(kind: .latchStop)
        request.scope = stop.scope
        switch stop.scope {
        case .global: break
        case .account: request.text = NameText(engine.accountName(stop.name))
        case .strategy: request.text = NameText(engine.strategyName(stop.name))
        case .symbol: request.text = NameText(engine.symbolName(stop.name))
        }
        request.reject.rule = stop.rule
        request.reject.rules = Unmanaged.passRetained(rules).toOpaque()
        send(request)
    }
}
