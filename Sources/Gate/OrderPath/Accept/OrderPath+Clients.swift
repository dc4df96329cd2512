import CNghttp2
import Glibc
import RiskRules

/// How far a graceful end has come.
struct DrainState {
    /// Hears once that no client is left.
    var finished: [@Sendable () -> Void]
    var secondStep: TimerID
    var deadline: TimerID
    /// The second GOAWAY may be sent.
    var isPauseOver = false
}

/// Client connections: taking them, writing to them, letting them go.
extension OrderPath {
    /// Takes a new connection, unless there are too many or it may not be here.
    func accept(_ descriptor: Int32, isUnix: Bool) {
        let peer = try? ResolvedAddress.peer(of: descriptor)
        guard draining == nil, clients.count - gateClients + handshakes.count < configuration.maximumConnections,
            hosts[PeerHost(peer), default: 0] < configuration.maximumConnectionsPerHost
        else {
            if draining == nil { countHTTP2Error(.client, .tooManyConnections) }
            refuse(descriptor, .limit)
            return
        }
        let origin = ClientOrigin(of: descriptor, peer: peer, isUnix: isUnix)
        if isUnix, !configuration.peerUIDs.isEmpty, !(origin.peerUID.map(configuration.peerUIDs.contains) ?? false) {
            refuse(descriptor, .peer)
            return
        }
        guard configuration.needsProxyHeader else {
            admit(descriptor, origin)
            return
        }
        if !isUnix {
            guard let peer, configuration.proxyPeers.contains(peer.host) else {
                refuse(descriptor, .peer)
                return
            }
        }
        guard let handshake = try? ProxyHandshake(owning: descriptor, origin: origin, path: self) else { return }
        handshakes[ObjectIdentifier(handshake)] = handshake
    }

    /// Takes one end of a pair of sockets of which Gate has the other. What listeners look at, and how many connections there
    /// may be, is no matter here.
    package func adopt(_ descriptor: Int32) {
        guard draining == nil else {
            close(descriptor)
            return
        }
        admit(descriptor, .gate)
    }

    /// A connection's PROXY header has come, or will not.
    func handshakeEnded(_ handshake: ProxyHandshake) {
        if let ended = handshakes.removeValue(forKey: ObjectIdentifier(handshake)) { keepUntilTurnEnds(ended) }
    }

    private func refuse(_ descriptor: Int32, _ reason: ConnectionRefusal) {
        metrics.refusedConnections.add(reason)
        close(descriptor)
    }

    /// Whether a connection that was not redirected, or that Gate itself made, would have Gate call itself.
    private func isLoop(_ origin: ClientOrigin) -> Bool {
        guard origin.destination != nil, let peer = origin.peer?.hostAndPort else { return true }
        return upstreams.values.contains { $0.localAddress?.hostAndPort == peer }
    }

    /// Makes a client of a connection.
    func admit(_ descriptor: Int32, _ origin: ClientOrigin) {
        var origin = origin
        if case .originalDestination = configuration.upstream {
            origin.destination = Sockets.originalDestination(descriptor)
            if isLoop(origin) {
                refuse(descriptor, .loop)
                return
            }
        }
        let limit = clientStreamLimit(upstream: spare?.isReady == true ? spare : nil)
        guard
            let client = try? ClientConnection(
                owning: descriptor, origin: origin, number: nextClientNumber, streamLimit: limit, path: self)
        else { return }
        nextClientNumber &+= 1
        clients[ObjectIdentifier(client)] = client
        if origin.isGate { gateClients += 1 } else { hosts[origin.host, default: 0] += 1 }
        metrics.connectionsClient.set(Int64(clients.count))
        markDirty(client)
        assignUpstream(to: client)
    }

    /// Streams offered to a client: 100 until the endpoint's own limit is known.
    func clientStreamLimit(upstream: UpstreamConnection?) -> UInt32 {
        UInt32(clamping: min(upstream?.streamLimit ?? 100, configuration.maximumInFlight))
    }

    /// A client is gone. What it was sent is lost; what it had sent on is reset there.
    func clientClosed(_ client: ClientConnection) {
        keepUntilTurnEnds(client)
        clients[ObjectIdentifier(client)] = nil
        let host = client.origin.host
        if client.origin.isGate {
            gateClients -= 1
        } else if let count = hosts[host] {
            hosts[host] = count > 1 ? count - 1 : nil
        }
        metrics.connectionsClient.set(Int64(clients.count))
        while let exchange = client.exchanges.first {
            clientStreamClosed(exchange, code: NGHTTP2_CANCEL.rawValue)
        }
        if let upstream = client.upstream {
            client.upstream = nil
            upstream._withUnsafeGuaranteedRef {
                $0.client = nil
                $0.retire()
            }
        }
        if clients.isEmpty { drained() }
    }

    /// A client's stream is closed: in order, by its reset, or with its connection.
    func clientStreamClosed(_ exchange: Exchange.Pointer, code: UInt32) {
        detachFromClient(exchange)
        switch exchange.pointee.stage {
        case .receiving, .held:
            exchange.pointee.stage = .answered
        case .forwarded:
            exchange.pointee.stage = .answered
            if let upstream = exchange.pointee.upstream {
                upstream._withUnsafeGuaranteedRef {
                    $0.session.reset(stream: exchange.pointee.upstreamStream, code: code)
                    $0.becameDirty()
                }
            }
            // The caller no longer wants it; whether the endpoint has acted is not known.
            if !exchange.pointee.responseEnded, exchange.pointee.action != .pass { outcomeUnknown(exchange) }
        case .answered:
            break
        }
        recycleIfDone(exchange)
    }

