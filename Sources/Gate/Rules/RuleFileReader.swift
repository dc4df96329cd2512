package import RiskRules

/// Reads one rule file: its keys are known, its values are kept as they were written. What they mean, and which are
/// needed, `RuleCompiler` judges.
package struct RuleFileReader {
    private let log: ProblemLog

    /// What the file says, or nil where it holds no document to judge. Every problem goes to `log`.
    /// - Parameter file: the name that problems carry, and that orders the files of a set.
    package static func read(_ bytes: [UInt8], file: String, into log: ProblemLog) -> RuleDocument? {
        StrictReader.read(bytes, file: file, into: log).map { RuleFileReader(log: log).document($0, file: file) }
    }

    private func document(_ node: StrictNode, file: String) -> RuleDocument {
        var document = RuleDocument(file: file)
        var map = StrictMapping(node, path: "", log: log)
        document.rules = mappings("rules", named: "rule", in: &map, read: rule)
        document.instruments = mappings("instruments", named: "instrument", in: &map, read: instrument)
        document.examples = mappings("examples", named: "example", in: &map, read: example)
        map.finish()
        return document
    }

    /// A list of mappings, each read by `read`; empty where the key is absent.
    private func mappings<Element>(
        _ key: String, named name: String, in map: inout StrictMapping, read: (inout StrictMapping) -> Element
    ) -> [Element] {
        (map.list(key) ?? []).map { node in
            var item = StrictMapping(node, path: name, log: log)
            let element = read(&item)
            item.finish()
            return element
        }
    }

    private func rule(_ map: inout StrictMapping) -> RuleDocument.Rule {
        var rule = RuleDocument.Rule(location: map.location)
        rule.id = map.text("id")
        rule.description = map.text("description", allowsEmpty: true)
        rule.severity = map.text("severity")
        rule.metric = map.text("metric")
        rule.max = map.text("max")
        rule.min = map.text("min")
        rule.window = map.text("window")
        rule.per = map.text("per")
        rule.allow = map.texts("allow")
        rule.deny = map.texts("deny")
        rule.appliesTo = appliesTo(&map)
        rule.stop = map.text("stop")
        rule.mode = map.text("mode")
        rule.onMissing = map.text("on_missing")
        rule.exemptReducing = map.text("exempt_reducing")
        rule.confidence = map.text("confidence")
        rule.method = map.text("method")
        rule.share = map.text("share")
        rule.scale = scale(&map)
        rule.active = active(&map)
        rule.rollout = map.text("rollout")
        return rule
    }

    private func scale(_ map: inout StrictMapping) -> RuleDocument.Scale? {
        guard var inner = map.mapping("scale") else { return nil }
        var scale = RuleDocument.Scale(location: inner.location)
        scale.by = inner.text("by")
        scale.window = inner.text("window")
        scale.reference = inner.text("reference")
        scale.floor = inner.text("floor")
        inner.finish()
        return scale
    }

    private func appliesTo(_ map: inout StrictMapping) -> RuleDocument.AppliesTo? {
        guard var inner = map.mapping("applies_to") else { return nil }
        var appliesTo = RuleDocument.AppliesTo(location: inner.location)
        appliesTo.accounts = inner.texts("accounts") ?? []
        appliesTo.strategies = inner.texts("strategies") ?? []
        appliesTo.symbols = inner.texts("symbols") ?? []
        appliesTo.sides = inner.texts("sides") ?? []
        appliesTo.types = inner.texts("types") ?? []
        inner.finish()
        return appliesTo
    }

    private func active(_ map: inout StrictMapping) -> RuleDocument.Active? {
        guard var inner = map.mapping("active") else { return nil }
        var active = RuleDocument.Active(location: inner.location)
        active.days = inner.texts("days")
        active.from = inner.text("from")
        active.to = inner.text("to")
        active.timezone = inner.text("timezone")
        inner.finish()
        return active
    }

    private func instrument(_ map: inout StrictMapping) -> RuleDocument.Instrument {
        var instrument = RuleDocument.Instrument(location: map.location)
        instrument.symbol = map.text("symbol")
        instrument.tickSize = map.text("tick_size")
        instrument.lotSize = map.text("lot_size")
        instrument.minQuantity = map.text("min_quantity")
        instrument.maxQuantity = map.text("max_quantity")
        instrument.minNotional = map.text("min_notional")
        instrument.contractMultiplier = map.text("contract_multiplier")
        instrument.initialMargin = map.text("initial_margin")
        return instrument
    }

    // MARK: Examples

    private func example(_ map: inout StrictMapping) -> RuleDocument.Example {
        var example = RuleDocument.Example(location: map.location)
        example.name = map.text("name")
        example.account = account(&map)
        if var prices = map.mapping("prices") { Self.readPrices(&prices, into: &example) }
        example.order = order(&map)
        example.expect = map.text("expect")
        example.at = map.text("at")
        return example
    }

    private func account(_ map: inout StrictMapping) -> RuleDocument.ExampleAccount? {
        guard var inner = map.mapping("account") else { return nil }
        var account = RuleDocument.ExampleAccount(location: inner.location)
        account.id = inner.text("id")
        let amounts = [
            "equity", "balance", "unrealized_pnl", "margin_used", "available_margin", "peak_equity",
            "daily_start_equity",
        ]
        for key in amounts {
            guard let written = inner.key(key), let value = inner.text(key) else { continue }
            account.amounts.append((key: written, value: value))
        }
        account.positions = mappings("positions", named: "position", in: &inner, read: position)
        account.pendingOrders = mappings("pending_orders", named: "pending order", in: &inner, read: pendingOrder)
        account.returns = inner.texts("returns")
        inner.finish()
        return account
    }

    private func position(_ map: inout StrictMapping) -> RuleDocument.ExamplePosition {
        var position = RuleDocument.ExamplePosition(location: map.location)
        position.symbol = map.text("symbol")
        position.side = map.text("side")
        position.quantity = map.text("quantity")
        position.currentPrice = map.text("current_price")
        return position
    }

    private func pendingOrder(_ map: inout StrictMapping) -> RuleDocument.ExamplePendingOrder {
        var order = RuleDocument.ExamplePendingOrder(location: map.location)
        order.symbol = map.text("symbol")
        order.side = map.text("side")
        order.quantity = map.text("quantity")
        order.price = map.text("price")
        return order
    }

    private func order(_ map: inout StrictMapping) -> RuleDocument.ExampleOrder? {
        guard var inner = map.mapping("order") else { return nil }
        let order = Self.order(&inner)
        inner.finish()
        return order
    }
}

