import CLinux
import Glibc
import Logging
import RiskRules
import Synchronization

/// A whole running Gate: the order thread, the state thread and the control plane, started in this order and ended in the other.
struct GateProcess {
    private let inputs: GateInputs
    private let log: Logger
    private let metrics = GateMetrics()
    private let readiness = Readiness()

    init(inputs: GateInputs, log: Logger) {
        self.inputs = inputs
        self.log = log
    }

    /// Binds, starts everything, and returns when a signal has ended it. `announce` is told each bound address.
    func run(announce: @escaping @Sendable (String) -> Void) async throws {
        let configuration = inputs.configuration
        raiseDescriptorLimit()
        let wakers = try wakers()
        let updates = Mailbox<StateUpdate>(capacity: 65_536, waker: wakers.order)
        let requests = Mailbox<StateRequest>(capacity: 8192, waker: wakers.state)
        let orders = LoopHandle<OrderPath>(waker: wakers.order)
        let state = LoopHandle<StateThread>(waker: wakers.state)
        let first = PublishedRules(inputs.ruleSet, slots: metrics.ruleViolations.slots(of: inputs.ruleSet))
        metrics.setRuleSet(version: inputs.ruleSet.version)
        metrics.ruleReloads.add(.loaded)
        metrics.breakerLimit.set(Int64(configuration.breaker.violations), .violations)
        metrics.breakerLimit.set(Int64(configuration.breaker.rejects), .rejects)

        let journal = try GateJournal(
            configuration, limits: engineLimits(), ruleSet: inputs.ruleSet, waker: wakers.journal, metrics: metrics,
            log: log)
        let listener = try listen(configuration.listen)
        let journalThread = try await startJournal(journal, waker: wakers.journal)
        let stateThread = try await startState(
            waker: wakers.state,
            connections: StateThread.Connections(
                updates: updates, requests: requests, handle: state, metrics: metrics),
            orders: orders, journal: journal.handle)
        let orderThread = try await startOrders(
            waker: wakers.order, configuration: try pathConfiguration(listener, state: state), rules: first,
            updates: updates, requests: requests, handle: orders, journal: journal)
        readiness.set(.rules, true)
        let bound = (try? ResolvedAddress.bound(to: listener))?.text ?? configuration.listen.description
        log.notice("started", metadata: RulePublisher.metadata(inputs.ruleSet))
        announce("orders on \(bound)")

        let admin = AdminServer(
            configuration: AdminServer.Configuration(
                address: configuration.admin, token: configuration.adminToken, uids: Set(configuration.adminUIDs)),
            metrics: metrics, readiness: readiness, stops: StopService(state: state),
            accounts: AccountService(orders: orders), logger: log,
            bound: { announce("admin on \($0)") })
        let control = ControlPlane(admin: admin, logger: log) { [readiness] in
            readiness.beginDraining()
            await withCheckedContinuation { done in
                orders.execute { path in path.drain { done.resume() } }
            }
        }
        let result: Result<Void, any Error>
        do {
            try await control.run()
            result = .success(())
        } catch {
            result = .failure(error)
        }
        orders.execute { $0.loop.stop() }
        orderThread.join()
        state.execute { $0.loop.stop() }
        stateThread.join()
        while let update = updates.take() { update.discard() }
        await withCheckedContinuation { closed in
            journal.handle.execute { $0.close { closed.resume() } }
        }
        journal.handle.execute { $0.stop() }
        journalThread.join()
        try result.get()
    }

    // MARK: Parts

    /// As many descriptors as this process may have at all: each client takes two.
    private func raiseDescriptorLimit() {
        let connections = inputs.configuration.limits.maxConnections
        let needed = DescriptorLimit.needed(connections: connections)
        do throws(SystemError) {
            let before = try DescriptorLimit.raise()
            let limits: Logger.Metadata = ["from": "\(before.soft)", "to": "\(before.hard)", "needed": "\(needed)"]
            if before.hard < needed {
                log.warning(
                    "descriptors do not suffice for limits.max_connections: lower it, or raise the hard limit (LimitNOFILE)",
                    metadata: limits)
            } else if before.soft < before.hard {
                log.notice("limit of descriptors raised", metadata: limits)
            }
        } catch {
            log.warning("the limit of descriptors cannot be raised: \(error)", metadata: ["needed": "\(needed)"])
        }
    }

    private func wakers() throws(GateStartError) -> (order: LoopWaker, state: LoopWaker, journal: LoopWaker) {
        do throws(SystemError) {
            return (try LoopWaker(), try LoopWaker(), try LoopWaker())
        } catch {
            throw .unavailable("\(error)")
        }
    }

