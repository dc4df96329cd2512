import Foundation

/// All that the demo shows at one moment.
struct DemoStatus {
    struct Latency {
        let name: String
        let lately: BucketCounts
        let overall: BucketCounts
    }

    /// A position, or leverage, against the bound that a rule sets.
    struct Use {
        let name: String
        let value: Double
        let limit: RuleLimits.Limit?
    }

    var tally = Tally()
    var latencies: [Latency] = []
    var equity: Double?
    var uses: [Use] = []
    var ruleSet = ""
    var refusedReloads = 0
    var elapsed = Duration.zero
}

/// Collects the demo's status from Gate's metrics, the account in Redis, and the rule files.
final class DemoObserver {
    private static let histograms: [(name: String, metric: String, labels: [String: String])] = [
        ("decision", "gate_decision_duration_seconds", [:]),
        ("added, request", "gate_added_latency_seconds", ["direction": "request"]),
        ("added, response", "gate_added_latency_seconds", ["direction": "response"]),
        ("exchange", "gate_upstream_duration_seconds", [:]),
    ]
    /// How far back "lately" goes.
    private static let recent = Duration.seconds(5)

    private let admin: AdminClient
    private let redis: HostPort
    private let account: String
    private let rules: String
    private let tally: SharedTally
    private let start = ContinuousClock.now
    private var connection: RedisClient?
    private var limits = RuleLimits()
    private var shownRuleSet: String?
    private var pages: [(at: ContinuousClock.Instant, page: PrometheusText)] = []
    private var status = DemoStatus()

    init(admin: HostPort, redis: HostPort, account: String, rules: String, tally: SharedTally) {
        self.admin = AdminClient(port: admin.port)
        self.redis = redis
        self.account = account
        self.rules = rules
        self.tally = tally
    }

    /// What cannot be read now stays as it was.
    func observe() -> DemoStatus {
        status.elapsed = .now - start
        status.tally = tally.current
        readMetrics()
        // Read when another set has come into force, so that a refused edit is not shown as if it bound anybody.
        if shownRuleSet != status.ruleSet {
            shownRuleSet = status.ruleSet
            limits = RuleLimits(directory: rules)
        }
        readAccount()
        return status
    }

    private func readMetrics() {
        guard let answer = admin.get("/metrics"), answer.status == 200 else { return }
        let page = PrometheusText(answer.body)
        let now = ContinuousClock.now
        pages.append((now, page))
        while pages.count > 2, pages[1].at <= now - Self.recent { pages.removeFirst() }
        let earlier = pages[0].page
        status.latencies = Self.histograms.map { histogram in
            let overall = page.histogram(histogram.metric, where: histogram.labels)
            let before = earlier.histogram(histogram.metric, where: histogram.labels)
            return DemoStatus.Latency(name: histogram.name, lately: overall.since(before), overall: overall)
        }
        status.ruleSet = page.samples("gate_rule_set_info").first?.labels["version"] ?? ""
        status.refusedReloads = Int(page.sum("gate_rule_reloads_total", where: ["result": "refused"]))
    }

    private func readAccount() {
        do throws(RedisError) {
            let open: RedisClient
            if let kept = connection {
                open = kept
            } else {
                open = try RedisClient(redis, database: RedisKeys.accountsDatabase)
                connection = open
            }
            guard let text = try open.pipeline([["GET", RedisKeys.account(account)]])[0],
                let state = try? JSONDecoder().decode(AccountState.self, from: Data(text.utf8))
            else { return }
            status.equity = state.equity.wire
            status.uses = uses(of: state)
        } catch {
            connection = nil
        }
    }

    /// With working orders counted as filled where that is worse, as Gate counts.
    private func uses(of state: AccountState) -> [DemoStatus.Use] {
        var notionals: [(symbol: String, worst: Double)] = []
        for instrument in Instrument.listed {
            let position = state.positions.first { $0.symbol == instrument.symbol }
            let signed = (position?.quantity.wire ?? 0) * (position?.side == .short ? -1 : 1)
            let pending = state.pendingOrders.filter { $0.symbol == instrument.symbol }
            let buys = pending.filter { $0.side == Side.buy.rawValue }.reduce(0) { $0 + $1.quantity.wire }
            let sells = pending.filter { $0.side == Side.sell.rawValue }.reduce(0) { $0 + $1.quantity.wire }
            let mark = position?.currentPrice.wire ?? instrument.startPrice.wire
            notionals.append((instrument.symbol, max(abs(signed + buys), abs(signed - sells)) * mark))
        }
        let gross = notionals.reduce(0) { $0 + $1.worst }
        let leverage = DemoStatus.Use(
            name: "leverage", value: gross / state.equity.wire, limit: limits.tightest("leverage"))
        let total = DemoStatus.Use(name: "gross exposure", value: gross, limit: limits.tightest("gross_exposure"))
        return [leverage, total]
            + notionals.map {
                DemoStatus.Use(
                    name: $0.symbol, value: $0.worst, limit: limits.tightest("position_notional", symbol: $0.symbol))
            }
    }
}
