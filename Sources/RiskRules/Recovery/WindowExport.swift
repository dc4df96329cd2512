/// What one key of one rate window holds, or what a window could not hold, so that it outlives the engine: by what the
/// window and the key are, not by where they stand. Digests are under `EngineLimits.hashSeed`.
package struct WindowExport: Hashable, Sendable {
    /// What a window holds; each kind has keys of its own.
    package enum Kind: UInt8, CaseIterable, Sendable, BitwiseCopyable {
        /// Orders, messages, rejects.
        case counts
        /// Orders that are alike.
        case duplicates
        /// Notional of approved orders, in units of 10^-10.
        case sums
    }
    /// What a window counts by.
    package enum Key: Hashable, Sendable, BitwiseCopyable {
        /// Orders of an account, a strategy or a symbol: the digest of its name.
        case name(Digest)
        /// Orders of an account that name no strategy: the digest of the account's name.
        case noStrategy(of: Digest)
        /// Orders that are alike: the digest of all that makes them so.
        case alike(Digest)
    }
    /// Events of one time.
    package struct Entry: Hashable, Sendable, BitwiseCopyable {
        /// Unix nanoseconds.
        package var time: Int64
        package var amount: Int128

        package init(time: Int64, amount: Int128) {
            self.time = time
            self.amount = amount
        }
    }

    package var kind: Kind
    /// Stands for the rule's id, metric, window and `per`.
    package var window: Digest
    /// nil where this is about the window.
    package var key: Key?
    /// Oldest first, each later than the one before.
    package var entries: [Entry]
    /// Without a key: until when keys that the window does not hold count as full, because an event found no room for its
    /// key; unix nanoseconds. Meaningless with one.
    package var lostUntil: Int64

    package init(kind: Kind, window: Digest, key: Key?, entries: [Entry], lostUntil: Int64) {
        self.kind = kind
        self.window = window
        self.key = key
        self.entries = entries
        self.lostUntil = lostUntil
    }
}
