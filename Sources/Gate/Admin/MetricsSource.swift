/// What `/metrics` shows.
package protocol MetricsSource: Sendable {
    /// Everything in the Prometheus text format.
    func exposition() -> String
}

extension GateMetrics: MetricsSource {}
