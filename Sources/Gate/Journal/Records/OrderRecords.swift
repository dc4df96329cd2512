package import RiskRules

/// A cancel that was seen: forwarded, or refused for `reason`.
package struct JournalCancel: JournalRecord {
    static let kind = JournalKind.cancel
    package var account = NameID.none
    package var strategy = NameID.none
    package var symbol = NameID.none
    package var connection: UInt32 = 0
    package var reason = JournalReason.none
    package var order = OrderReference(orderID: .none, clientOrderID: .none)
    /// Of their bytes the first 64.
    package var clientOrderID = RecordText()
    package var orderID = RecordText()

    package init() {}

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.name(&account)
        codec.name(&strategy)
        codec.name(&symbol)
        codec.integer(&connection)
        codec.integer(&reason.number)
        codec.reference(&order)
        codec.length(of: &clientOrderID)
        codec.length(of: &orderID)
        codec.content(of: &clientOrderID)
        codec.content(of: &orderID)
    }
}

/// The ledger holds nothing any more for an order.
struct GoneRecord: JournalRecord {
    static let kind = JournalKind.gone
    /// Of the reservation.
    var number: UInt64 = 0
    /// Its client order id may come again: the order was never sent.
    var forgetsID = false
    /// What it added to the windows of approved notional is taken out of them.
    var forgetsNotional = false

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&number)
        codec.flag(&forgetsID)
        codec.flag(&forgetsNotional)
    }
}

/// What became of an order that was forwarded, or of a cancel.
package struct JournalOutcome: JournalRecord {
    /// A raw value is never used for another outcome.
    package enum What: UInt8, CaseIterable, BitwiseCopyable {
        /// The endpoint has it.
        case accepted = 1
        /// Nothing was filled and nothing will be.
        case rejected
        /// Nothing more will be filled.
        case ended
        /// Nobody knows.
        case unknown
        /// The cancel of it was acknowledged.
        case cancelled
        /// It was never sent.
        case undone
        /// An answer that passed through told of it.
        case observed
        /// A snapshot shows it, or is late enough to contain it.
        case settled
    }

    static let kind = JournalKind.outcome
    /// The number of the reservation; 0 where none is known.
    package var number: UInt64 = 0
    package var what = What.accepted
    /// The gRPC status of the answer; nil where there was none.
    package var status: UInt8?
    /// Quantity filled so far, where that was said.
    package var filled: FixedPoint?
    /// The endpoint's order id; of its bytes the first 64.
    package var orderID = RecordText()

    package init() {}

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&number)
        codec.choice(&what)
        var byte = status ?? .max
        codec.integer(&byte)
        status = byte == .max ? nil : byte
        codec.number(&filled)
        codec.length(of: &orderID)
        codec.content(of: &orderID)
    }
}
