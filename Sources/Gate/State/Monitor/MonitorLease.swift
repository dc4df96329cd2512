/// Which accounts this Gate speaks for, where several watch them, without any I/O: it holds an account's lease from the moment that
/// Redis gave it until `Redis` would give it to another, less what an answer may take. Times are monotonic nanoseconds.
struct MonitorLease {
    /// How long Redis keeps a lease that is not renewed, and how often all are asked for: together the longest time that nobody
    /// speaks for an account whose speaker died.
    static let timeToLive: Int64 = 1_400_000_000
    static let renewal: Int64 = 400_000_000
    static let mostAccounts = 1024

    private var heldUntil: [String: Int64] = [:]
    /// When each was last reported: those that are not any more are let go.
    private var wantedUntil: [String: Int64] = [:]

    /// An account was looked at: its lease is wanted.
    mutating func want(_ account: String, now: Int64) {
        guard wantedUntil[account] != nil || wantedUntil.count < Self.mostAccounts else { return }
        wantedUntil[account] = now + 3_000_000_000
    }

    /// The accounts to ask for now, in a fixed order.
    mutating func wanted(now: Int64) -> [String] {
        wantedUntil = wantedUntil.filter { $0.value > now }
        heldUntil = heldUntil.filter { wantedUntil[$0.key] != nil }
        return wantedUntil.keys.sorted()
    }

    /// Redis said whether it gave a lease that was asked for at `asked`.
    mutating func answered(_ account: String, isGiven: Bool, asked: Int64) {
        heldUntil[account] = isGiven ? asked + Self.timeToLive : nil
    }

    /// Nobody knows what Redis gives away meanwhile.
    mutating func linkLost() { heldUntil.removeAll() }

    /// Whether this Gate speaks for an account.
    func holds(_ account: String, now: Int64) -> Bool { heldUntil[account].map { now < $0 } ?? false }
}
