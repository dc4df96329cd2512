import CLinux
import Dispatch
package import Logging
import RiskRules

/// The state thread's owner: mirror, stops, signals and the log of refused orders on one event loop. Made on its thread and
/// never leaving it; other threads reach it through its `LoopHandle`.
package final class StateThread: EventTarget {
    /// What goes to and from the order thread, and what all may read.
    package struct Connections: Sendable {
        /// To the order thread; this thread alone pushes.
        package var updates: Mailbox<StateUpdate>
        /// From the order thread; this thread alone takes.
        package var requests: Mailbox<StateRequest>
        package var handle: LoopHandle<StateThread>
        package var metrics: GateMetrics

        package init(
            updates: Mailbox<StateUpdate>, requests: Mailbox<StateRequest>, handle: LoopHandle<StateThread>,
            metrics: GateMetrics
        ) {
            self.updates = updates
            self.requests = requests
            self.handle = handle
            self.metrics = metrics
        }
    }

    package let loop: EventLoop
    package let outbox: StateOutbox
    package let mirror: RedisMirror
    package let stops: StopStore
    package let share: StopShare
    /// What several Gates let through of one account.
    let sharing: ReservationSharing
    /// Tells what the monitor finds.
    let monitor: MonitorPublisher
    /// SIGHUP came: read the rules again. On this thread.
    package var onReload: (() -> Void)?
    /// Unwinds stops; nil where that is off.
    package var unwinder: Unwinder? {
        didSet { unwinder?.onEvent = { [outbox] in outbox.publish(note: $0) } }
    }

    private let connections: Connections
    private let decisions: DecisionLog
    /// Where the stops are written down: a disk may keep its caller waiting for longer than prices may be old.
    private let disk = DispatchQueue(label: "gate-disk")
    private let log: Logger
    private var signals: SignalReader?
    private var isRetrying = false
    private var isWritingAgain = false

    private static let retryContext: UInt64 = 0
    private static let writeAgainContext: UInt64 = 1
    /// How long a full mailbox is left alone.
    private static let retryDelay: Int64 = 1_000_000
    private static let writeAgainDelay: Int64 = 1_000_000_000
    /// Requests taken in one turn, so that a flood of refused orders does not hold up the mirror.
    private static let requestsPerTurn = 256

    /// Reads the stops and begins to mirror. `onLink` hears, on this thread, when the mirror becomes live and when it no
    /// longer is. Throws where the state directory or the kernel refuses.
    package init(
        loop: EventLoop, connections: Connections, mirror configuration: MirrorConfiguration, stateDirectory: String,
        log: Logger, onLink: @escaping (Bool) -> Void = { _ in }
    ) throws(SystemError) {
        self.loop = loop
        self.connections = connections
        self.log = log
        outbox = StateOutbox(
            mailbox: connections.updates,
            prices: MirrorTable(
                kind: .prices, table: configuration.prices, priceField: configuration.priceField,
                lookups: connections.metrics.mirror.prices),
            accounts: MirrorTable(
                kind: .accounts, table: configuration.accounts, priceField: "",
                lookups: connections.metrics.mirror.accounts))
        stops = try StopStore(
            directory: stateDirectory, outbox: outbox, metrics: connections.metrics, log: log,
            wallNow: gate_realtime_ns(),
            disk: { [disk, handle = connections.handle] task in
                disk.async {
                    let result = task()
                    handle.execute { $0.stops.written(result) }
                }
            })
        mirror = RedisMirror(
            loop: loop, configuration: configuration, outbox: outbox, metrics: connections.metrics.mirror, log: log,
            execute: { [handle = connections.handle] body in handle.execute { body($0.mirror) } },
            onLink: { [metrics = connections.metrics] isLive in
                metrics.redisUp.set(isLive ? 1 : 0)
                onLink(isLive)
            })
        share = StopShare(
            loop: loop, stops: stops, keys: mirror.ownKeys, metrics: connections.metrics, log: log)
        sharing = ReservationSharing(
            loop: loop, instance: configuration.instance, keys: mirror.ownKeys, outbox: outbox,
            metrics: connections.metrics, log: log
        )
        monitor = MonitorPublisher(
            loop: loop, instance: configuration.instance, keys: mirror.ownKeys, metrics: connections.metrics, log: log)
        decisions = DecisionLog(log: log)
        super.init()
        stops.onRecord = { [unowned self] in self.heard($0, $1) }
        signals = try SignalReader(loop: loop) { [unowned self] in self.received($0) }
        loop.turnTarget = .passUnretained(self)
        mirror.start()
    }

    /// Runs the loop until it is stopped, then lets go of everything.
    package func run() {
        loop.run()
        // What was handed over meanwhile is still answered, and written down.
        repeat {
            connections.handle.drain(self)
            disk.sync {}
        } while stops.isWriting
        unwinder?.stop()
        mirror.stop()
        share.stop()
        sharing.stop()
        monitor.stop()
        signals?.stop()
        loop.turnTarget = nil
    }

    package override func turnBegan() {
        connections.handle.drain(self)
        var taken = 0
        while taken < Self.requestsPerTurn, let request = connections.requests.take() {
            handle(request)
            taken += 1
        }
        if taken == Self.requestsPerTurn { loop.waker.wake() }
    }

    package override func turnEnded() {
        mirror.turnEnds()
        if !outbox.flush(), !isRetrying {
            isRetrying = true
            _ = loop.schedule(at: loop.now + Self.retryDelay, target: self, context: Self.retryContext)
        }
        // The order thread hears of snapshots before it hears of what they led to.
        unwinder?.turnEnds()
        if stops.isUnwritten, !isWritingAgain {
            isWritingAgain = true
            _ = loop.schedule(at: loop.now + Self.writeAgainDelay, target: self, context: Self.writeAgainContext)
        }
    }

    package override func fired(_ context: UInt64) {
        switch context {
        case Self.retryContext: isRetrying = false
        default:
            isWritingAgain = false
            stops.writeAgain()
        }
    }

    /// The latest record of every target, with how far its unwinding has come.
    var stopsWithProgress: [StopRecord] {
        stops.records.map { record in
            var record = record
            record.unwind = unwinder?.progress(of: record.target)
            return record
        }
    }

    private func handle(_ request: StateRequest) {
        switch request.kind {
        case .watchSymbol: mirror.watch(symbol: request.name, text: request.text.string)
        case .watchAccount: mirror.watch(account: request.name, text: request.text.string)
        case .unwatchSymbol: mirror.unwatch(symbol: request.text.string)
        case .unwatchAccount: mirror.unwatch(account: request.text.string)
        case .turnedAway:
            log.error(
                """
                \(request.text.string) is not mirrored: limits.mirrored_symbols and limits.mirrored_accounts allow no more, \
                and all that is mirrored is in use
                """)
        case .reject: decisions.write(request.reject)
        case .monitor:
            if let report = request.report { monitor.take(Unmanaged.fromOpaque(report).takeRetainedValue()) }
        case .reservedSymbol:
            sharing.collect(
                account: request.text.string, symbol: request.reject.symbol.string, request.reserved)
        case .reservedAccount: sharing.finish(account: request.text.string, request.reservedMargin)
        case .retire: request.rules.map { Unmanaged<PublishedRules>.fromOpaque($0).release() }
        case .latchStop:
            let reason = decisions.stopReason(request.reject)
            guard let target = StopTarget(in: request.scope, named: request.text.string) else {
                log.critical("an emergency stop cannot be latched: \(request.text.string) is no name; stopping all")
                return latch(.global, reason: reason, by: "gate", trigger: .rule)
            }
            latch(target, reason: reason, by: "gate", trigger: .rule)
        case .tripBreaker:
            let trip = request.breaker
            let window = Duration.nanoseconds(trip.window).written
            let reason = "circuit breaker: \(trip.count) \(trip.cause.text) within \(window)"
            guard let target = StopTarget(in: request.scope, named: request.text.string) else {
                log.critical("the circuit breaker tripped for what is no name, \(request.text.string); stopping all")
                return latch(.global, reason: reason, by: "gate", trigger: .breaker)
            }
            latch(target, reason: reason, by: "gate", trigger: .breaker)
        }
    }

    /// A stop or its end is in force: who else is to hear of it.
    private func heard(_ record: StopRecord, _ trigger: StopTrigger) {
        unwinder?.stopChanged(record, trigger)
        outbox.publish(record: StopNote(record, trigger))
        if record.active, trigger == .rule || trigger == .breaker { monitor.tell(record) }
    }

    private func received(_ received: SignalReader.Received) {
        switch received.signal {
        case SIGUSR1:
            let sender = "process \(received.process) of user \(received.user)"
            latch(.global, reason: "SIGUSR1", by: sender, trigger: .signal)
        case SIGHUP: onReload?()
        default: break
        }
    }

    /// The keeper has logged what went wrong, and tries again.
    private func latch(_ target: StopTarget, reason: String, by person: String, trigger: StopTrigger) {
        stops.stop(target, reason: reason, by: person, trigger: trigger, wallNow: gate_realtime_ns())
    }
}

extension StopTarget {
    /// nil where `name` is not one of the scope.
    init?(in scope: StopScope, named name: String) {
        switch scope {
        case .global: self = .global
        case .account: self.init("account:\(name)")
        case .strategy: self.init("strategy:\(name)")
        case .symbol: self.init("symbol:\(name)")
        }
    }
}
