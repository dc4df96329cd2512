import CLinux
import Gate
import Glibc
import Logging
import RiskRules

/// A journal with its keeper on a thread of its own, and an engine whose orders it records as the order path does.
final class JournalBenchDesk {
    private let engine: RiskEngine
    private let writer: JournalWriter
    private let metrics = JournalMetrics()
    private let handle: LoopHandle<JournalKeeper>
    private let thread: LoopThread
    private let published: PublishedRules
    private let accounts: [NameID]
    private let symbols: [NameID]
    /// Orders that work; each order that comes ends the oldest of them.
    private var working: [ReservationID?]
    private var numbers: [UInt64]
    private var count = 0
    private var number: UInt64
    private var clientOrderID = Array("client-order-0000000000".utf8)
    private var orderID = Array("0190c1a2-7b3c-7def-8123-0000000000".utf8)
    private let quantity: FixedPoint
    private let price: FixedPoint

    static let limits = EngineLimits(hashSeed: 7)
    private static let most = 256

    static func rules() throws -> RuleSet {
        let log = ProblemLog()
        let text = """
            rules:
              - {id: clip, metric: order_notional, max: 1000000}
              - {id: rate, metric: order_count, max: 1000000, window: 1s}
              - {id: turnover, metric: notional_sum, max: 100000000000000, window: 1h}
            """
        guard let document = RuleFileReader.read(Array(text.utf8), file: "bench.yaml", into: log), log.isEmpty else {
            preconditionFailure("the benchmark's own rules cannot be read: \(log.problems)")
        }
        return try RuleCompiler.compile([document], version: "bench").get()
    }

    /// Opens a journal in a directory that has none.
    init(in directory: String) throws {
        let ruleSet = try Self.rules()
        let recovery = try JournalRecovery(directory: directory, limits: Self.limits, ruleSet: ruleSet)
        engine = RiskEngine(limits: Self.limits)
        engine.install(ruleSet)
        engine.wallOffset = gate_realtime_ns() - gate_monotonic_ns()
        engine.pricesLinkUntil = .max
        engine.accountsLinkUntil = .max
        engine.noteLedgerChanges()
        let waker = try LoopWaker()
        let handover = JournalHandover(waker: waker)
        let handle = LoopHandle<JournalKeeper>(waker: waker)
        let (metrics, position) = (metrics, recovery.state.position)
        let ready = Signal()
        thread = try LoopThread(name: "gate-journal") {
            guard let loop = try? EventLoop(waker: waker) else { return }
            let keeper = JournalKeeper(
                loop: loop, recovery: recovery, configuration: JournalConfiguration(), handover: handover,
                handle: handle, metrics: metrics, log: Logger(label: "journal-bench"))
            ready.give()
            keeper.run()
        }
        ready.take()
        self.handle = handle
        writer = JournalWriter(handover: handover, position: position, engine: engine, metrics: metrics)
        published = PublishedRules(ruleSet, slots: RuleViolationCounters().slots(of: ruleSet))
        quantity = try FixedPoint(parsing: "1.5")
        price = try FixedPoint(parsing: "50000.5")
        let engine = engine
        accounts = (0..<4).map { Self.id(engine.account, "ACCOUNT-\($0)") }
        symbols = (0..<50).map { Self.id(engine.symbol, "SYMBOL-\($0)") }
        working = Array(repeating: nil, count: Self.most)
        numbers = Array(repeating: 0, count: Self.most)
        number = UInt64(gate_realtime_ns())
        begin()
    }

    private static func id(_ lookUp: (UnsafeRawBufferPointer) -> NameLookup, _ name: String) -> NameID {
        var name = name
        switch name.withUTF8({ lookUp(UnsafeRawBufferPointer($0)) }) {
        case .known(let id), .new(let id): return id
        case .caseConflict, .tableFull: preconditionFailure("no room for \(name)")
        }
    }

    private func begin() {
        let at = gate_realtime_ns()
        let isBegun =
            writer.start(instance: "bench", version: "1", process: getpid(), at: at) && writer.rules(published, at: at)
        precondition(isBegun, "the first segment is ready")
        for account in accounts {
            var values = AccountSnapshot.Values()
            values.equity = price
            values.marginUsed = .one
            values.availableMargin = price
            values.positions = []
            values.pendingOrders = []
            engine.update(
                account: AccountSnapshot(values: values, readAt: 1, since: 1, freshUntil: .max, expiresAt: .max),
                of: account, now: gate_monotonic_ns())
        }
    }

    /// Of records so far.
    var bytes: UInt64 { metrics.bytesWritten }

    // MARK: Orders

