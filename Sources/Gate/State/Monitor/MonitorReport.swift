import RiskRules

/// What the monitor found of one account, copied for the state thread.
final class MonitorReport: Sendable {
    /// A finding that is broken, or was until now.
    struct Breach: Sendable {
        var finding: AccountFinding
        var note: BreachBook.Note
        /// The symbol of a finding that is one symbol's; empty for others.
        var symbol: String
    }

    let account: String
    /// Unix nanoseconds.
    let at: Int64
    /// Goes up each time that all accounts were looked at.
    let round: UInt64
    let missing: Reason?
    let metrics: AccountMetrics
    let findings: [AccountFinding]
    let breaches: [Breach]
    /// The latest snapshot; nil where there is none.
    let snapshot: AccountSnapshot?
    /// By which findings name their rules.
    let rules: PublishedRules

    init(
        account: String, at: Int64, round: UInt64, report: AccountReport, breaches: [Breach],
        snapshot: AccountSnapshot?, rules: PublishedRules
    ) {
        self.account = account
        self.at = at
        self.round = round
        missing = report.missing
        metrics = report.metrics
        findings = Array(report.findings)
        self.breaches = breaches
        self.snapshot = snapshot
        self.rules = rules
    }

    /// The id of a finding's rule.
    func ruleID(_ finding: AccountFinding) -> String {
        let texts = rules.ruleSet.texts
        return texts.indices.contains(Int(finding.rule)) ? texts[Int(finding.rule)].id : ""
    }
}
