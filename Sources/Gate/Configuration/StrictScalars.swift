package import RiskRules

/// What a node must be where a certain value belongs. Each reports what is wrong and gives nil then.
extension ProblemLog {
    /// A text as it was written.
    package func text(_ node: StrictNode, path: String, allowsEmpty: Bool = false) -> Located<String>? {
        guard case .scalar(let text, _) = node.content, !node.isNull else {
            return refuse(node, path: path, wanted: "a text")
        }
        guard allowsEmpty || !text.isEmpty else { return refuse(node, path: path, wanted: "a text that is not empty") }
        return Located(text, at: node.location)
    }

    /// A whole number: an optional minus and decimal digits.
    package func integer(_ node: StrictNode, path: String, in range: ClosedRange<Int>) -> Located<Int>? {
        let wanted = "a whole number from \(range.lowerBound) to \(range.upperBound)"
        guard case .scalar(let text, _) = node.content, !node.isNull, text.utf8.first != UInt8(ascii: "+"),
            let value = Int(text), range.contains(value)
        else { return refuse(node, path: path, wanted: wanted) }
        return Located(value, at: node.location)
    }

    /// Digits and a unit: `ms`, `s`, `m` or `h`.
    package func duration(
        _ node: StrictNode, path: String, in range: ClosedRange<Duration>
    ) -> Located<Duration>? {
        let wanted = "a duration from \(range.lowerBound.written) to \(range.upperBound.written)"
        guard case .scalar(let text, _) = node.content, !node.isNull, let value = Duration(written: text) else {
            return refuse(node, path: path, wanted: "\(wanted) (a whole number and ms, s, m or h)")
        }
        guard range.contains(value) else { return refuse(node, path: path, wanted: wanted) }
        return Located(value, at: node.location)
    }

    /// A decimal above 0 and at most 1, exact.
    package func fraction(_ node: StrictNode, path: String) -> Located<FixedPoint>? {
        let bounds = FixedPoint(units: 1)...FixedPoint(units: FixedPoint.scale)
        guard case .scalar(let text, _) = node.content, let value = try? FixedPoint(parsing: text),
            bounds.contains(value)
        else { return refuse(node, path: path, wanted: "a number above 0 and at most 1, with at most ten decimals,") }
        return Located(value, at: node.location)
    }

    /// `true` or `false`; YAML's other spellings are refused.
    package func flag(_ node: StrictNode, path: String) -> Located<Bool>? {
        switch node.content {
        case .scalar("true", isPlain: true): Located(true, at: node.location)
        case .scalar("false", isPlain: true): Located(false, at: node.location)
        default: refuse(node, path: path, wanted: "true or false")
        }
    }

    /// One of the names of an enumeration, in its own letter case.
    package func choice<Choice>(_ node: StrictNode, path: String, of type: Choice.Type) -> Located<Choice>?
    where Choice: CaseIterable & RawRepresentable & Sendable, Choice.RawValue == String {
        if case .scalar(let text, _) = node.content, let value = Choice(rawValue: text) {
            return Located(value, at: node.location)
        }
        let names = Choice.allCases.map(\.rawValue)
        var wanted = "one of \(names.joined(separator: ", "))"
        if case .scalar(let text, _) = node.content, let meant = Suggestion.closest(to: text, among: names) {
            wanted += " (did you mean \(meant)?)"
        }
        return refuse(node, path: path, wanted: wanted)
    }

    /// `host:port | unix:/path`.
    package func address(_ node: StrictNode, path: String) -> Located<SocketAddress>? {
        guard let text = text(node, path: path) else { return nil }
        do {
            return Located(try SocketAddress(text.value), at: text.location)
        } catch {
            report("\(path): \(quoted(text.value)) is not an address: \(error.reason)", at: node.location)
            return nil
        }
    }

    /// The items of a list.
    package func list(_ node: StrictNode, path: String) -> [StrictNode]? {
        guard case .sequence(let items) = node.content else { return refuse(node, path: path, wanted: "a list") }
        return items
    }

    private func refuse<Value>(_ node: StrictNode, path: String, wanted: String) -> Value? {
        if case .refused = node.content { return nil }
        report("\(path): \(wanted) belongs here, found \(node.kind)", at: node.location)
        return nil
    }
}

extension Duration {
    /// Reads `250ms`, `1s`, `5m`, `1h`: digits and a unit, nothing between; nil for anything else or what is over
    /// 10,000 hours.
    package init?(written text: String) {
        let digits = text.utf8.prefix { (0x30...0x39).contains($0) }
        guard (1...11).contains(digits.count), let count = Int64(String(decoding: digits, as: UTF8.self)) else {
            return nil
        }
        let milliseconds: Int64
        switch text.dropFirst(digits.count) {
        case "ms": milliseconds = 1
        case "s": milliseconds = 1000
        case "m": milliseconds = 60_000
        case "h": milliseconds = 3_600_000
        default: return nil
        }
        let (product, overflow) = count.multipliedReportingOverflow(by: milliseconds)
        guard !overflow, product <= 36_000_000_000 else { return nil }
        self = .milliseconds(product)
    }

    /// As files write it: in the largest unit that keeps it whole.
    package var written: String {
        let milliseconds = nanoseconds / 1_000_000
        return switch milliseconds {
        case 0: "0s"
        case _ where milliseconds % 3_600_000 == 0: "\(milliseconds / 3_600_000)h"
        case _ where milliseconds % 60_000 == 0: "\(milliseconds / 60_000)m"
        case _ where milliseconds % 1000 == 0: "\(milliseconds / 1000)s"
        default: "\(milliseconds)ms"
        }
    }

    /// In nanoseconds, as the event loops count. At most 292 years; longer ones are cut to that.
    package var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carried) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carried ? (seconds < 0 ? .min : .max) : sum
    }
}
