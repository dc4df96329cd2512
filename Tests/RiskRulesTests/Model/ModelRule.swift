import RiskRules

/// A rule as the language words it.
struct ModelRule: Equatable {
    var id: String
    var metric: Metric
    var max: Exact?
    var min: Exact?
    var allow: [String] = []
    var deny: [String] = []
    var window: Int64 = 0
    var per = RuleKey.account
    var accounts: [String] = []
    var strategies: [String] = []
    var symbols: [String] = []
    var sides: [Side] = []
    var types: [OrderType] = []
    var severity = Severity.hard
    var mode = RuleMode.enforce
    var stop = StopScope.account
    var skipsMissing = false
    /// nil: not said.
    var exemptReducing: Bool?
    /// This Gate's part of `max`.
    var share: Exact?

    /// What holds: a part is rounded to the stricter side.
    var largest: Exact? { max.map { ($0 * (share ?? Exact(1))).roundedDown } }

    /// The lines of it in a rule file.
    var lines: [String] {
        func list(_ key: String, _ words: [String]) -> [String] {
            words.isEmpty ? [] : ["\(key): [\(words.joined(separator: ", "))]"]
        }
        return ["id: \(id)", "metric: \(metric.rawValue)"]
            + (max.map { ["max: \($0.text)"] } ?? []) + (min.map { ["min: \($0.text)"] } ?? [])
            + list("allow", allow) + list("deny", deny)
            + (window > 0 ? ["window: \(window / 1_000_000)ms"] : []) + (per == .account ? [] : ["per: \(per)"])
            + list("accounts", accounts) + list("strategies", strategies) + list("symbols", symbols)
            + list("sides", sides.map(\.ruleName)) + list("types", types.map(\.ruleName))
            + (severity == .hard ? [] : ["severity: \(severity)"]) + (mode == .enforce ? [] : ["mode: \(mode)"])
            + (severity == .emergency ? ["stop: \(stop)"] : []) + (skipsMissing ? ["on_missing: skip"] : [])
            + (exemptReducing.map { ["exempt_reducing: \($0)"] } ?? [])
            + (share.map { ["share: \($0.text)"] } ?? [])
    }

    var blocks: Bool { severity != .soft && mode == .enforce }

    /// A window goes on under another rule set where these are the same.
    var windowIdentity: String { "\(id) \(metric) \(window) \(per)" }

    func names(_ account: String, _ strategy: String, _ symbol: String) -> Bool {
        Self.lists(accounts, account) && Self.lists(strategies, strategy) && Self.lists(symbols, symbol)
    }

    /// Whether it is about this order.
    func applies(to order: ModelOrder) -> Bool {
        let isDefined =
            switch metric {
            case .priceDeviation, .priceAggression: order.hasLimitPrice
            case .spread: order.type == .market || order.hasStopPrice
            default: true
            }
        return isDefined && names(order.account, order.strategy, order.symbol)
            && (sides.isEmpty || sides.contains(order.side)) && (types.isEmpty || types.contains(order.type))
    }

    private static func lists(_ patterns: [String], _ name: String) -> Bool {
        patterns.isEmpty || patterns.contains { matches($0, name) }
    }

    /// `*` stands for any characters, `?` for one.
    static func matches(_ pattern: String, _ name: String) -> Bool {
        matches(Substring(pattern), Substring(name))
    }

