import Gate
import RiskRules
import Testing

struct GateMetricsTests {
    /// The samples of an exposition by name and labels.
    private func samples(_ text: String) -> [Substring: Substring] {
        let lines = text.split(separator: "\n").filter { !$0.hasPrefix("#") }
        return Dictionary(
            uniqueKeysWithValues: lines.map { line in
                let space = line.lastIndex(of: " ") ?? line.endIndex
                return (line[..<space], line[space...].dropFirst())
            })
    }

    @Test func `a histogram is written cumulated, in seconds`() {
        let histogram = LatencyHistogram(
            "wait_seconds", help: "How long.", labels: [MetricLabel("side", "left")], bounds: [250, 1_000_000_000])
        histogram.record(250)
        histogram.record(251)
        histogram.record(2_000_000_000)
        var text = PrometheusText()
        histogram.write(into: &text)
        #expect(
            text.text == """
                # HELP wait_seconds How long.
                # TYPE wait_seconds histogram
                wait_seconds_bucket{side="left",le="2.5e-07"} 1
                wait_seconds_bucket{side="left",le="1.0"} 2
                wait_seconds_bucket{side="left",le="+Inf"} 3
                wait_seconds_sum{side="left"} 2.000000501
                wait_seconds_count{side="left"} 3

                """)
    }

    @Test func `help and label values are escaped`() {
        let counter = Counter(
            "c_total", help: "A \\ and a\nline \"quoted\".", labels: [MetricLabel("l", "a\"b\\c\nd")])
        var text = PrometheusText()
        counter.write(into: &text)
        #expect(
            text.text == #"""
                # HELP c_total A \\ and a\nline "quoted".
                # TYPE c_total counter
                c_total{l="a\"b\\c\nd"} 0

                """#)
    }

    @Test func `metrics of one name are one family`() {
        let metrics = GateMetrics()
        metrics.connectionsClient.add(3)
        metrics.connectionsClient.add(-1)
        metrics.connectionsUpstream.set(1)
        let text = metrics.exposition()
        #expect(text.ranges(of: "# TYPE gate_connections gauge").count == 1)
        #expect(samples(text)["gate_connections{side=\"client\"}"] == "2")
        #expect(samples(text)["gate_connections{side=\"upstream\"}"] == "1")
    }

    @Test func `every metric is there from the start, each sample once, each family declared`() {
        let metrics = GateMetrics()
        metrics.setRuleSet(version: "abc")
        _ = metrics.ruleViolations.slots(of: [RuleViolationLabels(rule: "r", severity: .hard, mode: .enforce)])
        let text = metrics.exposition()
        let names = [
            "gate_decision_duration_seconds", "gate_added_latency_seconds", "gate_upstream_duration_seconds",
            "gate_orders_total", "gate_rule_violations_total", "gate_rule_set_info", "gate_rule_reloads_total",
            "gate_price_age_seconds", "gate_account_age_seconds", "gate_mirror_lookups_total", "gate_redis_up",
            "gate_upstream_up", "gate_stop_active", "gate_stops_total", "gate_stops_unshared",
            "gate_stops_refused_total", "gate_breaker_limit", "gate_breaker_count", "gate_reservations",
            "gate_unknown_outcomes_total", "gate_connections", "gate_http2_errors_total",
            "gate_refused_connections_total", "gate_unreadable_cancels_total", "gate_resent_calls_total",
            "gate_log_lines_dropped_total", "gate_observed_messages_total", "gate_observed_news_total",
            "gate_unknown_outcomes_settled_total", "gate_ledger_faults_total",
            "gate_mirror_reads_total", "gate_mirror_coalesced_total", "gate_mirror_invalidations_total",
            "gate_mirror_dropped_total", "gate_mirror_turned_away_total", "gate_names_refused_total",
            "gate_own_keys_overflows_total", "gate_redis_connects_total", "gate_redis_losses_total",
            "gate_unwind_orders_canceled_total", "gate_unwind_positions_closed_total", "gate_unwind_failures_total",
            "gate_unwind_active",
            "gate_journal_bytes_total", "gate_journal_unrecorded_total", "gate_journal_syncs_total",
            "gate_journal_failures_total", "gate_shared_reservations_total", "gate_monitor_messages_total",
            "gate_account_equity", "gate_account_leverage", "gate_account_margin_ratio",
            "gate_account_drawdown_ratio", "gate_limit_utilization_ratio",
            "process_resident_memory_bytes", "process_cpu_seconds_total", "process_open_fds",
        ]
        for name in names {
            #expect(text.ranges(of: "# TYPE \(name) ").count == 1, "\(name)")
        }
        #expect(samples(text)["gate_rule_set_info{version=\"abc\"}"] == "1")
        #expect(text.ranges(of: "# TYPE ").count == names.count)
    }

    @Test func `a count that is kept elsewhere is shown as it is`() {
        let counters = LabelledCounters<UnknownSettlement>("settled_total", help: "Settled.")
        counters.set(3, .operator)
        counters.set(5, .operator)
        counters.set(-1, .time)
        #expect(UnknownSettlement.allCases.map { counters.value($0) } == [0, 5])
    }

    @Test func `orders are counted by action and reason`() {
        let metrics = GateMetrics()
        for action in OrderAction.allCases {
            metrics.countOrder(action, reason: nil)
            for reason in Reason.allCases { metrics.countOrder(action, reason: reason) }
        }
        metrics.countOrder(.create, reason: .leverageExceeded)
        let text = samples(metrics.exposition())
        let orders = text.filter { $0.key.hasPrefix("gate_orders_total") }
        #expect(orders.count == OrderAction.allCases.count * (Reason.allCases.count + 1))
        #expect(
            orders["gate_orders_total{decision=\"rejected\",reason=\"LEVERAGE_EXCEEDED\",action=\"create\"}"] == "2")
        #expect(orders["gate_orders_total{decision=\"approved\",reason=\"none\",action=\"cancel\"}"] == "1")
        #expect(orders.values.filter { $0 == "1" }.count == orders.count - 1)
    }

    @Test func `label combinations have cells of their own`() {
        func check<Labels: MetricLabels>(_: Labels.Type) {
            let indices = Labels.all.map(\.index)
            #expect(Set(indices).count == indices.count)
            #expect(indices.allSatisfy { (0..<Labels.capacity).contains($0) })
            #expect(Set(Labels.all.map(\.labels)).count == indices.count)
        }
        check(OrderOutcome.self)
        check(HTTP2ErrorLabels.self)
        check(MirrorLookupLabels.self)
        check(RuleReloadResult.self)
        check(StopTrigger.self)
        check(ReservationState.self)
        check(StopScope.self)
    }

    @Test func `an HTTP/2 error code has its kind, an unknown one is internal, none is none`() {
        #expect(HTTP2ErrorKind(code: 0) == nil)
        #expect(HTTP2ErrorKind(code: 1) == .protocolError)
        #expect(HTTP2ErrorKind(code: 7) == .refusedStream)
        #expect(HTTP2ErrorKind(code: 11) == .enhanceYourCalm)
        #expect(HTTP2ErrorKind(code: 13) == .http11Required)
        #expect(HTTP2ErrorKind(code: 14) == .internalError)
        #expect(HTTP2ErrorKind(code: .max) == .internalError)
    }
}

struct RuleViolationCountersTests {
    private let hard = RuleViolationLabels(rule: "a", severity: .hard, mode: .enforce)
    private let shadow = RuleViolationLabels(rule: "a", severity: .hard, mode: .shadow)
    private let other = RuleViolationLabels(rule: "b", severity: .soft, mode: .enforce)

    @Test func `a rule keeps its slot over a reload, and its count`() {
        let counters = RuleViolationCounters()
        let before = counters.slots(of: [hard, other])
        counters.add(slot: before[0])
        let after = counters.slots(of: [other, shadow, hard])
        counters.add(slot: after[2])
        #expect(after[2] == before[0])
        #expect(after[0] == before[1])
        #expect(counters.value(slot: after[2]) == 2)
        #expect(counters.value(slot: after[1]) == 0)
        var text = PrometheusText()
        counters.write(into: &text)
        #expect(text.text.contains("{rule=\"a\",severity=\"hard\",mode=\"enforce\"} 2\n"))
        #expect(text.text.contains("{rule=\"a\",severity=\"hard\",mode=\"shadow\"} 0\n"))
    }

    @Test func `an index outside the set counts for no rule of it`() {
        let slots = RuleViolationCounters().slots(of: [hard])
        #expect(slots[0] != 0)
        #expect(slots[1] == 0)
        #expect(slots[-1] == 0)
    }

    @Test func `rules beyond the capacity share one counter, the last that fits has its own`() {
        let counters = RuleViolationCounters()
        let rules = (0..<RuleViolationCounters.capacity).map {
            RuleViolationLabels(rule: "r\($0)", severity: .hard, mode: .enforce)
        }
        let slots = counters.slots(of: rules)
        #expect(slots[rules.count - 2] == UInt32(RuleViolationCounters.capacity - 1))
        #expect(slots[rules.count - 1] == 0)
        counters.add(slot: slots[rules.count - 1])
        var text = PrometheusText()
        counters.write(into: &text)
        #expect(text.text.hasSuffix("gate_rule_violations_total{rule=\"(others)\"} 1\n"))
    }
}
