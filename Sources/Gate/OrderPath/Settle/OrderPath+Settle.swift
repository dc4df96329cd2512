import CLinux
import CNghttp2
import Glibc
import RiskRules

/// The endpoint's side of a call: passing its answer on untouched, and telling the ledger what became of an order.
extension OrderPath {
    // MARK: Requests leaving

    /// A call was submitted to the endpoint.
    func forwarded(_ exchange: Exchange.Pointer, by upstream: UpstreamConnection) {
        exchange.pointee.stage = .forwarded
        exchange.pointee.forwardedAt = loop.now
        guard exchange.pointee.action != .pass else { return }
        nextSequence &+= 1
        if exchange.pointee.action == .cancel { noteCancel(exchange) }
        let (silence, overflow) = loop.now.addingReportingOverflow(configuration.requestTimeout)
        setTimer(exchange, at: min(exchange.pointee.deadline, overflow ? .max : silence))
        if upstream.departingCount < UpstreamConnection.departingCapacity {
            upstream.departing[upstream.departingCount] = exchange.pointee.arrivedAt
            upstream.departingCount += 1
        }
        guard exchange.pointee.attempts == 1 else {
            metrics.resentCalls.add()
            return
        }
        exchange.pointee.sequence = nextSequence
        count(exchange, reason: nil)
    }

    private func noteCancel(_ exchange: Exchange.Pointer) {
        let (orderID, clientOrderID) = (exchange.pointee.cancelledOrderID, exchange.pointee.order.clientOrderID)
        exchange.pointee.client?._withUnsafeGuaranteedRef {
            $0.sentCancels.note(sequence: nextSequence, orderID: orderID, clientOrderID: clientOrderID)
        }
    }

    /// What an endpoint connection has to say is about to be sent.
    func requestsLeft(_ upstream: UpstreamConnection) {
        guard upstream.departingCount > 0 else { return }
        let now = gate_monotonic_ns()
        for index in 0..<upstream.departingCount { metrics.addedRequest.record(now - upstream.departing[index]) }
        upstream.departingCount = 0
    }

    /// Sends a call on that passes unread.
    func passOn(_ exchange: Exchange.Pointer) {
        guard let client = exchange.pointee.client else { return }
        switch client._withUnsafeGuaranteedRef({ upstreamChoice(for: $0) }) {
        case .ready(let upstream):
            upstream._withUnsafeGuaranteedRef {
                if $0.exchanges.count < streamShare(of: $0, forOrders: false), $0.submit(exchange) {
                    forwarded(exchange, by: $0)
                } else {
                    // Nothing was sent: the caller's library may try again by itself.
                    resetClient(exchange, .refused)
                }
            }
        case .soon:
            holdPassing(exchange)
        case .none:
            reject(exchange, .upstreamUnavailable)
        }
    }

    /// More of a passing call's body is here, or it has ended.
    func resumeRequest(_ exchange: Exchange.Pointer) {
        guard exchange.pointee.requestStarved, let upstream = exchange.pointee.upstream else { return }
        exchange.pointee.requestStarved = false
        upstream._withUnsafeGuaranteedRef {
            $0.session.resume(stream: exchange.pointee.upstreamStream)
            $0.becameDirty()
        }
    }

    /// The endpoint's session took some of the request: the client may send as much more.
    func requestTaken(_ exchange: Exchange.Pointer, _ count: Int) {
        exchange.pointee.requestTaken += count
        if exchange.pointee.action == .pass {
            consumeRequest(exchange, count)
            // Only what may be sent again is kept.
            if exchange.pointee.requestBody.isEmpty { exchange.pointee.requestBody.reset() }
        }
        account(exchange)
    }

    // MARK: Responses coming

    /// A block of response fields is whole: an interim response, the head, or the trailers.
    func responseHeadersArrived(_ exchange: Exchange.Pointer, endsStream: Bool) {
        exchange.pointee.responseBegan = true
        if exchange.pointee.responseHeadSent {
            if endsStream { responseEnded(exchange) }
            return
        }
        if !endsStream, isInterim(exchange.pointee.responseHead) {
            relayInterim(exchange)
            exchange.pointee.responseHead.reset()
            return
        }
        if endsStream {
            exchange.pointee.responseEnded = true
            settle(exchange)
        }
        exchange.pointee.responseHeadSent = true
        exchange.pointee.isObserved = !endsStream && mayObserve(exchange)
        guard exchange.pointee.stage == .forwarded, let client = exchange.pointee.client else { return }
        let head = exchange.pointee.responseHead
        client._withUnsafeGuaranteedRef {
            let session = $0.session
            if endsStream {
                _ = nghttp2_submit_response(
                    session.raw, exchange.pointee.clientStream, head.pointer, head.count, nil)
                responseLeaves()
            } else {
                var source = dataSource
                _ = nghttp2_submit_response(
                    session.raw, exchange.pointee.clientStream, head.pointer, head.count, &source)
            }
            $0.becameDirty()
        }
    }

