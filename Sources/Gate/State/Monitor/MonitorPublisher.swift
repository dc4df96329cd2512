import FoundationEssentials
import Logging
import RiskRules

/// Tells people and other programs what the monitor finds: gauges, log lines, alerts and `risk.metrics` on Redis. Lives on the state
/// thread.
///
/// Where several Gates watch an account only the one that holds its lease speaks on Redis. The others keep an alert as long as it
/// may take them to learn that the one that should have sent it is gone.
final class MonitorPublisher: EventTarget {
    private static let leasePrefix = "gate:lease:"
    /// Alerts that nobody could send are kept this long.
    private static let patience: Int64 = 3_000_000_000
    private static let mostPending = 1024

    private struct Pending {
        var account: String
        var subject: MonitorSubject
        var text: [UInt8]
        var until: Int64
    }

    private let loop: EventLoop
    private let instance: String
    private let owner: String
    private let keys: OwnKeys
    private let metrics: GateMetrics
    private let log: Logger
    private var lease = MonitorLease()
    private var pending: [Pending] = []
    private var timer = TimerID.none
    private var round: UInt64 = 0
    private var utilization: [String: (infinite: Bool, share: FixedPoint)] = [:]
    private var hasFailed = false

    init(loop: EventLoop, instance: String, keys: OwnKeys, metrics: GateMetrics, log: Logger) {
        self.loop = loop
        self.instance = instance
        self.keys = keys
        self.metrics = metrics
        self.log = log
        owner = "\(instance) \(UInt64.random(in: .min ... .max))"
        super.init()
        timer = loop.schedule(at: loop.now + MonitorLease.renewal, target: self, context: 0)
    }

    func stop() { loop.cancel(timer) }

    /// Takes over what the monitor found of an account.
    func take(_ report: MonitorReport) {
        let now = loop.readClock()
        metrics.accounts.set(report.metrics, of: report.account)
        use(report)
        lease.want(report.account, now: now)
        for breach in report.breaches {
            tell(breach, of: report, now: now)
        }
        guard lease.holds(report.account, now: now),
            let text = encoded(RiskMetricsMessage(report, instance: instance))
        else { return }
        publish(text, on: .metrics)
    }

    /// A stop was latched by a rule or the breaker: people hear of it where they hear of emergencies. Every Gate tells of its own.
    func tell(_ record: StopRecord) {
        let message = StopMessage(KnownStop(record, isShared: false))
        guard let text = encoded(message) else { return }
        publish(text, on: .emergency)
    }

    private func tell(_ breach: MonitorReport.Breach, of report: MonitorReport, now: Int64) {
        let message = AlertMessage(breach, of: report, instance: instance)
        if breach.note.transition == .mended {
            log.notice(
                "an account keeps a rule again", metadata: ["account": "\(report.account)", "rule": "\(message.rule)"])
        }
        guard breach.note.alerts else { return }
        let level: Logger.Level = breach.finding.severity == .soft ? .warning : .error
        log.log(level: level, "\(message.message)")
        guard let text = encoded(message) else { return }
        let alert = Pending(
            account: report.account, subject: MonitorSubject(breach.finding.severity), text: text,
            until: now + Self.patience)
        if lease.holds(report.account, now: now) {
            publish(text, on: alert.subject)
        } else if pending.count < Self.mostPending {
            pending.append(alert)
        } else {
            metrics.monitorMessages.add(MonitorMessageLabels(subject: alert.subject, result: .lost))
        }
    }

    // MARK: Use of bounds

    /// Keeps the highest use of each rule's bound of this round, and shows that of the round before.
    private func use(_ report: MonitorReport) {
        if report.round != round {
            metrics.accounts.set(
                utilization: utilization.mapValues { $0.infinite ? "+Inf" : $0.share.description })
            utilization.removeAll(keepingCapacity: true)
            round = report.round
        }
        for finding in report.findings {
            guard let use = finding.utilization else { continue }
            let rule = report.ruleID(finding)
            guard utilization[rule] != nil || utilization.count < AccountMetricGauges.maximumRules else { continue }
            var highest = utilization[rule] ?? (false, .zero)
            switch use {
            case .infinite: highest.infinite = true
            case .share(let share): highest.share = max(highest.share, share)
            }
            utilization[rule] = highest
        }
    }

