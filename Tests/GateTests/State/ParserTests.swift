import Gate
import RiskRules
import Testing

/// What the two parsers of Redis values take, refuse, and make of it.
struct PriceParserTests {
    private func parse(_ text: String, field: String = "price") throws(RefusedValue) -> ParsedPrice {
        let bytes = Array(text.utf8)
        let parser = PriceParser(field: field)
        return try bytes.withUnsafeBytes { bytes in Result { () throws(RefusedValue) in try parser.parse(bytes) } }
            .get()
    }

    @Test(
        arguments: [
            ("50000", "50000"), ("50000.5", "50000.5"), (" 1.5\n", "1.5"), ("1.5e3", "1500"), ("25E-4", "0.0025"),
            // 15 to 20 digits stay exact.
            ("123456789012345.6789", "123456789012345.6789"), ("12345678901234.567890", "12345678901234.56789"),
            ("999999999999999999.9999999999", "999999999999999999.9999999999"),
            ("1000000000000000000", "1000000000000000000"), ("0.1234567890123456789", "0.123456789"),
            // Half-even at the tenth decimal.
            ("1.00000000005", "1"), ("1.00000000015", "1.0000000002"), ("1.000000000050001", "1.0000000001"),
            ("1.00000000004999999999", "1"),
        ])
    func `reads a plain number exactly`(text: String, expected: String) throws {
        #expect(try parse(text).mark.description == expected)
        #expect(try parse("{\"price\": \(text)}").mark.description == expected)
    }

    @Test(
        arguments: [
            "", "x", "NaN", "Infinity", "-Infinity", "\"50000\"", "null", "true", "[1]", "05", "+5", ".5", "5.", "1 2",
            "0x10",
            "0", "-0", "-1", "0.00000000004", "1000000000000000000.0000000001", "1e19", "1e200", "1e999", "1e-200",
        ])
    func `refuses what is no price`(text: String) {
        #expect(throws: RefusedValue.self) { try parse(text) }
        #expect(throws: RefusedValue.self) { try parse("{\"price\": \(text)}") }
    }

    @Test func `takes the middle of bid and ask, rounded half-even`() throws {
        let price = try parse(#"{"price": 7, "bid_price": 1.0000000001, "ask_price": 1.0000000002}"#)
        #expect(price.mark.description == "1.0000000002")
        #expect(price.bid?.description == "1.0000000001")
        #expect(price.ask?.description == "1.0000000002")
        #expect(try parse(#"{"price": 7, "bid_price": 1, "ask_price": 1.0000000001}"#).mark.description == "1")
        #expect(try parse(#"{"price": 7, "BidPrice": 10, "AskPrice": 10}"#).mark.description == "10")
    }

    @Test(
        arguments: [
            #"{"price": 7, "bid_price": 10}"#, #"{"price": 7, "ask_price": 10}"#,
            #"{"price": 7, "bid_price": null, "ask_price": 10}"#, #"{"price": 7, "bid_price": 0, "ask_price": 10}"#,
        ])
    func `takes the price where only one side is given`(text: String) throws {
        let price = try parse(text)
        #expect(price.mark.description == "7")
    }

    @Test(
        arguments: [
            #"{"price": 7, "bid_price": 10.1, "ask_price": 10}"#, #"{"price": 7, "bid_price": -1, "ask_price": 10}"#,
            #"{"price": 7, "bid_price": "9", "ask_price": 10}"#, #"{"bid_price": 9, "ask_price": 10}"#,
            #"{"price": 7, "as_of": "now"}"#, #"{"price": 7, "as_of": -1}"#, #"{"price": 7, "as_of": 1e18}"#,
            #"{"price": 7, "as_of": 1, "AsOf": 1}"#, #"{"price": 7"#,
        ])
    func `refuses an object that is not sound`(text: String) {
        #expect(throws: RefusedValue.self) { try parse(text) }
    }

    @Test func `reads the time of a price to the nanosecond`() throws {
        #expect(try parse(#"{"price": 7, "as_of": 1760000000.125}"#).asOf == 1_760_000_000_125_000_000)
        #expect(try parse(#"{"price": 7, "as_of": 1760000000.123456789}"#).asOf == 1_760_000_000_123_456_789)
        #expect(try parse(#"{"price": 7, "as_of": 1760000000}"#).asOf == 1_760_000_000_000_000_000)
        #expect(try parse(#"{"price": 7}"#).asOf == nil)
    }

    @Test func `refuses an object where no field is configured, and says so`() {
        let refusal = #expect(throws: RefusedValue.self) { try parse(#"{"price": 7}"#, field: "") }
        #expect(refusal?.reason.contains("names no field") == true)
        #expect(throws: Never.self) { try parse("7", field: "") }
    }

    @Test func `takes the configured field`() throws {
        #expect(try parse(#"{"price": 7, "last": 8}"#, field: "last").mark.description == "8")
    }
}

struct AccountSnapshotParserTests {
    private func parse(_ text: String) throws(RefusedValue) -> AccountSnapshot.Values {
        let bytes = Array(text.utf8)
        let parser = AccountSnapshotParser()
        return try bytes.withUnsafeBytes { bytes in Result { () throws(RefusedValue) in try parser.parse(bytes) } }
            .get()
    }

