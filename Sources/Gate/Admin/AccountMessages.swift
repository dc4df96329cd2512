import RiskRules

/// The body of `POST /api/v1/accounts/{id}/settle`.
struct SettleRequest: Decodable, Sendable {
    var clientOrderID: String
    var outcome: String
    var by: String
    var reason: String

    enum CodingKeys: String, CodingKey, CaseIterable {
        case clientOrderID = "client_order_id"
        case outcome, by, reason
    }

    init(from decoder: any Decoder) throws {
        let values = try decoder.strictContainer(keyedBy: CodingKeys.self)
        clientOrderID = try values.decode(String.self, forKey: .clientOrderID)
        outcome = try values.decode(String.self, forKey: .outcome)
        by = try values.decode(String.self, forKey: .by)
        reason = try values.decode(String.self, forKey: .reason)
    }
}

/// An account, as the API shows it. What the snapshot does not say is left out.
struct AccountMessage: Encodable {
    var account: String
    var ageSeconds: Double?
    var seq: Int64?
    var asOf: Double?
    var equity, balance, unrealizedPnL, marginUsed, availableMargin, peakEquity, dailyStartEquity: ExactNumber?
    var positions: [PositionMessage]?
    var reservations: [ReservationMessage]
    var unlistedReservations: Int

    enum CodingKeys: String, CodingKey {
        case account
        case ageSeconds = "age_seconds"
        case seq
        case asOf = "as_of"
        case equity, balance
        case unrealizedPnL = "unrealized_pnl"
        case marginUsed = "margin_used"
        case availableMargin = "available_margin"
        case peakEquity = "peak_equity"
        case dailyStartEquity = "daily_start_equity"
        case positions, reservations
        case unlistedReservations = "unlisted_reservations"
    }

    init(_ view: AccountView) {
        account = view.name
        ageSeconds = view.age.map { Double($0) / 1e9 }
        let values = view.values
        seq = values?.seq
        asOf = values?.asOf.map { Double($0) / 1e9 }
        equity = values?.equity.map(ExactNumber.init)
        balance = values?.balance.map(ExactNumber.init)
        unrealizedPnL = values?.unrealizedPnL.map(ExactNumber.init)
        marginUsed = values?.marginUsed.map(ExactNumber.init)
        availableMargin = values?.availableMargin.map(ExactNumber.init)
        peakEquity = values?.peakEquity.map(ExactNumber.init)
        dailyStartEquity = values?.dailyStartEquity.map(ExactNumber.init)
        positions = values?.positions?.map(PositionMessage.init)
        reservations = view.reservations.map(ReservationMessage.init)
        unlistedReservations = view.unlisted
    }
}

/// A position of a snapshot.
struct PositionMessage: Encodable {
    var symbol: String
    var side: String
    var quantity: ExactNumber
    var currentPrice: ExactNumber?

    enum CodingKeys: String, CodingKey {
        case symbol, side, quantity
        case currentPrice = "current_price"
    }

    init(_ position: AccountSnapshot.Position) {
        symbol = position.symbol
        side = position.quantity < .zero ? "SHORT" : "LONG"
        quantity = ExactNumber(FixedPoint(units: Swift.abs(position.quantity.units)))
        currentPrice = position.currentPrice.map(ExactNumber.init)
    }
}

/// An order that the ledger counts, or counted until it was released.
struct ReservationMessage: Encodable {
    var clientOrderID: String?
    var orderID: String?
    var symbol: String
    var side: String
    var remaining: ExactNumber
    var state: String

    enum CodingKeys: String, CodingKey {
        case clientOrderID = "client_order_id"
        case orderID = "order_id"
        case symbol, side, remaining, state
    }

    init(_ view: ReservationView) {
        clientOrderID = view.clientOrderID.text
        orderID = view.orderID.text
        symbol = view.symbol
        side = view.side == .buy ? "BUY" : "SELL"
        remaining = ExactNumber(view.remaining)
        state = view.state?.text ?? "released"
    }
}