    private func listen(_ address: SocketAddress) throws(GateStartError) -> Int32 {
        do {
            return try Sockets.listen(
                on: resolve(address), mode: inputs.configuration.listener.socketMode)
        } catch {
            throw .unavailable("cannot listen on \(address): \(error)")
        }
    }

    private func resolve(_ address: SocketAddress) throws -> ResolvedAddress {
        switch address {
        case .tcp(let host, let port):
            return try .resolve(host: host, port: Int(port))
        case .unix(let path):
            guard let resolved = ResolvedAddress(unixPath: path) else { throw SystemError("bind", errno: ENAMETOOLONG) }
            return resolved
        }
    }

    private func pathConfiguration(
        _ listener: Int32, state: LoopHandle<StateThread>
    ) throws(GateStartError) -> OrderPathConfiguration {
        let configuration = inputs.configuration
        var path = OrderPathConfiguration(listener: listener, upstream: try upstream())
        path.maximumOrderBytes = configuration.limits.maxOrderBytes
        path.maximumObservedBytes = configuration.limits.maxObservedBytes
        path.maximumConnections = configuration.limits.maxConnections
        path.maximumConnectionsPerHost = configuration.limits.maxConnectionsPerHost
        path.acceptPause = configuration.limits.acceptPause.nanoseconds
        path.http2 = configuration.limits.http2
        path.maximumInFlight = configuration.limits.maxInFlightOrders
        path.requestTimeout = configuration.limits.requestTimeout.nanoseconds
        path.drainTimeout = configuration.limits.drainTimeout.nanoseconds
        path.connectTimeout = configuration.limits.connectTimeout.nanoseconds
        path.userTimeout = configuration.limits.userTimeout.nanoseconds
        path.callsPerConnection = configuration.limits.callsPerConnection
        let keepalive = configuration.keepalive
        path.clientKeepalive = Keepalive.Limits(
            active: keepalive.clientIdle.nanoseconds, idle: keepalive.clientIdle.nanoseconds,
            timeout: keepalive.clientTimeout.nanoseconds, mostPings: .max)
        path.upstreamKeepalive = Keepalive.Limits(
            active: keepalive.upstreamActive.nanoseconds, idle: keepalive.upstreamIdle.nanoseconds,
            timeout: keepalive.upstreamTimeout.nanoseconds, mostPings: 2)
        path.peerUIDs = Set(configuration.listener.peerUIDs)
        path.needsProxyHeader = configuration.listener.proxyProtocol == .required
        path.proxyPeers = Set(configuration.listener.proxyPeers)
        path.proxyTimeout = configuration.listener.proxyTimeout.nanoseconds
        path.stateWait = configuration.redis.wait.nanoseconds
        path.tls = inputs.tls
        path.identities = configuration.identities
        path.reportTLSFailure = { [log] side, reason in
            state.execute { _ in
                log.warning("TLS with \(side == .client ? "a client" : "the endpoint") failed: \(reason)")
            }
        }
        let breaker = configuration.breaker
        path.breaker = CircuitBreaker.Settings(
            violations: breaker.violations, rejects: breaker.rejects, window: breaker.window.nanoseconds)
        path.breakerStopsAll = breaker.scope == .global
        path.shadow = configuration.mode == .shadow
        path.mirroredSymbols = configuration.limits.mirroredSymbols
        path.mirroredAccounts = configuration.limits.mirroredAccounts
        path.loggedRejects = configuration.limits.loggedRejects
        return path
    }

    /// Numeric addresses and paths are settled now; names are looked up before each dial, and must resolve once at start.
    private func upstream() throws(GateStartError) -> UpstreamAddress {
        guard case .address(let address) = inputs.configuration.upstream else { return .originalDestination }
        do {
            let resolved = try resolve(address)
            if case .tcp(let host, let port) = address, !ResolvedAddress.isNumeric(host) {
                return .name(host: host, port: Int(port))
            }
            return .resolved(resolved)
        } catch {
            throw .unavailable("upstream \(address): \(error)")
        }
    }

    private func engineLimits() -> EngineLimits {
        let configuration = inputs.configuration
        var limits = EngineLimits(hashSeed: .random(in: .min ... .max))
        limits.clientOrderIDsPerAccount = configuration.limits.clientOrderIDs
        limits.defaultInitialMargin = configuration.limits.initialMargin
        limits.settleAfter = configuration.redis.accounts.settleAfter.nanoseconds
        limits.unknownAfter = configuration.redis.accounts.unknownAfter.nanoseconds
        limits.refusesUngoverned = configuration.ungoverned == .reject
        limits.isShadow = configuration.mode == .shadow
        return limits
    }

    // MARK: Threads

