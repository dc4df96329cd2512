/// The side of an order.
package enum Side: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    case buy, sell
}

/// The type of an order. POST_ONLY is a limit order that never takes; it is valued as one.
package enum OrderType: UInt8, CaseIterable, Sendable, BitwiseCopyable {
    case market, limit, stopMarket, stopLimit, postOnly

    /// Whether the order names a limit price (market and stop-market orders do not; a price on them is ignored).
    package var hasLimitPrice: Bool {
        @inline(__always) get { self == .limit || self == .stopLimit || self == .postOnly }
    }
    /// Whether the order names a stop price.
    package var hasStopPrice: Bool { self == .stopMarket || self == .stopLimit }
}

/// A name that the engine has seen (account, strategy, symbol, time in force): an index into the engine's tables.
/// Valid only with the `RiskEngine` that gave it out. Index 0 of strategies and times in force means "none named".
package struct NameID: Hashable, Sendable, BitwiseCopyable {
    package var index: UInt32
    package init(index: UInt32) { self.index = index }
    package static let none = NameID(index: 0)
}

/// An order as the rules see it: decoded, normalised, trivially copyable.
package struct Order: Sendable, BitwiseCopyable {
    package var account: NameID
    package var strategy: NameID
    package var symbol: NameID
    package var timeInForce: NameID
    package var side: Side
    package var type: OrderType
    /// Asked for by the client; judged, never believed.
    package var reduceOnly: Bool
    /// The order names no type: `type` is what its price makes of it, but the endpoint may take it for a market order. It is
    /// valued at the worse of the two.
    package var mayBeMarket: Bool
    /// Quantity, in the instrument's units. Above zero.
    package var quantity: FixedPoint
    /// Limit price; meaningful only where `type.hasLimitPrice`.
    package var price: FixedPoint
    /// Stop price; meaningful only where `type.hasStopPrice`.
    package var stopPrice: FixedPoint
    /// Digest of the client order id; `Digest.none` where the order carries none.
    package var clientOrderID: Digest

    package init(
        account: NameID, strategy: NameID, symbol: NameID, timeInForce: NameID, side: Side, type: OrderType,
        reduceOnly: Bool, mayBeMarket: Bool = false, quantity: FixedPoint, price: FixedPoint, stopPrice: FixedPoint,
        clientOrderID: Digest
    ) {
        self.account = account
        self.strategy = strategy
        self.symbol = symbol
        self.timeInForce = timeInForce
        self.side = side
        self.type = type
        self.reduceOnly = reduceOnly
        self.mayBeMarket = mayBeMarket
        self.quantity = quantity
        self.price = price
        self.stopPrice = stopPrice
        self.clientOrderID = clientOrderID
    }
}

/// 128 bits that stand for an order id of any length. Two ids are taken as equal when their digests are: the chance
/// that two of a billion ids collide is below 10^-20, and a collision errs towards refusing (a duplicate).
package struct Digest: Hashable, Sendable, BitwiseCopyable {
    package var low: UInt64
    package var high: UInt64
    package init(low: UInt64, high: UInt64) {
        self.low = low
        self.high = high
    }
    package static let none = Digest(low: 0, high: 0)
}