    private func reason(_ text: String) -> String? {
        #expect(throws: RefusedValue.self) { try parse(text) }?.reason
    }

    @Test func `reads a whole snapshot`() throws {
        let values = try parse(
            """
            {"seq": 412, "as_of": 1760000000.125, "equity": 100000, "balance": 100000.25, "unrealized_pnl": -0.5,
             "margin_used": 10000, "available_margin": -90000, "peak_equity": 105000, "daily_start_equity": 98000,
             "positions": [{"symbol": "BTCUSDT", "side": "LONG", "quantity": 0.5, "entry_price": 48000,
                            "current_price": 50000, "margin": 2500},
                           {"symbol": "ETHUSDT", "side": "short", "quantity": 2, "current_price": 0}],
             "pending_orders": [{"client_order_id": "c-1", "order_id": "", "symbol": "BTCUSDT", "side": "BUY",
                                 "quantity": 0.1, "price": 49000}],
             "returns": [0.001, -0.004], "unknown": {"a": [1]}}
            """)
        #expect(values.seq == 412)
        #expect(values.asOf == 1_760_000_000_125_000_000)
        #expect(values.equity?.description == "100000")
        #expect(values.balance?.description == "100000.25")
        #expect(values.unrealizedPnL?.description == "-0.5")
        #expect(values.marginUsed?.description == "10000")
        #expect(values.availableMargin?.description == "-90000")
        #expect(values.peakEquity?.description == "105000")
        #expect(values.dailyStartEquity?.description == "98000")
        #expect(values.positions?.map(\.symbol) == ["BTCUSDT", "ETHUSDT"])
        #expect(values.positions?.map(\.quantity.description) == ["0.5", "-2"])
        #expect(values.positions?.map { $0.currentPrice?.description } == ["50000", nil])
        #expect(values.pendingOrders?.map(\.clientOrderID) == ["c-1"])
        #expect(values.pendingOrders?.map(\.orderID) == [nil])
        #expect(values.pendingOrders?.map(\.side) == [.buy])
        #expect(values.pendingOrders?.map { $0.price?.description } == ["49000"])
        #expect(values.returns == [0.001, -0.004])
    }

    @Test func `reads field names as Go marshals them`() throws {
        let values = try parse(
            """
            {"Seq": 1, "AsOf": 2, "Equity": 3, "Balance": 4, "UnrealizedPnL": 5, "MarginUsed": 6, "AvailableMargin": 7,
             "PeakEquity": 8, "DailyStartEquity": 9, "Returns": [1],
             "Positions": [{"Symbol": "B", "Side": "LONG", "Quantity": 1, "EntryPrice": 1, "CurrentPrice": 2,
                            "Margin": 1}],
             "PendingOrders": [{"ClientOrderID": "c", "OrderID": "o", "Symbol": "B", "Side": "SELL", "Quantity": 1,
                                "Price": 0}]}
            """)
        #expect(values.seq == 1 && values.asOf == 2_000_000_000)
        let amounts = [
            values.equity, values.balance, values.unrealizedPnL, values.marginUsed, values.availableMargin,
            values.peakEquity, values.dailyStartEquity,
        ]
        #expect(amounts.map { $0?.description } == ["3", "4", "5", "6", "7", "8", "9"])
        #expect(values.positions?.first?.currentPrice?.description == "2")
        #expect(values.pendingOrders?.first?.clientOrderID == "c")
        #expect(values.pendingOrders?.first?.orderID == "o")
        #expect(values.pendingOrders?.first?.price == nil)
        #expect(values.returns == [1])
    }

    @Test func `tells a missing list from an empty one`() throws {
        #expect(try parse("{}").positions == nil)
        #expect(try parse("{}").pendingOrders == nil)
        for empty in ["[]", "null"] {
            let values = try parse("{\"positions\": \(empty), \"pending_orders\": \(empty)}")
            #expect(values.positions?.isEmpty == true)
            #expect(values.pendingOrders?.isEmpty == true)
        }
    }

    @Test func `takes null and absence of an amount as missing`() throws {
        #expect(try parse(#"{"equity": null}"#).equity == nil)
        #expect(try parse("{}").equity == nil)
        #expect(try parse(#"{"equity": 0}"#).equity == .zero)
    }

    @Test(
        arguments: [
            ("1000000000000000000", true), ("-1000000000000000000", true), ("1000000000000000000.0000000001", false),
            ("-1000000000000000000.0000000001", false), ("1000000000000000000.00000000004", true), ("1e18", true),
            ("1e19", false), ("1e300", false), ("1e-300", true), ("NaN", false), ("Infinity", false), ("\"1\"", false),
            ("true", false), ("[]", false),
        ])
    func `takes amounts up to the range and no further`(text: String, isTaken: Bool) {
        let json = "{\"equity\": \(text)}"
        if isTaken {
            #expect(throws: Never.self) { try parse(json) }
        } else {
            #expect(throws: RefusedValue.self) { try parse(json) }
        }
    }

