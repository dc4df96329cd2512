import Foundation
package import RiskRules

/// Reads an account's state as its keeper wrote it: JSON into exact decimals, every field optional.
package struct AccountSnapshotParser {
    private let decoder = JSONDecoder()
    /// The longest value that is read.
    static let maximumBytes = 4 * 1024 * 1024
    /// Returns kept: the latest.
    static let maximumReturns = 1000

    package init() {}

    package func parse(_ bytes: UnsafeRawBufferPointer) throws(RefusedValue) -> AccountSnapshot.Values {
        guard bytes.count <= Self.maximumBytes else {
            throw RefusedValue("the value has \(bytes.count) bytes; a snapshot has at most \(Self.maximumBytes)")
        }
        do {
            return try decoder.decode(AccountValue.self, from: Data(bytes)).values
        } catch let refused as RefusedValue {
            throw refused
        } catch let error as DecodingError {
            throw RefusedValue(FieldReader.reason(of: error, at: "the value"))
        } catch {
            throw RefusedValue("the value cannot be read: \(error)")
        }
    }
}

private struct AccountValue: Decodable {
    let values: AccountSnapshot.Values

    init(from decoder: any Decoder) throws {
        let fields = try FieldReader(decoder)
        var values = AccountSnapshot.Values()
        values.seq = try fields.count("seq", "Seq")
        values.asOf = try fields.instant("as_of", "AsOf")
        values.equity = try fields.amount("equity", "Equity")
        values.balance = try fields.amount("balance", "Balance")
        values.unrealizedPnL = try fields.amount(
            "unrealized_pnl", "UnrealizedPnL", "UnrealizedPNL", "UnrealizedPnl")
        values.marginUsed = try fields.unsignedAmount("margin_used", "MarginUsed")
        values.availableMargin = try fields.amount("available_margin", "AvailableMargin")
        values.peakEquity = try fields.amount("peak_equity", "PeakEquity")
        values.dailyStartEquity = try fields.amount("daily_start_equity", "DailyStartEquity")
        values.positions = try fields.list(of: PositionValue.self, "positions", "Positions")
            .map { try Self.merged($0.compactMap(\.position)) }
        values.pendingOrders = try fields.list(of: PendingOrderValue.self, "pending_orders", "PendingOrders")
            .map { $0.map(\.order) }
        values.returns = try fields.list(of: Double.self, "returns", "Returns")
            .map { Array($0.suffix(AccountSnapshotParser.maximumReturns)) }
        self.values = values
    }

    /// One position a symbol: parts on one side are added up, at the higher of their prices.
    private static func merged(_ positions: [AccountSnapshot.Position]) throws -> [AccountSnapshot.Position] {
        var merged: [AccountSnapshot.Position] = []
        var places: [String: Int] = [:]
        for position in positions {
            guard let place = places[position.symbol] else {
                places[position.symbol] = merged.count
                merged.append(position)
                continue
            }
            let other = merged[place]
            guard (other.quantity < .zero) == (position.quantity < .zero) else {
                throw RefusedValue("positions holds \(position.symbol) both long and short")
            }
            guard let sum = other.quantity.adding(position.quantity) else {
                throw RefusedValue("the positions of \(position.symbol) add up to more than 10^18")
            }
            merged[place].quantity = sum
            if let price = position.currentPrice {
                merged[place].currentPrice = max(other.currentPrice ?? price, price)
            }
        }
        return merged
    }
}

private struct PositionValue: Decodable {
    /// nil for a flat one, which says no more than its absence.
    let position: AccountSnapshot.Position?

    init(from decoder: any Decoder) throws {
        let fields = try FieldReader(decoder)
        let symbol = try fields.symbol()
        guard let quantity = try fields.unsignedAmount("quantity", "Quantity") else {
            throw RefusedValue("\(fields.path("quantity")) is missing")
        }
        _ = try fields.unsignedAmount("entry_price", "EntryPrice")
        _ = try fields.amount("margin", "Margin")
        let currentPrice = try fields.price("current_price", "CurrentPrice")
        let side = try fields.text("side", "Side")
        guard quantity > .zero else {
            position = nil
            return
        }
        let signed: FixedPoint
        switch side?.uppercased() {
        case "LONG", "BUY": signed = quantity
        case "SHORT", "SELL": signed = FixedPoint(units: -quantity.units)
        default: throw RefusedValue("\(fields.path("side")) is not LONG or SHORT")
        }
        position = AccountSnapshot.Position(symbol: symbol, quantity: signed, currentPrice: currentPrice)
    }
}

private struct PendingOrderValue: Decodable {
    let order: AccountSnapshot.PendingOrder

    init(from decoder: any Decoder) throws {
        let fields = try FieldReader(decoder)
        let symbol = try fields.symbol()
        guard let quantity = try fields.unsignedAmount("quantity", "Quantity") else {
            throw RefusedValue("\(fields.path("quantity")) is missing")
        }
        let price = try fields.price("price", "Price")
        let clientOrderID = try fields.text("client_order_id", "ClientOrderID", "ClientOrderId")
        let orderID = try fields.text("order_id", "OrderID", "OrderId")
        let side: Side
        switch try fields.text("side", "Side")?.uppercased() {
        case "BUY": side = .buy
        case "SELL": side = .sell
        default: throw RefusedValue("\(fields.path("side")) is not BUY or SELL")
        }
        order = AccountSnapshot.PendingOrder(
            clientOrderID: clientOrderID.flatMap { $0.isEmpty ? nil : $0 },
            orderID: orderID.flatMap { $0.isEmpty ? nil : $0 },
            symbol: symbol, side: side, quantity: quantity, price: price)
    }
}

extension FieldReader {
    /// The engine's names are 1 to 64 bytes.
    fileprivate func symbol() throws -> String {
        guard let symbol = try text("symbol", "Symbol"), (1...64).contains(symbol.utf8.count) else {
            throw RefusedValue("\(path("symbol")) is missing or not 1 to 64 bytes long")
        }
        return symbol
    }

    /// A price; zero is how Go writes one that is not known.
    fileprivate func price(_ name: String, _ goName: String) throws -> FixedPoint? {
        try unsignedAmount(name, goName).flatMap { $0 == .zero ? nil : $0 }
    }
}
