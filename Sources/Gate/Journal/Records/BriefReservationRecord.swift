import RiskRules

/// What the ledger holds for an order that was just let through, as most are.
struct BriefReservationRecord: JournalRecord {
    static let kind = JournalKind.briefReservation
    var brief = BriefReservation()

    init() {}
    init(_ brief: BriefReservation) { self.brief = brief }

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&brief.number)
        codec.short(&brief.account)
        codec.short(&brief.strategy)
        codec.short(&brief.symbol)
        codec.short(&brief.timeInForce)
        codec.shape(&brief.side, &brief.type, &brief.reduceOnly, &brief.mayBeMarket)
        codec.flags(&brief.isPriced, &brief.isMarginKnown, &brief.remembersID)
        codec.integer(&brief.connection)
        codec.digest(&brief.clientOrderID)
        codec.integer(&brief.quantity)
        codec.integer(&brief.limit)
        codec.integer(&brief.price)
        codec.integer(&brief.multiplier)
        codec.integer(&brief.notional)
        codec.integer(&brief.margin)
        codec.integer(&brief.approvedNotional)
        codec.integer(&brief.approvedAt)
    }
}

/// What became different in what the ledger holds for an order.
struct ChangeRecord: JournalRecord {
    static let kind = JournalKind.change
    var change = ReservationChange()

    init() {}
    init(_ change: ReservationChange) { self.change = change }

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&change.number)
        codec.name(&change.account)
        codec.choice(&change.state)
        codec.flags(&change.isMarginKnown, &change.isShown, &change.isAhead)
        codec.digest(&change.orderID)
        codec.integer(&change.remaining)
        codec.integer(&change.notional)
        codec.integer(&change.margin)
        codec.integer(&change.filled)
        codec.integer(&change.changedAt)
    }
}
