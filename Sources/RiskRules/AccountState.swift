/// What the engine knows of one account: its latest snapshot, and sums over what was let through since.
struct AccountState: BitwiseCopyable {
    enum Availability: UInt8, BitwiseCopyable {
        /// Not fetched yet.
        case unfetched
        /// No key, or expired.
        case absent
        /// There, but its value was refused; the snapshot before it is kept for what reduces risk.
        case refused
        case present
    }
    /// An amount of a snapshot that may be absent from it.
    struct Amount: BitwiseCopyable {
        var isPresent: Bool
        var value: FixedPoint

        init(_ value: FixedPoint?) {
            isPresent = value != nil
            self.value = value ?? .zero
        }
    }

    /// Since a restart no snapshot was applied that was taken after it.
    struct Recovery: BitwiseCopyable {
        var isOn = false
        /// Unix and monotonic nanoseconds.
        var startedAtWall: Int64 = 0
        var startedAt: Int64 = 0
    }

    var availability = Availability.unfetched
    var recovery = Recovery()
    /// Whether the fields below hold a snapshot, be it fresh or not.
    var hasSnapshot = false
    /// Whether that snapshot gave both positions and pending orders.
    var showsExposure = false
    var since: Int64 = 0
    var freshUntil: Int64 = 0
    var expiresAt: Int64 = 0

    var equity = Amount(nil)
    var marginUsed = Amount(nil)
    var availableMargin = Amount(nil)
    var peakEquity = Amount(nil)
    var dailyStartEquity = Amount(nil)

    /// What orders the next snapshot; kept when a snapshot is dropped.
    var hasSequence = false
    var sequence: Int64 = 0
    var hasAsOf = false
    var asOf: Int64 = 0
    var hasRead = false
    var readAt: Int64 = 0

    /// The snapshot's pending orders: how many, the notional of those with a price, and how many have none.
    var shownOrders = 0
    var shownNotional: Int128 = 0
    var shownUnpriced = 0
    /// The same orders by id; nil before the first.
    var shown: Unmanaged<ShownOrders>?

    /// The orders of the ledger, and of other Gates, that can still be filled: how many, the notional of those valued at approval, and how many
    /// were not.
    var openReservations = 0
    var openNotional: Int128 = 0
    var openUnpriced = 0
    /// The margin that these orders were taken to need, and how many of them could not be valued.
    var reservedMargin: Int128 = 0
    var unknownMargins = 0
    /// What of that is other Gates'.
    var foreignMargin: Int128 = 0
    var foreignUnknownMargins = 0
    /// Goes up whenever the ledger's part of these sums changes.
    var ownRevision: UInt64 = 0
    /// How many of the ledger's orders replace another.
    var replacements = 0

    /// What its exposures are worth: by the mirrored prices, falling back to those of the positions, and by the latter
    /// alone; and its orders without a price.
    var mirrored = ExposureSums()
    var fallback = ExposureSums()
    var unpriced = UnpricedSum()

    /// Heads of the account's lists; -1 where they are empty.
    var firstExposure: Int32 = -1
    var firstReservation: Int32 = -1
}

// Of the pointer, since a method of the state would be given a copy of all of it.
extension UnsafeMutablePointer<AccountState> {
    /// Why the snapshot does not count at `now`, by a link that was confirmed alive until `linkUntil`.
    @inline(__always)
    func reasonMissing(now: Int64, linkUntil: Int64) -> Reason? {
        let availability = pointee.availability
        if availability == .unfetched || now >= linkUntil { return .stateUnavailable }
        if pointee.recovery.isOn { return .recovering }
        // A refused value is there, whatever became of the snapshot before it.
        if availability == .refused { return .accountStale }
        if availability == .absent || now >= pointee.expiresAt { return .accountUnknown }
        return now >= pointee.freshUntil ? .accountStale : nil
    }

    /// Whether the snapshot, however old, may still prove that an order reduces risk: a key that expired while the link
    /// lived is gone, one that could not be seen to be renewed is not.
    func provesReduction(now: Int64, linkUntil: Int64) -> Bool {
        pointee.hasSnapshot && pointee.showsExposure && (now < pointee.expiresAt || now >= linkUntil)
    }
}
