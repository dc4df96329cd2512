/// What an engine is sized for and how it judges where the rules do not say. Memory is bounded by these numbers and, but
/// for what grows at the first sight of a name, taken at the start.
package struct EngineLimits: Sendable {
    package var maxAccounts = 1024
    package var maxStrategies = 1024
    package var maxSymbols = 16384
    package var maxTimesInForce = 63
    /// Pairs of an account and a symbol with a position, or with something that works towards one.
    package var maxExposures = 65536
    /// Orders that were let through and that no snapshot shows yet.
    package var maxReservations = 65536
    /// Pairs of an account and another Gate that publishes its reservations of it.
    package var maxForeignSources = 4096
    /// Symbols of all of these together.
    package var maxForeignParts = 65536
    /// Triples of account, strategy and symbol whose rules are remembered; past it, all are forgotten and found anew.
    package var maxPlans = 65536
    /// Rule windows times the accounts, strategies, symbols or connections that they count by: of counts, of sums, and of
    /// orders that are alike.
    package var maxWindowKeys = 131_072
    /// Symbols times the windows over which rules ask for their volatility.
    package var maxVolatilities = 16384
    /// Client order ids remembered for each account.
    package var clientOrderIDsPerAccount = 100_000
    /// Violations listed of one order; the rest is counted.
    package var maxViolations = 32
    /// Of instruments that name none; above 0 and at most 1.
    package var defaultInitialMargin = FixedPoint(units: FixedPoint.scale / 10)
    /// How much later than an order's answer the keeper's time must be until a snapshot counts as containing it.
    package var settleAfter: Int64 = 1_000_000_000
    /// The same for an order whose outcome nobody knows, from the moment that it became unknown.
    package var unknownAfter: Int64 = 30_000_000_000
    /// Whether an order that no enforced hard rule of the tables Order and Exposure binds is refused.
    package var refusesUngoverned = true
    /// Gate-wide shadow mode: orders are judged as ever, but no rule trips a stop.
    package var isShadow = false
    /// Key of the hashes of names and ids; random, so that no client can choose colliding ones.
    package var hashSeed: UInt64

    package init(hashSeed: UInt64) { self.hashSeed = hashSeed }
}
