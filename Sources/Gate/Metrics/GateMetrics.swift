package import RiskRules
import Synchronization

/// Every metric of Gate: its name, its meaning, and the one thread that writes it.
package final class GateMetrics: Sendable {
    // Written by the order thread.

    /// Nanoseconds from the start of decoding to the verdict, of creates and replaces that decoded; one per order.
    package let decision = LatencyHistogram(
        "gate_decision_duration_seconds", help: "Time from the start of decoding an order to its verdict.",
        bounds: HistogramBounds.latency)
    /// Nanoseconds from a request's last byte in to its first byte out, inside the process.
    package let addedRequest = LatencyHistogram(
        "gate_added_latency_seconds", help: added, labels: [MetricLabel("direction", "request")],
        bounds: HistogramBounds.latency)
    /// Nanoseconds from an answer's last byte in to its first byte out, inside the process.
    package let addedResponse = LatencyHistogram(
        "gate_added_latency_seconds", help: added, labels: [MetricLabel("direction", "response")],
        bounds: HistogramBounds.latency)
    /// Nanoseconds from an order's last byte out to the first byte of the endpoint's answer.
    package let upstream = LatencyHistogram(
        "gate_upstream_duration_seconds", help: "Time from forwarding an order to the endpoint's answer.",
        bounds: HistogramBounds.latency)
    /// Age in nanoseconds of the price that a decision was taken on.
    package let priceAge = LatencyHistogram(
        "gate_price_age_seconds", help: "Age of the price that an order was decided on.", bounds: HistogramBounds.age)
    /// Age in nanoseconds of the account state that a decision was taken on.
    package let accountAge = LatencyHistogram(
        "gate_account_age_seconds", help: "Age of the account state that an order was decided on.",
        bounds: HistogramBounds.age)
    private let orders = LabelledCounters<OrderOutcome>(
        "gate_orders_total", help: "Orders decided; reason is none when approved.")
    /// Violations by rule; its slots are registered by the state thread.
    package let ruleViolations = RuleViolationCounters()
    package let mirrorLookups = LabelledCounters<MirrorLookupLabels>(
        "gate_mirror_lookups_total", help: "Values that decisions looked up in the mirror, by what they found.")
    package let unknownOutcomes = Counter(
        "gate_unknown_outcomes_total", help: "Orders that were sent and whose outcome nobody knows.")
    /// Unknown outcomes that neither a late word on the order nor its id in a snapshot settled.
    package let settledUnknowns = LabelledCounters<UnknownSettlement>(
        "gate_unknown_outcomes_settled_total", help: "Unknown outcomes settled otherwise than by their orders' ids.")
    /// What the order path asked of the ledger and must not have.
    package let ledgerFaults = LabelledCounters<LedgerFault>(
        "gate_ledger_faults_total", help: "Errors of Gate's own about the ledger; anything above 0 is one.")
    package let reservations = LabelledGauges<ReservationState>(
        "gate_reservations", help: "Orders that the ledger counts.")
    /// 1 while a connection to the endpoint stands ready, else 0.
    package let upstreamUp = Gauge("gate_upstream_up", help: "1 while the endpoint is connected.")
    package let connectionsClient = Gauge(
        "gate_connections", help: connections, labels: [MetricLabel("side", "client")])
    package let connectionsUpstream = Gauge(
        "gate_connections", help: connections, labels: [MetricLabel("side", "upstream")])
    package let http2Errors = LabelledCounters<HTTP2ErrorLabels>(
        "gate_http2_errors_total", help: "HTTP/2 errors, by the side they happened on.")

    package let refusedConnections = LabelledCounters<ConnectionRefusal>(
        "gate_refused_connections_total", help: "Client connections closed before their first call.")
    /// Cancels that were forwarded though their message could not be read.
    package let unreadableCancels = Counter(
        "gate_unreadable_cancels_total", help: "Cancels forwarded though their message could not be read.")
    /// Orders and cancels that were sent a second time, because the endpoint provably had not processed them.
    package let resentCalls = Counter(
        "gate_resent_calls_total", help: "Orders and cancels sent again because the endpoint had not processed them.")
    /// Messages of answers that pass and are mapped to be read, by whether they were.
    package let observedMessages = LabelledCounters<ObservedMessage>(
        "gate_observed_messages_total", help: "Messages of passing answers that were to be read for the ledger.")
    /// What they said of an order and the ledger did not know yet.
    package let observedNews = Counter(
        "gate_observed_news_total", help: "What passing answers said of orders and the ledger did not know yet.")
    /// Log lines of refused orders that were not written: past `limits.logged_rejects`, or because the log could not keep up.
    package let droppedLogLines = Counter(
        "gate_log_lines_dropped_total",
        help: "Log lines of refused orders left out of a flood of them, or lost because the log could not keep up.")

    /// Names that the mirror no longer follows, because others were used since and there is room for so many only.
    package let mirrorDropped = LabelledCounters<MirrorKind>(
        "gate_mirror_dropped_total", help: "Names dropped from the mirror for others that were used later.")
    /// Times that an order named, or an account held, what the mirror has no room for: all that it follows is in use.
    package let mirrorTurnedAway = LabelledCounters<MirrorKind>(
        "gate_mirror_turned_away_total", help: "Times that the mirror had no room for a name in use.")
    /// Orders refused because their name would be one more than can be told apart.
    package let refusedNames = LabelledCounters<NameKindLabel>(
        "gate_names_refused_total", help: "Orders that brought one name more than Gate keeps.")

    // Written by the state thread.

    package let mirror = MirrorMetrics()
    package let ruleReloads = LabelledCounters<RuleReloadResult>(
        "gate_rule_reloads_total", help: "Rule sets read, by whether they came into force.")
    /// What Gates that share accounts told each other of reservations.
    package let sharedReservations = LabelledCounters<SharedReservationResult>(
        "gate_shared_reservations_total", help: "Reservations told to other Gates and heard of them.")
    /// What the monitor found of accounts.
    package let accounts = AccountMetricGauges()
    package let monitorMessages = LabelledCounters<MonitorMessageLabels>(
        "gate_monitor_messages_total", help: "Alerts and risk metrics for Redis, by what became of them.")
    private let ruleSet = RuleSetInfo()
    /// 1 while every connection to Redis stands and the mirror follows it, else 0.
    package let redisUp = Gauge("gate_redis_up", help: "1 while the mirror follows Redis.")
    /// How many stops of each scope are active.
    package let activeStops = LabelledGauges<StopScope>("gate_stop_active", help: "Stops that are active.")
    package let stops = LabelledCounters<StopTrigger>("gate_stops_total", help: "Stops, by what set them off.")
    /// Stops and ends of stops that count here and that Redis is not known to hold.
    package let unsharedStops = Gauge(
        "gate_stops_unshared", help: "Stops and ends of stops that other Gates have not been told of.")
    package let refusedStops = LabelledCounters<StopRefusal>(
        "gate_stops_refused_total", help: "Values at keys of stops in Redis that do not count.")
    /// What the breaker would trip at; 0: never. Set at start.
    package let breakerLimit = LabelledGauges<BreakerCause>(
        "gate_breaker_limit", help: "Count within the window at which the circuit breaker stops trading; 0 is off.")
    /// The highest count within the window among accounts (violations) and strategies (rejects). Written by whoever feeds the
    /// breaker.
    package let breakerCount = LabelledGauges<BreakerCause>(
        "gate_breaker_count", help: "Highest count within the circuit breaker's window, among what it watches.")

    /// Cancels that the endpoint acknowledged, of those that unwound a stop.
    package let unwoundOrders = Counter(
        "gate_unwind_orders_canceled_total", help: "Open orders cancelled to unwind a stop.")
    package let unwoundPositions = Counter(
        "gate_unwind_positions_closed_total", help: "Positions closed to unwind a stop.")
    package let unwindFailures = LabelledCounters<UnwindFailure>(
        "gate_unwind_failures_total",
        help: "Cancels and closing orders of an unwinding that came to nothing, or nobody knows.")
    package let activeUnwindings = Gauge("gate_unwind_active", help: "Stops that are being unwound.")

    // Written by the order thread and the journal's keeper.

    package let journal = JournalMetrics()

    private static let added = "Time from the last byte in to the first byte out, inside Gate."
    private static let connections = "Open connections."

    package init() {}

    /// Counts one decided order; `reason` is nil when it was approved. For the order thread.
    package func countOrder(_ action: OrderAction, reason: Reason?) {
        orders.add(OrderOutcome(action: action, reason: reason))
    }

    /// Orders of `action` decided so far: approved where `reason` is nil, else rejected for it.
    package func orderCount(_ action: OrderAction, reason: Reason?) -> UInt64 {
        orders.value(OrderOutcome(action: action, reason: reason))
    }

    /// Counts what a decision was taken on: ages of price and account in nanoseconds, below zero where it looked at none, and
    /// how long it took; nil where it was timed before. For the order thread.
    func decided(within duration: Int64?, priceAge: Int64, accountAge: Int64) {
        if let duration { decision.record(duration) }
        if priceAge >= 0 { self.priceAge.record(priceAge) }
        if accountAge >= 0 { self.accountAge.record(accountAge) }
    }

    /// Counts how long the endpoint took to answer, in nanoseconds. For the order thread.
    func answered(after duration: Int64) { upstream.record(duration) }

    /// Shows how many orders the ledger counts. For the order thread.
    func show(_ counts: ReservationCounts) {
        reservations.set(counts.inFlight, .inFlight)
        reservations.set(counts.open, .open)
        reservations.set(counts.closing, .closing)
        reservations.set(counts.unknown, .unknown)
        settledUnknowns.set(counts.settledByTime, .time)
        settledUnknowns.set(counts.settledByOperator, .operator)
        ledgerFaults.set(counts.doubleResolves, .doubleResolve)
    }

    /// Names the rule set in force. For the state thread.
    package func setRuleSet(version: String) { ruleSet.set(version) }

    /// All metrics in the Prometheus text format. For any thread.
    package func exposition() -> String {
        let all: [any ExposedMetric] = [
            decision, addedRequest, addedResponse, upstream, orders, ruleViolations, ruleSet, ruleReloads, priceAge,
            accountAge, mirrorLookups, redisUp, upstreamUp, activeStops, stops, unsharedStops,
            refusedStops, breakerLimit, breakerCount, reservations, unknownOutcomes,
            connectionsClient, connectionsUpstream, http2Errors, refusedConnections, unreadableCancels, resentCalls,
            observedMessages, observedNews, settledUnknowns, ledgerFaults,
            droppedLogLines, mirrorDropped, mirrorTurnedAway, refusedNames, unwoundOrders, unwoundPositions,
            unwindFailures,
            activeUnwindings, sharedReservations, accounts, monitorMessages, ProcessMetrics(),
        ]
        var text = PrometheusText()
        for metric in all + mirror.exposed + journal.all { metric.write(into: &text) }
        return text.text
    }
}

/// What the ledger counts, by state, and what has become of unknown outcomes.
struct ReservationCounts: BitwiseCopyable, Equatable {
    var inFlight: Int64 = 0
    var open: Int64 = 0
    var closing: Int64 = 0
    var unknown: Int64 = 0
    var settledByTime = 0
    var settledByOperator = 0
    var doubleResolves = 0
}

/// `gate_rule_set_info`: always 1; its label tells which set is in force.
private final class RuleSetInfo: ExposedMetric {
    private let declaration = MetricDeclaration(
        "gate_rule_set_info", help: "The rule set in force.", type: .gauge)
    private let version = Mutex<String?>(nil)

    func set(_ version: String) { self.version.withLock { $0 = version } }

    func write(into text: inout PrometheusText) {
        guard let version = version.withLock({ $0 }) else { return }
        text.open(declaration)
        text.sample(labels: [MetricLabel("version", version)], value: 1)
    }
}