    /// Some bytes of the response's body.
    func responseBytesArrived(_ exchange: Exchange.Pointer, _ bytes: UnsafeRawBufferPointer) {
        if exchange.pointee.action != .pass {
            _ = exchange.pointee.answer.append(bytes, limit: configuration.maximumOrderBytes)
        } else if exchange.pointee.isObserved {
            observe(exchange, bytes)
        }
        guard exchange.pointee.stage == .forwarded, exchange.pointee.client != nil else {
            consumeResponse(exchange, bytes.count)
            return
        }
        guard exchange.pointee.responseBody.append(bytes, limit: configuration.streamWindow) else {
            // The window forbids it. An answer with a hole in it is none.
            if exchange.pointee.action != .pass { outcomeUnknown(exchange) }
            resetUpstream(exchange, .flowControl)
            resetClient(exchange, .internal)
            return
        }
        responseWaits(exchange)
        resumeResponse(exchange)
    }

    /// The endpoint has ended its answer.
    func responseEnded(_ exchange: Exchange.Pointer) {
        guard !exchange.pointee.responseEnded else { return }
        exchange.pointee.responseEnded = true
        settle(exchange)
        responseLeaves()
        resumeResponse(exchange)
    }

    private func resumeResponse(_ exchange: Exchange.Pointer) {
        guard let client = exchange.pointee.client else { return }
        client._withUnsafeGuaranteedRef {
            if exchange.pointee.responseStarved {
                exchange.pointee.responseStarved = false
                $0.session.resume(stream: exchange.pointee.clientStream)
            }
            $0.becameDirty()
        }
    }

    /// The client's session took some of the response: the endpoint may send as much more.
    func responseTaken(_ exchange: Exchange.Pointer, _ count: Int) {
        consumeResponse(exchange, count)
        if exchange.pointee.responseBody.isEmpty { exchange.pointee.responseBody.reset() }
        account(exchange)
    }

    private func consumeResponse(_ exchange: Exchange.Pointer, _ count: Int) {
        guard count > 0, let upstream = exchange.pointee.upstream else { return }
        upstream._withUnsafeGuaranteedRef {
            $0.session.consume(stream: exchange.pointee.upstreamStream, count)
            $0.becameDirty()
        }
    }

    private func isInterim(_ head: HeaderBlock) -> Bool {
        guard let status = head.first(":status"), status.count == 3 else { return false }
        return status[0] == UInt8(ascii: "1")
    }

    /// Passes a 1xx response on. Its fields are copied: the block is used again for the final one.
    private func relayInterim(_ exchange: Exchange.Pointer) {
        guard let client = exchange.pointee.client, let fields = exchange.pointee.responseHead.pointer else { return }
        let count = exchange.pointee.responseHead.count
        let keep = UInt8(NGHTTP2_NV_FLAG_NO_INDEX.rawValue)
        for index in 0..<count { fields[index].flags &= keep }
        client._withUnsafeGuaranteedRef {
            let session = $0.session
            _ = nghttp2_submit_headers(
                session.raw, UInt8(NGHTTP2_FLAG_NONE.rawValue), exchange.pointee.clientStream, nil, fields, count, nil)
            $0.becameDirty()
        }
    }

    /// An answer's last bytes are about to leave in this turn.
    private func responseLeaves() {
        guard responsesLeavingCount < Self.leavingCapacity else { return }
        responsesLeaving[responsesLeavingCount] = loop.now
        responsesLeavingCount += 1
    }

    /// What a client connection has to say is about to be sent.
    func responsesLeft() {
        guard responsesLeavingCount > 0 else { return }
        let now = gate_monotonic_ns()
        for index in 0..<responsesLeavingCount { metrics.addedResponse.record(now - responsesLeaving[index]) }
        responsesLeavingCount = 0
    }

    // MARK: What became of it

