package import RiskRules

/// What the admin server asks of the keeper of the ledger.
package protocol AccountControl: Sendable {
    /// What is known of an account; nil where no snapshot of it was read and none of its orders is counted.
    func account(_ name: String) async -> AccountView?
    /// Carries out an operator's word on an order whose outcome is unknown; returns the order as it counts from then on.
    func settle(_ settlement: OperatorSettlement) async throws(SettlementError) -> ReservationView
}

/// An operator's word on an order whose outcome nobody knew.
package struct OperatorSettlement: Sendable {
    package var account: String
    /// As the client gave it, or as an account's view calls it.
    package var clientOrderID: String
    package var outcome: OperatorOutcome
    package var by: String
    package var reason: String
}

/// Why an operator's word was not carried out. Each case carries what to tell the person.
package enum SettlementError: Error, Equatable, Sendable {
    /// There is no such account, or no such order of it.
    case notFound(String)
    /// The order's outcome is not unknown.
    case notUnknown(String)
}

/// What is known of an account.
package struct AccountView: Sendable {
    package var name: String
    /// Nanoseconds; nil where there is no snapshot.
    package var age: Int64?
    /// What the latest snapshot says; nil where there is none.
    package var values: AccountSnapshot.Values?
    /// What was let through and is in no snapshot yet: first what is unknown, the latest first in either part.
    package var reservations: [ReservationView]
    /// Reservations that are not listed.
    package var unlisted: Int

    package init(
        name: String, age: Int64?, values: AccountSnapshot.Values?, reservations: [ReservationView], unlisted: Int
    ) {
        self.name = name
        self.age = age
        self.values = values
        self.reservations = reservations
        self.unlisted = unlisted
    }
}

/// An order that was let through, as the ledger counts it.
package struct ReservationView: Sendable {
    package var clientOrderID: OrderIDName
    package var orderID: OrderIDName
    package var symbol: String
    package var side: Side
    package var remaining: FixedPoint
    /// nil: it counts no longer.
    package var state: ReservationState?

    package init(
        clientOrderID: OrderIDName, orderID: OrderIDName, symbol: String, side: Side, remaining: FixedPoint,
        state: ReservationState?
    ) {
        self.clientOrderID = clientOrderID
        self.orderID = orderID
        self.symbol = symbol
        self.side = side
        self.remaining = remaining
        self.state = state
    }
}

/// An order's id as the API calls it.
package struct OrderIDName: Sendable, Equatable {
    /// What stands before the hexadecimal digits of an id that is known only by its hash: one of more than 64 bytes, or from
    /// before a restart.
    package static let digestPrefix = "digest:"

    /// nil: there is no id.
    package var text: String?

    package init(_ text: NameText, _ digest: Digest) {
        if text.count > 0 {
            self.text = text.string
        } else {
            self.text = digest == .none ? nil : Self.digestPrefix + Self.digits(digest.high) + Self.digits(digest.low)
        }
    }

    /// The hash that a name of the form `digest:…` stands for; nil for any other.
    package static func digest(_ name: String) -> Digest? {
        guard name.hasPrefix(digestPrefix) else { return nil }
        let digits = name.dropFirst(digestPrefix.count)
        guard digits.utf8.count == 32, let high = UInt64(digits.prefix(16), radix: 16),
            let low = UInt64(digits.suffix(16), radix: 16)
        else { return nil }
        return Digest(low: low, high: high)
    }

    private static func digits(_ value: UInt64) -> String {
        let digits = String(value, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
