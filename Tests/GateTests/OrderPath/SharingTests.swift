import Gate
import Testing

@Suite struct SharingTests {
    private static let start: Int64 = 5_000_000_000

    /// Accounts whose reservations change, and who is told of them when.
    private final class Desk {
        var sharing = Sharing(accounts: 4)
        /// By account.
        private var revisions: [UInt64] = [0, 0, 0, 0]

        init(isAlone: Bool = false) { sharing.isAlone = isAlone }
        deinit { sharing.deallocate() }

        private var total: UInt64 { revisions.reduce(0, +) }
        var dueAt: Int64? { sharing.dueAt(revision: total) }

        func change(_ account: Int) { revisions[account] += 1 }

        /// Of which accounts the others are told at an instant.
        func told(at now: Int64) -> [Int] {
            guard let dueAt, now >= dueAt else { return [] }
            sharing.begin(revision: total, now: now)
            return (1..<4).filter { sharing.tells(UInt32($0), revision: revisions[$0]) }
        }
    }

    private static func interval(_ isAlone: Bool) -> Int64 { isAlone ? Sharing.intervalAlone : Sharing.interval }

    @Test func `nothing is due where nothing changed`() {
        let desk = Desk()
        #expect(desk.dueAt == nil)
        #expect(desk.told(at: Self.start) == [])
    }

    @Test(arguments: [false, true])
    func `the first change, and one after a pause, is told at once, and once`(isAlone: Bool) {
        let desk = Desk(isAlone: isAlone)
        for pause in [0, Self.interval(isAlone), 3_600_000_000_000] {
            desk.change(2)
            #expect(desk.told(at: Self.start + pause) == [2])
            #expect(desk.dueAt == nil)
        }
    }

    @Test(arguments: [false, true])
    func `a change soon after is told when the interval is over, not before`(isAlone: Bool) {
        let desk = Desk(isAlone: isAlone)
        desk.change(1)
        #expect(desk.told(at: Self.start) == [1])
        desk.change(1)
        desk.change(3)
        let next = Self.start + Self.interval(isAlone)
        #expect(desk.dueAt == next)
        #expect(desk.told(at: next - 1) == [])
        #expect(desk.told(at: next) == [1, 3])
    }

    @Test func `a change that waits is told at once where another Gate is found to listen`() {
        let desk = Desk(isAlone: true)
        desk.change(1)
        #expect(desk.told(at: Self.start) == [1])
        desk.change(1)
        let found = Self.start + Sharing.intervalAlone / 2
        #expect(desk.told(at: found) == [])
        desk.sharing.isAlone = false
        #expect(desk.told(at: found) == [1])
    }
}