    private func detachFromClient(_ exchange: Exchange.Pointer) {
        guard let client = exchange.pointee.client else { return }
        client._withUnsafeGuaranteedRef {
            $0.exchanges.remove(exchange)
            disown(exchange, $0)
            removeHeld(exchange, from: $0)
            if !$0.isClosed {
                let session = $0.session
                _ = nghttp2_session_set_stream_user_data(session.raw, exchange.pointee.clientStream, nil)
                // What was received and not passed on still counts against the connection's window.
                session.consumeConnection(exchange.pointee.action == .pass ? exchange.pointee.requestBody.count : 0)
            }
        }
        exchange.pointee.client = nil
    }

    /// Gives a slot back once neither side can reach it.
    func recycleIfDone(_ exchange: Exchange.Pointer) {
        guard exchange.pointee.client == nil, exchange.pointee.upstream == nil else { return }
        loop.cancel(exchange.pointee.timer)
        forget(exchange)
        if let batch = exchange.pointee.batch { batches.give(batch) }
        pool.give(exchange)
    }

    /// Says that the client's bytes were taken.
    func consumeRequest(_ exchange: Exchange.Pointer, _ count: Int) {
        guard count > 0, let client = exchange.pointee.client else { return }
        client._withUnsafeGuaranteedRef {
            $0.session.consume(stream: exchange.pointee.clientStream, count)
            $0.becameDirty()
        }
    }

    /// Resets the client's stream.
    func resetClient(_ exchange: Exchange.Pointer, _ code: HTTP2ResetCode) {
        guard let client = exchange.pointee.client else { return }
        client._withUnsafeGuaranteedRef {
            removeHeld(exchange, from: $0)
            exchange.pointee.stage = .answered
            $0.session.reset(stream: exchange.pointee.clientStream, code: code.rawValue)
            $0.becameDirty()
        }
    }

    // MARK: Writing

    /// Puts a connection on the list of those to flush at the end of the turn.
    func markDirty(_ connection: HTTP2Connection) {
        guard !connection.isDirty, !connection.isClosed else { return }
        connection.isDirty = true
        dirty.append(.passUnretained(connection))
    }

    /// Writes each connection that has something to say. Writing one may give another something to say (a window that opens):
    /// the list is worked until it is empty.
    func flushDirty() {
        while !dirty.isEmpty {
            dirty.removeAll {
                $0._withUnsafeGuaranteedRef {
                    $0.isDirty = false
                    $0.flush()
                }
                if mustShed { shedLargest() }
            }
        }
    }

    /// An HTTP/2 connection broke the protocol in a way that libnghttp2 does not answer.
    func http2Failed(_ side: ConnectionSide, _ error: HTTP2Error) {
        countHTTP2Error(side, error.isBadPreface ? .badPreface : error.isFlood ? .controlFlood : .internalError)
    }

    /// TLS with a peer failed: counted, and said in the log, where a flood of them is not written out.
    func tlsFailed(_ side: ConnectionSide, _ reason: String) {
        metrics.http2Errors.add(HTTP2ErrorLabels(side: side, kind: .tls))
        guard tlsFailureLog.take(now: loop.now) else { return }
        configuration.reportTLSFailure(side, reason)
    }

    // MARK: Ending

    /// Ends gracefully: no new connections, GOAWAY twice on each, streams finish, at the latest after the drain timeout.
    /// `finished` is called on this thread when no client is left.
    package func drain(_ finished: @escaping @Sendable () -> Void) {
        if draining != nil {
            draining?.finished.append(finished)
            return
        }
        listener?.shut()
        draining = DrainState(
            finished: [finished],
            secondStep: loop.schedule(at: loop.now + 100_000_000, target: self, context: TimerPurpose.secondGoAway),
            deadline: loop.schedule(
                at: loop.now + configuration.drainTimeout, target: self, context: TimerPurpose.drainDeadline))
        for handshake in handshakes.values { handshake.shut() }
        for client in clients.values { client.announceEnd() }
        if clients.isEmpty { drained() }
    }

    /// The least time between the two GOAWAYs is over; clients that have not answered yet get theirs when they do.
    func sendSecondGoAway() {
        draining?.isPauseOver = true
        for client in clients.values { client.sayEnd() }
        draining?.secondStep = loop.schedule(
            at: loop.now + Self.patienceForPing, target: self, context: TimerPurpose.lastGoAway)
    }

    /// Clients that have not answered by now are told all the same.
    func sendLastGoAways() {
        for client in clients.values { client.sayEnd(unheard: true) }
    }

    private static let patienceForPing: Int64 = 2_000_000_000

    /// Whether a client that has heard of its end may be told it for good.
    var isDrainPauseOver: Bool { draining?.isPauseOver ?? true }

    func drainDeadlinePassed() {
        for client in clients.values { client.shut() }
    }

    private func drained() {
        guard let state = draining else { return }
        loop.cancel(state.secondStep)
        loop.cancel(state.deadline)
        draining?.finished = []
        for finished in state.finished { finished() }
    }
}

/// What a timer of the order path is for. Values above these are exchanges' addresses.
enum TimerPurpose {
    static let secondGoAway: UInt64 = 1
    static let drainDeadline: UInt64 = 2
    static let redial: UInt64 = 3
    static let volatilitySample: UInt64 = 4
    static let lastGoAway: UInt64 = 5
    static let share: UInt64 = 6
    static let monitor: UInt64 = 7
}
