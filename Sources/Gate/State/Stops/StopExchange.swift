/// What one Gate and Redis tell each other of stops, without either: of each record that was read, whether it is to be taken over,
/// and what is to be written. Lives on the state thread.
///
/// Whoever holds the superseding record writes it, and only in place of what it has read and judged; so all Gates and Redis come
/// to hold the same records, whatever is lost, late or told twice. A key that is gone lifts nothing.
package struct StopExchange {
    /// What a value that was read means.
    package enum Verdict: Equatable, Sendable {
        /// It is what is known here, or older.
        case known
        /// It supersedes what is known here.
        case take(StopRecord)
        /// It does not count: why, and whether that is news.
        case refused(StopRefusal, isNews: Bool)
    }

    /// Replaces what was seen by a record.
    package struct Write: Equatable, Sendable {
        package var record: StopRecord
        package var seen: SeenValue
        package var text: [UInt8]
    }

    /// What stands in Redis.
    private enum Kept {
        /// Not known: it is being read.
        case unread
        case absent
        case record(StopRecord, [UInt8])
        case refused(SeenValue)
    }

    private struct Key {
        var kept = Kept.absent
        var isWriting = false
        /// A value that does not count is replaced once, and then only at the next `retry`: two Gates whose clocks are far apart
        /// would otherwise go on overwriting one another.
        var mayOverwrite = true
    }

    private var keys: [StopTarget: Key] = [:]
    /// Everything in Redis has been read: what was not read is not there.
    private var isSynchronised = false
    /// Targets whose record here Redis is not known to hold, or to hold a newer one of.
    package private(set) var unshared: Set<StopTarget> = []
    /// To be read again, later.
    private var awaitingRetry: Set<StopTarget> = []

    /// `held`: the records that are known at start. Whether Redis knows the stops among them is yet to be seen.
    package init(held: [StopRecord]) {
        unshared = Set(held.filter(\.active).map(\.target))
    }

    /// A record was made here.
    package mutating func recorded(_ target: StopTarget) { unshared.insert(target) }

    /// Nothing of what Redis holds is known any more.
    package mutating func linkLost() {
        keys.removeAll()
        awaitingRetry.removeAll()
        isSynchronised = false
    }

    /// Every key has been read since the link came about.
    package mutating func synchronised() { isSynchronised = true }

    /// Judges what stands at a target's key. `latest` is the newest record that is known here.
    package mutating func read(
        _ target: StopTarget, _ value: SeenValue, latest: StopRecord?, wallNow: Int64
    ) -> Verdict {
        let record: StopRecord?
        switch value {
        case .absent:
            keys[target]?.kept = .absent
            // Without a write under way, a key that is not there is one that is not known.
            if keys[target]?.isWriting == false { keys[target] = nil }
            return .known
        case .text(let bytes): record = StopValue.record(of: target, in: bytes)
        case .unreadable: record = nil
        }
        guard let record, !record.isOfTheFuture(wallNow: wallNow), case .text(let bytes) = value else {
            return refuse(target, value, record == nil ? .garbage : .future)
        }
        keys[target, default: Key()].kept = .record(record, bytes)
        if let latest, !record.supersedes(latest) { return .known }
        unshared.remove(target)
        return .take(record)
    }

    private mutating func refuse(_ target: StopTarget, _ value: SeenValue, _ refusal: StopRefusal) -> Verdict {
        let known = keys[target]?.kept
        keys[target, default: Key()].kept = .refused(value)
        // Time alone can make it count.
        if refusal == .future { awaitingRetry.insert(target) }
        let isNews = if case .refused(let before) = known { before != value } else { true }
        return .refused(refusal, isNews: isNews)
    }

    /// What is to be written of a target now, `record` being what is in force here; the caller does so at once, and then calls
    /// `wrote`.
    package mutating func write(_ target: StopTarget, _ record: StopRecord?) -> Write? {
        guard isSynchronised, let record else { return nil }
        var key = keys[target] ?? Key()
        guard !key.isWriting else { return nil }
        let seen: SeenValue
        switch key.kept {
        case .unread: return nil
        case .absent:
            guard record.active || unshared.contains(target) else { return nil }
            seen = .absent
        case .record(let kept, let bytes):
            guard record.supersedes(kept) else {
                unshared.remove(target)
                return nil
            }
            seen = .text(bytes)
        case .refused(let value):
            guard key.mayOverwrite, record.active || unshared.contains(target) else { return nil }
            key.mayOverwrite = false
            awaitingRetry.insert(target)
            seen = value
        }
        guard let text = try? StopValue(record).encoded() else { return nil }
        unshared.insert(target)
        key.isWriting = true
        keys[target] = key
        return Write(record: record, seen: seen, text: text)
    }

    /// A write was carried out.
    package mutating func wrote(_ write: Write, latest: StopRecord?) {
        let target = write.record.target
        keys[target]?.isWriting = false
        keys[target]?.kept = .record(write.record, write.text)
        if latest == write.record { unshared.remove(target) }
    }

    /// A write found something else than what it was to replace; that is being read.
    package mutating func overtaken(_ write: Write) {
        keys[write.record.target]?.isWriting = false
        keys[write.record.target]?.kept = .unread
    }

    /// Redis would not carry out a write: what stands there is to be read again, later.
    package mutating func failed(_ write: Write) {
        overtaken(write)
        awaitingRetry.insert(write.record.target)
    }

    /// Whether something is to be read again later.
    package var needsRetry: Bool { !awaitingRetry.isEmpty }

    /// The targets to read again now.
    package mutating func retry() -> Set<StopTarget> {
        defer { awaitingRetry.removeAll() }
        for target in awaitingRetry { keys[target]?.mayOverwrite = true }
        return awaitingRetry
    }

    /// Whether the target's record is on its way to Redis, and nothing stands in it.
    package func isUnderWay(_ target: StopTarget) -> Bool {
        guard isSynchronised, unshared.contains(target) else { return false }
        return keys[target]?.isWriting == true || !awaitingRetry.contains(target)
    }
}
