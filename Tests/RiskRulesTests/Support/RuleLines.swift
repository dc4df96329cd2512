import RiskRules

/// Rule documents written as the lines of the file they would come from, without a YAML reader: each rule stands as
/// `  - first-key: value` and `    key: value`, one line a key, from line 2 on.
struct RuleLines {
    var file = "a.yaml"
    var rules: [[String]] = []
    var instruments: [[String]] = []

    var document: RuleDocument {
        var document = RuleDocument(file: file)
        var line = 2
        for rule in rules {
            document.rules.append(Self.rule(rule, file: file, firstLine: line))
            line += rule.count
        }
        line += 1
        for instrument in instruments {
            document.instruments.append(Self.instrument(instrument, file: file, firstLine: line))
            line += instrument.count
        }
        return document
    }

    /// One line: the key's place and the value's.
    private struct Entry {
        var key: Located<String>
        var value: Located<String>

        init(_ text: String, file: String, line: Int) {
            let parts = text.split(separator: ":", maxSplits: 1)
            let name = String(parts[0])
            let content = parts.count > 1 ? String(parts[1].drop { $0 == " " }) : ""
            key = Located(name, at: SourceLocation(file: file, line: line, column: 5))
            value = Located(content, at: SourceLocation(file: file, line: line, column: 7 + name.utf8.count))
        }

        /// The entries of `[a, b]`.
        var list: [Located<String>] {
            let inner = value.value.dropFirst().dropLast()
            var column = value.location.column + 1
            return inner.split(separator: ",", omittingEmptySubsequences: !inner.contains(",")).map { part in
                let text = part.drop { $0 == " " }
                let place = SourceLocation(
                    file: value.location.file, line: value.location.line, column: column + part.count - text.count)
                column += part.count + 1
                return Located(String(text), at: place)
            }
        }
    }

    private static func entries(_ lines: [String], file: String, firstLine: Int) -> [Entry] {
        lines.enumerated().map { Entry($1, file: file, line: firstLine + $0) }
    }

    static func rule(_ lines: [String], file: String, firstLine: Int) -> RuleDocument.Rule {
        var rule = RuleDocument.Rule(location: SourceLocation(file: file, line: firstLine, column: 5))
        var scope: RuleDocument.AppliesTo?
        for entry in entries(lines, file: file, firstLine: firstLine) {
            let text = entry.value
            switch entry.key.value {
            case "id": rule.id = text
            case "description": rule.description = text
            case "severity": rule.severity = text
            case "metric": rule.metric = text
            case "max": rule.max = text
            case "min": rule.min = text
            case "window": rule.window = text
            case "per": rule.per = text
            case "allow": rule.allow = entry.list
            case "deny": rule.deny = entry.list
            case "stop": rule.stop = text
            case "mode": rule.mode = text
            case "on_missing": rule.onMissing = text
            case "exempt_reducing": rule.exemptReducing = text
            case "confidence": rule.confidence = text
            case "method": rule.method = text
            case "share": rule.share = text
            case "by", "window of scale", "reference", "floor", "scale":
                var scale = rule.scale ?? RuleDocument.Scale(location: entry.key.location)
                switch entry.key.value {
                case "by": scale.by = text
                case "window of scale": scale.window = text
                case "reference": scale.reference = text
                case "floor": scale.floor = text
                default: break
                }
                rule.scale = scale
            case "rollout": rule.rollout = text
            case "active", "days", "from", "to", "timezone":
                var active = rule.active ?? RuleDocument.Active(location: entry.key.location)
                switch entry.key.value {
                case "days": active.days = entry.list
                case "from": active.from = text
                case "to": active.to = text
                case "timezone": active.timezone = text
                default: break
                }
                rule.active = active
            case "accounts", "strategies", "symbols", "sides", "types":
                var appliesTo = scope ?? RuleDocument.AppliesTo(location: entry.key.location)
                switch entry.key.value {
                case "accounts": appliesTo.accounts = entry.list
                case "strategies": appliesTo.strategies = entry.list
                case "symbols": appliesTo.symbols = entry.list
                case "sides": appliesTo.sides = entry.list
                default: appliesTo.types = entry.list
                }
                scope = appliesTo
            default: preconditionFailure("no rule of a test says \(entry.key.value)")
            }
        }
        rule.appliesTo = scope
        return rule
    }

    static func instrument(_ lines: [String], file: String, firstLine: Int) -> RuleDocument.Instrument {
        var instrument = RuleDocument.Instrument(location: SourceLocation(file: file, line: firstLine, column: 5))
        for entry in entries(lines, file: file, firstLine: firstLine) {
            switch entry.key.value {
            case "symbol": instrument.symbol = entry.value
            case "tick_size": instrument.tickSize = entry.value
            case "lot_size": instrument.lotSize = entry.value
            case "min_quantity": instrument.minQuantity = entry.value
            case "max_quantity": instrument.maxQuantity = entry.value
            case "min_notional": instrument.minNotional = entry.value
            case "contract_multiplier": instrument.contractMultiplier = entry.value
            default: instrument.initialMargin = entry.value
            }
        }
        return instrument
    }

    /// Compiles documents; the messages of all problems, or none.
    static func problems(of documents: [RuleDocument]) -> [String] {
        switch RuleCompiler.compile(documents, version: "v1") {
        case .success: []
        case .failure(let problems): problems.problems.map(\.description)
        }
    }

    /// The set of documents that are to be good.
    static func compile(_ documents: [RuleDocument]) throws -> RuleSet {
        try RuleCompiler.compile(documents, version: "v1").get()
    }

    static func compile(_ rules: [[String]], instruments: [[String]] = []) throws -> RuleSet {
        try compile([RuleLines(rules: rules, instruments: instruments).document])
    }
}
