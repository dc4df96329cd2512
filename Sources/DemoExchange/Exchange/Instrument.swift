package import Foundation

/// What the exchange lists: the steps and bounds of an instrument's orders, its margin, and how its price moves.
package struct Instrument: Sendable {
    package let symbol: String
    /// Where the price starts, and what it is drawn back to.
    package let startPrice: Decimal
    package let tickSize: Decimal
    package let lotSize: Decimal
    package let minQuantity: Decimal
    package let maxQuantity: Decimal
    /// The least value of an order, in the quote currency; orders that only reduce are exempt.
    package let minNotional: Decimal
    /// Margin of a position or open order, as a fraction of its notional.
    package let initialMargin: Decimal
    /// Quantity offered at each price level; the next level is one tick worse.
    package let depth: Decimal
    /// Standard deviation of the log price over one second.
    package let volatility: Double

    package init(
        symbol: String, startPrice: Decimal, tickSize: Decimal, lotSize: Decimal, minQuantity: Decimal,
        maxQuantity: Decimal, minNotional: Decimal, initialMargin: Decimal, depth: Decimal, volatility: Double
    ) {
        self.symbol = symbol
        self.startPrice = startPrice
        self.tickSize = tickSize
        self.lotSize = lotSize
        self.minQuantity = minQuantity
        self.maxQuantity = maxQuantity
        self.minNotional = minNotional
        self.initialMargin = initialMargin
        self.depth = depth
        self.volatility = volatility
    }

    /// The four instruments that are listed.
    package static let listed: [Instrument] = [
        Instrument(
            symbol: "BTCUSDT", startPrice: 50_000, tickSize: tenths(1), lotSize: thousandths(1),
            minQuantity: thousandths(1), maxQuantity: 1_000, minNotional: 5, initialMargin: hundredths(5), depth: 3,
            volatility: 0.000_20),
        Instrument(
            symbol: "ETHUSDT", startPrice: 3_000, tickSize: hundredths(1), lotSize: thousandths(1),
            minQuantity: thousandths(1), maxQuantity: 10_000, minNotional: 5, initialMargin: hundredths(5), depth: 50,
            volatility: 0.000_25),
        Instrument(
            symbol: "BNBUSDT", startPrice: 600, tickSize: hundredths(1), lotSize: hundredths(1),
            minQuantity: hundredths(1), maxQuantity: 20_000, minNotional: 5, initialMargin: tenths(1), depth: 250,
            volatility: 0.000_15),
        Instrument(
            symbol: "SOLUSDT", startPrice: 150, tickSize: hundredths(1), lotSize: hundredths(1),
            minQuantity: hundredths(1), maxQuantity: 100_000, minNotional: 5, initialMargin: tenths(1), depth: 1_000,
            volatility: 0.000_35),
    ]

    private static func tenths(_ count: Int) -> Decimal { Decimal(count) / 10 }
    private static func hundredths(_ count: Int) -> Decimal { Decimal(count) / 100 }
    private static func thousandths(_ count: Int) -> Decimal { Decimal(count) / 1_000 }
}