    /// The endpoint's answer is complete: what does it say of the order?
    private func settle(_ exchange: Exchange.Pointer) {
        cancelTimer(exchange)
        guard exchange.pointee.action != .pass else { return }
        metrics.answered(after: loop.now - exchange.pointee.forwardedAt)
        if exchange.pointee.action == .cancel { settleCancel(exchange) }
        if let batch = exchange.pointee.batch { return settle(batch, of: exchange, status: grpcStatus(exchange)) }
        guard let reservation = exchange.pointee.reservation else { return }
        exchange.pointee.reservation = nil
        let method = plan.method(Int(exchange.pointee.method))
        let number = exchange.pointee.decisionID
        switch grpcStatus(exchange) {
        case 0:
            settle(reservation, number, by: answer(exchange))
        case .some(let status) where method.isDefinitive(status: status):
            recordOutcome(of: number, .rejected, status: status)
            engine.release(reservation)
        case let status:
            metrics.unknownOutcomes.add()
            recordOutcome(of: number, .unknown, status: status)
            engine.unknown(reservation, now: loop.now, wallNow: gate_realtime_ns())
        }
    }

    /// A cancel was acknowledged: nothing more of its order will be filled.
    private func settleCancel(_ exchange: Exchange.Pointer) {
        guard grpcStatus(exchange) == 0, let answer = answer(exchange), answer.outcome == .ended else { return }
        let order = exchange.pointee.order
        engine.cancelled(
            orderID: exchange.pointee.cancelledOrderID, clientOrderID: order.clientOrderID, account: order.account,
            filled: answer.filled, now: loop.now, wallNow: gate_realtime_ns())
    }

    /// The call's gRPC status: in the trailers, or in the head where there are none. nil: not there, or not a number.
    private func grpcStatus(_ exchange: Exchange.Pointer) -> UInt32? {
        let field =
            exchange.pointee.responseTrailers.first("grpc-status") ?? exchange.pointee.responseHead.first("grpc-status")
        guard let field, !field.isEmpty, field.count <= 3 else { return nil }
        var status: UInt32 = 0
        for byte in field {
            guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { return nil }
            status = status * 10 + UInt32(byte - UInt8(ascii: "0"))
        }
        return status
    }

    private func answer(_ exchange: Exchange.Pointer) -> OrderAnswer? {
        answerMessage(exchange).map { responseDecoder.decode(method: Int(exchange.pointee.method), message: $0) }
    }

    /// The one message of the answer; nil where it has none, or more.
    func answerMessage(_ exchange: Exchange.Pointer) -> UnsafeRawBufferPointer? {
        let limits = GRPCFraming.Limits(maximumSize: configuration.maximumOrderBytes, takesUnreadable: false)
        guard case .message(let bytes) = GRPCFraming.whole(exchange.pointee.answer.bytes, limits: limits) else {
            return nil
        }
        return bytes
    }

    /// The endpoint's stream is closed. `code` nil: its connection is gone.
    func upstreamStreamClosed(_ exchange: Exchange.Pointer, code: UInt32?) {
        var state = Submission.State.written
        if let upstream = exchange.pointee.upstream {
            upstream._withUnsafeGuaranteedRef {
                state = $0.state(of: exchange)
                $0.forget(exchange)
                // Bytes that the client has not taken yet no longer hold the stream's window, only the connection's.
                if !$0.isClosed { $0.session.consumeConnection(exchange.pointee.responseBody.count) }
                $0.becameDirty()
            }
        }
        exchange.pointee.upstream = nil
        if exchange.pointee.stage == .forwarded, !exchange.pointee.responseEnded {
            answerMissing(exchange, state, code.map { .reset(code: $0) } ?? .connectionLost)
        }
        recycleIfDone(exchange)
    }

    /// The endpoint will not answer any more, and the client still listens.
    private func answerMissing(_ exchange: Exchange.Pointer, _ state: Submission.State, _ end: Submission.End) {
        let isPassing = exchange.pointee.action == .pass
        let submission = Submission(
            state: state, isPassing: isPassing, attempts: exchange.pointee.attempts,
            isWhole: !isPassing && putRequestBack(exchange), isExpired: exchange.pointee.deadline <= loop.now,
            isCancelled: isCancelled(exchange))
        switch submission.verdict(on: end) {
        case .sendAgain:
            undo(exchange)
            holdReturned(exchange)
        case .expired:
            undo(exchange)
            reject(exchange, .deadlineExceeded)
        case .unavailable:
            undo(exchange)
            reject(exchange, .upstreamUnavailable)
        case .unknown:
            outcomeUnknown(exchange)
            tellOutcomeUnknown(exchange)
        case .relay(let code):
            passReset(exchange, code: code)
        }
    }

