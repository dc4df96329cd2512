import RiskRules

/// All that the ledger holds for an order: the latest of each number that is not gone is the ledger.
struct ReservationRecord: JournalRecord {
    static let kind = JournalKind.reservation
    var image = ReservationImage()

    init() {}
    init(image: ReservationImage) { self.image = image }

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&image.number)
        codec.integer(&image.predecessor)
        codec.name(&image.account)
        codec.name(&image.symbol)
        codec.choice(&image.side)
        codec.choice(&image.state)
        codec.flag(&image.isPriced)
        codec.flag(&image.isMarginKnown)
        codec.flag(&image.isReplacement)
        codec.flag(&image.remembersID)
        codec.flag(&image.isShown)
        codec.flag(&image.isAhead)
        codec.digest(&image.clientOrderID)
        codec.digest(&image.orderID)
        codec.reference(&image.original)
        codec.number(&image.remaining)
        codec.number(&image.whole)
        codec.number(&image.filled)
        codec.number(&image.notional)
        codec.number(&image.price)
        codec.number(&image.multiplier)
        codec.number(&image.margin)
        codec.terms(&image.terms)
        codec.sums(&image.base)
        codec.sum(&image.shownMargin)
        codec.sum(&image.marginWhereShown)
        codec.integer(&image.changedAt)
        codec.integer(&image.approvedAt)
        codec.number(&image.approvedNotional)
        codec.integer(&image.connection)
    }
}

extension RecordCodec {
    fileprivate mutating func terms(_ terms: inout OrderTerms) {
        name(&terms.strategy)
        name(&terms.timeInForce)
        choice(&terms.type)
        flag(&terms.mayBeMarket)
        flag(&terms.reduceOnly)
        number(&terms.quantity)
        number(&terms.price)
        number(&terms.stopPrice)
    }

    fileprivate mutating func sums(_ sums: inout OrderSums) {
        sum(&sums.quantity)
        count(&sums.orders)
        sum(&sums.notional)
        sum(&sums.unpricedQuantity)
        count(&sums.unpricedOrders)
        sum(&sums.margin)
        count(&sums.unknownMargins)
    }

    /// A sum of amounts of one account: never so many that 128 bits are short.
    fileprivate mutating func sum(_ value: inout Int128) {
        integer(&value)
        if Self.isReading, value.magnitude > UInt128(1) << 120 { refuse() }
    }

    /// How many orders.
    fileprivate mutating func count(_ value: inout Int) {
        var number = Int64(value)
        integer(&number)
        guard Self.isReading else { return }
        if number.magnitude > 1 << 40 { refuse() }
        value = Int(number)
    }
}
