import CLinux
package import Logging
import RiskRules

/// Unwinds stops: cancels open orders and closes positions, by calls to Gate itself like any client's, so that they are decided,
/// counted and settled as all others are. What to do and when is `UnwindPlan`'s to say. Lives on the state thread.
package final class Unwinder: EventTarget {
    package struct Configuration: Sendable {
        package var plan = UnwindPlan.Settings()
        /// The stops that are unwound.
        package var triggers: Set<GateConfiguration.Unwind.Trigger> = [.rule]
        /// How long a call may take, nanoseconds.
        package var timeout: Int64 = 5_000_000_000
        /// Keeps `unwind.json`.
        package var stateDirectory: String

        package init(_ configuration: GateConfiguration) {
            let unwind = configuration.unwind
            plan.concurrency = unwind.concurrency
            plan.attempts = unwind.attempts
            plan.backoff = unwind.backoff.nanoseconds
            plan.settleAfter = configuration.redis.accounts.settleAfter.nanoseconds
            plan.unknownAfter = configuration.redis.accounts.unknownAfter.nanoseconds
            triggers = unwind.triggers
            timeout = unwind.timeout.nanoseconds
            stateDirectory = configuration.stateDirectory
        }
    }

    /// Hears of what unwinding begins, does and ends, a line each.
    package var onEvent: (String) -> Void = { _ in }

    private let loop: EventLoop
    private let configuration: Configuration
    private let encoder: OrderEncoder
    private let answers: UnwindAnswers
    private let table: MirrorTable
    private let metrics: GateMetrics
    private let log: Logger
    /// One end of a pair of sockets, of which the order path gets the other; nil where there is none to be had.
    private let dial: () -> Int32?

    private var plan: UnwindPlan
    private var accounts = UnwindAccounts()
    /// The calls under way: what each is to do, and the path of its method.
    private var steps: [UInt64: (action: UnwindPlan.Action, path: String)] = [:]
    private var results: [(number: UInt64, result: GRPCResult)] = []
    private var client: GRPCClient?
    /// Kept until the turn's end: it ends inside its own calls.
    private var endedClient: GRPCClient?
    private let scratch = UnsafeMutableRawBufferPointer.allocate(byteCount: 65_536, alignment: 64)
    private var timer = TimerID.none
    private var isDue = false
    private var lastActive: Int64 = 0
    private let file: UnwindFile

    /// How often snapshots are looked at while something is going on, and when nothing has for a while.
    private static let interval: Int64 = 50_000_000
    private static let slowInterval: Int64 = 500_000_000
    private static let busyTime: Int64 = 10_000_000_000

    /// - Parameters:
    ///   - plan: the mapping that `encoder` was made of.
    ///   - accounts: the mirrored accounts.
    ///   - dial: gives one end of a pair of sockets whose other end the order path adopts.
    package init(
        loop: EventLoop, configuration: Configuration, encoder: OrderEncoder, plan: DecodePlan, accounts: MirrorTable,
        metrics: GateMetrics, log: Logger, dial: @escaping () -> Int32?
    ) {
        self.loop = loop
        self.configuration = configuration
        self.encoder = encoder
        self.metrics = metrics
        self.log = log
        self.dial = dial
        answers = UnwindAnswers(plan)
        table = accounts
        self.plan = UnwindPlan(configuration.plan)
        file = UnwindFile(directory: configuration.stateDirectory, log: log)
    }

    deinit { scratch.deallocate() }

    // MARK: Stops

    /// Goes on with what an earlier run of Gate began, as far as those stops are in force.
    package func resume(_ records: [StopRecord]) {
        let begun = file.read()
        for record in records where record.active {
            guard let earlier = begun[record.target], earlier.epoch == record.epoch else { continue }
            plan.begin(record.target, epoch: record.epoch, progress: earlier.progress, now: loop.now)
            if !earlier.progress.isCompleted { tell("unwinding \(record.target) goes on") }
        }
        wake()
    }

    /// A stop was latched or lifted.
    package func stopChanged(_ record: StopRecord, _ trigger: StopTrigger) {
        let known = plan.progress(of: record.target)
        if !record.active {
            guard let known, !known.isCompleted else { return }
            plan.end(record.target)
            tell("unwinding \(record.target) ends: the stop was lifted")
        } else if isUnwound(trigger) || plan.isUnderWay(record.target) {
            plan.begin(record.target, epoch: record.epoch, now: loop.now)
            let refusal = plan.isUnderWay(record.target) ? nil : plan.progress(of: record.target)?.lastError
            tell("unwinding \(record.target) \(refusal.map { "is not done: \($0)" } ?? "begins")")
        } else {
            plan.forget(record.target)
        }
        file.write(plan, now: loop.now, isUrgent: true)
        wake()
    }

    private func isUnwound(_ trigger: StopTrigger) -> Bool {
        switch trigger {
        case .rule: configuration.triggers.contains(.rule)
        case .person, .signal: configuration.triggers.contains(.person)
        case .breaker: configuration.triggers.contains(.breaker)
        case .peer: configuration.triggers.contains(.peer)
        }
    }

    /// How far the unwinding of a stop has come; nil where it is not unwound.
    package func progress(of target: StopTarget) -> UnwindProgress? { plan.progress(of: target) }

    // MARK: Turns

    private func wake() {
        lastActive = loop.now
        isDue = true
    }

    package override func fired(_ context: UInt64) { isDue = true }

    /// Does what this turn has made due; the last thing of each turn.
    package func turnEnds() {
        if isDue || !results.isEmpty { work() }
        if let client, client.isDirty {
            client.isDirty = false
            client.flush()
        }
        endedClient = nil
        if !results.isEmpty { loop.runAgain() }
    }

    private func work() {
        isDue = false
        let (canceled, closed) = (plan.ordersCanceled, plan.positionsClosed)
        let before = plan.underWayStops
        for (number, result) in results { finish(number, result) }
        results.removeAll()
        if plan.isActive {
            look()
            for step in plan.next(accounts.all, now: loop.now, wallNow: gate_realtime_ns()) { begin(step) }
        }
        for target in before where plan.progress(of: target)?.isCompleted == true { completed(target) }
        metrics.unwoundOrders.add(plan.ordersCanceled - canceled)
        metrics.unwoundPositions.add(plan.positionsClosed - closed)
        metrics.activeUnwindings.set(Int64(plan.underWayStops.count))
        file.write(plan, now: loop.now, isUrgent: false)
        rest()
    }

    /// Comes again as long as there is something to do, and else lets the connection go.
    private func rest() {
        loop.cancel(timer)
        guard plan.isActive else {
            client?.shut()
            return
        }
        let isBusy = !steps.isEmpty || loop.now - lastActive < Self.busyTime
        timer = loop.schedule(
            at: loop.now + (isBusy ? Self.interval : Self.slowInterval), target: self, context: 0)
    }

    private func look() {
        let (now, wallNow) = (loop.now, gate_realtime_ns())
        table.forEachAccount { accounts.see($0, $1, now: now, wallNow: wallNow) }
    }

    private func completed(_ target: StopTarget) {
        guard let progress = plan.progress(of: target) else { return }
        tell(
            "unwinding \(target) is completed: orders canceled \(progress.ordersCanceled), positions closed \(progress.positionsClosed)"
        )
    }

    // MARK: Calls

    private func begin(_ step: UnwindPlan.Step) {
        lastActive = loop.now
        let request: OrderEncoder.Call
        do throws(UnexpressibleOrder) {
            request =
                switch step.action {
                case .cancel(let cancel): try encoder.cancel(cancel)
                case .close(let close): try encoder.close(close)
                }
        } catch {
            resolve(step.number, step.action, .refused("the order mapping cannot say it: \(error.reason)"))
            return
        }
        steps[step.number] = (step.action, request.path)
        guard let client = connected(), client.call(step.number, request, timeout: configuration.timeout) else {
            results.append((step.number, .unsent("no connection to the order path")))
            return
        }
    }

    private func connected() -> GRPCClient? {
        if let client { return client }
        guard let descriptor = dial() else { return nil }
        client = try? GRPCClient(
            owning: descriptor, loop: loop, scratch: scratch,
            finished: { [unowned self] in results.append(($0, $1)) },
            ended: { [unowned self] in
                endedClient = $0
                client = nil
            })
        return client
    }

    private func finish(_ number: UInt64, _ result: GRPCResult) {
        guard let step = steps.removeValue(forKey: number) else { return }
        lastActive = loop.now
        resolve(number, step.action, answers.outcome(of: result, to: step.path))
    }

    private func resolve(_ number: UInt64, _ action: UnwindPlan.Action, _ outcome: UnwindPlan.Outcome) {
        plan.resolve(number, outcome, now: loop.now)
        switch outcome {
        case .done: tell("\(action): done")
        case .refused(let reason): fail("\(action): refused: \(reason)", .refused)
        case .unsent(let reason): fail("\(action): not sent: \(reason)", .unsent)
        case .unknown(let reason): fail("\(action): outcome unknown: \(reason)", .unknown)
        }
    }

    private func fail(_ text: String, _ failure: UnwindFailure) {
        metrics.unwindFailures.add(failure)
        log.error("\(text)")
        onEvent(text)
    }

    private func tell(_ text: String) {
        log.warning("\(text)")
        onEvent(text)
    }

    /// Ends for good: what is under way is left to the order path.
    package func stop() {
        loop.cancel(timer)
        client?.shut()
        endedClient = nil
        file.write(plan, now: loop.now, isUrgent: true)
    }
}
