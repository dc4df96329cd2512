/// What the checks of one decision share: the order, and what is known of its account and symbol at this moment.
struct OrderFacts: BitwiseCopyable {
    /// Whether a decision counts its order in the rate windows.
    enum Counting: BitwiseCopyable {
        /// It does.
        case counts
        /// It does not, and judges as if it had.
        case peeks
        /// The order is in them from an earlier decision.
        case counted
    }

    let order: Order
    let connection: UInt32
    let now: Int64
    let counting: Counting
    let account: UnsafeMutablePointer<AccountState>
    let symbol: UnsafeMutablePointer<SymbolState>
    /// nil where the account holds nothing of the symbol and has nothing working.
    let exposure: UnsafeMutablePointer<Exposure>?
    /// Why the mirrored price does not count; nil where it does.
    let priceMissing: Reason?
    /// Why the snapshot does not count; nil where it does.
    let accountMissing: Reason?
    /// What the order takes the place of; all zero but for a replace.
    let replaced: UnsafePointer<ReplacedOrder>
    /// Without and with this order; what it takes the place of is in neither.
    let before: WorstCase
    let after: WorstCase
    /// Proved on the last known position and the ledger.
    let isReducing: Bool
    /// Bit `OrderKind.bit` of the order.
    let kind: UInt16
    /// Whether the mirrored price is needed to know what the order may cost.
    let needsPriceToValue: Bool

    @inline(__always)
    init(
        _ order: Order, connection: UInt32, now: Int64, counting: Counting,
        account: UnsafeMutablePointer<AccountState>, accountMissing: Reason?, provesReduction: Bool,
        symbol: UnsafeMutablePointer<SymbolState>, priceMissing: Reason?, exposure: UnsafeMutablePointer<Exposure>?,
        replaced: UnsafePointer<ReplacedOrder>
    ) {
        self.order = order
        self.connection = connection
        self.now = now
        self.counting = counting
        self.account = account
        self.accountMissing = accountMissing
        self.symbol = symbol
        self.priceMissing = priceMissing
        self.exposure = exposure
        self.replaced = replaced
        let working = exposure?.pointee.working ?? WorstCase(long: 0, short: 0)
        before = working.removing(order.side, replaced.pointee.sums.quantity)
        after = before.adding(order.side, order.quantity)
        isReducing = provesReduction && after.isReduction(of: before)
        kind = OrderKind.bit(order.side, order.type)
        needsPriceToValue = order.needsPriceToValue
    }

    /// `p*`; nil where the price that it takes does not count.
    @inline(__always)
    func cost() -> FixedPoint? { order.cost(at: priceMissing == nil ? symbol.pointee.quote : nil) }

    /// `quantity x p* x m` of a part of the order.
    @inline(__always)
    func notional(of quantity: FixedPoint) -> Notional {
        guard let cost = cost() else { return .missing(priceMissing ?? .priceUnavailable) }
        return Notional(quantity.units.magnitude, at: cost, symbol.pointee.multiplier)
    }

    /// The margin that the part of the order takes by which the larger of long and short grows.
    /// - Parameter whole: the notional of the whole order.
    @inline(__always)
    func requiredMargin(_ whole: @autoclosure () -> Notional) -> Measure {
        let growth = after.growth(since: before)
        if growth == .zero { return .amount(.zero) }
        let notional = Measure(growth == order.quantity ? whole() : notional(of: growth))
        guard case .amount(let amount) = notional else { return notional }
        return Measure(FixedPoint.roundedUp(amount, times: symbol.pointee.initialMargin))
    }
}

/// What a decision learns on its way.
struct DecisionNotes: BitwiseCopyable {
    var looksAtPrice = false
    var looksAtAccount = false
    /// Bit `MeasurePlace.bit` set where a rule asked for the measure.
    var measured: UInt32 = 0
    /// What the account's worst case in the symbol is worth with the order counted in; meaningful where a rule asked for it.
    var own = ExposureValue()
    var hasOwn = false
    /// The same of all symbols of the account.
    var sums = ExposureSums()
    var hasSums = false
    /// The order's own notional; meaningful where a rule asked for it.
    var notional = Notional.outOfRange
    var hasNotional = false

    /// Forgets the decision before.
    mutating func reset() {
        looksAtPrice = false
        looksAtAccount = false
        measured = 0
        hasOwn = false
        hasSums = false
        hasNotional = false
    }
}
