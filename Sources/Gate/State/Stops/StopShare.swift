import CLinux
import Logging

/// Shares the stops of this Gate with all Gates of the same Redis, in both directions. Lives on the state thread.
package final class StopShare: EventTarget {
    private struct Waiter {
        var record: StopRecord
        var tell: (Bool) -> Void
    }

    private let loop: EventLoop
    private let stops: StopStore
    private unowned let keys: OwnKeys
    private let metrics: GateMetrics
    private let log: Logger
    private var exchange: StopExchange
    private var waiters: [Waiter] = []
    private var patienceTimer = TimerID.none
    private var retryTimer = TimerID.none
    private var lastFailure: String?

    private static let prefix = "gate:stop:"
    /// Room for a reason, a name and a path, however they are escaped.
    private static let longestValue = 8192
    private static let maximumKeys = 16_384
    private static let retryContext: UInt64 = 0
    private static let patienceContext: UInt64 = 1
    private static let retryDelay: Int64 = 1_000_000_000
    /// How long an acknowledgement waits to tell that a record is shared.
    private static let patience: Int64 = 100_000_000

    /// Before the loop runs.
    init(loop: EventLoop, stops: StopStore, keys: OwnKeys, metrics: GateMetrics, log: Logger) {
        self.loop = loop
        self.stops = stops
        self.keys = keys
        self.metrics = metrics
        self.log = log
        exchange = StopExchange(held: stops.records)
        super.init()
        keys.follow(Self.prefix, longestValue: Self.longestValue, maximumKeys: Self.maximumKeys, reader: self)
        stops.onOwnRecord = { [unowned self] target in
            exchange.recorded(target)
            write(target)
        }
        showUnshared()
    }

    /// Whether Redis is not known to hold the record of a target, nor a newer one.
    func isShared(_ target: StopTarget) -> Bool { !exchange.unshared.contains(target) }

    /// Tells whether Redis holds a record that was made here, as soon as that is known, soon in any case.
    func whenShared(_ record: StopRecord, _ tell: @escaping (Bool) -> Void) {
        waiters.append(Waiter(record: record, tell: tell))
        if waiters.count == 1 {
            patienceTimer = loop.schedule(
                at: loop.now + Self.patience, target: self, context: Self.patienceContext)
        }
        tellWaiters()
    }

    package override func fired(_ context: UInt64) {
        switch context {
        case Self.retryContext:
            retryTimer = .none
            for target in exchange.retry() { keys.read(Self.key(target)) }
        default: tellWaiters(isLast: true)
        }
    }

    /// Ends the timers.
    func stop() {
        loop.cancel(retryTimer)
        loop.cancel(patienceTimer)
    }

    private static func key(_ target: StopTarget) -> String { "\(prefix)\(target)" }

    // MARK: Writing

    /// Writes what Redis is to learn of a target, if anything.
    private func write(_ target: StopTarget) {
        if let write = exchange.write(target, stops.inForce(target)) {
            keys.replace(Self.key(target), seen: write.seen, with: write.text) { [unowned self] in ended(write, $0) }
        }
        settle()
    }

    private func ended(_ write: StopExchange.Write, _ result: OwnKeys.Replaced) {
        let target = write.record.target
        switch result {
        case .done:
            lastFailure = nil
            exchange.wrote(write, latest: stops.inForce(target))
        case .changed: exchange.overtaken(write)
        case .refused(let reason):
            exchange.failed(write)
            if reason != lastFailure { log.error("the stop of \(target) could not be shared: \(reason)") }
            lastFailure = reason
        // What was known is forgotten next.
        case .lost: return
        }
        // A newer record may have been made meanwhile.
        self.write(target)
    }

    /// After any change: tells who waits, shows what is not shared, and comes again where something is to be tried again.
    private func settle() {
        tellWaiters()
        showUnshared()
        guard exchange.needsRetry, retryTimer == .none else { return }
        retryTimer = loop.schedule(at: loop.now + Self.retryDelay, target: self, context: Self.retryContext)
    }

    private func showUnshared() { metrics.unsharedStops.set(Int64(exchange.unshared.count)) }

    private func tellWaiters(isLast: Bool = false) {
        guard !waiters.isEmpty else { return }
        let waiting = waiters
        waiters = []
        for waiter in waiting {
            let target = waiter.record.target
            if !exchange.unshared.contains(target) {
                waiter.tell(true)
            } else if isLast || !exchange.isUnderWay(target) {
                waiter.tell(false)
            } else {
                waiters.append(waiter)
            }
        }
        if waiters.isEmpty { loop.cancel(patienceTimer) }
    }
}

extension StopShare: OwnKeyReader {
    func read(_ name: String, _ value: OwnKeys.Value) {
        let seen: SeenValue
        var problem: String?
        switch value {
        case .absent: seen = .absent
        case .text(let bytes): seen = .text(Array(bytes))
        case .unreadable(let reason):
            seen = .unreadable
            problem = reason
        }
        guard let target = StopTarget(name) else {
            if seen != .absent { refuse(name, .scope, "\(name) is no scope") }
            return
        }
        switch exchange.read(target, seen, latest: stops.latest(target), wallNow: gate_realtime_ns()) {
        case .known: break
        case .take(let record): stops.take(record)
        case .refused(let refusal, isNews: true):
            switch refusal {
            case .garbage: refuse(name, refusal, problem ?? "it is not the JSON that Gate writes")
            case .future: refuse(name, refusal, "its epoch is more than a minute ahead of this host's clock")
            case .scope: break
            }
        case .refused: break
        }
        write(target)
    }

    private func refuse(_ name: String, _ refusal: StopRefusal, _ reason: String) {
        metrics.refusedStops.add(refusal)
        log.error("\(Self.prefix)\(name) in redis is refused: \(reason)")
    }

    func synchronised() {
        exchange.synchronised()
        for record in stops.records { write(record.target) }
    }

    func linkLost() {
        exchange.linkLost()
        settle()
    }
}
