import Foundation

/// Turns the demo's status into text.
struct DemoScreen {
    let orders: HostPort
    let admin: HostPort
    let endpoint: String
    let account: String
    /// Where the rule files are, as a person would type it.
    let rules: String

    /// The whole view, line by line.
    func lines(_ status: DemoStatus) -> [String] {
        let tally = status.tally
        var lines = [
            "Gate demo, \(Int(status.elapsed / .seconds(1))) s     strategy -> Gate \(orders) -> exchange \(endpoint)     Ctrl-C ends it",
            "",
            "  approved \(Self.grouped(tally.approved))    rejected \(Self.grouped(tally.rejectedTotal))"
                + "    cancels \(tally.cancels)    refused by the exchange \(tally.refused)    failed \(tally.failed)",
        ]
        for entry in tally.rejectedByReason.prefix(10) {
            lines.append("    \(Self.right(Self.grouped(entry.count), 8))  \(entry.reason)")
        }
        lines += ["", "  latency                last 5 s p50       p99    overall p50       p99"]
        lines += status.latencies.map { latency in
            "    " + Self.left(latency.name, 24) + Self.quantiles(latency.lately) + "       "
                + Self.quantiles(latency.overall)
        }
        lines += ["", "  account \(account)" + (status.equity.map { "    equity \(Self.grouped(Int($0)))" } ?? "")]
        lines += status.uses.map(Self.line)
        if !tally.recent.isEmpty { lines += ["", "  last rejects"] }
        lines += tally.recent.prefix(5).map { "    \(Self.clock($0.at))  \($0)" }
        return lines + [""] + advice(status).map { "  " + $0 }
    }

    /// What to look at and what to try.
    func advice(_ status: DemoStatus) -> [String] {
        var lines = [
            "metrics    http://\(admin)/metrics      rule set \(status.ruleSet.prefix(12))",
            "edit       \(rules)/exposure.yaml: set max of open-orders to 3 and save; the next order is decided by it",
        ]
        if let refused = refusedEdits(status) { lines.append("           \(refused)") }
        return lines
    }

    private func refusedEdits(_ status: DemoStatus) -> String? {
        guard status.refusedReloads > 0 else { return nil }
        return "edits refused: \(status.refusedReloads); the last good rules stay; see: gate check \(rules)"
    }

    /// One line for a log.
    func line(_ status: DemoStatus) -> String {
        let latencies = status.latencies.prefix(3).compactMap { latency -> String? in
            guard let p50 = latency.lately.quantile(0.5), let p99 = latency.lately.quantile(0.99) else { return nil }
            return "\(latency.name) p50 \(Self.time(p50)) p99 \(Self.time(p99))"
        }
        let leverage = status.uses.first.map { "leverage \(Self.number($0.value)) of \(Self.bound($0.limit))" }
        return
            (["\(Int(status.elapsed / .seconds(1))) s", status.tally.summary] + latencies
            + [leverage, refusedEdits(status)].compactMap(\.self))
            .joined(separator: "; ")
    }

    /// What is left to say when it is over.
    func summary(_ status: DemoStatus) -> [String] {
        let tally = status.tally
        let reasons = tally.rejectedByReason.map { "\($0.reason) \($0.count)" }.joined(separator: ", ")
        var lines = [
            "approved \(tally.approved)", "rejected \(tally.rejectedTotal)" + (reasons.isEmpty ? "" : ": \(reasons)"),
            "refused by the exchange \(tally.refused), failed \(tally.failed), cancels \(tally.cancels)",
        ]
        lines += status.latencies.map { "\($0.name): p50, p99 \(Self.quantiles($0.overall))" }
        if tally.refused + tally.failed > 0 { lines.append("last refusal or failure: \(tally.lastFailure)") }
        return lines
    }

    // MARK: Words and numbers

    private static func line(_ use: DemoStatus.Use) -> String {
        let width = 30
        let share = use.limit.map { $0.max > 0 ? use.value / $0.max : 1 } ?? 0
        let filled = Int((min(max(share, 0), 1) * Double(width)).rounded())
        let bar = String(repeating: "#", count: filled) + String(repeating: ".", count: width - filled)
        return "    " + left(use.name, 16) + right(number(use.value), 11) + " of " + left(bound(use.limit), 11)
            + "[\(bar)] \(use.limit?.rule ?? "")"
    }

    private static func bound(_ limit: RuleLimits.Limit?) -> String { limit.map { number($0.max) } ?? "no limit" }

    private static func quantiles(_ counts: BucketCounts) -> String {
        [0.5, 0.99].map { right(counts.quantile($0).map(time) ?? "-", 8) }.joined(separator: "  ")
    }

    static func time(_ seconds: Double) -> String {
        switch seconds {
        case ..<0.000_01: String(format: "%.2f us", seconds * 1e6)
        case ..<0.001: String(format: "%.0f us", seconds * 1e6)
        default: String(format: "%.1f ms", seconds * 1e3)
        }
    }

    static func number(_ value: Double) -> String {
        abs(value) < 1_000 ? String(format: "%.2f", value) : grouped(Int(value.rounded()))
    }

    static func grouped(_ value: Int) -> String {
        let digits = Array(String(value.magnitude))
        let groups = stride(from: digits.count, to: 0, by: -3).map { String(digits[max(0, $0 - 3)..<$0]) }
        return (value < 0 ? "-" : "") + groups.reversed().joined(separator: ",")
    }

    private static func clock(_ date: Date) -> String {
        var seconds = time_t(date.timeIntervalSince1970)
        var local = tm()
        localtime_r(&seconds, &local)
        return String(format: "%02d:%02d:%02d", local.tm_hour, local.tm_min, local.tm_sec)
    }

    private static func left(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    private static func right(_ text: String, _ width: Int) -> String {
        String(repeating: " ", count: max(0, width - text.count)) + text
    }
}
