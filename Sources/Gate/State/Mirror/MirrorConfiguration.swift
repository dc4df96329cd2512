/// What the mirror is told: where Redis is, which keys it follows, and how old their values may be.
package struct MirrorConfiguration: Sendable {
    /// One of the two tables.
    package struct Table: Sendable {
        package var database: Int
        package var key: KeyTemplate
        /// Nanoseconds.
        package var maximumAge: Int64
        /// Whether a value's age counts (`age: value`), or only that the link lives (`age: link`).
        package var judgesAge: Bool

        package init(database: Int, key: KeyTemplate, maximumAge: Int64, judgesAge: Bool = true) {
            self.database = database
            self.key = key
            self.maximumAge = maximumAge
            self.judgesAge = judgesAge
        }
    }

    /// Where Redis may be: tried in turn. Not empty.
    package var addresses: [SocketAddress]
    package var user: String?
    package var password: String?
    package var prices: Table
    /// Its database holds all `gate:*` keys too.
    package var accounts: Table
    /// Where the number stands in a price that is a JSON object; empty: prices are plain numbers.
    package var priceField: String
    /// This Gate's name; no other Gate of the same Redis may bear it.
    package var instance: String

    package init(
        addresses: [SocketAddress], user: String? = nil, password: String? = nil, prices: Table, accounts: Table,
        priceField: String = "", instance: String
    ) {
        precondition(!addresses.isEmpty, "a mirror needs an address")
        self.addresses = addresses
        self.user = user
        self.password = password
        self.prices = prices
        self.accounts = accounts
        self.priceField = priceField
        self.instance = instance
    }

    package init(_ configuration: GateConfiguration) {
        let redis = configuration.redis
        self.init(
            addresses: redis.addresses, user: redis.user, password: redis.password,
            prices: Table(
                database: redis.prices.database, key: redis.prices.key,
                maximumAge: redis.prices.maxAge.nanosecondsClamped, judgesAge: redis.prices.age == .value),
            accounts: Table(
                database: redis.accounts.database, key: redis.accounts.key,
                maximumAge: redis.accounts.maxAge.nanosecondsClamped, judgesAge: redis.accounts.age == .value),
            priceField: redis.prices.field, instance: configuration.instance)
    }

    /// Symbols, and accounts, that are mirrored at most.
    static let maximumKeys = 16_384
    /// How long a connection may take to be made, authenticated and pointed at its database, and each question after that
    /// until values are read.
    static let connectTimeout: Int64 = 250_000_000

    var heartbeatKey: String { "gate:heartbeat:\(instance)" }
    private var shorterAge: Int64 { min(prices.maximumAge, accounts.maximumAge) }
    /// Four heartbeats fit in the time that a value may be old, and one in a second at least.
    var heartbeatInterval: Int64 { min(max(shorterAge / 4, 1_000_000), 1_000_000_000) }
    /// Silence of a connection that owes an answer after which it counts as lost. Until then the link's own age decides
    /// what is fresh, so that a hiccup shorter than that costs nothing; more than a second would delay recovery.
    var answerTimeout: Int64 { min(max(shorterAge, Self.connectTimeout), 1_000_000_000) }
    /// How long the heartbeat's key outlives the last heartbeat: longer than any link without one.
    var heartbeatExpiry: Int64 {
        max(10_000_000_000, max(prices.maximumAge, accounts.maximumAge).multipliedClamped(by: 10))
    }
}

extension Duration {
    fileprivate var nanosecondsClamped: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        let (sum, carry) = whole.addingReportingOverflow(attoseconds / 1_000_000_000)
        return overflow || carry ? .max : sum
    }
}

extension Int64 {
    fileprivate func multipliedClamped(by factor: Int64) -> Int64 {
        let (product, overflow) = multipliedReportingOverflow(by: factor)
        return overflow ? .max : product
    }
}
