/// When other Gates are told what is reserved of which account.
///
/// What several Gates may overshoot together is what is approved within one interval and the way through Redis. Nobody overshoots
/// with a Gate that is alone on an account: it tells at once what changes after a pause, and while orders flow far more seldom, since
/// each telling costs Redis and the machine more than the order that it is about.
package struct Sharing {
    /// Between two tellings of an account that other Gates tell of too, nanoseconds.
    package static let interval: Int64 = 2_000_000
    /// Between two tellings of an account that no other Gate tells of.
    package static let intervalAlone: Int64 = 100_000_000
    /// For how long an account is another Gate's too after that told of it last.
    package static let othersRemembered: Int64 = 600_000_000_000

    private struct Account: BitwiseCopyable {
        /// What was told.
        var revision: UInt64 = 0
        var toldAt = Int64.min
        var othersUntil = Int64.min

        func dueAt(now: Int64) -> Int64 {
            toldAt == .min ? now : toldAt &+ (now < othersUntil ? Sharing.interval : Sharing.intervalAlone)
        }
    }

    /// The timer that waits for `timerAt`.
    var timer = TimerID.none
    var timerAt: Int64 = 0
    /// Of the changes that were looked at.
    private var revision: UInt64 = 0
    private var lookedAt = Int64.min
    /// When the first of the accounts is due that changed and were not told; `Int64.max`: none.
    private var leftAt = Int64.max
    private let accounts: UnsafeMutablePointer<Account>

    /// - Parameter accounts: how many there can be, the one at index 0 included.
    package init(accounts count: Int) {
        accounts = .allocate(capacity: count)
        accounts.initialize(repeating: Account(), count: count)
    }

    package func deallocate() { accounts.deallocate() }

    /// When accounts are to be looked at; nil: nothing has changed that was not told.
    /// - Parameter revision: of the changes of all accounts.
    package func dueAt(revision: UInt64) -> Int64? {
        let changedAt = revision == self.revision ? Int64.max : lookedAt == .min ? 0 : lookedAt &+ Self.interval
        let dueAt = min(changedAt, leftAt)
        return dueAt == .max ? nil : dueAt
    }

    /// Accounts are being looked at, each by `tells`.
    package mutating func begin(revision: UInt64, now: Int64) {
        self.revision = revision
        lookedAt = now
        leftAt = .max
    }

    /// Whether an account is to be told now, which is then taken as done.
    package mutating func tells(_ account: UInt32, revision: UInt64, now: Int64) -> Bool {
        let account = accounts + Int(account)
        guard account.pointee.revision != revision else { return false }
        let dueAt = account.pointee.dueAt(now: now)
        guard dueAt <= now else {
            leftAt = min(leftAt, dueAt)
            return false
        }
        account.pointee.revision = revision
        account.pointee.toldAt = now
        return true
    }

    /// Another Gate has told what it let through of an account.
    package mutating func heard(of account: UInt32, now: Int64) {
        let account = accounts + Int(account)
        account.pointee.othersUntil = now &+ Self.othersRemembered
        // If it has changed and was not told, it may be due at once.
        if leftAt != .max { leftAt = min(leftAt, account.pointee.dueAt(now: now)) }
    }
}
