/// What an account holds and has working in one symbol. All quantities are in units of 10^-10; sums of fewer than 2^31
/// quantities of at most 10^28 such units cannot wrap.
struct Exposure: BitwiseCopyable {
    var account: NameID
    var symbol: NameID
    /// Next of the same account; -1 at the end.
    var next: Int32 = -1
    /// Neighbours of the same symbol; -1 at the ends.
    var nextHolder: Int32 = -1
    var previousHolder: Int32 = -1

    /// From the snapshot: the signed position, and what remains of pending orders.
    var position: Int128 = 0
    var positionPrice = AccountState.Amount(nil)
    var shownBuys: Int128 = 0
    var shownSells: Int128 = 0
    var shownOrders = 0
    /// Quantity of pending orders without a price, buys and sells.
    var shownUnpriced: Int128 = 0

    /// From the ledger, and from other Gates: what was let through and is not in the snapshot.
    var reservedBuys: Int128 = 0
    var reservedSells: Int128 = 0
    /// Orders of it that can still be filled, the notional of those valued at approval, and the quantity of the others.
    var openReservations = 0
    var openNotional: Int128 = 0
    var openUnpriced: Int128 = 0
    /// All reservations of the ledger that count here.
    var reservations = 0
    /// What of all that is other Gates', and how many of them let it through.
    var foreign = ForeignPart()
    var foreignParts = 0

    /// What it put into the account's sums: by the mirrored price where it counts, by the position's own price alone (which is
    /// what is left where the link of the prices is down), and its orders without a price.
    var mirrored = ExposureValue()
    var fallback = ExposureValue()
    var unpriced = UnpricedValue()

    init(account: NameID, symbol: NameID) {
        self.account = account
        self.symbol = symbol
    }

    var working: WorstCase {
        WorstCase(long: position &+ shownBuys &+ reservedBuys, short: position &- shownSells &- reservedSells)
    }

    var unpricedQuantity: Int128 { shownUnpriced &+ openUnpriced }

    var isEmpty: Bool {
        position == 0 && !positionPrice.isPresent && shownOrders == 0 && shownBuys == 0 && shownSells == 0
            && reservations == 0 && foreignParts == 0
    }

    mutating func dropSnapshot() {
        position = 0
        positionPrice = AccountState.Amount(nil)
        shownBuys = 0
        shownSells = 0
        shownOrders = 0
        shownUnpriced = 0
    }
}

/// What of an exposure other Gates let through.
struct ForeignPart: BitwiseCopyable {
    var buys: Int128 = 0
    var sells: Int128 = 0
    var orders = 0
    var notional: Int128 = 0
    var unpriced: Int128 = 0
}

/// The positions that result where all working buys and no sells are filled, or all sells and no buys.
struct WorstCase: BitwiseCopyable {
    /// `WCL`.
    var long: Int128
    /// `WCS`.
    var short: Int128

    func adding(_ side: Side, _ quantity: FixedPoint) -> WorstCase {
        switch side {
        case .buy: WorstCase(long: long &+ quantity.units, short: short)
        case .sell: WorstCase(long: long, short: short &- quantity.units)
        }
    }

    func removing(_ side: Side, _ quantity: Int128) -> WorstCase {
        switch side {
        case .buy: WorstCase(long: long &- quantity, short: short)
        case .sell: WorstCase(long: long, short: short &+ quantity)
        }
    }

    /// `L`, the largest long position.
    var mostLong: Int128 { Swift.max(0, long) }
    /// `S`, the largest short position.
    var mostShort: Int128 { Swift.max(0, 0 &- short) }
    /// `max(abs(WCL), abs(WCS))`.
    var magnitude: UInt128 { Swift.max(long.magnitude, short.magnitude) }

    /// Whether neither the largest long nor the largest short position is larger than before.
    @inline(__always)
    func isReduction(of before: WorstCase) -> Bool {
        mostLong <= before.mostLong && mostShort <= before.mostShort
    }

    /// By how much the larger of the largest long and the largest short position grows; 0 where it does not.
    @inline(__always)
    func growth(since before: WorstCase) -> FixedPoint {
        let now = Swift.max(mostLong, mostShort)
        return FixedPoint(units: Swift.max(0, now &- Swift.max(before.mostLong, before.mostShort)))
    }
}
