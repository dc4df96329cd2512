/// Which rules each account breaks, from one evaluation to the next: what the circuit breaker counts and what alerts are
/// sent of.
///
/// An account goes from keeping a rule to breaking it where its evaluation before found the rule kept, or found nothing that
/// it looks at. What an evaluation cannot tell, for want of an input, changes nothing. Whatever is broken at the first
/// evaluation of an account, or at the first under a rule set that brings the rule, was not seen to be kept before. Rules are
/// the same over rule sets where their ids are.
package final class BreachBook {
    package enum Transition: UInt8, Hashable, Sendable, BitwiseCopyable {
        case none
        /// From kept to broken.
        case broke
        /// From broken to kept.
        case mended
    }

    /// What is to be done about a finding.
    package struct Note: Hashable, Sendable, BitwiseCopyable {
        package var transition = Transition.none
        /// Whether an alert is to be sent: the rule is broken, and there was none for it and the account for a while.
        package var alerts = false
    }

    private enum Standing: UInt8, BitwiseCopyable { case kept, broken, untold }
    private struct Entry: BitwiseCopyable {
        var account: NameID
        var standing: Standing
        /// The evaluation that found it last.
        var seen: UInt64
        /// No alert before.
        var quietUntil: Int64
        /// Next free place.
        var next: Int32 = -1
    }
    private struct Account: BitwiseCopyable {
        /// The latest evaluation that its snapshot counted for, and how many rule sets had been installed by then; 0 where
        /// there was none.
        var evaluation: UInt64 = 0
        var installs = 0
    }
    private struct State: BitwiseCopyable {
        var used = 0
        var firstFree: Int32 = -1
        var evaluation: UInt64 = 0
        var installs = 0
        var omitted = 0
    }

    private let capacity: Int
    private let quiet: Int64
    private let accounts: UnsafeMutablePointer<Account>
    private let entries: UnsafeMutablePointer<Entry>
    private let index: DigestIndex
    private let state: UnsafeMutablePointer<State>
    /// Of each rule in force: a hash of its id, and the first of the sets without a break that has it.
    private var rules: [(key: Digest, since: Int)] = []

    /// - Parameters:
    ///   - accounts: how many the engine has room for.
    ///   - capacity: pairs of an account and a rule that is broken, or was a while ago.
    ///   - quiet: nanoseconds between two alerts for a rule and an account.
    package init(accounts: Int, capacity: Int = 16384, quiet: Int64 = 300_000_000_000) {
        self.capacity = Swift.max(capacity, 1)
        self.quiet = quiet
        self.accounts = .allocate(capacity: accounts + 1)
        self.accounts.initialize(repeating: Account(), count: accounts + 1)
        entries = .allocate(capacity: self.capacity)
        index = DigestIndex(capacity: self.capacity)
        state = .allocate(capacity: 1)
        state.initialize(to: State())
    }

    deinit {
        accounts.deallocate()
        entries.deallocate()
        state.deallocate()
    }

    /// Pairs for which there was no room: neither counted nor alerted.
    package var omitted: Int { state.pointee.omitted }

    /// Goes over to the rules of a set, by which findings name them.
    package func install(_ ruleSet: RuleSet) {
        state.pointee.installs += 1
        let since = Dictionary(rules.map { ($0.key, $0.since) }) { first, _ in first }
        rules = ruleSet.texts.map { text in
            var id = text.id
            let key = id.withUTF8 { SipHash(seed: 0).hash(UnsafeRawBufferPointer($0)) }
            return (key, since[key] ?? state.pointee.installs)
        }
    }

    /// Takes an evaluation in. Calls `body` with each finding that is broken or has become so, or was mended, and what is to
    /// be done about it. An evaluation of an account whose snapshot does not count tells nothing.
    /// - Parameter now: monotonic nanoseconds.
    package func take(_ report: AccountReport, now: Int64, _ body: (AccountFinding, Note) -> Void) {
        guard report.missing == nil else { return }
        state.pointee.evaluation &+= 1
        let account = accounts + Int(report.account.index)
        let before = account.pointee
        account.pointee = Account(evaluation: state.pointee.evaluation, installs: state.pointee.installs)
        for finding in report.findings where Int(finding.rule) < rules.count {
            let note = note(finding, of: report.account, before, now: now)
            if finding.outcome == .broken || note.transition != .none { body(finding, note) }
        }
    }

    private func note(_ finding: AccountFinding, of account: NameID, _ before: Account, now: Int64) -> Note {
        let rule = rules[Int(finding.rule)]
        let key = Digest(low: rule.key.low ^ SipHash.spread(UInt64(account.index)), high: rule.key.high)
        let place = index.find(key)
        // One that the evaluation before did not find looked at nothing then.
        let isContinued = place >= 0 && entries[place].seen == before.evaluation
        let wasKnown = before.evaluation > 0 && rule.since <= before.installs
        let standing: Standing = isContinued ? entries[place].standing : wasKnown ? .kept : .untold
        switch finding.outcome {
        case .kept:
            guard place >= 0 else { return Note() }
            let transition: Transition = entries[place].standing == .broken ? .mended : .none
            entries[place].standing = .kept
            if now >= entries[place].quietUntil { remove(place) }
            return Note(transition: transition)
        case .missing, .skipped:
            if standing != .kept { _ = enter(key, at: place, account, standing, now: now) }
            return Note()
        case .broken:
            guard let entry = enter(key, at: place, account, .broken, now: now) else { return Note() }
            let alerts = now >= entry.pointee.quietUntil
            if alerts {
                let (until, overflow) = now.addingReportingOverflow(quiet)
                entry.pointee.quietUntil = overflow ? .max : until
            }
            return Note(transition: standing == .kept ? .broke : .none, alerts: alerts)
        }
    }

    /// Notes how a pair stands; nil where there is no room for it.
    private func enter(
        _ key: Digest, at found: Int, _ account: NameID, _ standing: Standing, now: Int64
    ) -> UnsafeMutablePointer<Entry>? {
        var place = found
        if place < 0 {
            if state.pointee.firstFree < 0, state.pointee.used == capacity { sweep(now: now) }
            guard let free = takePlace() else {
                state.pointee.omitted += 1
                return nil
            }
            place = free
            (entries + place).initialize(to: Entry(account: account, standing: standing, seen: 0, quietUntil: .min))
            index.insert(key, at: place)
        }
        entries[place].standing = standing
        entries[place].seen = state.pointee.evaluation
        return entries + place
    }

    private func takePlace() -> Int? {
        if state.pointee.firstFree >= 0 {
            let place = Int(state.pointee.firstFree)
            state.pointee.firstFree = entries[place].next
            return place
        }
        guard state.pointee.used < capacity else { return nil }
        state.pointee.used &+= 1
        return state.pointee.used &- 1
    }

    private func remove(_ place: Int) {
        index.remove(at: place)
        entries[place].standing = .kept
        entries[place].seen = .max
        entries[place].next = state.pointee.firstFree
        state.pointee.firstFree = Int32(truncatingIfNeeded: place)
    }

    /// Gives back what says nothing any more.
    private func sweep(now: Int64) {
        for place in 0..<state.pointee.used where entries[place].seen != .max && now >= entries[place].quietUntil {
            let entry = entries[place]
            let latest = accounts[Int(entry.account.index)].evaluation
            // The evaluation in hand has not come to all of its account's rules yet.
            let isOld = entry.seen != latest && latest != state.pointee.evaluation
            if entry.standing == .kept || isOld { remove(place) }
        }
    }
}
