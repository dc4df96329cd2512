import Synchronization

/// Tells whether Gate can do its work, for `/readyz`.
package protocol ReadinessSource: Sendable {
    /// Why Gate is not ready, a line each; empty when it is.
    func reasonsNotReady() -> [String]
}

/// What readiness consists of. Each part is set by the thread that knows it; any thread may ask.
package final class Readiness: ReadinessSource {
    package enum Part: CaseIterable, Sendable {
        /// A rule set is in force.
        case rules
        /// The mirror follows Redis.
        case mirror
        /// A connection to the endpoint stands ready.
        case upstream
    }

    private let rules = Atomic(false)
    private let mirror = Atomic(false)
    private let upstream = Atomic(false)
    private let draining = Atomic(false)

    package init() {}

    package func set(_ part: Part, _ ready: Bool) {
        switch part {
        case .rules: rules.store(ready, ordering: .relaxed)
        case .mirror: mirror.store(ready, ordering: .relaxed)
        case .upstream: upstream.store(ready, ordering: .relaxed)
        }
    }

    /// Gate is going down: from now on it is not ready, whatever else holds.
    package func beginDraining() { draining.store(true, ordering: .relaxed) }

    package func reasonsNotReady() -> [String] {
        var reasons: [String] = []
        if draining.load(ordering: .relaxed) { reasons.append("draining: Gate is shutting down") }
        if !rules.load(ordering: .relaxed) { reasons.append("rules: no rule set is in force") }
        if !mirror.load(ordering: .relaxed) { reasons.append("mirror: not following Redis") }
        if !upstream.load(ordering: .relaxed) { reasons.append("upstream: the endpoint is not connected") }
        return reasons
    }
}
