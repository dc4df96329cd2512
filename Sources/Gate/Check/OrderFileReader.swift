package import RiskRules

/// Reads what `gate check --explain` is asked about: an order as the API takes it, with the account's state and the prices.
///
/// The file is JSON (or YAML): every number is the text that was written, every problem has its line, and a key that is
/// not known is one.
package struct OrderFileReader {
    /// The order and the prices; the account's state stands apart.
    package private(set) var document: RuleDocument.Example
    /// nil: the account has no snapshot.
    package private(set) var account: AccountSnapshot.Values?

    /// nil, and at least one problem in `log`, where the file cannot be understood.
    package init?(order bytes: [UInt8], file: String, into log: ProblemLog) {
        guard let node = StrictReader.read(bytes, file: file, into: log) else { return nil }
        document = RuleDocument.Example(location: node.location)
        var map = StrictMapping(node, path: "", log: log)
        document.order = RuleFileReader.order(&map)
        if let state = map.node("account_state") { account = Self.account(state, into: log) }
        if var prices = map.mapping("prices") { RuleFileReader.readPrices(&prices, into: &document) }
        map.require("account")
        map.finish()
    }

    /// Takes the account's state from a file of its own, as it stands in Redis.
    package mutating func read(account bytes: [UInt8], file: String, into log: ProblemLog) {
        guard let node = StrictReader.read(bytes, file: file, into: log) else { return }
        guard account == nil else {
            log.report("the order's file has an account_state too: leave one of them out", at: node.location)
            return
        }
        account = Self.account(node, into: log)
    }

    /// Takes the prices from a file of their own: symbols and of each a price, or bid and ask.
    package mutating func read(prices bytes: [UInt8], file: String, into log: ProblemLog) {
        guard let node = StrictReader.read(bytes, file: file, into: log) else { return }
        guard document.prices.isEmpty, document.quotes.isEmpty else {
            log.report("the order's file has prices too: leave one of them out", at: node.location)
            return
        }
        var map = StrictMapping(node, path: "", log: log)
        RuleFileReader.readPrices(&map, into: &document)
    }

    /// A snapshot as the mirror reads it, so that what is explained is what would be decided; but a field that the mirror
    /// would pass over is a problem here.
    private static func account(_ node: StrictNode, into log: ProblemLog) -> AccountSnapshot.Values? {
        for (list, fields) in [("positions", positionFields), ("pending_orders", pendingOrderFields)] {
            for item in items(of: list, in: node) { refuseUnknownFields(of: item, known: fields, into: log) }
        }
        refuseUnknownFields(of: node, known: accountFields, into: log)
        let snapshot = Array(node.json.utf8).withUnsafeBytes { bytes in
            Result { () throws(RefusedValue) in try AccountSnapshotParser().parse(bytes) }
        }
        if case .failure(let refused) = snapshot {
            log.report("the account's state is refused: \(refused)", at: node.location)
        }
        return try? snapshot.get()
    }

    private static let accountFields = [
        "seq", "as_of", "equity", "balance", "unrealized_pnl", "margin_used", "available_margin", "peak_equity",
        "daily_start_equity", "positions", "pending_orders", "returns",
    ]
    private static let positionFields = ["symbol", "side", "quantity", "entry_price", "current_price", "margin"]
    private static let pendingOrderFields = ["client_order_id", "order_id", "symbol", "side", "quantity", "price"]

    /// Go marshals `margin_used` as `MarginUsed`.
    private static func plain(_ field: String) -> String { field.lowercased().filter { $0 != "_" } }

    private static func refuseUnknownFields(of node: StrictNode, known: [String], into log: ProblemLog) {
        guard case .mapping(let entries) = node.content else { return }
        for entry in entries where !known.contains(where: { plain($0) == plain(entry.key.value) }) {
            let advice = Suggestion.text(for: entry.key.value, among: known)
            log.report("unknown field \(quoted(entry.key.value)): \(advice)", at: entry.key.location)
        }
    }

    private static func items(of list: String, in node: StrictNode) -> [StrictNode] {
        guard case .mapping(let entries) = node.content,
            let entry = entries.first(where: { plain($0.key.value) == plain(list) }),
            case .sequence(let items) = entry.value.content
        else { return [] }
        return items
    }
}

extension StrictNode {
    /// The node as JSON, its numbers as they were written.
    fileprivate var json: String {
        switch content {
        case .scalar where isNull: "null"
        case .scalar(let text, isPlain: true) where Self.isLiteral(text): text
        case .scalar(let text, _): Self.string(text)
        case .sequence(let items): "[\(items.map(\.json).joined(separator: ","))]"
        case .mapping(let entries):
            "{\(entries.map { "\(Self.string($0.key.value)):\($0.value.json)" }.joined(separator: ","))}"
        case .refused: "null"
        }
    }

    private static func isLiteral(_ text: String) -> Bool {
        text == "true" || text == "false" || (try? FixedPoint(rounding: text)) != nil && !text.hasPrefix("+")
    }

    private static func string(_ text: String) -> String {
        var json = "\""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"", "\\": json += "\\\(scalar)"
            case _ where scalar.value < 0x20:
                json += "\\u00" + (scalar.value < 16 ? "0" : "") + String(scalar.value, radix: 16)
            default: json.unicodeScalars.append(scalar)
            }
        }
        return json + "\""
    }
}
