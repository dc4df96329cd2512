package import RiskRules

/// Which names of one kind the mirror follows, seen from the order thread: at most so many. When they are as many, the one
/// that no order has named for the longest makes room for a new one.
///
/// A use costs one store. Looking for the one to drop goes through all names, once for each that is taken up while there is
/// no room, and once a second at most where none can be dropped.
package final class WatchList {
    /// What came of following a name.
    package enum Admission: Equatable, BitwiseCopyable {
        case followed
        /// The name given makes room: it is followed no more.
        case inPlaceOf(NameID)
        /// All that is followed is in use.
        case turnedAway
    }

    /// Seconds for which a name that an order named is not dropped.
    package static let rest: UInt32 = 5

    private let limit: Int
    private let capacity: Int
    /// By name: the second in which an order last named it, 1 where none did; 0 where the name is not followed.
    private let lastUses: UnsafeMutablePointer<UInt32>
    private let state: UnsafeMutablePointer<State>

    private struct State: BitwiseCopyable {
        var count = 0
        /// The second in which nothing could be dropped.
        var fullIn: UInt32 = 0
    }

    /// - Parameters:
    ///   - limit: names followed at once.
    ///   - names: the largest index of a name.
    package init(limit: Int, names: Int) {
        self.limit = limit
        capacity = names + 1
        lastUses = .allocate(capacity: capacity)
        lastUses.initialize(repeating: 0, count: capacity)
        state = .allocate(capacity: 1)
        state.initialize(to: State())
    }

    deinit {
        lastUses.deallocate()
        state.deallocate()
    }

    /// A monotonic instant in nanoseconds as this list counts time.
    package static func second(of now: Int64) -> UInt32 {
        UInt32(truncatingIfNeeded: now / 1_000_000_000) &+ 2
    }

    package var count: Int { state.pointee.count }

    package func follows(_ name: NameID) -> Bool { lastUses[Int(name.index)] != 0 }

    /// Notes that an order names it. False where it is not followed.
    @inline(__always)
    package func use(_ name: NameID, second: UInt32) -> Bool {
        guard lastUses[Int(name.index)] != 0 else { return false }
        lastUses[Int(name.index)] = second
        return true
    }

    /// Follows a name where there is room, without dropping another for it.
    package func followIfRoom(_ name: NameID) -> Bool {
        guard state.pointee.count < limit else { return false }
        add(name, second: 1)
        return true
    }

    /// Follows a name that is in use from now on. `isKept` says which of the followed must not be dropped.
    package func follow(_ name: NameID, second: UInt32, isKept: (NameID) -> Bool) -> Admission {
        if state.pointee.count < limit {
            add(name, second: second)
            return .followed
        }
        guard state.pointee.fullIn != second else { return .turnedAway }
        guard let dropped = leastRecentlyUsed(second: second, isKept: isKept) else {
            state.pointee.fullIn = second
            return .turnedAway
        }
        lastUses[Int(dropped.index)] = 0
        state.pointee.count -= 1
        add(name, second: second)
        return .inPlaceOf(dropped)
    }

    private func add(_ name: NameID, second: UInt32) {
        lastUses[Int(name.index)] = second
        state.pointee.count += 1
    }

    private func leastRecentlyUsed(second: UInt32, isKept: (NameID) -> Bool) -> NameID? {
        var found: NameID?
        var oldest = second > Self.rest ? second - Self.rest : 0
        for index in 1..<capacity {
            let use = lastUses[index]
            guard use != 0, use < oldest else { continue }
            let name = NameID(index: UInt32(truncatingIfNeeded: index))
            if isKept(name) { continue }
            found = name
            oldest = use
        }
        return found
    }
}
