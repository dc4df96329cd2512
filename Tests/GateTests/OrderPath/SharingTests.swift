import Gate
import Testing

@Suite struct SharingTests {
    private static let millisecond: Int64 = 1_000_000
    private static let start: Int64 = 5_000 * millisecond

    /// Accounts whose reservations change, and who is told of them when.
    private final class Desk {
        var sharing = Sharing(accounts: 4)
        /// By account.
        private var revisions: [UInt64] = [0, 0, 0, 0]

        deinit { sharing.deallocate() }

        private var total: UInt64 { revisions.reduce(0, +) }
        var dueAt: Int64? { sharing.dueAt(revision: total) }

        func change(_ account: Int) { revisions[account] += 1 }

        /// Which accounts are told at an instant; none where nothing is due.
        func told(at now: Int64) -> [Int] {
            guard let dueAt, now >= dueAt else { return [] }
            sharing.begin(revision: total, now: now)
            return (1..<4).filter { sharing.tells(UInt32($0), revision: revisions[$0], now: now) }
        }
    }

    @Test func `nothing is due where nothing changed`() {
        let desk = Desk()
        #expect(desk.dueAt == nil)
        #expect(desk.told(at: Self.start) == [])
    }

    @Test func `the first change, and one after a pause, is told at once, and once`() {
        let desk = Desk()
        for pause in [0, Sharing.intervalAlone, 3_600_000 * Self.millisecond] {
            let now = Self.start + pause
            desk.change(2)
            #expect(desk.told(at: now) == [2])
            #expect(desk.dueAt == nil)
            #expect(desk.told(at: now + Sharing.intervalAlone - 1) == [])
        }
    }

    @Test func `a Gate alone on an account tells again when the longer interval is over, not before`() {
        let desk = Desk()
        desk.change(1)
        #expect(desk.told(at: Self.start) == [1])
        desk.change(1)
        let next = Self.start + Sharing.intervalAlone
        #expect(desk.told(at: Self.start + Sharing.interval) == [])
        #expect(desk.dueAt == next)
        desk.change(1)
        #expect(desk.told(at: next - 1) == [])
        #expect(desk.told(at: next) == [1])
        #expect(desk.dueAt == nil)
    }

    @Test func `where another Gate told of the account the shorter interval holds, of that account alone`() {
        let desk = Desk()
        desk.sharing.heard(of: 1, now: Self.start - 1)
        desk.change(1)
        desk.change(2)
        #expect(desk.told(at: Self.start) == [1, 2])
        desk.change(1)
        desk.change(2)
        let next = Self.start + Sharing.interval
        #expect(desk.told(at: next - 1) == [])
        #expect(desk.told(at: next) == [1])
        #expect(desk.dueAt == Self.start + Sharing.intervalAlone)
    }

    @Test func `a change that waits is told as soon as another Gate is heard of`() {
        let desk = Desk()
        desk.change(1)
        #expect(desk.told(at: Self.start) == [1])
        desk.change(1)
        let heardAt = Self.start + 10 * Self.millisecond
        #expect(desk.told(at: heardAt) == [])
        desk.sharing.heard(of: 1, now: heardAt)
        #expect(desk.told(at: heardAt) == [1])
    }

    @Test func `another Gate is remembered for so long after it told last, and no longer`() {
        for (age, interval) in [
            (Sharing.othersRemembered - Sharing.interval - 1, Sharing.interval),
            (Sharing.othersRemembered, Sharing.intervalAlone),
        ] {
            let desk = Desk()
            desk.sharing.heard(of: 3, now: Self.start - age)
            desk.change(3)
            #expect(desk.told(at: Self.start) == [3])
            desk.change(3)
            #expect(desk.told(at: Self.start + interval - 1) == [])
            #expect(desk.told(at: Self.start + interval) == [3])
        }
    }

    @Test func `a change of one account does not wait for another that is not due`() {
        let desk = Desk()
        desk.change(1)
        #expect(desk.told(at: Self.start) == [1])
        desk.change(1)
        #expect(desk.told(at: Self.start + Sharing.interval) == [])
        desk.change(2)
        #expect(desk.dueAt == Self.start + 2 * Sharing.interval)
        #expect(desk.told(at: Self.start + 2 * Sharing.interval) == [2])
        #expect(desk.told(at: Self.start + Sharing.intervalAlone) == [1])
    }

    /// Whatever changes when: no change waits for longer than its interval, and none is told more often.
    @Test func `in random sequences every change is told in time, and no account too often`() {
        var random = SplitMix(seed: 6)
        for _ in 0..<200 {
            let desk = Desk()
            var waiting = [Int64?](repeating: nil, count: 4)
            var toldAt = [Int64](repeating: .min, count: 4)
            var others = [Bool](repeating: false, count: 4)
            var now = Self.start
            for _ in 0..<500 {
                now += Int64.random(in: 0...Self.millisecond, using: &random)
                let account = Int.random(in: 1..<4, using: &random)
                switch Int.random(in: 0..<40, using: &random) {
                case 0:
                    desk.sharing.heard(of: UInt32(account), now: now)
                    others[account] = true
                case 1..<20:
                    desk.change(account)
                    waiting[account] = waiting[account] ?? now
                default: break
                }
                for told in desk.told(at: now) {
                    let interval = others[told] ? Sharing.interval : Sharing.intervalAlone
                    #expect(waiting[told] != nil)
                    #expect(toldAt[told] == .min || now - toldAt[told] >= interval)
                    waiting[told] = nil
                    toldAt[told] = now
                }
                for account in 1..<4 {
                    guard let since = waiting[account] else { continue }
                    let interval = others[account] ? Sharing.interval : Sharing.intervalAlone
                    // A step is a millisecond at most, and accounts are looked at once in the shorter interval.
                    #expect(now - since <= interval + Sharing.interval + Self.millisecond)
                }
            }
        }
    }
}
