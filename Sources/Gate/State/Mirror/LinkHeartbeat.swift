/// Tells whether invalidations still arrive, by a key of our own: it is written on the data connection and must come back
/// as an invalidation on the subscriber. One is under way at a time.
///
/// Both the answer to the write and the invalidation are waited for: the first shows that the data connection lives, the
/// second that tracking does; an invalidation alone might be that of the key's expiry.
package struct LinkHeartbeat {
    /// When the one under way was sent.
    package private(set) var sentAt: Int64?
    private var isAnswered = false
    private var isSeen = false

    package init() {}

    package mutating func sent(at now: Int64) {
        sentAt = now
        isAnswered = false
        isSeen = false
    }

    /// The write was answered. Returns since when the link is known alive, once both have come.
    package mutating func answered() -> Int64? {
        guard sentAt != nil else { return nil }
        isAnswered = true
        return completed()
    }

    /// The invalidation came. Returns since when the link is known alive, once both have come.
    package mutating func seen() -> Int64? {
        guard sentAt != nil else { return nil }
        isSeen = true
        return completed()
    }

    private mutating func completed() -> Int64? {
        guard isAnswered, isSeen else { return nil }
        defer { sentAt = nil }
        return sentAt
    }
}
