import RiskRules

/// A decision as most are: of an order that replaces none and has no stop price, reserved for under the decision's own number if at
/// all, with numbers whose units fit in 64 bits. Behind the fixed fields stand its violations and its client order id, as in the
/// full record.
struct BriefDecision: JournalRecord {
    static let kind = JournalKind.briefDecision
    var decision = JournalDecision()

    init() {}

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) { decision.layBriefly(&codec) }
}

extension JournalDecision {
    /// Whether it is as most are, but for how large its numbers are.
    private var isUsual: Bool {
        replaces.orderID == .none && replaces.clientOrderID == .none && order.stopPrice == .zero && price == nil
            && notional == nil && omitted == 0 && duration >= 0 && duration <= Int64(UInt32.max)
            && (reservation == 0 || reservation == decisionID)
    }

    /// The fixed fields of a decision as most are; one that is not is refused.
    mutating func layBriefly<Codec: RecordCodec>(_ codec: inout Codec) {
        if !Codec.isReading, !isUsual { codec.refuse() }
        codec.integer(&decisionID)
        var bits = flags.rawValue
        codec.integer(&bits)
        if Codec.isReading { flags = Flags(rawValue: bits) }
        codec.integer(&index)
        codec.integer(&ruleSet)
        codec.integer(&connection)
        codec.integer(&violations)
        codec.integer(&reason.number)
        var isReserved = reservation != 0
        codec.flag(&isReserved)
        if Codec.isReading { reservation = isReserved ? decisionID : 0 }
        codec.short(&order.account)
        codec.short(&order.strategy)
        codec.short(&order.symbol)
        codec.short(&order.timeInForce)
        codec.shape(&order.side, &order.type, &order.reduceOnly, &order.mayBeMarket)
        // Not the digest of its client order id: the reservation has it, and nobody asks for it here.
        codec.short(&order.quantity)
        codec.short(&order.price)
        codec.short(&mark)
        codec.short(&bid)
        codec.short(&ask)
        codec.integer(&priceAge)
        codec.integer(&accountAge)
        codec.short(&position)
        codec.short(&openBuys)
        codec.short(&openSells)
        codec.short(&equity)
        codec.short(&marginUsed)
        codec.short(&availableMargin)
        codec.integer(&sequence)
        var time = UInt32(truncatingIfNeeded: duration)
        codec.integer(&time)
        if Codec.isReading { duration = Int64(time) }
        codec.length(of: &clientOrderID)
    }
}
