import Foundation

/// A seeded random walk of one instrument's price. It is drawn back to where it started and never leaves a band around
/// it, so that a demo that runs for a day still trades near the prices it began with.
package struct PriceProcess: Sendable {
    /// How far the price may be from its start, as a fraction.
    package static let band = 0.05
    /// The share of the distance from the start that is pulled back in a second.
    private static let reversion = 0.002

    private let instrument: Instrument
    private var generator: SeededGenerator
    /// Log of the price over the start price.
    private var logReturn = 0.0

    package init(instrument: Instrument, seed: UInt64) {
        self.instrument = instrument
        generator = SeededGenerator(seed: seed)
    }

    /// The quote `interval` seconds after the last one.
    package mutating func next(after interval: Double, asOf: Int64) -> Quote {
        let noise = generator.gaussian() * instrument.volatility * interval.squareRoot()
        let pulled = logReturn * (1 - min(1, Self.reversion * interval))
        logReturn = min(max(pulled + noise, -Self.band), Self.band)
        return quote(asOf: asOf)
    }

    /// The quote as it stands: one tick wide, around the price of the walk.
    package func quote(asOf: Int64) -> Quote {
        let price = instrument.startPrice.wire * exp(logReturn)
        let tick = instrument.tickSize
        let bid = (Decimal(wire: price) ?? instrument.startPrice).rounded(to: tick, .down)
        return Quote(bid: bid, ask: bid + tick, asOf: asOf)
    }
}
