import CLinux
import Gate
import Logging
import RiskRules
import Synchronization
import TestSupport
import Testing

/// A state thread on a Redis of the test's own, with the test in the order thread's place: it asks for keys, takes what it is
/// told, and waits for conditions, never for time to pass.
final class StateHarness {
    struct Boot: Sendable {
        var requests: Mailbox<StateRequest>
        var handle: LoopHandle<StateThread>
    }

    let metrics = GateMetrics()
    private let loop: EventLoop
    private let updates: Mailbox<StateUpdate>
    private let boot: Boot
    private let thread: LoopThread
    private let alarm = EventTarget()
    private var isStopped = false

    // What the order thread would know.
    private(set) var prices: [UInt32: PriceQuote] = [:]
    private(set) var accounts: [UInt32: AccountSnapshot] = [:]
    private(set) var accountKinds: [UInt32: StateUpdate.Kind] = [:]
    private(set) var stops: [(active: Bool, scope: StopScope, name: String)] = []
    private(set) var pricesUntil: Int64 = 0
    private(set) var accountsUntil: Int64 = 0
    /// How often the link was said to be down.
    private(set) var losses = 0
    /// Whether no other Gate listens, as was last said.
    private(set) var isAlone = false

    init(_ configuration: MirrorConfiguration, stateDirectory: String) throws {
        loop = try EventLoop()
        let updates = Mailbox<StateUpdate>(capacity: 4096, waker: loop.waker)
        self.updates = updates
        let started = Mutex<Result<Boot, SystemError>?>(nil)
        let shared = Started(started)
        let metrics = metrics
        thread = try LoopThread(name: "gate-state") {
            do throws(SystemError) {
                SignalMask.block()
                let loop = try EventLoop()
                let boot = Boot(
                    requests: Mailbox(capacity: 4096, waker: loop.waker), handle: LoopHandle(waker: loop.waker))
                let state = try StateThread(
                    loop: loop,
                    connections: .init(
                        updates: updates, requests: boot.requests, handle: boot.handle, metrics: metrics),
                    mirror: configuration, stateDirectory: stateDirectory,
                    log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
                shared.value.withLock { $0 = .success(boot) }
                state.run()
            } catch {
                shared.value.withLock { $0 = .failure(error) }
            }
        }
        while true {
            if let result = shared.value.withLock({ $0 }) {
                boot = try result.get()
                break
            }
            usleep(200)
        }
    }

    private final class Started: Sendable {
        let value: Mutex<Result<Boot, SystemError>?>
        init(_ value: consuming sending Mutex<Result<Boot, SystemError>?>) { self.value = value }
    }

    deinit {
        stop()
        while let update = updates.take() { take(update) }
    }

    /// Ends the state thread.
    func stop() {
        guard !isStopped else { return }
        isStopped = true
        boot.handle.execute { $0.loop.stop() }
        thread.join()
    }

    var service: StopService { StopService(state: boot.handle) }
    var handle: LoopHandle<StateThread> { boot.handle }

    // MARK: Asking

    func watch(symbol: UInt32, _ text: String) { request(.watchSymbol, symbol, text) }

    func watch(account: UInt32, _ text: String) { request(.watchAccount, account, text) }

    private func request(_ kind: StateRequest.Kind, _ name: UInt32, _ text: String) {
        var request = StateRequest(kind: kind, name: NameID(index: name))
        request.text = Array(text.utf8).withUnsafeBytes { NameText($0) }
        push(request)
    }

    func push(_ request: StateRequest) { #expect(boot.requests.push(request)) }

    // MARK: Waiting

    /// Takes updates until `condition` holds, at most `seconds`. Returns how long that took, in nanoseconds; records an issue
    /// where it did not come to hold.
    @discardableResult
    func wait(
        _ what: String, seconds: Double = 5, sourceLocation: Testing.SourceLocation = #_sourceLocation,
        until condition: () -> Bool
    ) throws -> Int64 {
        let start = gate_monotonic_ns()
        let deadline = start + Int64(seconds * 1e9)
        while true {
            while let update = updates.take() { take(update) }
            let now = gate_monotonic_ns()
            if condition() { return now - start }
            guard now < deadline else {
                Issue.record("not within \(seconds) s: \(what)", sourceLocation: sourceLocation)
                throw TimedOut()
            }
            // Conditions that time alone makes true are looked at every few milliseconds.
            let timer = loop.schedule(at: min(deadline, now + 5_000_000), target: alarm, context: 0)
            loop.turn(wait: true)
            loop.cancel(timer)
        }
    }

    /// Waits until both links count as alive.
    @discardableResult
    func waitUntilLive(seconds: Double = 5, sourceLocation: Testing.SourceLocation = #_sourceLocation) throws -> Int64 {
        try wait("the mirror is live", seconds: seconds, sourceLocation: sourceLocation) { isLive }
    }

    var isLive: Bool {
        let now = gate_monotonic_ns()
        return pricesUntil > now && accountsUntil > now
    }

    /// What an order would find: nil unless the price is present, not expired, fresh, and its link alive.
    func usablePrice(_ symbol: UInt32) -> String? {
        let now = gate_monotonic_ns()
        guard let quote = prices[symbol], quote.availability == .present, quote.expiresAt > now, quote.freshUntil > now,
            pricesUntil > now
        else { return nil }
        return quote.mark.description
    }

    private func take(_ update: StateUpdate) {
        switch update.kind {
        case .price: prices[update.name.index] = update.quote
        case .account:
            accountKinds[update.name.index] = .account
            accounts[update.name.index] = update.object.map {
                Unmanaged<AccountSnapshot>.fromOpaque($0).takeRetainedValue()
            }
        case .accountAbsent, .accountRefused:
            accountKinds[update.name.index] = update.kind
            accounts[update.name.index] = nil
        case .pricesLink:
            pricesUntil = update.until
            if update.until == 0 { losses += 1 }
        case .accountsLink: accountsUntil = update.until
        case .stop: stops.append((update.flag, update.scope, update.text.string))
        case .foreign:
            if let object = update.object { Unmanaged<ForeignReservations>.fromOpaque(object).release() }
        case .stopRecord:
            if let object = update.object { Unmanaged<StopNote>.fromOpaque(object).release() }
        case .unwindNote:
            if let object = update.object { Unmanaged<TextNote>.fromOpaque(object).release() }
        case .alone: isAlone = update.flag
        case .rules: break
        }
    }
}

/// What was waited for did not come: the rest of the test would only wait for it again.
struct TimedOut: Error {}
