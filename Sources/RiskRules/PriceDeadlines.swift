/// When the mirrored price of a symbol is next to be looked at because it may have become too old: a binary heap of
/// symbols by instant, in memory taken at the start.
///
/// An instant may be earlier than it has to be, never later: a price that is renewed keeps the place of the one before, and
/// is put back when its turn comes.
final class PriceDeadlines {
    private let symbols: UnsafeMutablePointer<UInt32>
    /// Of each symbol.
    private let instants: UnsafeMutablePointer<Int64>
    /// Place in the heap plus one of each symbol; 0 where it is not in it.
    private let places: UnsafeMutablePointer<Int32>
    private let count: UnsafeMutablePointer<Int>

    /// - Parameter capacity: how many symbols there can be.
    init(capacity: Int) {
        symbols = .allocate(capacity: capacity)
        instants = .allocate(capacity: capacity)
        places = .allocate(capacity: capacity)
        places.initialize(repeating: 0, count: capacity)
        count = .allocate(capacity: 1)
        count.initialize(to: 0)
    }

    deinit {
        symbols.deallocate()
        instants.deallocate()
        places.deallocate()
        count.deallocate()
    }

    /// Has a symbol looked at no later than at an instant; never where that is `Int64.max`.
    func look(at symbol: NameID, by instant: Int64) {
        guard instant < .max else { return }
        let index = Int(symbol.index)
        if places[index] > 0 {
            guard instant < instants[index] else { return }
            instants[index] = instant
            rise(Int(places[index]) &- 1)
            return
        }
        instants[index] = instant
        symbols[count.pointee] = symbol.index
        places[index] = Int32(truncatingIfNeeded: count.pointee &+ 1)
        count.pointee &+= 1
        rise(count.pointee &- 1)
    }

    /// Takes out the first symbol whose instant is there; nil where there is none.
    func next(now: Int64) -> NameID? {
        guard count.pointee > 0, case let first = symbols[0], instants[Int(first)] <= now else { return nil }
        places[Int(first)] = 0
        count.pointee &-= 1
        if count.pointee > 0 {
            put(symbols[count.pointee], at: 0)
            sink(0)
        }
        return NameID(index: first)
    }

    private func put(_ symbol: UInt32, at place: Int) {
        symbols[place] = symbol
        places[Int(symbol)] = Int32(truncatingIfNeeded: place &+ 1)
    }

    private func rise(_ from: Int) {
        var place = from
        let symbol = symbols[place]
        while place > 0, case let parent = (place &- 1) / 2, instants[Int(symbols[parent])] > instants[Int(symbol)] {
            put(symbols[parent], at: place)
            place = parent
        }
        put(symbol, at: place)
    }

    private func sink(_ from: Int) {
        var place = from
        let symbol = symbols[place]
        while case var child = place &* 2 &+ 1, child < count.pointee {
            if child &+ 1 < count.pointee, instants[Int(symbols[child &+ 1])] < instants[Int(symbols[child])] {
                child &+= 1
            }
            guard instants[Int(symbols[child])] < instants[Int(symbol)] else { break }
            put(symbols[child], at: place)
            place = child
        }
        put(symbol, at: place)
    }
}
