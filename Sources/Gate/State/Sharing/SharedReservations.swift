import FoundationEssentials
package import RiskRules

/// What a Gate lets the others of its Redis know of one account: the sums of what it let through and no snapshot contains. The
/// value of `gate:reserved:{account}:{instance}`; numbers are decimals as text.
package struct SharedReservations: Codable, Equatable {
    struct Symbol: Codable, Equatable {
        var symbol: String
        var buys: String
        var sells: String
        var orders: Int
        var notional: String
        var unpriced: String
    }

    var account: String
    var instance: String
    /// Tells two runs, or two Gates that have one instance name, apart.
    var run: String
    /// How long it counts unless it is written again.
    var ttlMilliseconds: Int64
    var margin: String
    var unknownMargins: Int
    var symbols: [Symbol]

    private enum CodingKeys: String, CodingKey {
        case account, instance, run, margin, symbols
        case ttlMilliseconds = "ttl_ms"
        case unknownMargins = "unknown_margins"
    }

    /// Reads a value. Throws a sentence about what is wrong with it.
    package init(reading bytes: UnsafeRawBufferPointer) throws(RefusedValue) {
        do {
            self = try JSONDecoder().decode(Self.self, from: Data(bytes))
        } catch {
            throw RefusedValue("it is not the JSON that Gate writes")
        }
        guard (1...3_600_000).contains(ttlMilliseconds) else { throw RefusedValue("ttl_ms is out of range") }
    }

    init(account: String, instance: String, run: String, ttlMilliseconds: Int64) {
        self.account = account
        self.instance = instance
        self.run = run
        self.ttlMilliseconds = ttlMilliseconds
        margin = "0"
        unknownMargins = 0
        symbols = []
    }

    mutating func set(_ margin: ReservedMargin) {
        self.margin = margin.amount.description
        unknownMargins = margin.unknown
    }

    mutating func append(_ symbol: String, _ sums: ReservedSums) {
        symbols.append(
            Symbol(
                symbol: symbol, buys: sums.buys.description, sells: sums.sells.description, orders: sums.orders,
                notional: sums.notional.description, unpriced: sums.unpriced.description))
    }

    /// What the engine counts. Throws where a number cannot be read.
    package func reservations() throws(RefusedValue) -> ForeignReservations {
        var parts: [(symbol: String, sums: ReservedSums)] = []
        for symbol in symbols {
            guard (1...NameText.capacity).contains(symbol.symbol.utf8.count) else {
                throw RefusedValue("a symbol is empty or too long")
            }
            parts.append(
                (
                    symbol.symbol,
                    ReservedSums(
                        buys: try Self.number(symbol.buys), sells: try Self.number(symbol.sells), orders: symbol.orders,
                        notional: try Self.number(symbol.notional), unpriced: try Self.number(symbol.unpriced))
                ))
        }
        return ForeignReservations(
            symbols: parts, margin: ReservedMargin(amount: try Self.number(margin), unknown: unknownMargins))
    }

    private static func number(_ text: String) throws(RefusedValue) -> FixedPoint {
        guard let number = try? FixedPoint(parsing: text) else { throw RefusedValue("\(text) is no amount") }
        return number
    }

    /// The value.
    package func encoded() throws -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        return try Array(encoder.encode(self))
    }
}
