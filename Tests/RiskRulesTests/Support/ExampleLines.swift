import RiskRules

/// An embedded example, written key by key; the parts stand in lines of their own from the given line on: name, account,
/// prices, order, expect. A part's location is column 5, a value's column 20.
struct ExampleLines {
    var name: String? = "an example"
    /// The account's amounts and `id`; nil: it has no snapshot.
    var account: KeyValuePairs<String, String>? = ["equity": "1000", "margin_used": "0", "available_margin": "1000"]
    var positions: [KeyValuePairs<String, String>] = []
    var pendingOrders: [KeyValuePairs<String, String>] = []
    var prices: KeyValuePairs<String, String> = ["BTCUSDT": "50000"]
    var order: KeyValuePairs<String, String>? = [
        "symbol": "BTCUSDT", "side": "buy", "quantity": "0.1", "price": "50000",
    ]
    var at: String?
    var expect: String? = "approved"
    var file = "a.yaml"
    var line = 100

    var example: RuleDocument.Example {
        var example = RuleDocument.Example(location: place(line, 5))
        example.name = name.map { Located($0, at: place(line, 20)) }
        example.account = account.map(readAccount)
        example.prices = prices.map { (text($0.key, line + 2), text($0.value, line + 2)) }
        example.order = order.map(readOrder)
        example.at = at.map { Located($0, at: place(line + 4, 20)) }
        example.expect = expect.map { Located($0, at: place(line + 4, 20)) }
        return example
    }

    private func place(_ line: Int, _ column: Int) -> SourceLocation {
        SourceLocation(file: file, line: line, column: column)
    }

    private func text(_ value: String, _ line: Int) -> Located<String> { Located(value, at: place(line, 20)) }

    private func readAccount(_ values: KeyValuePairs<String, String>) -> RuleDocument.ExampleAccount {
        var account = RuleDocument.ExampleAccount(location: place(line + 1, 5))
        for (key, value) in values {
            if key == "id" {
                account.id = text(value, line + 1)
            } else {
                account.amounts.append((text(key, line + 1), text(value, line + 1)))
            }
        }
        for values in positions {
            var position = RuleDocument.ExamplePosition(location: place(line + 1, 5))
            for (key, value) in values {
                switch key {
                case "symbol": position.symbol = text(value, line + 1)
                case "side": position.side = text(value, line + 1)
                case "quantity": position.quantity = text(value, line + 1)
                default: position.currentPrice = text(value, line + 1)
                }
            }
            account.positions.append(position)
        }
        for values in pendingOrders {
            var order = RuleDocument.ExamplePendingOrder(location: place(line + 1, 5))
            for (key, value) in values {
                switch key {
                case "symbol": order.symbol = text(value, line + 1)
                case "side": order.side = text(value, line + 1)
                case "quantity": order.quantity = text(value, line + 1)
                default: order.price = text(value, line + 1)
                }
            }
            account.pendingOrders.append(order)
        }
        return account
    }

    private func readOrder(_ values: KeyValuePairs<String, String>) -> RuleDocument.ExampleOrder {
        var order = RuleDocument.ExampleOrder(location: place(line + 3, 5))
        for (key, value) in values {
            let value = text(value, line + 3)
            switch key {
            case "account": order.account = value
            case "strategy": order.strategy = value
            case "symbol": order.symbol = value
            case "side": order.side = value
            case "type": order.type = value
            case "time_in_force": order.timeInForce = value
            case "quantity": order.quantity = value
            case "price": order.price = value
            case "stop_price": order.stopPrice = value
            default: order.reduceOnly = value
            }
        }
        return order
    }
}
