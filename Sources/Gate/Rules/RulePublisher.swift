package import Logging
package import RiskRules

/// Reads the rule directory when it changes, and has the order thread decide by the new set, or keeps the last good one and says
/// why. Lives on the state thread.
package final class RulePublisher {
    private let directory: String
    private var loader: RuleLoader
    private let metrics: GateMetrics
    private let publish: (PublishedRules) -> Void
    private let log: Logger
    private var watcher: RuleWatcher?

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
    }

    /// Begins to watch. Throws where the kernel gives no inotify descriptor.
    package func watch(on loop: EventLoop) throws(SystemError) {
        watcher = try RuleWatcher(path: directory, loop: loop) { [unowned self] in reload($0) }
        // What changed between the first reading and the watch would be missed.
        if RuleDirectory(reading: directory).version != loader.ruleSet?.version { reload(.change) }
    }

    /// Reads the directory now (SIGHUP).
    package func request() {
        watcher?.request()
    }

    package func stop() {
        watcher?.stop()
    }

    private func reload(_ trigger: RuleTrigger) {
        let read = RuleDirectory(reading: directory)
        switch loader.load(read, trigger: trigger) {
        case .loaded(let ruleSet):
            metrics.ruleReloads.add(.loaded)
            metrics.setRuleSet(version: ruleSet.version)
            log.notice("rules loaded", metadata: Self.metadata(ruleSet))
            publish(PublishedRules(ruleSet, slots: metrics.ruleViolations.slots(of: ruleSet)))
        case .refused(let problems):
            metrics.ruleReloads.add(.refused)
            for problem in problems { log.error("rule file refused, the last good set stays: \(problem)") }
        }
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
