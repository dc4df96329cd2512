import RiskRules

/// An order as it was decoded.
struct ModelOrder: Equatable {
    var account: String
    /// Empty: none is named; so for `timeInForce`.
    var strategy = ""
    var symbol: String
    var side: Side
    var type: OrderType
    var quantity: Exact
    var price = Exact.zero
    var stopPrice = Exact.zero
    var timeInForce = ""
    var reduceOnly = false
    /// No type was named: the endpoint may take it for a market order.
    var mayBeMarket = false
    var clientID: String?

    var hasLimitPrice: Bool { type == .limit || type == .stopLimit || type == .postOnly }
    var hasStopPrice: Bool { type == .stopMarket || type == .stopLimit }
}

/// What an account's keeper wrote.
struct ModelSnapshot: Equatable {
    struct Position: Equatable {
        var symbol: String
        /// Long above zero, short below.
        var quantity: Exact
        var currentPrice: Exact?
    }
    struct Pending: Equatable {
        var symbol: String
        var side: Side
        var quantity: Exact
        var price: Exact?
        var clientID: String?
        var orderID: String?
    }
    var seq: Int64?
    var asOf: Int64?
    var equity: Exact?
    var marginUsed: Exact?
    var availableMargin: Exact?
    var peakEquity: Exact?
    var dailyStartEquity: Exact?
    /// nil: not said, which is not the same as none; so for `pending`.
    var positions: [Position]? = []
    var pending: [Pending]? = []
}

/// What the mirror says of a symbol's price.
struct ModelPrice: Equatable {
    /// nil where bid and ask are given.
    var last: Exact?
    var bid: Exact?
    var ask: Exact?
    var freshUntil = Int64.max
    var expiresAt = Int64.max

    var mark: Exact {
        if let bid, let ask { return (bid + ask).halfToEven }
        return last ?? .zero
    }
    var bidOrMark: Exact { bid ?? mark }
    var askOrMark: Exact { ask ?? mark }
}