    @Test func `refuses a negative margin and takes a zero one`() throws {
        #expect(reason(#"{"margin_used": -0.1}"#) == "margin_used is -0.1; it cannot be negative")
        #expect(try parse(#"{"margin_used": 0}"#).marginUsed == .zero)
    }

    @Test func `refuses opposite positions of one symbol and adds up equal ones`() throws {
        let long = #"{"symbol": "B", "side": "LONG", "quantity": 1, "current_price": 10}"#
        let longer = #"{"symbol": "B", "side": "LONG", "quantity": 2, "current_price": 11}"#
        let short = #"{"symbol": "B", "side": "SHORT", "quantity": 1}"#
        let flat = #"{"symbol": "B", "side": "SHORT", "quantity": 0}"#
        #expect(reason("{\"positions\": [\(long), \(short)]}") == "positions holds B both long and short")
        let positions = try parse("{\"positions\": [\(long), \(longer), \(flat)]}").positions
        #expect(positions?.map(\.quantity.description) == ["3"])
        #expect(positions?.map { $0.currentPrice?.description } == ["11"])
        let half = #"{"symbol": "B", "side": "LONG", "quantity": 500000000000000000}"#
        let rest = #"{"symbol": "B", "side": "LONG", "quantity": 500000000000000000.0000000001}"#
        #expect(throws: Never.self) { try parse("{\"positions\": [\(half), \(half)]}") }
        #expect(throws: RefusedValue.self) { try parse("{\"positions\": [\(half), \(rest)]}") }
    }

    @Test(
        arguments: [
            #"{"positions": [{"side": "LONG", "quantity": 1}]}"#, #"{"positions": [{"symbol": "B", "side": "LONG"}]}"#,
            #"{"positions": [{"symbol": "B", "quantity": 1}]}"#,
            #"{"positions": [{"symbol": "B", "side": "UP", "quantity": 1}]}"#,
            #"{"positions": [{"symbol": "B", "side": "LONG", "quantity": -1}]}"#,
            #"{"positions": [{"symbol": "B", "side": "LONG", "quantity": 1, "current_price": -1}]}"#,
            #"{"positions": [{"symbol": "B", "side": "LONG", "quantity": 1, "margin": 1e30}]}"#,
            #"{"positions": [{"symbol": "", "side": "LONG", "quantity": 1}]}"#, #"{"positions": {}}"#,
            #"{"positions": [null]}"#, #"{"positions": 5}"#, #"{"positions": [], "Positions": []}"#,
            #"{"pending_orders": [{"symbol": "B", "side": "LONG", "quantity": 1}]}"#,
            #"{"pending_orders": [{"symbol": "B", "side": "BUY"}]}"#,
            #"{"pending_orders": [{"symbol": "B", "side": "BUY", "quantity": 1, "price": -1}]}"#,
            #"{"pending_orders": [{"symbol": "B", "side": "BUY", "quantity": 1, "client_order_id": 5}]}"#,
            #"{"seq": -1}"#, #"{"seq": 1.5}"#, #"{"seq": "1"}"#, #"{"seq": 9223372036854775808}"#,
            #"{"returns": ["x"]}"#,
            #"{"returns": [null]}"#, #"{"returns": 1}"#, "[]", "5", "\"x\"", "", "{", "{}{}", "\u{0}",
        ])
    func `refuses a snapshot that is not sound`(text: String) {
        #expect(throws: RefusedValue.self) { try parse(text) }
    }

    @Test func `says which field is wrong`() {
        #expect(reason(#"{"equity": "x"}"#) == "equity is not a number")
        let good = #"{"symbol": "B", "side": "LONG", "quantity": 1}"#
        let bad = #"{"symbol": "C", "side": "x", "quantity": 1}"#
        #expect(reason("{\"positions\": [\(good), \(bad)]}") == "positions[1].side is not LONG or SHORT")
        #expect(reason("[]") == "the value is not a JSON object")
    }

    @Test func `takes the largest seq, and the latest thousand returns`() throws {
        #expect(try parse(#"{"seq": 9223372036854775807}"#).seq == .max)
        let returns = (0..<1002).map { "\($0)" }.joined(separator: ",")
        let kept = try parse("{\"returns\": [\(returns)]}").returns
        #expect(kept?.count == 1000)
        #expect(kept?.first == 2)
    }

    @Test func `refuses nesting without end instead of crashing`() {
        let deep = String(repeating: "[", count: 100_000)
        #expect(throws: RefusedValue.self) { try parse("{\"x\": \(deep)") }
        #expect(throws: RefusedValue.self) { try parse("{\"positions\": \(deep)") }
    }
}
