package import RiskRules

/// The mirrored keys of one kind, prices or accounts, without any I/O: which must be read again, what was read, and how old
/// it is. Times are monotonic nanoseconds unless they are called wall.
///
/// At most one read of a key is under way. A change that is announced meanwhile raises the key's epoch, so that it is
/// read again; the answer that is on its way is used all the same, being newer than what was known, since a key that changes
/// faster than a round trip would otherwise never be read.
package final class MirrorTable {
    package enum Kind: UInt, Sendable { case prices, accounts }

    /// What a read of a key gave.
    package enum Fetched {
        case absent
        case bytes(UnsafeRawBufferPointer)
        /// Redis would not give the value (wrong type, no permission): the reason in its words.
        case refused(String)
    }

    private let kind: Kind
    private let table: MirrorConfiguration.Table
    private let priceParser: PriceParser
    private let accountParser = AccountSnapshotParser()
    private let lookups: MirrorMetrics.Lookups
    private var keys: [MirroredKey] = []
    private var indexes: [String: Int] = [:]
    private var toFetch = IndexQueue()
    private var toPublish = IndexQueue()
    private var unread = 0
    /// Places in `keys` that may be used again.
    private var vacant: [Int] = []

    package init(
        kind: Kind, table: MirrorConfiguration.Table, priceField: String, lookups: MirrorMetrics.Lookups
    ) {
        self.kind = kind
        self.table = table
        self.lookups = lookups
        priceParser = PriceParser(field: priceField)
    }

    // MARK: Watching

    /// Follows the key of `text` from now on. False where the table is full; a name that is followed already is kept.
    package func watch(_ name: NameID, text: String) -> Bool {
        let key = table.key.key(of: text)
        if indexes[key] != nil { return true }
        guard indexes.count < MirrorConfiguration.maximumKeys else { return false }
        let index = vacant.popLast() ?? keys.count
        if index == keys.count {
            keys.append(MirroredKey(name: name, key: key))
        } else {
            keys[index] = MirroredKey(name: name, key: key)
        }
        indexes[key] = index
        queue(index)
        return true
    }

    /// Follows the key of `text` no more. What was read of it and not yet handed over is forgotten.
    package func unwatch(text: String) {
        guard let index = indexes.removeValue(forKey: table.key.key(of: text)) else { return }
        keys[index].isRetired = true
        keys[index].value = .unfetched
        reuse(index)
    }

    /// How many keys are followed.
    package var count: Int { indexes.count }

    /// Gives the place of a key that is followed no more back, once nothing points at it.
    private func reuse(_ index: Int) {
        let key = keys[index]
        if key.isRetired, !key.isVacant, !key.isQueued, !key.isFetching, !key.isUnpublished {
            keys[index].isVacant = true
            vacant.append(index)
        }
    }

    /// Redis announced that the key was written, expired or deleted.
    package func invalidate(key: String, now: Int64) {
        guard let index = indexes[key] else { return }
        keys[index].lastWrite = now
        raiseEpoch(index)
    }

    /// Redis announced that everything may have changed. That tells of no single key that it was written.
    package func invalidateAll() {
        for index in keys.indices { raiseEpoch(index) }
    }

    /// Forgets the reads under way: their connection is gone.
    package func linkLost() {
        toFetch.removeAll()
        unread = 0
        for index in keys.indices {
            keys[index].isFetching = false
            keys[index].isQueued = false
            keys[index].awaitsResync = false
            reuse(index)
        }
    }

    /// Has every key read anew; `isResynchronised` tells when that is done.
    package func resynchronise() {
        linkLost()
        unread = indexes.count
        for index in keys.indices where !keys[index].isRetired {
            keys[index].awaitsResync = true
            queue(index)
        }
    }

    package var isResynchronised: Bool { unread == 0 }

    // MARK: Reading

    /// The next key to read; the caller sends its commands at once.
    package func nextFetch(now: Int64) -> Int? {
        while let index = toFetch.take() {
            keys[index].isQueued = false
            // One that the resynchronisation waits for is read all the same.
            guard !keys[index].isRetired || keys[index].awaitsResync else {
                reuse(index)
                continue
            }
            keys[index].isFetching = true
            keys[index].fetch = .init(sentAt: now, epoch: keys[index].epoch, lastWrite: keys[index].lastWrite, ttl: -1)
            return index
        }
        return nil
    }

    func commands(_ index: Int) -> (ttl: RedisCommand, value: RedisCommand) {
        (keys[index].ttlCommand, keys[index].valueCommand)
    }

    /// The answer to PTTL: milliseconds, -1 without expiry, -2 without the key.
    package func fetchedTTL(_ index: Int, milliseconds: Int64) {
        guard keys.indices.contains(index) else { return }
        keys[index].fetch.ttl = milliseconds
    }

    /// The answer to GET, which follows that to PTTL. Returns why the value was refused, where that is news.
    package func fetched(_ index: Int, _ fetched: Fetched, now: Int64, wallNow: Int64) -> RefusedKey? {
        guard keys.indices.contains(index), keys[index].isFetching else { return nil }
        keys[index].isFetching = false
        if keys[index].awaitsResync {
            keys[index].awaitsResync = false
            unread -= 1
        }
        guard !keys[index].isRetired else {
            reuse(index)
            return nil
        }
        if keys[index].epoch != keys[index].fetch.epoch { queue(index) }
        let refusal = apply(fetched, to: index, clocks: Clocks(now: now, wall: wallNow))
        defer { keys[index].refusal = refusal?.reason }
        guard let refusal, refusal.reason != keys[index].refusal else { return nil }
        return RefusedKey(key: keys[index].key, reason: refusal.reason)
    }

    private func apply(_ fetched: Fetched, to index: Int, clocks: Clocks) -> RefusedValue? {
        switch fetched {
        case .absent:
            lookups.count(.absent)
            keys[index].forget(.absent)
        case .bytes where keys[index].fetch.ttl == -2:
            // Written between the two answers: its expiry is unknown, and the announcement of the write is on its way.
            keys[index].forget(.absent)
        case .refused(let reason):
            return refuse(index, RefusedValue(reason))
        case .bytes(let bytes):
            do throws(RefusedValue) {
                switch kind {
                case .prices: try applyPrice(bytes, to: index, clocks: clocks)
                case .accounts: try applyAccount(bytes, to: index, clocks: clocks)
                }
            } catch {
                return refuse(index, error)
            }
        }
        publish(index)
        return nil
    }

    private func refuse(_ index: Int, _ refusal: RefusedValue) -> RefusedValue {
        lookups.count(.refused)
        keys[index].forget(.refused)
        publish(index)
        return refusal
    }

    private func applyPrice(
        _ bytes: UnsafeRawBufferPointer, to index: Int, clocks: Clocks
    ) throws(RefusedValue) {
        let price = try priceParser.parse(bytes)
        let asOf = table.judgesAge ? price.asOf : nil
        if let asOf {
            try clocks.refuseFuture(asOf)
            if let last = keys[index].asOf, asOf < last {
                lookups.count(.outdated)
                return
            }
        }
        keys[index].see(bytes)
        keys[index].asOf = asOf
        let since = keys[index].since(asOf: asOf, clocks: clocks)
        keys[index].value = .price(
            PriceQuote(
                availability: .present, hasBidAsk: price.bid != nil, mark: price.mark, bid: price.bid ?? .zero,
                ask: price.ask ?? .zero, since: since, freshUntil: freshUntil(since),
                expiresAt: keys[index].fetch.expiresAt))
        lookups.count(.present)
    }

    private func applyAccount(
        _ bytes: UnsafeRawBufferPointer, to index: Int, clocks: Clocks
    ) throws(RefusedValue) {
        let values = try accountParser.parse(bytes)
        // Also where age is not judged: an `as_of` of the future would settle orders that it cannot know of.
        if let asOf = values.asOf { try clocks.refuseFuture(asOf) }
        keys[index].see(bytes)
        let since = keys[index].since(asOf: table.judgesAge ? values.asOf : nil, clocks: clocks)
        keys[index].value = .account(
            AccountSnapshot(
                values: values, readAt: keys[index].readAt, since: since, freshUntil: freshUntil(since),
                expiresAt: keys[index].fetch.expiresAt))
        lookups.count(.present)
    }

    private func freshUntil(_ since: Int64) -> Int64 {
        guard table.judgesAge else { return .max }
        let (until, overflow) = since.addingReportingOverflow(table.maximumAge)
        return overflow ? .max : until
    }

    private func raiseEpoch(_ index: Int) {
        guard !keys[index].isRetired else { return }
        keys[index].epoch += 1
        if keys[index].isQueued || keys[index].isFetching && keys[index].epoch > keys[index].fetch.epoch + 1 {
            lookups.coalesced.add(lookups.kind)
        }
        if !keys[index].isFetching { queue(index) }
    }

    private func queue(_ index: Int) {
        guard !keys[index].isQueued else { return }
        keys[index].isQueued = true
        toFetch.put(index)
    }

    /// Shows the accounts that are followed and have a snapshot now, each by its name.
    package func forEachAccount(_ body: (String, AccountSnapshot) -> Void) {
        for key in keys {
            guard !key.isRetired, case .account(let snapshot) = key.value else { continue }
            body(table.key.name(in: key.key), snapshot)
        }
    }

    // MARK: Publishing

    private func publish(_ index: Int) {
        guard !keys[index].isUnpublished else { return }
        keys[index].isUnpublished = true
        toPublish.put(index)
    }

    /// Hands what has changed to `push`, each key once with its newest value, until `push` returns false.
    /// Returns whether nothing is left.
    package func drain(_ push: (StateUpdate) -> Bool) -> Bool {
        while let index = toPublish.first {
            guard !keys[index].isRetired else {
                keys[index].isUnpublished = false
                _ = toPublish.take()
                reuse(index)
                continue
            }
            let update = keys[index].update(kind)
            guard push(update) else {
                update.discard()
                return false
            }
            keys[index].isUnpublished = false
            _ = toPublish.take()
        }
        return true
    }
}

/// A key whose value is not taken, and why.
package struct RefusedKey: Equatable {
    package let key: String
    package let reason: String
}
