import Gate
import RiskRules
import Testing

struct WatchListTests {
    private func name(_ index: UInt32) -> NameID { NameID(index: index) }

    private func follow(
        _ list: WatchList, _ index: UInt32, second: UInt32, kept: Set<UInt32> = []
    ) -> WatchList.Admission {
        list.follow(name(index), second: second) { kept.contains($0.index) }
    }

    @Test func `follows as many as it may, and then those that were used last`() {
        let list = WatchList(limit: 3, names: 8)
        for index: UInt32 in 1...3 { #expect(follow(list, index, second: 10 + index) == .followed) }
        #expect(list.use(name(1), second: 20))
        // 2 was used at 12, 3 at 13: both have rested at 25.
        #expect(follow(list, 4, second: 25) == .inPlaceOf(name(2)))
        #expect(!list.follows(name(2)) && list.follows(name(4)))
        #expect(!list.use(name(2), second: 25))
        #expect(list.count == 3)
        #expect(follow(list, 2, second: 26) == .inPlaceOf(name(3)))
    }

    @Test func `a name is not dropped within five seconds of its use, and is after them`() {
        let list = WatchList(limit: 1, names: 8)
        #expect(follow(list, 1, second: 10) == .followed)
        #expect(follow(list, 2, second: 15) == .turnedAway)
        #expect(list.follows(name(1)) && !list.follows(name(2)))
        #expect(follow(list, 2, second: 16) == .inPlaceOf(name(1)))
    }

    @Test func `what is kept is not dropped, however long ago it was used`() {
        let list = WatchList(limit: 2, names: 8)
        for index: UInt32 in 1...2 { #expect(follow(list, index, second: 10 + index) == .followed) }
        #expect(follow(list, 3, second: 100, kept: [1]) == .inPlaceOf(name(2)))
        #expect(follow(list, 4, second: 200, kept: [1, 3]) == .turnedAway)
        // Not looked for again in the same second.
        #expect(follow(list, 4, second: 200) == .turnedAway)
        #expect(follow(list, 4, second: 201) == .inPlaceOf(name(1)))
    }

    @Test func `what no order named goes first, and never drops another`() {
        let list = WatchList(limit: 2, names: 8)
        #expect(list.followIfRoom(name(1)))
        #expect(follow(list, 2, second: 10) == .followed)
        #expect(!list.followIfRoom(name(3)))
        #expect(follow(list, 3, second: 10) == .inPlaceOf(name(1)))
    }

    @Test func `no instant is taken for one of the two seconds that mean something else`() {
        #expect(WatchList.second(of: 0) == 2)
        #expect(WatchList.second(of: 999_999_999) == 2)
        #expect(WatchList.second(of: 1_000_000_000) == 3)
    }
}
