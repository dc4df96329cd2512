package import RiskRules

/// What each rule of a set binds, and which instruments nothing bounds the size of.
package struct RuleCoverage: Encodable, Sendable {
    package struct Rule: Encodable, Sendable {
        package var id: String
        package var file: String
        package var line: Int
        package var metric: String
        package var severity: String
        package var mode: String
        /// Patterns; empty: all.
        package var accounts: [String]
        package var strategies: [String]
        package var symbols: [String]
        /// Those that the rule applies to; empty: all.
        package var sides: [String]
        package var types: [String]
    }
    package struct Instrument: Encodable, Sendable {
        package var symbol: String
        /// Ids of the enforced hard and emergency rules that bound the size of an order or a position in it.
        package var limits: [String]
        /// Sides and types of orders that none of them covers, as `sell market`; empty where the instrument's own
        /// `max_quantity` bounds them.
        package var unlimited: [String]
    }

    /// In the order of the files.
    package var rules: [Rule]
    package var instruments: [Instrument]

    package init(_ ruleSet: RuleSet) {
        rules = ruleSet.rules.indices.map { index in
            let (rule, text) = (ruleSet.rules[index], ruleSet.texts[index])
            let names = ruleSet.appliesTo(index)
            let sides = Side.allCases.filter { rule.sides & $0.bit != 0 }
            let types = OrderType.allCases.filter { rule.types & $0.bit != 0 }
            return Rule(
                id: text.id, file: text.location.file, line: text.location.line, metric: rule.metric.rawValue,
                severity: "\(rule.severity)", mode: "\(rule.mode)", accounts: names.accounts,
                strategies: names.strategies, symbols: names.symbols,
                sides: sides.count == Side.allCases.count ? [] : sides.map(\.ruleName),
                types: types.count == OrderType.allCases.count ? [] : types.map(\.ruleName))
        }
        instruments = ruleSet.instrumentSymbols.indices.map { Self.instrument($0, ruleSet) }
    }

    private static func instrument(_ index: Int, _ ruleSet: RuleSet) -> Instrument {
        let symbol = ruleSet.instrumentSymbols[index]
        let limits = ruleSet.rules.indices.filter { place in
            let rule = ruleSet.rules[place]
            guard rule.mode == .enforce, rule.severity != .soft, rule.bindsSize else { return false }
            let symbols = ruleSet.appliesTo(place).symbols
            return symbols.isEmpty || symbols.contains { Glob.matches($0, symbol) }
        }
        var unlimited: [String] = []
        if ruleSet.instruments[index].maxQuantity == .zero {
            for side in Side.allCases {
                for type in OrderType.allCases {
                    let isBound = limits.contains { place in
                        ruleSet.rules[place].sides & side.bit != 0 && ruleSet.rules[place].types & type.bit != 0
                    }
                    if !isBound { unlimited.append("\(side.ruleName) \(type.ruleName)") }
                }
            }
        }
        return Instrument(symbol: symbol, limits: limits.map { ruleSet.texts[$0].id }, unlimited: unlimited)
    }

    /// Lines of two tables.
    package var lines: [String] {
        func list(_ names: [String]) -> String { names.isEmpty ? "all" : names.joined(separator: " ") }
        var table = TextTable(["RULE", "METRIC", "SEVERITY", "ACCOUNTS", "STRATEGIES", "SYMBOLS", "SIDES", "TYPES"])
        for rule in rules {
            table.add([
                rule.id, rule.metric, rule.mode == "shadow" ? "\(rule.severity), shadow" : rule.severity,
                list(rule.accounts), list(rule.strategies), list(rule.symbols), list(rule.sides), list(rule.types),
            ])
        }
        var instrumentTable = TextTable(["INSTRUMENT", "BOUNDED IN SIZE BY"])
        for instrument in instruments {
            instrumentTable.add([
                instrument.symbol, instrument.limits.isEmpty ? "no rule" : instrument.limits.joined(separator: " "),
            ])
        }
        return [table.lines, instrumentTable.lines].filter { !$0.isEmpty }.joined(separator: [""]).map { $0 }
    }
}

extension CompiledRule {
    /// Whether it has a largest value that a larger order or position comes nearer to.
    fileprivate var bindsSize: Bool {
        switch metric {
        case .orderQuantity, .notionalSum, .positionQuantity, .positionNotional, .grossExposure, .netExposure,
            .leverage,
            .concentration, .openOrderNotional, .marginRatio, .availableMargin:
            true
        case .orderNotional: hasMax
        default: false
        }
    }
}