// What rule files and orders to be explained have in common.
extension RuleFileReader {
    /// The keys of an order.
    static func order(_ map: inout StrictMapping) -> RuleDocument.ExampleOrder {
        var order = RuleDocument.ExampleOrder(location: map.location)
        order.account = map.text("account")
        order.strategy = map.text("strategy")
        order.symbol = map.text("symbol")
        order.side = map.text("side")
        order.type = map.text("type")
        order.timeInForce = map.text("time_in_force")
        order.quantity = map.text("quantity")
        order.price = map.text("price")
        order.stopPrice = map.text("stop_price")
        order.reduceOnly = map.text("reduce_only")
        return order
    }

    /// Symbols as keys, and of each a price, or bid and ask.
    static func readPrices(_ map: inout StrictMapping, into example: inout RuleDocument.Example) {
        for symbol in map.keys {
            guard map.isMapping(symbol.value), var inner = map.mapping(symbol.value) else {
                if let price = map.text(symbol.value) { example.prices.append((symbol: symbol, price: price)) }
                continue
            }
            var quote = RuleDocument.ExampleQuote(symbol: symbol, location: inner.location)
            quote.bid = inner.text("bid_price")
            quote.ask = inner.text("ask_price")
            inner.finish()
            example.quotes.append(quote)
        }
    }
}
