/// Stops who breaks too much in too short a time: an account that goes from keeping enforced hard rules to breaking them, and
/// a strategy whose orders such rules refuse.
///
/// It says when; whoever asks it latches the stop. What led to a stop is counted no more, so that whoever resumes starts
/// anew. Times are monotonic nanoseconds and do not go back.
package final class CircuitBreaker {
    package struct Settings: Hashable, Sendable {
        /// How many times within the window an account begins to break a rule until it is stopped; 0: never.
        package var violations: Int
        /// How many rejects by hard rules within the window until a strategy is stopped; 0: never.
        package var rejects: Int
        /// Nanoseconds.
        package var window: Int64

        package init(violations: Int = 5, rejects: Int = 0, window: Int64 = 60_000_000_000) {
            self.violations = violations
            self.rejects = rejects
            self.window = window
        }
    }
    private struct State: BitwiseCopyable {
        var violationTrips = 0
        var rejectTrips = 0
    }

    package let settings: Settings
    private let windows: WindowTable<Int64>
    private let violationSlot: Int32
    private let rejectSlot: Int32
    private let state: UnsafeMutablePointer<State>

    /// - Parameters: how many accounts and strategies the engine has room for.
    package init(_ settings: Settings, accounts: Int, strategies: Int) {
        self.settings = settings
        windows = WindowTable(capacity: 2 * accounts + strategies + 1)
        let named = [("violations", settings.violations), ("rejects", settings.rejects)]
            .map { (identity: RuleSet.WindowKey($0.0), bound: $0.1) }
        let sorted = named.sorted { $0.identity < $1.identity }
        let slots = windows.install(
            sorted.map { window in
                WindowTable<Int64>.Window(
                    identity: window.identity, per: .account, length: settings.window,
                    shape: RingShape(bound: FixedPoint(whole: Int128(window.bound)) ?? .zero))
            })
        let isFirst = sorted[0].identity == named[0].identity
        violationSlot = isFirst ? slots[0] : slots[1]
        rejectSlot = isFirst ? slots[1] : slots[0]
        state = .allocate(capacity: 1)
        state.initialize(to: State())
    }

    deinit { state.deallocate() }

    /// An account began to break an enforced hard rule; the stop that this asks for, if it does.
    package func violated(_ account: NameID, now: Int64) -> TrippedStop? {
        guard isReached(settings.violations, slot: violationSlot, key: account.index, now: now) else { return nil }
        state.pointee.violationTrips += 1
        return TrippedStop(scope: .account, name: account, rule: -1)
    }

    /// An order was refused by a hard rule; the stop that this asks for, if it does. An order that names no strategy is its
    /// account's.
    package func rejected(strategy: NameID, account: NameID, now: Int64) -> TrippedStop? {
        let key = Self.key(strategy, account)
        guard isReached(settings.rejects, slot: rejectSlot, key: key, now: now) else { return nil }
        state.pointee.rejectTrips += 1
        return strategy == .none
            ? TrippedStop(scope: .account, name: account, rule: -1)
            : TrippedStop(scope: .strategy, name: strategy, rule: -1)
    }

    /// How many violations of an account count at this moment.
    package func violations(of account: NameID, now: Int64) -> Int {
        count(slot: violationSlot, key: account.index, now: now)
    }

    /// How many rejects of a strategy, or of an account's orders without one, count at this moment.
    package func rejects(strategy: NameID, account: NameID, now: Int64) -> Int {
        count(slot: rejectSlot, key: Self.key(strategy, account), now: now)
    }

    /// How often it asked for a stop of an account for its violations, and of a strategy or account for its rejects.
    package var trips: (violations: Int, rejects: Int) {
        (state.pointee.violationTrips, state.pointee.rejectTrips)
    }

    private static func key(_ strategy: NameID, _ account: NameID) -> UInt32 {
        strategy == .none ? account.index | 1 << 31 : strategy.index
    }

    private static func digest(_ slot: Int32, _ key: UInt32) -> Digest {
        let pair = UInt64(UInt32(bitPattern: slot)) << 32 | UInt64(key)
        return Digest(low: SipHash.spread(pair), high: pair)
    }

    private func isReached(_ threshold: Int, slot: Int32, key: UInt32, now: Int64) -> Bool {
        guard threshold > 0 else { return false }
        let digest = Self.digest(slot, key)
        // There is room for every key there can be.
        guard let count = windows.add(1, slot: slot, key: digest, now: now), count >= Int64(threshold) else {
            return false
        }
        windows.forget(digest)
        return true
    }

    private func count(slot: Int32, key: UInt32, now: Int64) -> Int {
        Int(windows.total(slot: slot, key: Self.digest(slot, key), now: now) ?? 0)
    }
}

extension RiskEngine {
    /// Whether a reject is one that the circuit breaker counts: its reason is a rule that the order does not keep, not a
    /// built-in check and not an input that is missing.
    package func isByRule(_ verdict: Verdict) -> Bool {
        guard let first = verdict.violations.first(where: \.blocks), first.rule >= 0 else { return false }
        return first.reason == plans.rules[Int(first.rule)].metric.reason(isMax: first.boundIsMax)
    }
}