    /// Makes the message whole again of which the endpoint's session took some or all.
    private func putRequestBack(_ exchange: Exchange.Pointer) -> Bool {
        let taken = exchange.pointee.requestTaken
        guard exchange.pointee.requestEnded, exchange.pointee.requestBody.putBack(taken) else { return false }
        exchange.pointee.requestTaken = 0
        return true
    }

    /// Whether a cancel that may mean this order was sent behind it.
    private func isCancelled(_ exchange: Exchange.Pointer) -> Bool {
        guard exchange.pointee.action.isOrder, let client = exchange.pointee.client else { return false }
        let sequence = exchange.pointee.sequence
        return client._withUnsafeGuaranteedRef { client in
            func mayMean(_ id: Digest) -> Bool {
                client.sentCancels.mayMean(clientOrderID: id, sentAfter: sequence)
            }
            // A cancel may name what a replace makes, or what it replaces.
            func mayMean(_ order: Order, _ replaces: OrderReference?) -> Bool {
                if mayMean(order.clientOrderID) { return true }
                guard let replaces else { return false }
                return mayMean(replaces.orderID) || mayMean(replaces.clientOrderID)
            }
            guard let batch = exchange.pointee.batch else {
                return mayMean(exchange.pointee.order, exchange.pointee.replaces)
            }
            for index in 0..<batch.pointee.count {
                let order = batch.pointee.orders[index]
                if mayMean(order.order, order.replaces) { return true }
            }
            return false
        }
    }

    private func passReset(_ exchange: Exchange.Pointer, code: UInt32) {
        exchange.pointee.stage = .answered
        exchange.pointee.client?._withUnsafeGuaranteedRef {
            $0.session.reset(stream: exchange.pointee.clientStream, code: code)
            $0.becameDirty()
        }
    }

    private func tellOutcomeUnknown(_ exchange: Exchange.Pointer) {
        if exchange.pointee.responseHeadSent {
            passReset(exchange, code: HTTP2ResetCode.internal.rawValue)
        } else {
            reject(exchange, .outcomeUnknown)
        }
    }

    /// Nobody knows what became of a forwarded order: what it may have opened stays counted.
    func outcomeUnknown(_ exchange: Exchange.Pointer) {
        if let batch = exchange.pointee.batch { return outcomesUnknown(batch) }
        metrics.unknownOutcomes.add()
        guard let reservation = exchange.pointee.reservation else { return }
        exchange.pointee.reservation = nil
        recordOutcome(of: exchange.pointee.decisionID, .unknown)
        engine.unknown(reservation, now: loop.now, wallNow: gate_realtime_ns())
    }

    /// The order provably did not reach the endpoint: it counts no longer, and may come again under its id.
    func undo(_ exchange: Exchange.Pointer) {
        if let batch = exchange.pointee.batch { undo(batch) }
        guard let reservation = exchange.pointee.reservation else { return }
        exchange.pointee.reservation = nil
        recordOutcome(of: exchange.pointee.decisionID, .undone)
        engine.undo(reservation)
    }

    /// The endpoint has not answered in time: the call is called off there, and nobody knows what became of it. One whose bytes
    /// still wait here must not leave late: they can be taken back only with their connection, and what that loses is judged
    /// there, call by call.
    func endpointIsSilent(_ exchange: Exchange.Pointer) {
        if let upstream = exchange.pointee.upstream,
            upstream._withUnsafeGuaranteedRef({ $0.state(of: exchange) == .unwritten })
        {
            upstream._withUnsafeGuaranteedRef { $0.shut() }
            return
        }
        _ = putRequestBack(exchange)
        resetUpstream(exchange, .cancel)
        outcomeUnknown(exchange)
        tellOutcomeUnknown(exchange)
    }

    /// Resets the endpoint's stream, if there is one.
    func resetUpstream(_ exchange: Exchange.Pointer, _ code: HTTP2ResetCode) {
        exchange.pointee.upstream?._withUnsafeGuaranteedRef {
            $0.session.reset(stream: exchange.pointee.upstreamStream, code: code.rawValue)
            $0.becameDirty()
        }
    }
}
