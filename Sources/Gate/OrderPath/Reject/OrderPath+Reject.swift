import CLinux
import CNghttp2
import Glibc
import RiskRules

/// Answering a call in the endpoint's place.
extension OrderPath {
    /// What a call is refused for: the first `count` of `rejected`.
    struct Refusal: BitwiseCopyable {
        var reason: Reason
        /// The rule's violation that gave the reason; nil where no rule did.
        var first: Violation?
        var count = 1
        var omitted = 0
    }

    /// Refuses by what the rules said.
    func reject(_ exchange: Exchange.Pointer, _ verdict: Verdict) { reject(exchange, tell(verdict, index: nil)) }

    /// Refuses because the call cannot be read.
    func reject(_ exchange: Exchange.Pointer, _ failure: DecodeFailure) {
        rejected[0] = RejectedViolation(failure)
        if let batch = exchange.pointee.batch, batch.pointee.refused >= 0 { rejected[0].index = batch.pointee.refused }
        reject(exchange, Refusal(reason: failure.reason))
    }

    /// Refuses for a reason that says all there is to say.
    func reject(_ exchange: Exchange.Pointer, _ reason: Reason) { reject(exchange, tell(reason, index: nil)) }

    /// Refuses for what was noted before.
    func reject(_ exchange: Exchange.Pointer, _ refusal: Refusal) {
        answer(exchange, UnsafeBufferPointer(start: rejected, count: refusal.count), omitted: refusal.omitted)
        finish(exchange, refusal.reason, refusal.first)
    }

    /// Notes what the rules said of an order, of the one at `index` of a batch; valid until something else is noted.
    func tell(_ verdict: Verdict, index: Int?) -> Refusal {
        var count = 0
        var first: Violation?
        for violation in verdict.violations where violation.blocks {
            if first == nil { first = violation }
            guard count < Self.violationCapacity else { break }
            rejected[count] = told(violation)
            rejected[count].index = index
            count += 1
        }
        guard count > 0, let reason = verdict.reason else { return tell(.internal, index: index) }
        // The reason leads, wherever it stood.
        return Refusal(reason: reason, first: first, count: count, omitted: verdict.omitted)
    }

    /// Notes a reason that says all there is to say.
    func tell(_ reason: Reason, index: Int?) -> Refusal {
        rejected[0] = RejectedViolation(reason)
        rejected[0].index = index
        return Refusal(reason: reason)
    }

    /// Refuses an approved call that cannot be sent; such a reject counts in the rules' own count of rejects.
    /// - Parameter decided: the approval, where it may not have been written down yet.
    func refuseForwarding(_ exchange: Exchange.Pointer, _ reason: Reason, _ decided: Decided?) {
        undo(exchange)
        if let decided, !exchange.pointee.isRecorded { _ = record(exchange, decided, refusedFor: reason) }
        if exchange.pointee.action.isOrder, exchange.pointee.attempts == 0, let client = exchange.pointee.client {
            let number = client._withUnsafeGuaranteedRef { $0.number }
            if let batch = exchange.pointee.batch {
                countRejects(of: batch, connection: number)
            } else {
                engine.countReject(exchange.pointee.order, connection: number, now: loop.now)
            }
        }
        reject(exchange, reason)
    }