    private func startJournal(_ journal: GateJournal, waker: LoopWaker) async throws -> LoopThread {
        let (configuration, metrics, log) = (inputs.configuration.journal, metrics, log)
        return try await start("gate-journal") { started in
            let loop = try EventLoop(waker: waker)
            // Has the first segment ready when it is made, where the disk lets it.
            let keeper = JournalKeeper(
                loop: loop, recovery: journal.recovery, configuration: configuration, handover: journal.handover,
                handle: journal.handle, metrics: metrics.journal, log: log)
            started()
            keeper.run()
        }
    }

    private func startState(
        waker: LoopWaker, connections: StateThread.Connections, orders: LoopHandle<OrderPath>,
        journal: LoopHandle<JournalKeeper>
    ) async throws -> LoopThread {
        let configuration = inputs.configuration
        let (loader, log, metrics, readiness) = (inputs.loader, log, metrics, readiness)
        let unwind = unwinding()
        return try await start("gate-state") { started in
            let loop = try EventLoop(waker: waker)
            let thread: StateThread
            do throws(SystemError) {
                thread = try StateThread(
                    loop: loop, connections: connections, mirror: MirrorConfiguration(configuration),
                    stateDirectory: configuration.stateDirectory, log: log,
                    onLink: { readiness.set(.mirror, $0) })
            } catch {
                throw GateStartError.unavailable("state_dir: \(error)")
            }
            let rules = RulePublisher(
                directory: configuration.rules.value, loader: loader, metrics: metrics, log: log,
                publish: { [unowned thread] rules in
                    // Before the order thread: what it writes is counted by them.
                    journal.execute { $0.know(rules.ruleSet) }
                    thread.outbox.publish(rules: rules)
                })
            try rules.watch(on: loop)
            let certificates = TLSReloader(loop: loop, settings: configuration.tls, log: log) { contexts in
                orders.execute { $0.tls = contexts }
            }
            thread.onReload = { rules.request() }
            unwind(thread, loop, orders)
            // Latched stops must be in force before the first order comes.
            _ = thread.outbox.flush()
            started()
            thread.run()
            rules.stop()
            certificates.stop()
        }
    }

    /// What has a state thread unwind stops, where that is wanted.
    private func unwinding() -> @Sendable (StateThread, EventLoop, LoopHandle<OrderPath>) -> Void {
        guard let encoder = inputs.encoder else { return { _, _, _ in } }
        let (configuration, plan, metrics, log) = (inputs.configuration, inputs.plan, metrics, log)
        return { thread, loop, orders in
            let unwinder = Unwinder(
                loop: loop, configuration: Unwinder.Configuration(configuration), encoder: encoder, plan: plan,
                accounts: thread.outbox.accounts, metrics: metrics, log: log,
                dial: {
                    guard let ends = try? Sockets.pair() else { return nil }
                    orders.execute { $0.adopt(ends.1) }
                    return ends.0
                })
            thread.unwinder = unwinder
            unwinder.resume(thread.stops.records)
        }
    }

    private func startOrders(
        waker: LoopWaker, configuration: OrderPathConfiguration, rules: PublishedRules, updates: Mailbox<StateUpdate>,
        requests: Mailbox<StateRequest>, handle: LoopHandle<OrderPath>, journal: GateJournal
    ) async throws -> LoopThread {
        let (plan, metrics, readiness) = (inputs.plan, metrics, readiness)
        let instance = inputs.configuration.instance
        let unmatched = inputs.configuration.unmatched
        let spin = inputs.configuration.spin.nanoseconds
        return try await start("gate-order") { started in
            let loop = try EventLoop(waker: waker, spin: spin)
            let path = try OrderPath(
                loop: loop, configuration: configuration, engine: journal.engine, plan: plan,
                methods: MethodTable(paths: plan.paths, deniesUnmatched: unmatched == .deny), metrics: metrics,
                readiness: readiness, updates: updates, requests: requests, handle: handle,
                journal: journal.writer)
            path.begin(instance: instance, rules)
            started()
            loop.run()
            path.shut()
        }
    }

    /// Starts a thread and waits until its `body` has called back, or thrown.
    private func start(
        _ name: String, _ body: @escaping @Sendable (_ started: () -> Void) throws -> Void
    ) async throws -> LoopThread {
        let slot = Mutex<LoopThread?>(nil)
        try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
            do {
                let thread = try LoopThread(name: name) {
                    var isStarted = false
                    do {
                        try body {
                            isStarted = true
                            continuation.resume()
                        }
                    } catch {
                        // After the start the body throws no more.
                        guard !isStarted else { return }
                        continuation.resume(
                            throwing: error as? GateStartError ?? GateStartError.unavailable("\(error)"))
                    }
                }
                slot.withLock { $0 = thread }
            } catch {
                continuation.resume(throwing: GateStartError.unavailable("\(error)"))
            }
        }
        guard let thread = slot.withLock({ $0 }) else { throw GateStartError.unavailable("\(name) did not start") }
        return thread
    }
}