    private static func matches(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return matches(pattern.dropFirst(), name) || !name.isEmpty && matches(pattern, name.dropFirst())
        }
        return !name.isEmpty && (first == "?" || first == name.first)
            && matches(pattern.dropFirst(), name.dropFirst())
    }

    /// The tables of the controls that a metric stands in.
    enum Table { case order, rate, exposure, loss }

    var table: Table {
        switch metric {
        case .symbol, .account, .strategy, .side, .type, .timeInForce, .orderQuantity, .orderNotional, .priceDeviation,
            .spread, .priceAggression:
            .order
        case .orderCount, .messageCount, .notionalSum, .duplicateCount, .rejectCount: .rate
        case .positionQuantity, .positionNotional, .grossExposure, .netExposure, .leverage, .concentration,
            .openOrders, .openOrderNotional, .marginRatio, .availableMargin:
            .exposure
        case .drawdownDaily, .drawdownMax, .dailyLoss, .equity, .valueAtRisk, .expectedShortfall, .volatility: .loss
        }
    }

    /// The steps of an evaluation that have rules.
    enum Step { case counters, payload, price, account }

    var step: Step {
        switch metric {
        case .orderCount, .messageCount, .duplicateCount, .rejectCount: .counters
        case .symbol, .account, .strategy, .side, .type, .timeInForce, .orderQuantity: .payload
        case .orderNotional, .priceDeviation, .priceAggression, .spread, .volatility, .notionalSum: .price
        default: .account
        }
    }

    /// Whether a risk-reducing order is not judged by it.
    var exemptsReducing: Bool {
        exemptReducing
            ?? (table == .exposure || table == .loss || metric == .symbol || metric == .notionalSum
                || metric == .rejectCount)
    }

    /// Whether a risk-reducing order is not judged by it where its price is missing or too old.
    var exemptsReducingWithoutPrice: Bool {
        switch metric {
        case .orderNotional, .priceDeviation, .spread, .priceAggression, .volatility: exemptReducing ?? true
        default: exemptsReducing
        }
    }

    /// The reason where a bound of it does not hold.
    func reason(isMax: Bool) -> Reason {
        switch metric {
        case .symbol: .symbolNotPermitted
        case .account: .accountNotPermitted
        case .strategy: .strategyNotPermitted
        case .side: .sideNotPermitted
        case .type: .orderTypeNotPermitted
        case .timeInForce: .timeInForceNotPermitted
        case .orderQuantity: .orderQuantityExceeded
        case .orderNotional: isMax ? .orderNotionalExceeded : .notionalBelowMinimum
        case .priceDeviation, .spread, .priceAggression: .priceCollarBreached
        case .orderCount: .orderRateExceeded
        case .messageCount: .messageRateExceeded
        case .notionalSum: .windowNotionalExceeded
        case .duplicateCount: .duplicateOrder
        case .rejectCount: .rejectRateExceeded
        case .positionQuantity, .positionNotional: .positionLimitExceeded
        case .grossExposure: .grossExposureExceeded
        case .netExposure: .netExposureExceeded
        case .leverage: .leverageExceeded
        case .concentration: .concentrationExceeded
        case .openOrders: .openOrdersExceeded
        case .openOrderNotional: .openOrderNotionalExceeded
        case .marginRatio: .marginRatioBelowMinimum
        case .availableMargin: .insufficientMargin
        case .drawdownDaily, .drawdownMax: .drawdownExceeded
        case .dailyLoss: .dailyLossExceeded
        case .equity: .equityBelowMinimum
        case .valueAtRisk: .valueAtRiskExceeded
        case .expectedShortfall: .expectedShortfallExceeded
        case .volatility: .volatilityExceeded
        }
    }
}

/// What an instrument fixes for the orders of its symbol; nil: nothing.
struct ModelInstrument: Equatable {
    var tickSize: Exact?
    var lotSize: Exact?
    var minQuantity: Exact?
    var maxQuantity: Exact?
    var minNotional: Exact?
    var multiplier: Exact?
    var initialMargin: Exact?

    func lines(_ symbol: String) -> [String] {
        let values = [
            ("tick_size", tickSize), ("lot_size", lotSize), ("min_quantity", minQuantity),
            ("max_quantity", maxQuantity), ("min_notional", minNotional), ("contract_multiplier", multiplier),
            ("initial_margin", initialMargin),
        ]
        return ["symbol: \(symbol)"] + values.compactMap { key, value in value.map { "\(key): \($0.text)" } }
    }
}

/// All rules in force, in the order of the files.
struct ModelRuleSet: Equatable {
    var rules: [ModelRule]
    /// Empty: none are given.
    var instruments: [String: ModelInstrument] = [:]

    var document: RuleDocument {
        RuleLines(
            rules: rules.map(\.lines), instruments: instruments.sorted { $0.key < $1.key }.map { $1.lines($0) }
        ).document
    }
}

extension Exact {
    /// As a rule file writes it.
    var text: String { fixedPoint.map { "\($0)" } ?? "out of range" }
}
