/// An embedded example, read: what is so, the order, and what must become of it.
struct RuleExample {
    typealias Text = RuleDocument.Text

    var name: String
    var location: SourceLocation
    /// nil: the account has no snapshot.
    var account: AccountSnapshot.Values?
    /// Whose snapshot that is; the order's account unless said otherwise.
    var snapshotOf: String
    var prices: [(symbol: String, price: FixedPoint)] = []
    var quotes: [(symbol: String, bid: FixedPoint, ask: FixedPoint)] = []
    var orderAccount: String
    /// Empty: the order names none.
    var strategy = ""
    var symbol = ""
    var side = Side.buy
    var type = OrderType.limit
    /// In upper case; empty: the order names none.
    var timeInForce = ""
    var quantity = FixedPoint.zero
    var price = FixedPoint.zero
    var stopPrice = FixedPoint.zero
    var reduceOnly = false
    /// When the order is decided, in unix nanoseconds; nil: at any time.
    var at: Int64?
    /// nil: approved.
    var expected: Reason?
    var expectLocation: SourceLocation

    static let defaultAccount = "example"
    static let approved = "approved"
    static let amounts: [(key: String, field: any WritableKeyPath<AccountSnapshot.Values, FixedPoint?> & Sendable)] = [
        ("equity", \.equity), ("balance", \.balance), ("unrealized_pnl", \.unrealizedPnL),
        ("margin_used", \.marginUsed), ("available_margin", \.availableMargin), ("peak_equity", \.peakEquity),
        ("daily_start_equity", \.dailyStartEquity),
    ]
}

/// Reads one example; every fault of its form is a problem.
struct RuleExampleReader {
    typealias Text = RuleDocument.Text
    private(set) var problems: [Problem] = []

    /// The example, or nil and at least one problem.
    mutating func read(_ document: RuleDocument.Example) -> RuleExample? {
        var example = readScene(document)
        if document.name == nil { report("this example has no name: say what it shows", at: document.location) }
        if let text = document.at {
            example.at = RuleInstant.read(text.value)
            if example.at == nil {
                report(
                    "at \"\(text.value)\" is not an instant: write date, time and zone, as in 2026-03-29T01:00:00Z",
                    at: text.location)
            }
        }
        if let text = document.expect {
            example.expectLocation = text.location
            readExpectation(text, into: &example)
        } else {
            report("this example has no expect: write approved or a reason code", at: document.location)
        }
        return problems.isEmpty ? example : nil
    }

    /// The account, the prices and the order; nothing is expected yet.
    mutating func readScene(_ document: RuleDocument.Example) -> RuleExample {
        let account = document.account.flatMap { readAccount($0) }
        let orderAccount = document.order?.account ?? document.account?.id
        let snapshotOf = document.account?.id ?? document.order?.account
        var example = RuleExample(
            name: document.name?.value ?? "", location: document.location, account: account,
            snapshotOf: snapshotOf?.value ?? RuleExample.defaultAccount,
            orderAccount: orderAccount?.value ?? RuleExample.defaultAccount, expectLocation: document.location)
        for (symbol, text) in document.prices {
            guard let price = aboveZero(text, "the price of \(symbol.value)") else { continue }
            example.prices.append((symbol.value, price))
        }
        for quote in document.quotes { readQuote(quote, into: &example) }
        if let order = document.order {
            readOrder(order, into: &example)
        } else {
            report("this example has no order: write one", at: document.location)
        }
        return example
    }

    private mutating func report(_ message: String, at location: SourceLocation) {
        problems.append(Problem(message, at: location))
    }

    private mutating func readQuote(_ quote: RuleDocument.ExampleQuote, into example: inout RuleExample) {
        let what = "quote of \(quote.symbol.value)"
        let bidText = required(quote.bid, "bid_price", of: what, at: quote.location)
        let askText = required(quote.ask, "ask_price", of: what, at: quote.location)
        guard let bidText, let askText, let bid = aboveZero(bidText, "bid_price"),
            let ask = aboveZero(askText, "ask_price")
        else { return }
        guard bid <= ask else {
            report("bid_price \(bid) is above ask_price \(ask): exchange them", at: bidText.location)
            return
        }
        example.quotes.append((quote.symbol.value, bid, ask))
    }

    private mutating func readExpectation(_ text: Text, into example: inout RuleExample) {
        guard text.value != RuleExample.approved else { return }
        if let reason = Reason.allCases.first(where: { "\($0.code)" == text.value }) {
            example.expected = reason
            return
        }
        let near = Suggestion.nearest(
            to: text.value, among: [RuleExample.approved] + Reason.allCases.map { "\($0.code)" })
        let advice =
            near.first.map { "did you mean \($0)?" } ?? "write approved or a reason code, as in LEVERAGE_EXCEEDED"
        report("unknown reason \"\(text.value)\": \(advice)", at: text.location)
    }

