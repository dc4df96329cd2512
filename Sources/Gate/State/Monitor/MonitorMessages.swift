import FoundationEssentials
import RiskRules

/// A channel of Redis on which the monitor speaks; reference/b25-api.md.
package enum MonitorSubject: UInt8, MetricLabelValue, BitwiseCopyable {
    case warning
    case critical
    case emergency
    case metrics

    package static let label = "subject"
    package var text: String {
        switch self {
        case .warning: "risk.alerts.warning"
        case .critical: "risk.alerts.critical"
        case .emergency: "risk.alerts.emergency"
        case .metrics: "risk.metrics"
        }
    }

    init(_ severity: Severity) {
        self =
            switch severity {
            case .soft: .warning
            case .hard: .critical
            case .emergency: .emergency
            }
    }
}

/// That an account breaks a rule, as JSON.
struct AlertMessage: Codable, Equatable {
    var instance: String
    var severity: String
    var account: String
    var symbol: String?
    var rule: String
    var metric: String
    var reason: String
    /// Decimals; nil where there is no number.
    var value: String?
    var bound: String
    var mode: String
    var ruleSet: String
    var message: String
    /// RFC 3339 in UTC, and unix seconds.
    var at: String
    var timestamp: Int64

    private enum CodingKeys: String, CodingKey {
        case instance, severity, account, symbol, rule, metric, reason, value, bound, mode, message, at, timestamp
        case ruleSet = "rule_set"
    }

    init(_ breach: MonitorReport.Breach, of report: MonitorReport, instance: String) {
        let finding = breach.finding
        let id = report.ruleID(finding)
        let metric = "\(finding.metric.label)"
        self.instance = instance
        severity = MonitorSubject(finding.severity).text.split(separator: ".").last.map(String.init) ?? ""
        account = report.account
        symbol = breach.symbol.isEmpty ? nil : breach.symbol
        rule = id
        self.metric = metric
        reason = "\(finding.reason.code)"
        value = finding.value?.description
        bound = finding.bound.description
        mode = finding.mode.text
        ruleSet = report.rules.ruleSet.version
        let side = finding.boundIsMax ? "exceeds max" : "is below min"
        let number = finding.value.map { " \($0)" } ?? ""
        let place = breach.symbol.isEmpty ? "" : " in \(breach.symbol)"
        message = "account \(report.account): \(metric)\(number)\(place) \(side) \(finding.bound) (rule \(id))"
        at = Timestamp.text(report.at)
        timestamp = report.at / 1_000_000_000
    }
}

/// What an account comes to, as JSON, once a second; the fields of `RiskMetrics` in reference/b25-api.md. Absent where an input is.
struct RiskMetricsMessage: Codable {
    var instance: String
    var accountID: String
    var marginRatio: Double?
    var leverage: Double?
    var drawdownDaily: Double?
    var drawdownMax: Double?
    var dailyPnL: Double?
    var unrealizedPnL: Double?
    var totalEquity: Double?
    var totalMarginUsed: Double?
    var grossExposure: Double?
    var netExposure: Double?
    var positionConcentration: [String: Double]
    var limitUtilization: [String: Double]
    var openPositions: Int?
    var pendingOrders: Int?
    /// Why the account's state does not count; absent where it does.
    var missing: String?
    /// Unix seconds.
    var timestamp: Int64

    private enum CodingKeys: String, CodingKey {
        case instance, leverage, timestamp, missing
        case accountID = "account_id"
        case marginRatio = "margin_ratio"
        case drawdownDaily = "drawdown_daily"
        case drawdownMax = "drawdown_max"
        case dailyPnL = "daily_pnl"
        case unrealizedPnL = "unrealized_pnl"
        case totalEquity = "total_equity"
        case totalMarginUsed = "total_margin_used"
        case grossExposure = "gross_exposure"
        case netExposure = "net_exposure"
        case positionConcentration = "position_concentration"
        case limitUtilization = "limit_utilization"
        case openPositions = "open_positions"
        case pendingOrders = "pending_orders"
    }

    init(_ report: MonitorReport, instance: String) {
        let metrics = report.metrics
        self.instance = instance
        accountID = report.account
        marginRatio = metrics.marginRatio.map(Self.number)
        leverage = metrics.leverage.map(Self.number)
        drawdownDaily = metrics.drawdownDaily.map(Self.number)
        drawdownMax = metrics.drawdownMax.map(Self.number)
        totalEquity = metrics.equity.map(Self.number)
        totalMarginUsed = metrics.marginUsed.map(Self.number)
        grossExposure = metrics.grossExposure.map(Self.number)
        netExposure = metrics.netExposure.map(Self.number)
        limitUtilization = [:]
        for finding in report.findings {
            guard case .share(let share)? = finding.utilization else { continue }
            limitUtilization[report.ruleID(finding)] = Self.number(share)
        }
        positionConcentration = [:]
        missing = report.missing.map { "\($0.code)" }
        timestamp = report.at / 1_000_000_000
        guard report.missing == nil, let values = report.snapshot?.values else { return }
        unrealizedPnL = values.unrealizedPnL.map(Self.number)
        if let equity = values.equity, let start = values.dailyStartEquity {
            dailyPnL = Self.number(equity) - Self.number(start)
        }
        openPositions = values.positions?.count { $0.quantity != .zero }
        pendingOrders = values.pendingOrders?.count
        guard let equity = totalEquity, equity > 0 else { return }
        for position in values.positions ?? [] {
            guard let price = position.currentPrice else { continue }
            positionConcentration[position.symbol] = abs(Self.number(position.quantity) * Self.number(price)) / equity
        }
    }

    /// For people and charts; nothing is decided by it.
    private static func number(_ value: FixedPoint) -> Double { Double(value.description) ?? .nan }
}
