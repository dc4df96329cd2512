import RiskRules

/// Begins a checkpoint: where to read on from.
struct CheckpointRecord: JournalRecord {
    static let kind = JournalKind.checkpoint
    /// The segment to read on with; its first records may be in it already.
    var next: UInt64 = 0
    /// Of the last record that is in it.
    var sequence: UInt64 = 0
    var checksum: UInt32 = 0

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&next)
        codec.integer(&sequence)
        codec.integer(&checksum)
    }
}

/// Client order ids of an account, the oldest first; behind these fields a digest each.
struct IdentifiersRecord: JournalRecord {
    static let kind = JournalKind.identifiers
    /// What one record holds at most.
    static let most = 512
    var account = NameID.none
    var count: UInt16 = 0

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.name(&account)
        codec.integer(&count)
    }
}

/// What a rate window holds; behind these fields its entries.
struct WindowRecord: JournalRecord {
    static let kind = JournalKind.window
    private enum KeyKind: UInt8 { case window, name, noStrategy, alike }

    var of = WindowExport.Kind.counts
    var window = Digest.none
    var key: WindowExport.Key?
    var lostUntil: Int64 = 0
    var count: UInt32 = 0

    init() {}

    init(_ export: WindowExport) {
        of = export.kind
        window = export.window
        key = export.key
        lostUntil = export.lostUntil
        count = UInt32(truncatingIfNeeded: export.entries.count)
    }

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        var (kind, digest) = Self.parts(key)
        codec.choice(&of)
        codec.choice(&kind)
        codec.digest(&window)
        codec.digest(&digest)
        codec.integer(&lostUntil)
        codec.integer(&count)
        key =
            switch kind {
            case .window: nil
            case .name: .name(digest)
            case .noStrategy: .noStrategy(of: digest)
            case .alike: .alike(digest)
            }
    }

    private static func parts(_ key: WindowExport.Key?) -> (KeyKind, Digest) {
        switch key {
        case nil: (.window, .none)
        case .name(let digest)?: (.name, digest)
        case .noStrategy(let digest)?: (.noStrategy, digest)
        case .alike(let digest)?: (.alike, digest)
        }
    }
}

extension WindowExport.Entry {
    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) {
        codec.integer(&time)
        codec.integer(&amount)
    }

    /// Bytes of one in a record.
    static let size = 24
}

/// Ends a checkpoint; behind it stands SHA-256 of all bytes before it.
struct CompleteRecord: JournalRecord {
    static let kind = JournalKind.complete
    var records: UInt64 = 0

    mutating func lay<Codec: RecordCodec>(_ codec: inout Codec) { codec.integer(&records) }
}
