import RiskRules

/// The part of the configuration that says what Gate itself does to orders and positions when a stop is latched.
extension ConfigurationReader {
    func unwind(_ map: inout StrictMapping) -> GateConfiguration.Unwind {
        var unwind = GateConfiguration.Unwind()
        unwind.isEnabled = map.flag("enabled", default: unwind.isEnabled)
        let path = map.path(of: "triggers")
        if let triggers = map.list("triggers") {
            unwind.triggers = Set(
                triggers.compactMap { log.choice($0, path: path, of: GateConfiguration.Unwind.Trigger.self)?.value })
        }
        unwind.concurrency = map.integer("concurrency", in: 1...64, default: unwind.concurrency)
        unwind.timeout = map.duration("timeout", in: .milliseconds(10)...(.seconds(600)), default: unwind.timeout)
        unwind.attempts = map.integer("attempts", in: 1...100, default: unwind.attempts)
        unwind.backoff = map.duration("backoff", in: .milliseconds(1)...(.seconds(10)), default: unwind.backoff)
        unwind.strategy = name("strategy", &map)
        unwind.timeInForce = name("time_in_force", &map)
        return unwind
    }

    private func name(_ key: String, _ map: inout StrictMapping) -> Located<String>? {
        guard let text = map.text(key) else { return nil }
        guard text.value.isName else {
            log.report(
                "\(map.path(of: key)): 1 to 64 characters of A-Z a-z 0-9 . _ : / @ - belong here, found \(quoted(text.value))",
                at: text.location)
            return nil
        }
        return text
    }

    /// Whether there is an endpoint to unwind through, and whether Gate may act at all.
    func check(_ unwind: GateConfiguration.Unwind, of configuration: GateConfiguration, at place: SourceLocation) {
        guard unwind.isEnabled else { return }
        if configuration.upstream == .originalDestination {
            log.report(
                "unwind.enabled: with upstream: original-destination Gate has no endpoint of its own to send to; write false, or an address as upstream",
                at: place)
        }
        if configuration.mode == .shadow {
            log.report(
                "unwind.enabled: with mode: shadow Gate only watches; write false, or mode: enforce", at: place)
        }
    }
}
