/// A run of Gate begins.
struct StartRecord: JournalRecord {
    static let kind = JournalKind.start
    var process: Int32 = 0
    /// As configured.
    var instance = RecordText()
    /// Of Gate.
    var version = RecordText()

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&process)
        codec.length(of: &instance)
        codec.length(of: &version)
        codec.content(of: &instance)
        codec.content(of: &version)
    }
}

/// The rule set that decides from here on. Every segment says it again.
struct RulesRecord: JournalRecord {
    static let kind = JournalKind.rules
    /// By which decisions name it; counted anew by each run.
    var index: UInt32 = 0
    /// How many rules it has.
    var count: UInt32 = 0
    /// As hexadecimal text.
    var version = RecordText()

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&index)
        codec.integer(&count)
        codec.length(of: &version)
        codec.content(of: &version)
    }
}

/// What the journal names by number. A raw value is never used for another kind.
enum JournalNameKind: UInt8, CaseIterable, BitwiseCopyable {
    case account = 1, strategy, symbol, timeInForce
    /// The code of a `Reason`.
    case reason
    /// Id and metric of a rule of the rule set in force, with a space between.
    case rule
}

/// The text of a number, before its first use in each segment.
struct NameRecord: JournalRecord {
    static let kind = JournalKind.name
    var of = JournalNameKind.account
    var number: UInt32 = 0
    var text = RecordText()

    /// The room of the longest.
    static let largestSize = JournalFormat.recordSize(8 + 2 + 256)
    /// Rule ids may be longer than names.
    static let longestText = 256

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.choice(&of)
        codec.integer(&number)
        codec.length(of: &text)
        codec.content(of: &text)
    }
}

/// What could not be recorded for want of a segment. The ledger is whole nevertheless: what changed in it meanwhile follows.
struct GapRecord: JournalRecord {
    static let kind = JournalKind.gap
    /// Decisions, all of them refusals.
    var decisions: UInt64 = 0
    var cancels: UInt64 = 0
    var others: UInt64 = 0
    /// Unix nanoseconds.
    var since: Int64 = 0

    var isEmpty: Bool { decisions == 0 && cancels == 0 && others == 0 }

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&decisions)
        codec.integer(&cancels)
        codec.integer(&others)
        codec.integer(&since)
    }
}