    // MARK: Leases

    override func fired(_ context: UInt64) {
        timer = loop.schedule(at: loop.now + MonitorLease.renewal, target: self, context: 0)
        let now = loop.now
        sendPending(now: now)
        let accounts = lease.wanted(now: now)
        guard keys.isLinked else {
            lease.linkLost()
            return
        }
        guard !accounts.isEmpty else { return }
        let names = accounts.map { Self.leasePrefix + $0 }
        let script = [
            "EVAL", Self.script, String(names.count),
        ]
        keys.send(
            RedisCommand(script + names + [owner, String(MonitorLease.timeToLive / 1_000_000)])
        ) { [unowned self] reply in
            guard let reply else { return lease.linkLost() }
            guard reply.count == accounts.count else {
                lease.linkLost()
                return failed("the lease of accounts: \(reply.problem)")
            }
            for (index, account) in accounts.enumerated() {
                lease.answered(account, isGiven: reply[index]?.integer == 1, asked: now)
            }
            sendPending(now: loop.readClock())
        }
    }

    /// Gives each lease to whoever holds it, or asks first.
    private static let script = """
        local given = {}
        for place, key in ipairs(KEYS) do
            local holder = redis.pcall('GET', key)
            if holder == ARGV[1] or not holder then
                redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
                given[place] = 1
            else
                given[place] = 0
            end
        end
        return given
        """

    /// Sends the alerts of accounts that this Gate speaks for by now; lets go of those that another has surely sent.
    private func sendPending(now: Int64) {
        guard !pending.isEmpty else { return }
        var kept: [Pending] = []
        for alert in pending {
            if lease.holds(alert.account, now: now) {
                publish(alert.text, on: alert.subject)
            } else if now < alert.until {
                kept.append(alert)
            } else if !keys.isLinked {
                metrics.monitorMessages.add(MonitorMessageLabels(subject: alert.subject, result: .lost))
            }
        }
        pending = kept
    }

    // MARK: Redis

    private func publish(_ text: [UInt8], on subject: MonitorSubject) {
        let command = RedisCommand(bytes: [Array("PUBLISH".utf8), Array(subject.text.utf8), text])
        keys.send(command) { [unowned self] reply in
            let isSent = reply.map { $0.integer != nil } ?? false
            metrics.monitorMessages.add(
                MonitorMessageLabels(subject: subject, result: isSent ? .sent : reply == nil ? .lost : .refused))
            if let reply, !isSent { failed("\(subject.text): \(reply.problem)") }
        }
    }

    private func failed(_ problem: String) {
        guard !hasFailed else { return }
        hasFailed = true
        log.error("redis does not take what the monitor says: \(problem)")
    }

    private func encoded(_ message: some Encodable) -> [UInt8]? {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        encoder.nonConformingFloatEncodingStrategy = .convertToString(
            positiveInfinity: "Infinity", negativeInfinity: "-Infinity", nan: "NaN")
        return try? Array(encoder.encode(message))
    }
}

/// What became of a message of the monitor.
package struct MonitorMessageLabels: MetricLabels, BitwiseCopyable {
    package enum Result: UInt8, CaseIterable, BitwiseCopyable {
        case sent
        /// Redis would not take it.
        case refused
        /// There was no link, or it was lost before the answer.
        case lost

        var text: String {
            switch self {
            case .sent: "sent"
            case .refused: "refused"
            case .lost: "lost"
            }
        }
    }

    package var subject: MonitorSubject
    package var result: Result

    package static var all: [Self] {
        MonitorSubject.allCases.flatMap { subject in Result.allCases.map { Self(subject: subject, result: $0) } }
    }
    package static var capacity: Int { MonitorSubject.capacity * Result.allCases.count }
    package var index: Int { Int(subject.rawValue) * Result.allCases.count + Int(result.rawValue) }
    package var labels: [MetricLabel] { subject.labels + [MetricLabel("result", result.text)] }
}
