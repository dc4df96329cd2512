import RiskRules

/// The monitor: each account is judged as it stands once a second, without an order, a few of them at a time so that no order waits
/// long behind it. It runs here because only this thread knows the ledger.
extension OrderPath {
    /// Looks at the next accounts, and comes again.
    func monitorAccounts() {
        let now = loop.readClock()
        let count = engine.accountCount
        let slices = Int64(max(1, (count + MonitorState.accountsAtOnce - 1) / MonitorState.accountsAtOnce))
        var looked: UInt32 = 0
        while looked < MonitorState.accountsAtOnce, monitor.next <= count {
            monitor(NameID(index: monitor.next), now: now)
            monitor.next += 1
            looked += 1
        }
        if monitor.next > count {
            monitor.next = 1
            monitor.round += 1
        }
        _ = loop.schedule(
            at: now + MonitorState.period / slices, target: self, context: TimerPurpose.monitor)
    }

    private func monitor(_ account: NameID, now: Int64) {
        guard let rules else { return }
        let report = engine.evaluate(account: account, now: now)
        for stop in report.stops {
            engine.setStop(stop.scope, name: stop.name, active: true)
            latch(stop, rules)
        }
        var breaches: [MonitorReport.Breach] = []
        breachBook.take(report, now: now) { finding, note in
            let symbol = String(decoding: engine.symbolName(finding.symbol), as: UTF8.self)
            breaches.append(MonitorReport.Breach(finding: finding, note: note, symbol: symbol))
        }
        for breach in breaches where breach.note.transition == .broke && breach.finding.isEnforced {
            guard let stop = breaker.violated(account, now: now) else { continue }
            trip(stop, .violations, breaker.settings.violations)
        }
        showBreaker(account, now: now)
        // A thread that has more than it takes is given what is news alone.
        guard backlog.isEmpty || !breaches.isEmpty else { return }
        var request = StateRequest(kind: .monitor)
        request.report = Unmanaged.passRetained(
            MonitorReport(
                account: String(decoding: engine.accountName(account), as: UTF8.self), at: wallNow,
                round: monitor.round, report: report, breaches: breaches, snapshot: engine.snapshot(of: account),
                rules: rules)
        ).toOpaque()
        send(request)
    }

    /// A reject counts towards the breaker where a rule gave its reason.
    func countForBreaker(_ order: Order, _ verdict: Verdict) {
        guard breaker.settings.rejects > 0, engine.isByRule(verdict),
            let stop = breaker.rejected(strategy: order.strategy, account: order.account, now: loop.now)
        else { return }
        trip(stop, .rejects, breaker.settings.rejects)
    }

    /// The breaker asks for a stop: in force here and now, then kept and told.
    private func trip(_ stop: TrippedStop, _ cause: BreakerCause, _ count: Int) {
        guard !configuration.shadow else { return }
        let stop = configuration.breakerStopsAll ? TrippedStop(scope: .global, name: .none, rule: -1) : stop
        guard !engine.isStopped(stop.scope, name: stop.name) else { return }
        engine.setStop(stop.scope, name: stop.name, active: true)
        var request = StateRequest(kind: .tripBreaker)
        request.scope = stop.scope
        request.text = nameText(of: stop)
        request.breaker = BreakerTrip(
            cause: cause, count: UInt32(clamping: count), window: breaker.settings.window)
        send(request)
    }

    private func showBreaker(_ account: NameID, now: Int64) {
        monitor.mostViolations = max(monitor.mostViolations, breaker.violations(of: account, now: now))
        guard account.index >= engine.accountCount else { return }
        metrics.breakerCount.set(Int64(monitor.mostViolations), .violations)
        monitor.mostViolations = 0
        guard breaker.settings.rejects > 0 else { return }
        var most = 0
        for strategy in 0..<engine.nameCount(.strategy) {
            most = max(
                most, breaker.rejects(strategy: NameID(index: strategy + 1), account: .none, now: now))
        }
        metrics.breakerCount.set(Int64(most), .rejects)
    }
}

/// How far the monitor has come.
struct MonitorState: BitwiseCopyable {
    /// Nanoseconds in which every account is looked at once.
    static let period: Int64 = 1_000_000_000
    static let accountsAtOnce: UInt32 = 8

    var next: UInt32 = 1
    var round: UInt64 = 0
    var mostViolations = 0
}
