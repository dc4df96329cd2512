package import RiskRules

/// A stop was latched, or lifted.
package struct JournalStop: JournalRecord {
    static let kind = JournalKind.stop
    package var scope = StopScope.global
    package var isActive = false
    /// nil for the end of one, and for one that another Gate latched.
    package var trigger: StopTrigger?
    package var epoch: Int64 = 0
    /// Of the account, strategy or symbol; empty for `global`.
    package var name = RecordText()
    package var by = RecordText()
    package var reason = RecordText()

    package init() {}

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.choice(&scope)
        codec.flag(&isActive)
        codec.choice(&trigger)
        codec.integer(&epoch)
        codec.length(of: &name)
        codec.length(of: &by)
        codec.length(of: &reason)
        codec.content(of: &name)
        codec.content(of: &by)
        codec.content(of: &reason)
    }
}

/// A person's word on an order whose outcome was unknown.
package struct JournalSettle: JournalRecord {
    static let kind = JournalKind.settle
    /// The number of the reservation.
    package var number: UInt64 = 0
    /// The order is taken to be open; otherwise nothing of it was or will be filled.
    package var isOpen = false
    package var account = NameID.none
    package var clientOrderID = RecordText()
    package var by = RecordText()
    package var reason = RecordText()

    package init() {}

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&number)
        codec.flag(&isOpen)
        codec.name(&account)
        codec.length(of: &clientOrderID)
        codec.length(of: &by)
        codec.length(of: &reason)
        codec.content(of: &clientOrderID)
        codec.content(of: &by)
        codec.content(of: &reason)
    }
}

/// Something that people should be able to read later.
package struct JournalNote: JournalRecord {
    /// A raw value is never used for another topic.
    package enum Topic: UInt8, CaseIterable, BitwiseCopyable {
        case alert = 1
        /// A step of an unwinding.
        case unwind
    }

    static let kind = JournalKind.note
    package var topic = Topic.alert
    /// `.none` where it is of no account, or of all.
    package var account = NameID.none
    package var text = RecordText()

    package init() {}

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.choice(&topic)
        codec.name(&account)
        codec.length(of: &text)
        codec.content(of: &text)
    }
}
