import CLinux
import Glibc
import RiskRules

/// When the endpoint is dialled next.
struct DialState: BitwiseCopyable {
    /// Failures since the last success.
    var failures = 0
    var timer = TimerID.none
    var random = UInt64(bitPattern: gate_realtime_ns()) | 1

    /// The first retry is immediate, then 50 ms times 1.6 each, at most 2 s, give or take a fifth.
    mutating func nextDelay() -> Int64 {
        guard failures > 1 else { return 0 }
        var delay: Int64 = 50_000_000
        for _ in 2..<min(failures, 16) where delay < 2_000_000_000 { delay = delay * 8 / 5 }
        // xorshift64: spreads the retries of many gates.
        random ^= random << 13
        random ^= random >> 7
        random ^= random << 17
        let spread = Int64(random % 400) - 200
        let bounded = min(delay, 2_000_000_000)
        return bounded + bounded / 1000 * spread
    }
}

/// Where a client's calls can go at this moment.
enum UpstreamChoice {
    case ready(UpstreamConnection)
    /// A dial is under way: it will be ready, or fail, soon.
    case soon
    /// Not connected, and the last dial failed.
    case none
}

/// Endpoint connections: the spare one, dialling, handing over, losing.
extension OrderPath {
    /// Whether the endpoint can be reached: what readiness means.
    var isUpstreamUp: Bool { spare?.isReady == true }

    /// Dials the spare connection, unless there is one or a dial is under way.
    func dialSpare() {
        guard spare == nil, draining == nil else { return }
        dial { path, connection in
            guard path.spare == nil else {
                connection.retire()
                return
            }
            path.spare = connection
        }
    }

    /// Opens a connection to the endpoint. A name is looked up first, on another thread.
    private func dial(_ use: @escaping @Sendable (OrderPath, UpstreamConnection) -> Void) {
        switch configuration.upstream {
        case .resolved(let address):
            connect(to: address, use)
        case .name(let host, let port):
            ResolvedAddress.resolve(host: host, port: port) { [handle] found in
                handle.execute { path in
                    switch found {
                    case .success(let address): path.connect(to: address, use)
                    case .failure: path.dialFailed()
                    }
                }
            }
        }
    }

    private func connect(to address: ResolvedAddress, _ use: (OrderPath, UpstreamConnection) -> Void) {
        guard let descriptor = try? Sockets.connect(to: address),
            let connection = try? UpstreamConnection(owning: descriptor, path: self)
        else {
            dialFailed()
            return
        }
        upstreams[ObjectIdentifier(connection)] = connection
        use(self, connection)
    }

    private func dialFailed() {
        dialing.failures += 1
        metrics.http2Errors.add(HTTP2ErrorLabels(side: .upstream, kind: .connectFailed))
        loop.cancel(dialing.timer)
        dialing.timer = loop.schedule(
            at: loop.now + dialing.nextDelay(), target: self, context: TimerPurpose.redial)
    }

    /// Gives a client the spare connection, or dials one for it.
    func assignUpstream(to client: ClientConnection) {
        guard client.upstream == nil, !client.isClosed else { return }
        if let spare, spare.isReady {
            self.spare = nil
            attach(spare, to: client)
            dialSpare()
        } else if dialing.failures == 0 {
            let number = ObjectIdentifier(client)
            dial { path, connection in
                guard let client = path.clients[number], client.upstream == nil else {
                    connection.retire()
                    return
                }
                path.attach(connection, to: client)
            }
        }
        updateUpstreamGauges()
    }

    private func attach(_ upstream: UpstreamConnection, to client: ClientConnection) {
        client.upstream = upstream
        upstream.client = .passUnretained(client)
        if upstream.isReady { client.offer(streams: clientStreamLimit(upstream: upstream)) }
    }

    /// Where a call of this client goes now.
    func upstreamChoice(for client: ClientConnection) -> UpstreamChoice {
        if client.upstream == nil { assignUpstream(to: client) }
        guard let upstream = client.upstream else { return dialing.failures == 0 ? .soon : .none }
        if upstream.isReady { return .ready(upstream) }
        return .soon
    }

    /// The client's connection to the endpoint, if calls can be sent on it.
    func readyUpstream(_ exchange: Exchange.Pointer) -> UpstreamConnection? {
        guard let client = exchange.pointee.client else { return nil }
        guard case .ready(let upstream) = client._withUnsafeGuaranteedRef({ upstreamChoice(for: $0) }) else {
            return nil
        }
        return upstream
    }

    /// How many streams of an endpoint connection a call may find in use: an eighth is kept for cancels.
    func streamShare(of upstream: UpstreamConnection, forOrders: Bool) -> Int {
        let limit = min(upstream.streamLimit, configuration.maximumInFlight)
        guard forOrders, limit > 1 else { return limit }
        return limit - max(1, limit / 8)
    }

    // MARK: Events of endpoint connections

    /// The endpoint's SETTINGS came: the connection can be used.
    func upstreamReady(_ upstream: UpstreamConnection) {
        dialing.failures = 0
        updateUpstreamGauges()
        if let client = upstream.client {
            client._withUnsafeGuaranteedRef {
                $0.offer(streams: clientStreamLimit(upstream: upstream))
                advanceHeld($0)
            }
        } else if upstream === spare {
            // Clients that came while the endpoint was away get theirs now.
            for client in clients.values where client.upstream == nil { assignUpstream(to: client) }
        }
    }

    /// The endpoint changed its settings.
    func upstreamLimitChanged(_ upstream: UpstreamConnection) {
        upstream.client?._withUnsafeGuaranteedRef { $0.offer(streams: clientStreamLimit(upstream: upstream)) }
    }

    /// The endpoint sent GOAWAY: what is under way may finish there, new calls go elsewhere.
    func upstreamLeaving(_ upstream: UpstreamConnection) {
        detach(upstream)
        upstream.retire()
        dialSpare()
    }

    /// An endpoint connection is gone.
    func upstreamClosed(_ upstream: UpstreamConnection) {
        let wasUsable = upstream.wasReady
        closedThisTurn.append(upstream)
        upstreams[ObjectIdentifier(upstream)] = nil
        let client = upstream.client
        detach(upstream)
        if !wasUsable, !upstream.isRetired { dialFailed() }
        while let exchange = upstream.exchanges.first {
            upstreamStreamClosed(exchange, code: nil)
        }
        client?._withUnsafeGuaranteedRef { advanceHeld($0) }
        if wasUsable { dialSpare() }
        updateUpstreamGauges()
    }

    private func detach(_ upstream: UpstreamConnection) {
        if upstream === spare { spare = nil }
        upstream.client?._withUnsafeGuaranteedRef {
            if $0.upstream === upstream { $0.upstream = nil }
        }
        upstream.client = nil
    }

    private func updateUpstreamGauges() {
        let isUp = isUpstreamUp
        metrics.upstreamUp.set(isUp ? 1 : 0)
        readiness.set(.upstream, isUp)
        metrics.connectionsUpstream.set(Int64(upstreams.count))
    }
}
