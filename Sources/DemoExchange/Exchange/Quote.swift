package import Foundation

/// Best prices of one instrument at one moment.
package struct Quote: Sendable, Equatable {
    package let bid: Decimal
    package let ask: Decimal
    /// Unix nanoseconds.
    package let asOf: Int64

    package init(bid: Decimal, ask: Decimal, asOf: Int64) {
        self.bid = bid
        self.ask = ask
        self.asOf = asOf
    }

    /// Midway between bid and ask: what positions are valued at and stops look at.
    package var mark: Decimal { (bid + ask) / 2 }
}
