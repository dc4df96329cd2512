import CLinux
package import Logging
package import RiskRules

/// Reads the rule directory when it changes, and has the order thread decide by the new set, or keeps the last good one and says
/// why. Lays out the hours of its rules anew every day. Lives on the state thread.
package final class RulePublisher: EventTarget {
    /// How often it looks whether a day has passed on the wall clock, which may be set; in nanoseconds.
    private static let renewalCheck: Int64 = 600_000_000_000

    private let directory: String
    private var loader: RuleLoader
    private let metrics: GateMetrics
    private let publish: (PublishedRules) -> Void
    private let log: Logger
    private var watcher: RuleWatcher?
    private var loop: EventLoop?
    private var timer: TimerID?

    /// `loader` has loaded the set that is in force already.
    package init(
        directory: String, loader: RuleLoader, metrics: GateMetrics, log: Logger,
        publish: @escaping (PublishedRules) -> Void
    ) {
        self.directory = directory
        self.loader = loader
        self.metrics = metrics
        self.log = log
        self.publish = publish
        super.init()
    }

    /// Begins to watch. Throws where the kernel gives no inotify descriptor.
    package func watch(on loop: EventLoop) throws(SystemError) {
        self.loop = loop
        watcher = try RuleWatcher(path: directory, loop: loop) { [unowned self] in reload($0) }
        // What changed between the first reading and the watch would be missed.
        if RuleDirectory(reading: directory).version != loader.ruleSet?.version { reload(.change) }
        fired(0)
    }

    package override func fired(_ context: UInt64) {
        if let renewed = loader.renew(by: .system(now: gate_realtime_ns())) { publish(renewed) }
        timer = loop.map { $0.schedule(at: $0.now + Self.renewalCheck, target: self, context: 0) }
    }

    /// Reads the directory now (SIGHUP).
    package func request() {
        watcher?.request()
    }

    package func stop() {
        watcher?.stop()
        if let timer { loop?.cancel(timer) }
        timer = nil
    }

    private func reload(_ trigger: RuleTrigger) {
        let read = RuleDirectory(reading: directory)
        switch loader.load(read, trigger: trigger) {
        case .loaded(let ruleSet):
            metrics.ruleReloads.add(.loaded)
            metrics.setRuleSet(version: ruleSet.version)
            log.notice("rules loaded", metadata: Self.metadata(ruleSet))
            publish(ruleSet)
        case .refused(let problems):
            metrics.ruleReloads.add(.refused)
            for problem in problems { log.error("rule file refused, the last good set stays: \(problem)") }
        }
    }

    private func publish(_ ruleSet: RuleSet) {
        publish(PublishedRules(ruleSet, slots: metrics.ruleViolations.slots(of: ruleSet)))
    }

    /// What a log line says of a set.
    package static func metadata(_ ruleSet: RuleSet) -> Logger.Metadata {
        ["rule_set": "\(ruleSet.version)", "rules": "\(ruleSet.rules.count)"]
    }
}

extension RuleViolationCounters {
    /// Where the violations of a set's rules are counted.
    package func slots(of ruleSet: RuleSet) -> RuleViolationSlots {
        slots(
            of: zip(ruleSet.rules, ruleSet.texts).map { rule, text in
                RuleViolationLabels(rule: text.id, severity: rule.severity, mode: rule.mode)
            })
    }
}
