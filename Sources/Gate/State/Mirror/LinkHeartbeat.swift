/// Tells whether invalidations still arrive, by a key of our own: it is written on the data connection and must come back
/// as an invalidation on the subscriber. One is under way at a time.
///
/// Both the answer of every data connection and the invalidation are waited for: the first show that values can be read, and
/// that everything asked for before was, the second that tracking lives; an invalidation alone might be that of the key's expiry.
package struct LinkHeartbeat {
    /// When the one under way was sent.
    package private(set) var sentAt: Int64?
    private var unanswered = 0
    private var isSeen = false

    package init() {}

    /// `connections`: how many of them each owe an answer.
    package mutating func sent(at now: Int64, connections: Int = 1) {
        sentAt = now
        unanswered = connections
        isSeen = false
    }

    /// One connection has answered. Returns since when the link is known alive, once everything has come.
    package mutating func answered() -> Int64? {
        guard sentAt != nil, unanswered > 0 else { return nil }
        unanswered -= 1
        return completed()
    }

    /// The invalidation came. Returns since when the link is known alive, once everything has come.
    package mutating func seen() -> Int64? {
        guard sentAt != nil else { return nil }
        isSeen = true
        return completed()
    }

    private mutating func completed() -> Int64? {
        guard unanswered == 0, isSeen else { return nil }
        defer { sentAt = nil }
        return sentAt
    }
}
