package import Foundation

/// What the account keeper publishes of one account, in the words of its readers.
package struct AccountState: Codable, Sendable {
    package struct Position: Codable, Sendable {
        package enum Side: String, Codable, Sendable {
            case long = "LONG"
            case short = "SHORT"
        }

        package let symbol: String
        package let side: Side
        package let quantity: Decimal
        package let entryPrice: Decimal
        package let currentPrice: Decimal
        package let margin: Decimal

        private enum CodingKeys: String, CodingKey {
            case symbol, side, quantity, margin
            case entryPrice = "entry_price"
            case currentPrice = "current_price"
        }
    }

    package struct PendingOrder: Codable, Sendable {
        package let clientOrderID: String
        package let orderID: String
        package let symbol: String
        package let side: String
        /// What remains to be filled.
        package let quantity: Decimal
        /// Absent for a stop that becomes a market order.
        package let price: Decimal?

        private enum CodingKeys: String, CodingKey {
            case symbol, side, quantity, price
            case clientOrderID = "client_order_id"
            case orderID = "order_id"
        }
    }

    /// Grows by one with each state of the account.
    package let seq: Int64
    /// Unix seconds up to which the exchange's events are applied.
    package let asOf: Double
    package let equity: Decimal
    package let balance: Decimal
    package let unrealizedPnl: Decimal
    package let marginUsed: Decimal
    package let availableMargin: Decimal
    package let peakEquity: Decimal
    package let dailyStartEquity: Decimal
    package let positions: [Position]
    package let pendingOrders: [PendingOrder]

    private enum CodingKeys: String, CodingKey {
        case seq, equity, balance, positions
        case asOf = "as_of"
        case unrealizedPnl = "unrealized_pnl"
        case marginUsed = "margin_used"
        case availableMargin = "available_margin"
        case peakEquity = "peak_equity"
        case dailyStartEquity = "daily_start_equity"
        case pendingOrders = "pending_orders"
    }
}
