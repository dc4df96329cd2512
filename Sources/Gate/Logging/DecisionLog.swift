import CLinux
package import Logging
import RiskRules

/// Writes one structured line for each refused order. Lives on the state thread.
package final class DecisionLog {
    private let log: Logger

    package init(log: Logger) {
        self.log = log
    }

    /// Writes the line, and releases the record's rule set.
    package func write(_ record: RejectRecord) {
        let ruleSet = takeRuleSet(record)
        log.warning("order refused", metadata: metadata(record, ruleSet))
    }

    /// What an emergency stop says of the order that tripped it: `drawdown_max 0.31 breaks 0.25 (rule drawdown-stop)`.
    /// Releases the record's rule set.
    package func stopReason(_ record: RejectRecord) -> String {
        let rule = takeRuleSet(record).flatMap { Self.rule(record.rule, in: $0) }
        var text = "\(record.reason.code)"
        if record.hasValue { text += ": \(rule?.metric ?? "value") \(record.value)" }
        if record.hasBound { text += " breaks its bound \(record.bound)" }
        if let rule { text += " (rule \(rule.id))" }
        return text
    }

    private func takeRuleSet(_ record: RejectRecord) -> RuleSet? {
        record.rules.map { Unmanaged<PublishedRules>.fromOpaque($0).takeRetainedValue().ruleSet }
    }

    /// nil for a built-in check.
    private static func rule(_ index: Int32, in ruleSet: RuleSet) -> (id: String, metric: String)? {
        guard ruleSet.rules.indices.contains(Int(index)) else { return nil }
        return (ruleSet.texts[Int(index)].id, ruleSet.rules[Int(index)].metric.rawValue)
    }

    private func metadata(_ record: RejectRecord, _ ruleSet: RuleSet?) -> Logger.Metadata {
        var fields: Logger.Metadata = [
            "decision_id": "\(DecisionID.text(record.decisionID))", "decided_at": "\(Timestamp.text(record.at))",
            "reason": "\(record.reason.code)",
        ]
        if let ruleSet { fields["rule_set"] = "\(ruleSet.version)" }
        if let rule = ruleSet.flatMap({ Self.rule(record.rule, in: $0) }) {
            fields["rule"] = "\(rule.id)"
            fields["metric"] = "\(rule.metric)"
        }
        if record.hasValue { fields["value"] = "\(record.value)" }
        if record.hasBound { fields["bound"] = "\(record.bound)" }
        if record.client.count > 0 { fields["client"] = "\(record.client.string)" }
        guard record.hasOrder else { return fields }
        fields["account"] = "\(record.account.string)"
        if record.strategy.count > 0 { fields["strategy"] = "\(record.strategy.string)" }
        fields["symbol"] = "\(record.symbol.string)"
        fields["side"] = "\(record.side.ruleName)"
        fields["type"] = "\(record.type.ruleName)"
        fields["quantity"] = "\(record.quantity)"
        if record.type.hasLimitPrice { fields["price"] = "\(record.price)" }
        if record.clientOrderID.count > 0 { fields["client_order_id"] = "\(record.clientOrderID.string)" }
        return fields
    }
}
