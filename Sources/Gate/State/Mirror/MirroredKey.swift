import RiskRules

/// One followed key: what is known of it and what is being done about it.
struct MirroredKey {
    enum Value {
        case unfetched
        case absent
        case refused
        case price(PriceQuote)
        case account(AccountSnapshot)
    }

    /// A read under way, and what was known when it was sent.
    struct Fetch {
        var sentAt: Int64
        var epoch: UInt64
        var lastWrite: Int64
        /// Milliseconds; -1 without expiry, -2 without the key.
        var ttl: Int64

        /// The key's expiry here. Counted from the sending, so never later than in Redis.
        var expiresAt: Int64 {
            guard ttl >= 0 else { return .max }
            let (nanoseconds, overflow) = ttl.multipliedReportingOverflow(by: 1_000_000)
            let (instant, past) = sentAt.addingReportingOverflow(nanoseconds)
            return overflow || past ? .max : instant
        }
    }

    let name: NameID
    let key: String
    let ttlCommand: RedisCommand
    let valueCommand: RedisCommand
    var value = Value.unfetched
    var epoch: UInt64 = 0
    var isQueued = false
    var isFetching = false
    var awaitsResync = false
    var isUnpublished = false
    /// Followed no more; its place is used again once nothing points at it, and vacant then.
    var isRetired = false
    var isVacant = false
    var fetch = Fetch(sentAt: 0, epoch: 0, lastWrite: 0, ttl: -1)
    /// When a write was last announced; 0: never.
    var lastWrite: Int64 = 0
    /// The announced write that the mirrored value already accounts for.
    private var countedWrite: Int64 = 0
    private var digest: Int?
    /// When the mirrored bytes were last seen written.
    private(set) var readAt: Int64 = 0
    private var writtenAt: Int64 = 0
    /// The `as_of` of the mirrored price.
    var asOf: Int64?
    /// Why the value was last refused.
    var refusal: String?

    init(name: NameID, key: String) {
        self.name = name
        self.key = key
        ttlCommand = RedisCommand("PTTL", key)
        valueCommand = RedisCommand("GET", key)
    }

    /// There is no value any more: what comes next is a first read.
    mutating func forget(_ value: Value) {
        self.value = value
        digest = nil
        asOf = nil
        countedWrite = fetch.lastWrite
    }

    /// Takes note of the bytes that were read: whether they were written anew since the last time, and when.
    mutating func see(_ bytes: UnsafeRawBufferPointer) {
        var hasher = Hasher()
        hasher.combine(bytes: bytes)
        let digest = hasher.finalize()
        if fetch.lastWrite > countedWrite {
            writtenAt = fetch.lastWrite
            readAt = fetch.sentAt
        } else if digest != self.digest {
            writtenAt = fetch.sentAt
            readAt = fetch.sentAt
        }
        countedWrite = max(countedWrite, fetch.lastWrite)
        self.digest = digest
    }

    /// What the value's age counts from.
    func since(asOf: Int64?, clocks: Clocks) -> Int64 {
        asOf.map { min(clocks.monotonic($0), fetch.sentAt) } ?? writtenAt
    }

    /// What the order thread is to know of the key. A snapshot in it is retained for the receiver.
    func update(_ kind: MirrorTable.Kind) -> StateUpdate {
        switch kind {
        case .prices:
            var update = StateUpdate(kind: .price, name: name)
            if case .price(let quote) = value {
                update.quote = quote
            } else {
                update.quote.availability = .absent
            }
            return update
        case .accounts:
            switch value {
            case .account(let snapshot):
                var update = StateUpdate(kind: .account, name: name)
                update.object = Unmanaged.passRetained(snapshot).toOpaque()
                return update
            case .refused: return StateUpdate(kind: .accountRefused, name: name)
            default: return StateUpdate(kind: .accountAbsent, name: name)
            }
        }
    }
}

/// The two clocks at one moment, in nanoseconds.
struct Clocks {
    let now: Int64
    let wall: Int64

    /// A wall-clock instant on the monotonic clock.
    func monotonic(_ instant: Int64) -> Int64 {
        // Both are unix times from 0 to 2^63 - 1: their difference cannot overflow, nor that of two clocks' readings.
        now.subtractingReportingOverflow(wall.subtractingReportingOverflow(instant).partialValue).partialValue
    }

    func refuseFuture(_ asOf: Int64) throws(RefusedValue) {
        let ahead = asOf.subtractingReportingOverflow(wall).partialValue
        if ahead > 1_000_000_000 {
            throw RefusedValue("as_of is \(ahead / 1_000_000) ms ahead of this host's clock; at most 1000 are taken")
        }
    }
}

typealias IndexQueue = Queue<Int>

/// A first-in, first-out queue that reuses its storage.
struct Queue<Element> {
    private var items: [Element] = []
    private var head = 0

    var first: Element? { head < items.count ? items[head] : nil }

    mutating func put(_ item: Element) { items.append(item) }

    mutating func take() -> Element? {
        guard head < items.count else { return nil }
        let item = items[head]
        head += 1
        if head == items.count {
            removeAll()
        } else if head >= 1024, head * 2 >= items.count {
            items.removeFirst(head)
            head = 0
        }
        return item
    }

    mutating func removeAll() {
        items.removeAll(keepingCapacity: true)
        head = 0
    }
}