    private mutating func readAccount(_ document: RuleDocument.ExampleAccount) -> AccountSnapshot.Values {
        var values = AccountSnapshot.Values()
        for (key, text) in document.amounts {
            guard let field = RuleExample.amounts.first(where: { $0.key == key.value })?.field else {
                let advice = Suggestion.text(for: key.value, among: RuleExample.amounts.map(\.key))
                report("unknown key \"\(key.value)\" of an example's account: \(advice)", at: key.location)
                continue
            }
            values[keyPath: field] = number(text, key.value)
        }
        values.positions = document.positions.compactMap { readPosition($0) }
        values.pendingOrders = document.pendingOrders.compactMap { readPendingOrder($0) }
        values.returns = document.returns.map { list in
            list.compactMap { number($0, "returns").map { Double($0.units) / Double(FixedPoint.scale) } }
        }
        return values
    }

    private mutating func readPosition(_ document: RuleDocument.ExamplePosition) -> AccountSnapshot.Position? {
        let symbol = required(document.symbol, "symbol", of: "position", at: document.location)
        let side = required(document.side, "side", of: "position", at: document.location)
        let quantity = required(document.quantity, "quantity", of: "position", at: document.location)
        let currentPrice = document.currentPrice.flatMap { aboveZero($0, "current_price") }
        guard let symbol, let side, let quantity, let size = aboveZero(quantity, "quantity") else { return nil }
        switch side.value.lowercased() {
        case "long": return AccountSnapshot.Position(symbol: symbol.value, quantity: size, currentPrice: currentPrice)
        case "short":
            return AccountSnapshot.Position(
                symbol: symbol.value, quantity: FixedPoint(units: -size.units), currentPrice: currentPrice)
        default:
            let advice = Suggestion.text(for: side.value, among: ["long", "short"])
            report("unknown side \"\(side.value)\" of a position: \(advice)", at: side.location)
            return nil
        }
    }

    private mutating func readPendingOrder(
        _ document: RuleDocument.ExamplePendingOrder
    ) -> AccountSnapshot.PendingOrder? {
        let symbol = required(document.symbol, "symbol", of: "pending order", at: document.location)
        let sideText = required(document.side, "side", of: "pending order", at: document.location)
        let quantity = required(document.quantity, "quantity", of: "pending order", at: document.location)
        let price = document.price.flatMap { aboveZero($0, "price") }
        guard let symbol, let sideText, let side = self.side(sideText), let quantity,
            let remaining = aboveZero(quantity, "quantity")
        else { return nil }
        return AccountSnapshot.PendingOrder(
            clientOrderID: nil, orderID: nil, symbol: symbol.value, side: side, quantity: remaining, price: price)
    }

    private mutating func readOrder(_ document: RuleDocument.ExampleOrder, into example: inout RuleExample) {
        example.strategy = document.strategy?.value ?? ""
        example.timeInForce = document.timeInForce?.value.uppercased() ?? ""
        if let symbol = required(document.symbol, "symbol", of: "order", at: document.location) {
            example.symbol = symbol.value
        }
        if let text = required(document.side, "side", of: "order", at: document.location), let side = side(text) {
            example.side = side
        }
        if let text = required(document.quantity, "quantity", of: "order", at: document.location) {
            example.quantity = aboveZero(text, "quantity") ?? .zero
        }
        example.type = document.price == nil ? .market : .limit
        if let text = document.type {
            if let type = orderType(text) { example.type = type } else { return }
        }
        example.price = document.price.flatMap { aboveZero($0, "price") } ?? .zero
        example.stopPrice = document.stopPrice.flatMap { aboveZero($0, "stop_price") } ?? .zero
        if example.type.hasLimitPrice, document.price == nil {
            report("a \(example.type.ruleName) order needs a price: write one", at: document.location)
        }
        if example.type.hasStopPrice, document.stopPrice == nil {
            report("a \(example.type.ruleName) order needs a stop_price: write one", at: document.location)
        }
        if let text = document.reduceOnly {
            switch text.value {
            case "true": example.reduceOnly = true
            case "false": break
            default: report("reduce_only is true or false, not \"\(text.value)\"", at: text.location)
            }
        }
    }

    private mutating func required(_ text: Text?, _ key: String, of what: String, at place: SourceLocation) -> Text? {
        if text == nil { report("this \(what) has no \(key): write one", at: place) }
        return text
    }

    private mutating func number(_ text: Text, _ key: String) -> FixedPoint? {
        RuleNumber.read(text, key: key, into: &problems)
    }

    private mutating func aboveZero(_ text: Text, _ key: String) -> FixedPoint? {
        guard let value = number(text, key) else { return nil }
        if value > .zero { return value }
        report("\(key) \(text.value) is not above 0", at: text.location)
        return nil
    }

    private mutating func side(_ text: Text) -> Side? { RuleWord.side(text, into: &problems) }

    private mutating func orderType(_ text: Text) -> OrderType? { RuleWord.orderType(text, into: &problems) }
}