    /// Refuses a request that is not gRPC, in HTTP's own words.
    func refuse(_ exchange: Exchange.Pointer, httpStatus: StaticString) {
        withUnsafeTemporaryAllocation(of: HeaderField.self, capacity: 1) { fields in
            fields.initializeElement(
                at: 0, to: HeaderField(name: (":status" as StaticString).bytes, value: httpStatus.bytes))
            submit(exchange, UnsafeBufferPointer(fields), body: nil)
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
        if let first = violations.first, answerByMessage(exchange, first) { return }
        let id: InlineArray<16, UInt8> = hexadecimal(exchange.pointee.decisionID)
        id.span.withUnsafeBytes { id in
            submit(
                exchange,
                rejects.encode(violations, omitted: omitted, ruleSet: rules?.version ?? .empty, decisionID: id),
                body: nil)
        }
    }

    private func hexadecimal(_ number: UInt64) -> InlineArray<16, UInt8> {
        InlineArray { index in
            let digit = UInt8(truncatingIfNeeded: number >> UInt64(60 - 4 * index)) & 0xF
            return digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
    }

    /// Hands fields to the client's session as an answer: whole where `body` is nil, else before what it gives.
    private func submit(
        _ exchange: Exchange.Pointer, _ fields: UnsafeBufferPointer<HeaderField>,
        body: UnsafePointer<nghttp2_data_provider>?
    ) {
        guard let client = exchange.pointee.client else { return }
        withCopies(of: fields) { values in
            client._withUnsafeGuaranteedRef {
                let session = $0.session
                _ = nghttp2_submit_response(
                    session.raw, exchange.pointee.clientStream, values.baseAddress, values.count, body)
                $0.becameDirty()
            }
        }
    }

    /// Fields as libnghttp2 takes them. It copies them: they stand in buffers that the next reject uses again.
    private func withCopies(
        of fields: UnsafeBufferPointer<HeaderField>, _ body: (UnsafeMutableBufferPointer<nghttp2_nv>) -> Void
    ) {
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
            body(values)
        }
    }

    // MARK: In the API's own form

    /// Refuses by a message, where the mapping asks for it and a message can say it. Of an order that may live it cannot say
    /// that it was rejected.
    private func answerByMessage(_ exchange: Exchange.Pointer, _ violation: RejectedViolation) -> Bool {
        guard exchange.pointee.method >= 0, violation.reason != .outcomeUnknown,
            let parts = plan.method(Int(exchange.pointee.method)).rejectMessage,
            let message = rejectMessages.encode(parts, violation, clientOrderID: ownID(exchange))
        else { return false }
        exchange.pointee.responseBody.reset()
        guard exchange.pointee.responseBody.append(message, limit: configuration.streamWindow) else { return false }
        exchange.pointee.isRefusedByMessage = true
        var source = dataSource
        submit(exchange, rejects.messageHead(violation.reason), body: &source)
        return true
    }

    /// The client's id of the order that a call is about, read again; empty where there is none, or none to be read.
    private func ownID(_ exchange: Exchange.Pointer) -> UnsafeRawBufferPointer {
        guard
            case .message(let message) = GRPCFraming.whole(
                exchange.pointee.requestBody.bytes, limits: framingLimits(exchange))
        else { return .empty }
        return decoder.clientOrderID(
            method: Int(exchange.pointee.method), item: exchange.pointee.batch?.pointee.refused, message: message,
            headers: headerFields(of: exchange))
    }

    /// Fills a frame with the message that refuses a call; the trailers follow it.
    func refusal(_ exchange: Exchange.Pointer, into room: UnsafeMutableRawBufferPointer) -> HTTP2Peer.Data? {
        let count = exchange.pointee.responseBody.take(into: room)
        guard exchange.pointee.responseBody.isEmpty, let client = exchange.pointee.client else {
            return HTTP2Peer.Data(count: count, ended: false, trailersFollow: false)
        }
        withCopies(of: rejects.trailers) { values in
            client._withUnsafeGuaranteedRef {
                let session = $0.session
                _ = nghttp2_submit_trailer(
                    session.raw, exchange.pointee.clientStream, values.baseAddress, values.count)
            }
        }
        return HTTP2Peer.Data(count: count, ended: true, trailersFollow: true)
    }

    /// Counts and notes a reject; the call is over as far as the client is concerned.
    private func finish(_ exchange: Exchange.Pointer, _ reason: Reason, _ violation: Violation?) {
        let wasForwarded = exchange.pointee.attempts > 0
        exchange.pointee.stage = .answered
        exchange.pointee.responseEnded = true
        cancelTimer(exchange)
        guard exchange.pointee.action != .pass || reason == .methodNotPermitted else { return }
        if !wasForwarded, !exchange.pointee.isRecorded { recordUndecided(exchange, reason) }
        // A forwarded order was counted as approved when it left.
        if !wasForwarded {
            count(exchange, reason: reason)
        }
        note(exchange, reason, violation)
    }

    /// Gives the state thread what it needs to write one line about it, which takes longer than the decision: of a flood it gets a
    /// part. The journal has all.
    private func note(_ exchange: Exchange.Pointer, _ reason: Reason, _ violation: Violation?) {
        guard rejectLog.take(now: loop.now) else {
            metrics.droppedLogLines.add()
            return
        }
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
        if let client = exchange.pointee.client {
            request.reject.client = client._withUnsafeGuaranteedRef { $0.origin.name }
        }
        let order = exchange.pointee.order
        if order.account != .none {
            request.reject.hasOrder = exchange.pointee.action.isOrder
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
        guard exchange.pointee.action.isOrder else { return NameText() }
        return NameText(ownID(exchange))
    }

    // MARK: Counting

    /// Counts the orders of a call, approved where there is no reason.
    func count(_ exchange: Exchange.Pointer, reason: Reason?) {
        let action: OrderAction =
            switch exchange.pointee.action {
            case .create, .pass: .create
            case .replace: .replace
            case .cancel: .cancel
            }
        for _ in 0..<(exchange.pointee.batch?.pointee.count ?? 1) { metrics.countOrder(action, reason: reason) }
    }

    /// Counts what a decision found, blocking or not, and passes on the stops it asked for.
    /// `duration` nil: the order was decided and timed before.
    func observe(_ verdict: Verdict, duration: Int64?) {
        metrics.decided(within: duration, priceAge: verdict.priceAge, accountAge: verdict.accountAge)
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
    func latch(_ stop: TrippedStop, _ rules: PublishedRules) {
        var request = StateRequest(kind: .latchStop)
        request.scope = stop.scope
        request.text = nameText(of: stop)
        request.reject.rule = stop.rule
        request.reject.rules = Unmanaged.passRetained(rules).toOpaque()
        send(request)
    }

    /// The name of what a stop covers; empty for `global`.
    func nameText(of stop: TrippedStop) -> NameText {
        switch stop.scope {
        case .global: NameText()
        case .account: NameText(engine.accountName(stop.name))
        case .strategy: NameText(engine.strategyName(stop.name))
        case .symbol: NameText(engine.symbolName(stop.name))
        }
    }
}
