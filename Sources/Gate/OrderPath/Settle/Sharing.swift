/// When other Gates are told what is reserved of which account.
///
/// What several Gates may overshoot together is what is approved within one interval and the way through Redis. A Gate that is
/// alone on its Redis tells far more seldom while orders flow: each telling costs Redis and the machine more than the order that it
/// is about.
package struct Sharing {
    /// Between two tellings, nanoseconds.
    package static let interval: Int64 = 2_000_000
    /// The same where nobody listens.
    package static let intervalAlone: Int64 = 100_000_000

    /// Whether no other Gate is connected to this one's Redis, as far as is known.
    package var isAlone = false
    /// The timer that waits for `timerAt`.
    var timer = TimerID.none
    var timerAt: Int64 = 0
    private var toldAt = Int64.min
    /// Of all changes that were told, and by account.
    private var revision: UInt64 = 0
    private let revisions: UnsafeMutablePointer<UInt64>

    /// - Parameter accounts: how many there can be, the one at index 0 included.
    package init(accounts: Int) {
        revisions = .allocate(capacity: accounts)
        revisions.initialize(repeating: 0, count: accounts)
    }

    package func deallocate() { revisions.deallocate() }

    /// When the others are to be told; nil: nothing has changed since they were.
    /// - Parameter revision: of the changes of all accounts.
    package func dueAt(revision: UInt64) -> Int64? {
        guard revision != self.revision else { return nil }
        return toldAt == .min ? 0 : toldAt &+ (isAlone ? Self.intervalAlone : Self.interval)
    }

    /// They are being told, of each account of which `tells` says so.
    package mutating func begin(revision: UInt64, now: Int64) {
        self.revision = revision
        toldAt = now
    }

    /// Whether an account has changed since it was told, which is then taken as done.
    package mutating func tells(_ account: UInt32, revision: UInt64) -> Bool {
        guard revisions[Int(account)] != revision else { return false }
        revisions[Int(account)] = revision
        return true
    }
}
