import CLinux
import Glibc
import Logging
import RiskRules

/// Tells the other Gates of one Redis what this one let through and no snapshot contains, and this one what they did. Lives on the
/// state thread.
///
/// What is told counts for `timeToLive` and is told again well before that is over, so that what a Gate that died has told ends
/// by itself: the keeper's snapshots show by then what became of it.
final class ReservationSharing: EventTarget {
    static let prefix = "gate:reserved:"
    private static let timeToLive: Int64 = 5_000
    private static let renewal: Int64 = 1_000_000_000
    private static let longestValue = 256 * 1024
    private static let maximumKeys = 8192

    /// What another Gate tells.
    private struct Source {
        /// Stands for it in the engine.
        var number: UInt64
        var account: String
    }

    private let loop: EventLoop
    private let instance: String
    private let run: String
    private unowned let keys: OwnKeys
    private let outbox: StateOutbox
    private let metrics: GateMetrics
    private let log: Logger
    /// By the name behind the prefix.
    private var sources: [String: Source] = [:]
    private var lastNumber: UInt64 = 0
    /// What this Gate tells now, by account; nothing of an account that nothing is reserved of.
    private var own: [String: SharedReservations] = [:]
    /// The text that was told last, by the name behind the prefix: Redis tells of it too.
    private var told: [String: [UInt8]] = [:]
    /// What is being collected.
    private var collecting: SharedReservations?
    /// Which values were found unreadable, to be told once.
    private var refused: Set<String> = []
    private var timer = TimerID.none
    /// Whether no other Gate listens, as was last said.
    private var isAlone = false

    init(
        loop: EventLoop, instance: String, keys: OwnKeys, outbox: StateOutbox, metrics: GateMetrics, log: Logger
    ) {
        self.loop = loop
        self.instance = instance
        self.keys = keys
        self.outbox = outbox
        self.metrics = metrics
        self.log = log
        run = "\(getpid())-\(gate_realtime_ns())"
        super.init()
        keys.follow(Self.prefix, longestValue: Self.longestValue, maximumKeys: Self.maximumKeys, reader: self)
        timer = loop.schedule(at: loop.now + Self.renewal, target: self, context: 0)
    }

    /// Ends the renewal, and tells the others that nothing is reserved here any more where that is so.
    func stop() { loop.cancel(timer) }

    override func fired(_ context: UInt64) {
        for account in own.keys { tell(account) }
        countListeners()
        timer = loop.schedule(at: loop.now + Self.renewal, target: self, context: 0)
    }

    // MARK: Who listens

    /// Has the others, who hear of every key with the prefix, look who listens: an empty text says nothing else.
    private func announce() { keys.send(RedisCommand("SET", Self.prefix + instance, "", "PX", "1")) { _ in } }

    /// Each Gate follows its Redis by one subscription to the channel of invalidations: who else has one is taken for a Gate.
    private func countListeners() {
        keys.send(RedisCommand("PUBSUB", "NUMSUB", RedisMirror.channel)) { [unowned self] reply in
            found(isAlone: reply?[1]?.integer == 1)
        }
    }

    private func found(isAlone: Bool) {
        guard isAlone != self.isAlone else { return }
        self.isAlone = isAlone
        outbox.publish(isAlone: isAlone)
    }

    // MARK: What this Gate tells

    /// The sums of one symbol of an account; `finish` follows those of all.
    func collect(account: String, symbol: String, _ sums: ReservedSums) {
        begin(account)
        collecting?.append(symbol, sums)
    }

    /// The account's sums are all here.
    func finish(account: String, _ margin: ReservedMargin) {
        begin(account)
        guard var reservations = collecting else { return }
        collecting = nil
        reservations.set(margin)
        if reservations.symbols.isEmpty {
            guard own.removeValue(forKey: account) != nil else { return }
            told[name(account)] = nil
            keys.send(RedisCommand("DEL", key(account))) { _ in }
            return
        }
        own[account] = reservations
        tell(account)
    }

    private func begin(_ account: String) {
        guard collecting?.account != account else { return }
        collecting = SharedReservations(
            account: account, instance: instance, run: run, ttlMilliseconds: Self.timeToLive)
    }

    private func name(_ account: String) -> String { "\(account):\(instance)" }
    private func key(_ account: String) -> String { Self.prefix + name(account) }

    private func tell(_ account: String) {
        guard keys.isLinked, let text = try? own[account]?.encoded() else { return }
        told[name(account)] = text
        let command = RedisCommand(bytes: [
            Array("SET".utf8), Array(key(account).utf8), text, Array("PX".utf8),
            Array(String(Self.timeToLive).utf8),
        ])
        keys.send(command) { [unowned self] reply in
            guard let reply, !reply.isOK else { return metrics.sharedReservations.add(.told) }
            metrics.sharedReservations.add(.notTold)
            if refused.insert("write").inserted {
                log.error("what is reserved here cannot be told to other Gates: \(reply.problem)")
            }
        }
    }

    // MARK: What the others tell

    private func take(_ name: String, _ bytes: UnsafeRawBufferPointer) throws(RefusedValue) {
        if let own = told[name], bytes.elementsEqual(own) { return }
        let told = try SharedReservations(reading: bytes)
        guard told.run != run else { return }
        guard told.instance != instance else {
            // Of this instance's last run, or of a Gate that must not have its name.
            throw RefusedValue("another Gate has the instance name \(instance), or had it until now")
        }
        guard name == "\(told.account):\(told.instance)", (1...NameText.capacity).contains(told.account.utf8.count)
        else { throw RefusedValue("it names another account or instance than its key") }
        let reservations = try told.reservations()
        let source = sources[name] ?? newSource(name, told.account)
        let (until, overflow) = loop.readClock().addingReportingOverflow(told.ttlMilliseconds * 1_000_000)
        outbox.publish(
            foreign: reservations, account: NameText(text: told.account), source: source.number,
            until: overflow ? .max : until)
        metrics.sharedReservations.add(.heard)
    }

    private func newSource(_ name: String, _ account: String) -> Source {
        lastNumber += 1
        let source = Source(number: lastNumber, account: account)
        sources[name] = source
        return source
    }

    private func drop(_ name: String) {
        guard let source = sources.removeValue(forKey: name) else { return }
        outbox.publish(foreign: nil, account: NameText(text: source.account), source: source.number, until: 0)
    }
}

extension ReservationSharing: OwnKeyReader {
    func read(_ name: String, _ value: OwnKeys.Value) {
        if isAlone, told[name] == nil { countListeners() }
        do throws(RefusedValue) {
            switch value {
            case .absent: drop(name)
            case .text(let bytes): try take(name, bytes)
            case .unreadable(let reason): throw RefusedValue(reason)
            }
            refused.remove(name)
        } catch {
            // What it told before stays until it ends: it is the larger of the two unknowns.
            metrics.sharedReservations.add(.refused)
            if refused.insert(name).inserted { log.error("\(Self.prefix)\(name) is refused: \(error.reason)") }
        }
    }

    func synchronised() {
        for account in own.keys { tell(account) }
        announce()
        countListeners()
    }

    /// What was told before counts until it ends.
    func linkLost() { found(isAlone: false) }
}

extension NameText {
    init(text: String) {
        var text = text
        self = text.withUTF8 { NameText(UnsafeRawBufferPointer($0)) }
    }
}
