import CLinux
import Glibc
package import RiskRules

/// The way of an order through Gate. Everything here runs on the order thread and belongs to it.
///
///     client bytes ─► Accept ─► Decode ─► Evaluate ─┬─► Forward ─► upstream bytes
///                                                   └─► Reject
///     upstream bytes ─────────────────────────────────► Settle ──► client bytes
///
/// This file is the way itself, from the head of a call to its verdict; each stage's own work stands in its folder. A step runs
/// inside the turn of the event loop that brought the bytes, and what it has to send leaves at the end of that turn.
package final class OrderPath: EventTarget {
    package let loop: EventLoop
    let configuration: OrderPathConfiguration
    let metrics: GateMetrics
    let readiness: Readiness
    let engine: RiskEngine
    let methods: MethodTable
    let plan: DecodePlan
    let decoder: OrderDecoder
    let responseDecoder: ResponseDecoder
    /// Reads answers that pass.
    let observer: ResponseDecoder
    let rejects: RejectEncoder
    let rejectMessages: RejectMessageEncoder
    let rejected: UnsafeMutablePointer<RejectedViolation>
    /// Of the sessions of clients and endpoint connections.
    let memory = HTTP2Memory()
    let pool: ExchangePool
    let batches = BatchPool()
    let texts: OrderIDTexts
    let scratch: UnsafeMutableRawBufferPointer
    let headerFields: UnsafeMutablePointer<HeaderField>
    /// What comes from and goes to the state thread.
    let updates: Mailbox<StateUpdate>
    let requests: Mailbox<StateRequest>
    /// Closures from other threads.
    package let handle: LoopHandle<OrderPath>
    /// Where every decision is written down before it takes effect.
    let journal: JournalWriter

    var rules: PublishedRules?
    /// What connections made from now on speak TLS by.
    var tls: TLSContexts
    /// Whose connections may trade for whom; nil: anybody's for anybody.
    let identities: IdentityTable?
    var clients: [ObjectIdentifier: ClientConnection] = [:]
    var upstreams: [ObjectIdentifier: UpstreamConnection] = [:]
    var listener: Listener?
    var spare: UpstreamConnection?
    var dialing = DialState(seed: UInt64(bitPattern: gate_realtime_ns()))
    var redial = TimerID.none
    var handshakes: [ObjectIdentifier: ProxyHandshake] = [:]
    /// Connections to write to at the turn's end.
    let dirty = TurnList<Unmanaged<HTTP2Connection>>()
    /// What ended in this turn, perhaps inside its own calls: kept alive until the turn's end.
    let ended = TurnList<Unmanaged<EventTarget>>()
    /// Clients that have more to say than a turn takes.
    let unfinished = TurnList<Unmanaged<ClientConnection>>()
    var lingering: [ObjectIdentifier: LingeringSocket] = [:]
    /// What clients' handshakes have taken of this turn, nanoseconds.
    var handshakeTime: Int64 = 0
    var tlsFailureLog: TokenBucket
    var rejectLog: TokenBucket
    /// How many of the clients are Gate's own.
    var gateClients = 0
    /// How many of the others each machine has.
    var hosts: [PeerHost: Int] = [:]
    /// Bytes kept for all calls.
    var keptBytes = 0
    var mustShed = false
    let http2: HTTP2Configuration
    var draining: DrainState?
    var backlog: [StateRequest] = []
    /// What the mirror follows.
    let watchedSymbols: WatchList
    let watchedAccounts: WatchList
    /// Names up to these were looked at.
    var seenSymbols = 0
    var seenAccounts = 0
    /// The second from which on a name without room is logged again.
    var quietUntil: UInt32 = 0
    var clientsOnHold = 0
    var nextClientNumber: UInt32 = 1
    /// Of the last order or cancel that was sent.
    var nextSequence: UInt64 = 0
    /// Something that held calls wait for has changed in this turn.
    var advancesHeld = false
    var nextDecisionID: UInt64
    /// When each account's snapshot was last written down, monotonic nanoseconds.
    let snapshotsRecorded: UnsafeMutablePointer<Int64>
    var sharing: Sharing
    var monitor = MonitorState()
    let breachBook: BreachBook
    let breaker: CircuitBreaker
    var shownCounts = ReservationCounts()
    let responsesLeaving: UnsafeMutablePointer<Int64>
    var responsesLeavingCount = 0

    static let leavingCapacity = 256

    /// Must be called on the thread that will run `loop`. Throws where the kernel gives no socket.
    package init(
        loop: EventLoop, configuration: OrderPathConfiguration, engine: RiskEngine, plan: DecodePlan,
        methods: MethodTable,
        metrics: GateMetrics, readiness: Readiness, updates: Mailbox<StateUpdate>, requests: Mailbox<StateRequest>,
        handle: LoopHandle<OrderPath>, journal: JournalWriter
    ) throws(SystemError) {
        self.loop = loop
        self.configuration = configuration
        self.metrics = metrics
        self.readiness = readiness
        self.engine = engine
        self.methods = methods
        self.plan = plan
        self.updates = updates
        self.requests = requests
        self.handle = handle
        self.journal = journal
        tls = configuration.tls
        tlsFailureLog = TokenBucket(OrderPathConfiguration.loggedTLSFailures, now: loop.now)
        rejectLog = TokenBucket(configuration.loggedRejects, now: loop.now)
        watchedSymbols = WatchList(limit: configuration.mirroredSymbols, names: engine.limits.maxSymbols)
        watchedAccounts = WatchList(limit: configuration.mirroredAccounts, names: engine.limits.maxAccounts)
        identities = IdentityTable(configuration.identities)
        decoder = OrderDecoder(plan: plan)
        responseDecoder = ResponseDecoder(plan: plan)
        observer = ResponseDecoder(plan: plan, itemCapacity: Self.maximumObservedItems)
        texts = OrderIDTexts(capacity: engine.limits.maxReservations)
        rejects = RejectEncoder()
        rejectMessages = RejectMessageEncoder(plan: plan)
        rejected = .allocate(capacity: Self.violationCapacity)
        http2 = HTTP2Configuration(configuration.http2)
        pool = ExchangePool(capacity: configuration.maximumExchanges, memory: memory)
        scratch = .allocate(byteCount: 65_536, alignment: 64)
        headerFields = .allocate(capacity: max(HeaderBlock.maximumCount, configuration.http2.headerFields))
        responsesLeaving = .allocate(capacity: Self.leavingCapacity)
        let accounts = engine.limits.maxAccounts + 1
        snapshotsRecorded = .allocate(capacity: accounts)
        snapshotsRecorded.initialize(repeating: 0, count: accounts)
        sharing = Sharing(accounts: accounts)
        breachBook = BreachBook(accounts: accounts)
        breaker = CircuitBreaker(
            configuration.breaker, accounts: accounts, strategies: engine.limits.maxStrategies + 1)
        // Beyond all ids of an earlier run: nobody decides an order a nanosecond for long.
        nextDecisionID = UInt64(bitPattern: gate_realtime_ns())
        super.init()
        listener = try Listener(owning: configuration.listener, path: self)
        loop.turnTarget = .passUnretained(self)
        if case .originalDestination = configuration.upstream { updateUpstreamGauges() }
        dialSpare()
        sampleVolatility()
        monitorAccounts()
    }

    deinit {
        scratch.deallocate()
        rejected.deallocate()
        headerFields.deallocate()
        responsesLeaving.deallocate()
        snapshotsRecorded.deallocate()
        sharing.deallocate()
    }

    /// The first thing to call: a run begins, and decides by these rules.
    package func begin(instance: String, _ rules: PublishedRules) {
        showWallTime()
        _ = journal.start(instance: instance, version: GateVersion.number, process: getpid(), at: wallNow)
        install(rules)
    }

    /// Closes everything. Call it after the loop's run.
    package func shut() {
        listener?.shut()
        for handshake in handshakes.values { handshake.shut() }
        for client in clients.values { client.shut() }
        for upstream in upstreams.values { upstream.shut() }
        for socket in lingering.values { socket.shut() }
        unfinished.removeAll { $0.release() }
        letEndedGo()
        loop.turnTarget = nil
        recordLedger()
        _ = journal.close(at: wallNow)
    }

    // MARK: Turns

    /// Drains what other threads handed over, so that this turn's orders are decided by the newest state.
    override package func turnBegan() {
        showWallTime()
        handshakeTime = 0
        takeUpdates()
        handle.drain(self)
        if clientsOnHold > 0 { advanceAllHeld() }
        readUnfinished()
    }

    /// Writes what this turn made, each connection once, behind what the journal is to know of it.
    override package func turnEnded() {
        recordLedger()
        repeat {
            if advancesHeld {
                advancesHeld = false
                advanceAllHeld()
                recordLedger()
            }
            flushDirty()
        } while advancesHeld
        letEndedGo()
        watchNewNames()
        showReservations()
        shareReservations()
    }

    /// Keeps what has just ended alive until the turn's end.
    func keepUntilTurnEnds(_ target: EventTarget) { ended.append(.passRetained(target)) }

    private func letEndedGo() {
        ended.removeAll { $0.release() }
    }

    /// A timer is due: one of Gate's own, or an exchange's.
    override package func fired(_ context: UInt64) {
        switch context {
        case TimerPurpose.secondGoAway: sendSecondGoAway()
        case TimerPurpose.lastGoAway: sendLastGoAways()
        case TimerPurpose.drainDeadline: drainDeadlinePassed()
        case TimerPurpose.redial: dialSpare()
        case TimerPurpose.volatilitySample: sampleVolatility()
        case TimerPurpose.monitor: monitorAccounts()
        case TimerPurpose.share:
            sharing.timer = .none
            shareReservations()
        default:
            // An exchange's timer is cancelled before its slot is given back, and slots never move.
            guard let exchange = Exchange.Pointer(bitPattern: UInt(context)) else { return }
            timePassed(exchange)
        }
    }

    // MARK: Accept

    /// The head of a call is whole: what kind of call is it?
    func headArrived(_ exchange: Exchange.Pointer) {
        exchange.pointee.headAt = loop.now
        guard let path = exchange.pointee.requestHead.first(":path") else {
            reject(exchange, .methodNotPermitted)
            return
        }
        switch methods.lookup(path) {
        case .unmapped:
            passOn(exchange)
        case .refused:
            reject(exchange, .methodNotPermitted)
        case .mapped(let method):
            exchange.pointee.method = Int32(method)
            exchange.pointee.action = plan.method(method).action
            if exchange.pointee.action == .pass {
                passOn(exchange)
            } else if admitHead(exchange) {
                bodyGrew(exchange)
            }
        }
    }

    /// Some bytes of a call's body.
    func bytesArrived(_ exchange: Exchange.Pointer, _ bytes: UnsafeRawBufferPointer) {
        guard exchange.pointee.stage != .answered else {
            consumeRequest(exchange, bytes.count)
            return
        }
        if exchange.pointee.action == .pass {
            guard exchange.pointee.requestBody.append(bytes, limit: configuration.streamWindow) else {
                resetUpstream(exchange, .cancel)
                resetClient(exchange, .flowControl)
                return
            }
            account(exchange)
            resumeRequest(exchange)
            return
        }
        // An order is small and read whole before anything is sent: its window opens at once.
        consumeRequest(exchange, bytes.count)
        let body = exchange.pointee.requestBody.count
        let room = max(0, configuration.maximumOrderBytes + GRPCFraming.prefixSize + 1 - body)
        let kept = UnsafeRawBufferPointer(rebasing: bytes[..<min(bytes.count, room)])
        _ = exchange.pointee.requestBody.append(kept, limit: .max)
        account(exchange)
        if let failure = GRPCFraming.early(exchange.pointee.requestBody.bytes, limits: framingLimits(exchange)) {
            reject(exchange, failure)
        }
    }

    /// A call's request ended, or its trailers came.
    func bodyGrew(_ exchange: Exchange.Pointer) {
        if exchange.pointee.action == .pass {
            resumeRequest(exchange)
        } else if exchange.pointee.stage == .receiving, exchange.pointee.requestEnded {
            requestArrived(exchange)
        }
    }

    // MARK: Decode

    /// The whole request of an order or a cancel is here.
    func requestArrived(_ exchange: Exchange.Pointer) {
        let started = loop.readClock()
        exchange.pointee.arrivedAt = started
        let message: UnsafeRawBufferPointer
        switch GRPCFraming.whole(exchange.pointee.requestBody.bytes, limits: framingLimits(exchange)) {
        case .message(let bytes): message = bytes
        case .refused(let failure):
            reject(exchange, failure)
            return
        }
        if exchange.pointee.requestTrailers.count > 0, exchange.pointee.action != .cancel {
            reject(exchange, DecodeFailure(.orderMalformed, "trailers behind the message"))
            return
        }
        let headers = headerFields(of: exchange)
        if exchange.pointee.action == .cancel {
            if let failure = readCancel(exchange, message, headers) {
                reject(exchange, failure)
                return
            }
        } else if plan.method(Int(exchange.pointee.method)).isBatch {
            guard readBatch(exchange, message, headers) else { return }
        } else {
            guard readOrder(exchange, message, headers) else { return }
        }
        if mustWait(exchange) {
            hold(exchange)
        } else {
            judge(exchange, started: started)
        }
    }

    // MARK: Evaluate

    /// Decides a call that waits for nothing any more. `started` is when its decoding began, less what it waited.
    func judge(_ exchange: Exchange.Pointer, started: Int64) {
        guard let number = exchange.pointee.client?._withUnsafeGuaranteedRef({ $0.number }) else { return }
        if exchange.pointee.attempts > 0 {
            judgeAgain(exchange, connection: number)
            return
        }
        if exchange.pointee.action == .cancel {
            let order = exchange.pointee.order
            engine.countCancel(
                account: order.account == .none ? nil : order.account, strategy: order.strategy, symbol: order.symbol,
                connection: number, now: loop.now)
            forward(exchange)
            return
        }
        if let batch = exchange.pointee.batch {
            judgeBatch(exchange, batch, connection: number, started: started)
            return
        }
        exchange.pointee.decisionID = nextDecisionID
        nextDecisionID &+= 1
        let verdict = engine.decide(
            exchange.pointee.order, replacing: exchange.pointee.replaces, connection: number, now: loop.now)
        let duration = loop.readClock() - started
        observe(verdict, duration: duration)
        act(exchange, on: Decided(verdict: verdict, duration: duration))
    }

    /// Acts on a verdict.
    private func act(_ exchange: Exchange.Pointer, on decided: Decided) {
        exchange.pointee.isRecorded = false
        if decided.verdict.approved || configuration.shadow {
            forward(exchange, decided)
        } else {
            countForBreaker(exchange.pointee.order, decided.verdict)
            _ = record(exchange, decided)
            reject(exchange, decided.verdict)
        }
    }

    /// Decides a call again that the endpoint provably did not process.
    private func judgeAgain(_ exchange: Exchange.Pointer, connection: UInt32) {
        guard exchange.pointee.action.isOrder else {
            forward(exchange)
            return
        }
        if let batch = exchange.pointee.batch {
            judgeBatch(exchange, batch, connection: connection, started: nil)
            return
        }
        // What is reserved for it is another reservation than the one that was undone.
        exchange.pointee.decisionID = nextDecisionID
        nextDecisionID &+= 1
        let verdict = engine.decideAgain(
            exchange.pointee.order, replacing: exchange.pointee.replaces, connection: connection,
            now: loop.readClock())
        observe(verdict, duration: nil)
        act(exchange, on: Decided(verdict: verdict))
    }

    // MARK: Forward

    /// Sends a call on, or says at once why not: an order never waits for room at the endpoint.
    /// - Parameter decided: the approval of an order; nil for cancels, and for batches, whose orders' are written down already.
    func forward(_ exchange: Exchange.Pointer, _ decided: Decided? = nil) {
        guard let upstream = readyUpstream(exchange) else {
            return refuseForwarding(exchange, obstacle(exchange) ?? .upstreamUnavailable, decided)
        }
        upstream._withUnsafeGuaranteedRef { forward(exchange, decided, by: $0) }
    }

    /// What keeps a call from being sent, whatever the endpoint says.
    private func obstacle(_ exchange: Exchange.Pointer) -> Reason? {
        if exchange.pointee.deadline <= loop.now { return .deadlineExceeded }
        return exchange.pointee.action.isOrder && !journal.isReady(at: wallNow) ? .journalUnavailable : nil
    }

    private func forward(_ exchange: Exchange.Pointer, _ decided: Decided?, by upstream: UpstreamConnection) {
        let isOrder = exchange.pointee.action.isOrder
        guard upstream.exchanges.count < streamShare(of: upstream, forOrders: isOrder) else {
            return refuseForwarding(
                exchange, exchange.pointee.attempts == 0 ? .inFlightLimit : .upstreamUnavailable, decided)
        }
        if let reason = obstacle(exchange) { return refuseForwarding(exchange, reason, decided) }
        guard !(isOrder && upstream.isStalled) else {
            return refuseForwarding(exchange, .upstreamUnavailable, decided)
        }
        if let decided {
            guard record(exchange, decided) else { return refuseForwarding(exchange, .journalUnavailable, decided) }
            // Counted before the bytes leave, so that the next order is judged with this one in flight.
            let number = exchange.pointee.client?._withUnsafeGuaranteedRef { $0.number } ?? 0
            guard
                let reservation = engine.reserve(
                    exchange.pointee.order, replacing: exchange.pointee.replaces, connection: number,
                    number: exchange.pointee.decisionID, now: loop.now)
            else { return refuseForwarding(exchange, .inFlightLimit, decided) }
            exchange.pointee.reservation = reservation
            texts.note(reservation, clientOrderID: exchange.pointee.clientOrderIDText)
        }
        if isOrder {
            guard recordLedger() else { return refuseForwarding(exchange, .journalUnavailable, decided) }
        } else if exchange.pointee.attempts == 0 {
            recordCancel(exchange)
        }
        guard upstream.submit(exchange) else {
            let isFull = upstream.isReady && exchange.pointee.attempts == 0
            return refuseForwarding(exchange, isFull ? .inFlightLimit : .upstreamUnavailable, decided)
        }
        forwarded(exchange, by: upstream)
    }
}