    /// An order: decided, reserved, forwarded, accepted; and the end of an older one. Only what the journal does is timed.
    func pass(one times: UnsafeMutablePointer<LatencyList>?) {
        let now = gate_monotonic_ns()
        let at = now + engine.wallOffset
        count += 1
        number += 1
        Self.put(count, into: &clientOrderID)
        Self.put(count, into: &orderID)
        // Behind a disk that is too slow, a gate would refuse.
        while !writer.isReady(at: at) { usleep(1000) }
        let order = Order(
            account: accounts[count % accounts.count], strategy: .none, symbol: symbols[count % symbols.count],
            timeInForce: .none, side: .buy, type: .limit, reduceOnly: false, quantity: quantity, price: price,
            stopPrice: .zero, clientOrderID: clientOrderID.withUnsafeBytes { engine.digest($0) })
        let verdict = engine.decide(order, connection: 1, now: now)
        precondition(verdict.approved, "a benchmark's orders are approved")
        var took = recordDecision(order, verdict, at: at)
        guard let id = engine.reserve(order, replacing: nil, connection: 1, number: number, now: now) else {
            preconditionFailure("a benchmark's ledger is never full")
        }
        took += recordLedger(at: at)
        took += recordOutcome(at: at)
        engine.accepted(id, orderID: orderID.withUnsafeBytes { engine.digest($0) }, now: now, wallNow: at)
        took += recordLedger(at: at)
        let place = count % Self.most
        if let oldest = working[place] {
            engine.ended(oldest, filled: .zero, now: now, wallNow: at)
            took += recordLedger(at: at)
        }
        working[place] = id
        times?.pointee.add(took, readings: 5)
    }

    private static func put(_ number: Int, into text: inout [UInt8]) {
        var rest = number
        for place in 1...10 {
            text[text.count - place] = UInt8(ascii: "0") + UInt8(rest % 10)
            rest /= 10
        }
    }

    private func recordDecision(_ order: Order, _ verdict: Verdict, at: Int64) -> Int64 {
        let inputs = engine.inputs(of: order, now: at - engine.wallOffset)
        let start = gate_monotonic_ns()
        var record = JournalDecision()
        record.order = order
        record.decisionID = number
        record.reservation = number
        record.connection = 1
        record.flags = .approved
        record.duration = 700
        record.mark = price
        record.priceAge = 1000
        record.openBuys = inputs.openBuys
        record.openSells = inputs.openSells
        record.position = inputs.position
        record.accountAge = inputs.accountAge
        record.equity = inputs.equity
        record.marginUsed = inputs.marginUsed
        record.availableMargin = inputs.availableMargin
        let isWritten = clientOrderID.withUnsafeBytes {
            record.clientOrderID = RecordText($0)
            return writer.decision(&record, violations: verdict.violations, at: at)
        }
        let end = gate_monotonic_ns()
        precondition(isWritten, "there is room")
        return end - start
    }

    private func recordOutcome(at: Int64) -> Int64 {
        let start = gate_monotonic_ns()
        var outcome = JournalOutcome()
        outcome.number = number
        outcome.status = 0
        orderID.withUnsafeBytes {
            outcome.orderID = RecordText($0)
            _ = writer.outcome(outcome, at: at)
        }
        return gate_monotonic_ns() - start
    }

    private func recordLedger(at: Int64) -> Int64 {
        var start = gate_monotonic_ns()
        engine.drainLedgerChanges { writer.ledger($0, at: at) }
        let end = gate_monotonic_ns()
        while engine.hasLedgerChanges {
            usleep(1000)
            start = gate_monotonic_ns()
            engine.drainLedgerChanges { writer.ledger($0, at: at) }
        }
        return max(0, end - start)
    }

    // MARK: The keeper's thread

    /// CPU time of the keeper's thread so far.
    func keeperNanoseconds() -> Int64 {
        let (answer, ready) = (Answer(), Signal())
        handle.execute { _ in
            var used = timespec()
            clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used)
            answer.value = Int64(used.tv_sec) * 1_000_000_000 + Int64(used.tv_nsec)
            ready.give()
        }
        ready.take()
        return answer.value
    }

    /// Ends the run well.
    func close() throws {
        precondition(writer.close(at: gate_realtime_ns()), "there is room for the last record")
        let closed = Signal()
        handle.execute { $0.close { closed.give() } }
        closed.take()
    }

    deinit {
        handle.execute { $0.stop() }
        thread.join()
    }

    /// What one thread tells another.
    private final class Answer: @unchecked Sendable {
        // Written before the signal is given, read after it is taken.
        var value: Int64 = 0
    }

    private final class Signal: @unchecked Sendable {
        // A semaphore is for any thread.
        private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
        init() { sem_init(semaphore, 0, 0) }
        deinit {
            sem_destroy(semaphore)
            semaphore.deallocate()
        }
        func give() { sem_post(semaphore) }
        func take() { while sem_wait(semaphore) != 0 {} }
    }
}
