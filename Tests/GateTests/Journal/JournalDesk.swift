import Gate
import Logging
import RiskRules
import Testing

/// A journal in a directory of its own, with its keeper at hand instead of on a thread: nothing happens to the files but in `tick`.
final class JournalDesk {
    let directory: String
    let loop: EventLoop
    let engine: RiskEngine
    let recovery: JournalRecovery
    let keeper: JournalKeeper
    let writer: JournalWriter
    let metrics = JournalMetrics()
    let ruleSet: RuleSet
    private(set) var at: Int64

    static let segmentBytes = 1 << 20

    /// A run that goes on where the last one in the directory ended.
    /// - Parameter at: unix nanoseconds of its first record.
    init(
        in directory: String, at: Int64 = 1_700_000_000_000_000_000,
        configure: (inout JournalConfiguration) -> Void = { _ in }
    ) throws {
        self.directory = directory
        self.at = at
        number = UInt64(at) & ~0xFFFF_FFFF
        ruleSet = try Self.rules()
        loop = try EventLoop()
        recovery = try JournalRecovery(directory: directory, limits: Self.limits, ruleSet: ruleSet)
        engine = RiskEngine(limits: Self.limits)
        engine.install(ruleSet)
        engine.wallOffset = at - Self.now
        engine.pricesLinkUntil = .max
        engine.accountsLinkUntil = .max
        engine.noteLedgerChanges()
        restored = recovery.state.restore(into: engine, now: Self.now, startedAtWall: at)
        var configuration = JournalConfiguration()
        configuration.segmentBytes = Self.segmentBytes
        configure(&configuration)
        let handover = JournalHandover(waker: loop.waker)
        keeper = JournalKeeper(
            loop: loop, recovery: recovery, configuration: configuration, handover: handover,
            handle: LoopHandle(waker: loop.waker), metrics: metrics,
            log: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        writer = JournalWriter(
            handover: handover, position: recovery.state.position, engine: engine, metrics: metrics)
    }

    let restored: JournalState.Restored

    /// Monotonic nanoseconds at which runs begin.
    static let now: Int64 = 1_000_000_000_000
    var now: Int64 { at - engine.wallOffset }

    static var limits: EngineLimits {
        var limits = EngineLimits(hashSeed: 7)
        limits.maxAccounts = 64
        limits.maxStrategies = 64
        limits.maxSymbols = 256
        limits.maxExposures = 1024
        limits.maxReservations = 4096
        limits.maxWindowKeys = 1024
        limits.clientOrderIDsPerAccount = 1000
        limits.maxViolations = 4
        return limits
    }

    private static func rules() throws -> RuleSet {
        let log = ProblemLog()
        let text = """
            rules:
              - {id: clip, metric: order_notional, max: 1000}
              - {id: rate, metric: order_count, max: 5, window: 1h}
              - {id: turnover, metric: notional_sum, max: 100000, window: 1h}
            """
        let document = try #require(
            RuleFileReader.read(Array(text.utf8), file: "rules.yaml", into: log), "\(log.problems)")
        return try RuleCompiler.compile([document], version: "a1b2").get()
    }

    /// The keeper's turn.
    func tick() { keeper.fired(0) }

    /// So many turns that all of it is on the disk, and in the chain.
    func bringToDisk() {
        tick()
        tick()
    }

    /// Ends the run well.
    func close() {
        _ = writer.close(at: at)
        var isClosed = false
        for _ in 0..<4 where !isClosed { keeper.close { isClosed = true } }
    }

    func pass(nanoseconds: Int64) { at += nanoseconds }

    // MARK: Names and orders

    func begin() {
        #expect(writer.start(instance: "gate-1", version: "1.0", process: 7, at: at))
        let slots = RuleViolationCounters().slots(of: ruleSet)
        #expect(writer.rules(PublishedRules(ruleSet, slots: slots), at: at))
    }

    func id(_ lookUp: (UnsafeRawBufferPointer) -> NameLookup, _ name: String) throws -> NameID {
        var name = name
        switch name.withUTF8({ lookUp(UnsafeRawBufferPointer($0)) }) {
        case .known(let id), .new(let id): return id
        case .caseConflict, .tableFull: throw Failure()
        }
    }

    struct Failure: Error {}

    func order(_ id: String, account: String = "A", quantity: String = "1", price: String = "100") throws -> Order {
        var id = id
        return Order(
            account: try self.id(engine.account, account), strategy: try self.id(engine.strategy, "maker"),
            symbol: try self.id(engine.symbol, "BTCUSDT"), timeInForce: try self.id(engine.timeInForce, "GTC"),
            side: .buy, type: .limit, reduceOnly: false, quantity: try FixedPoint(parsing: quantity),
            price: try FixedPoint(parsing: price), stopPrice: .zero,
            clientOrderID: id.withUTF8 { engine.digest(UnsafeRawBufferPointer($0)) })
    }

    /// Decides an order, records the decision, and reserves for it where it is approved, as the order path does.
    @discardableResult
    func decide(_ id: String, account: String = "A", price: String = "100") throws -> ReservationID? {
        let order = try order(id, account: account, price: price)
        let verdict = engine.decide(order, connection: 3, now: now)
        number += 1
        var decision = JournalDecision()
        decision.decisionID = number
        decision.order = order
        decision.connection = 3
        decision.flags = verdict.approved ? .approved : []
        decision.reason = JournalReason(verdict.reason)
        decision.duration = 700
        decision.mark = order.price
        var id = id
        let isRecorded = id.withUTF8 { bytes in
            decision.clientOrderID = RecordText(UnsafeRawBufferPointer(bytes))
            return writer.decision(&decision, violations: verdict.violations, at: at)
        }
        guard isRecorded, verdict.approved else { return nil }
        let reservation = engine.reserve(order, replacing: nil, connection: 3, number: number, now: now)
        drain()
        return reservation
    }

    /// Of the last decision: no run gives a number again that another gave.
    private var number: UInt64

    func drain() { engine.drainLedgerChanges { writer.ledger($0, at: at) } }

    // MARK: Reading

    var files: JournalFiles { get throws { try JournalFiles(listing: directory) } }

    /// What stands in the journal, of the kinds that are named.
    static func lines(in directory: String, _ kinds: Set<JournalKind> = []) throws -> [JournalLine] {
        var query = JournalQuery()
        query.kinds = kinds
        var lines: [JournalLine] = []
        _ = try query.forEachLine(in: JournalFiles(listing: directory)) { lines.append($0) }
        return lines
    }

    static func verify(_ directory: String) throws -> JournalVerifier {
        try JournalVerifier(checking: JournalFiles(listing: directory))
    }
}
