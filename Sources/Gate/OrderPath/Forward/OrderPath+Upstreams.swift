import CLinux
import Glibc
import RiskRules

/// Where a client's calls can go at this moment.
enum UpstreamChoice: BitwiseCopyable {
    /// Kept alive by the order path's list until the turn has ended.
    case ready(Unmanaged<UpstreamConnection>)
    /// A dial is under way: it will be ready, or fail, soon.
    case soon
    /// Not connected, and the last dial failed.
    case none
}

/// Endpoint connections: the spare one, dialling, handing over, losing.
extension OrderPath {
    /// Whether the endpoint can be reached: what readiness means.
    var isUpstreamUp: Bool { followsClients || spare?.isReady == true }

    /// Whether each client has an endpoint of its own: there is nothing to dial before it comes.
    private var followsClients: Bool {
        if case .originalDestination = configuration.upstream { true } else { false }
    }

    /// Dials the spare connection, unless there is one or a dial is under way.
    func dialSpare() {
        guard spare == nil, draining == nil, !followsClients else { return }
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
        case .originalDestination: break
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
        let patience = Int32(clamping: configuration.userTimeout / 1_000_000)
        guard let descriptor = try? Sockets.connect(to: address, userTimeout: patience),
            let connection = try? UpstreamConnection(owning: descriptor, path: self)
        else {
            dialFailed()
            return
        }
        upstreams[ObjectIdentifier(connection)] = connection
        use(self, connection)
    }

    private func dialFailed() {
        dialing.failed()
        metrics.http2Errors.add(HTTP2ErrorLabels(side: .upstream, kind: .connectFailed))
        dialLater()
    }

    private func dialLater() {
        guard !followsClients else { return }
        loop.cancel(redial)
        redial = loop.schedule(at: loop.now + dialing.nextDelay(), target: self, context: TimerPurpose.redial)
    }

    /// A connection that was ready is of no more use: another takes its place, later where such connections do not last.
    private func replace(_ upstream: UpstreamConnection) {
        dialing.lost(unused: !upstream.hasCarried, age: loop.now - upstream.readyAt)
        if dialing.isShortLived { dialLater() } else { dialSpare() }
    }

    /// Gives a client the spare connection, or dials one for it.
    func assignUpstream(to client: ClientConnection) {
        guard client.upstream == nil, !client.isClosed else { return }
        if followsClients {
            guard let destination = client.origin.destination, loop.now >= client.redialAt else { return }
            connect(to: destination) { path, connection in path.attach(connection, to: client) }
        } else if let spare, spare.isReady {
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
        client.upstream = .passUnretained(upstream)
        upstream.client = .passUnretained(client)
        if upstream.isReady { client.offer(streams: clientStreamLimit(upstream: upstream)) }
    }

    /// Where a call of this client goes now.
    func upstreamChoice(for client: ClientConnection) -> UpstreamChoice {
        client.upstream?._withUnsafeGuaranteedRef { if $0.isWornOut { upstreamLeaving($0) } }
        if client.upstream == nil { assignUpstream(to: client) }
        guard let upstream = client.upstream else { return dialing.failures == 0 && !followsClients ? .soon : .none }
        return upstream._withUnsafeGuaranteedRef { $0.isReady } ? .ready(upstream) : .soon
    }

    /// The client's connection to the endpoint, if calls can be sent on it.
    func readyUpstream(_ exchange: Exchange.Pointer) -> Unmanaged<UpstreamConnection>? {
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
        dialing.succeeded()
        updateUpstreamGauges()
        if let client = upstream.client {
            client._withUnsafeGuaranteedRef {
                $0.dialing.succeeded()
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
        if upstream.wasReady { replace(upstream) } else { dialFailed() }
    }

    /// The endpoint does not answer on a connection: does it on the one that readiness goes by?
    func endpointIsSilent(_ upstream: UpstreamConnection) {
        if upstream !== spare { spare?.ask() }
    }

    /// An endpoint connection is gone.
    func upstreamClosed(_ upstream: UpstreamConnection) {
        let wasUsable = upstream.wasReady
        keepUntilTurnEnds(upstream)
        upstreams[ObjectIdentifier(upstream)] = nil
        let client = upstream.client
        detach(upstream)
        if !wasUsable, !upstream.isRetired {
            dialFailed()
            client?._withUnsafeGuaranteedRef {
                $0.dialing.failed()
                $0.redialAt = loop.now + $0.dialing.nextDelay()
            }
        }
        while let exchange = upstream.exchanges.first {
            upstreamStreamClosed(exchange, code: nil)
        }
        client?._withUnsafeGuaranteedRef { advanceHeld($0) }
        if wasUsable, !upstream.isRetired { replace(upstream) }
        updateUpstreamGauges()
    }

    private func detach(_ upstream: UpstreamConnection) {
        if upstream === spare { spare = nil }
        upstream.client?._withUnsafeGuaranteedRef {
            if $0.upstream?.toOpaque() == Unmanaged.passUnretained(upstream).toOpaque() { $0.upstream = nil }
        }
        upstream.client = nil
    }

    func updateUpstreamGauges() {
        let isUp = isUpstreamUp
        metrics.upstreamUp.set(isUp ? 1 : 0)
        readiness.set(.upstream, isUp)
        metrics.connectionsUpstream.set(Int64(upstreams.count))
    }
}
