import RiskRules
import Synchronization

/// What the monitor found of accounts: `gate_account_…{account}` and `gate_limit_utilization_ratio{rule}`. Written by the state
/// thread; any thread may read it.
package final class AccountMetricGauges: ExposedMetric {
    /// Accounts that have gauges of their own: the first to be seen.
    static let maximumAccounts = 100
    /// Rules that have one.
    static let maximumRules = 1000

    private struct Content {
        var accounts: [String: AccountMetrics] = [:]
        var utilization: [String: String] = [:]
    }

    private let content = Mutex(Content())

    package init() {}

    func set(_ metrics: AccountMetrics, of account: String) {
        content.withLock {
            guard $0.accounts[account] != nil || $0.accounts.count < Self.maximumAccounts else { return }
            $0.accounts[account] = metrics
        }
    }

    /// The highest use of each rule's bound among all accounts; numbers as Prometheus writes them.
    func set(utilization: [String: String]) {
        content.withLock { $0.utilization = utilization }
    }

    package func write(into text: inout PrometheusText) {
        let content = content.withLock { $0 }
        let accounts = content.accounts.sorted { $0.key < $1.key }
        func write(_ name: String, _ help: String, _ value: (AccountMetrics) -> FixedPoint?) {
            text.open(MetricDeclaration(name, help: help, type: .gauge))
            for (account, metrics) in accounts {
                guard let value = value(metrics) else { continue }
                text.sample(labels: [MetricLabel("account", account)], text: value.description)
            }
        }
        write("gate_account_equity", "Equity of an account.") { $0.equity }
        write("gate_account_leverage", "Gross exposure of an account over its equity, at worst.") { $0.leverage }
        write("gate_account_margin_ratio", "Equity of an account over the margin in use; absent where there is none.") {
            $0.marginRatio
        }
        write("gate_account_drawdown_ratio", "Loss of an account since its peak, over the peak.") { $0.drawdownMax }
        text.open(
            MetricDeclaration(
                "gate_limit_utilization_ratio", help: "Use of a rule's bound, the highest among accounts.", type: .gauge
            ))
        for (rule, use) in content.utilization.sorted(by: { $0.key < $1.key }) {
            text.sample(labels: [MetricLabel("rule", rule)], text: use)
        }
    }
}
