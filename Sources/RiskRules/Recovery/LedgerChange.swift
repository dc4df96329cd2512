/// What a journal is told of the ledger.
///
/// A reservation is told by images and changes until it is gone, an image first, also where it came and went between two drains. Changes
/// of one reservation come in order, and the first images and the ends of different ones do where the ledger is drained
/// after every call; what was not taken at once is told later by its latest content alone.
package enum LedgerChange: Sendable, BitwiseCopyable {
    /// What a reservation is now. With the first image of a number, its order was added to the windows of approved
    /// notional, and its client order id was remembered where the image says so.
    case image(ReservationImage)
    /// The same of a first image, of a reservation as most are.
    case brief(BriefReservation)
    /// What became different in a reservation whose image was told.
    case change(ReservationChange)
    /// The reservation of this number ended.
    /// - Parameters:
    ///   - forgetsID: nothing was sent, and the client order id that was remembered for it was forgotten.
    ///   - forgetsNotional: nothing was sent, and what its order added to the windows of approved notional was taken out.
    case gone(number: UInt64, forgetsID: Bool, forgetsNotional: Bool)
}

/// The places of the ledger that a journal was not told of since they changed: each place once, in the order of the first
/// change.
///
/// The place of a reservation that ended is not used again before the journal took the end: so there are never more changes
/// than places, and nothing is lost however long nobody takes them.
final class LedgerChangeList {
    private struct Marks: OptionSet, BitwiseCopyable {
        var rawValue: UInt8
        static let listed = Marks(rawValue: 1)
        static let told = Marks(rawValue: 2)
        static let ended = Marks(rawValue: 4)
        static let forgetsID = Marks(rawValue: 8)
        static let forgetsNotional = Marks(rawValue: 16)
    }

    private let capacity: Int
    private let ring: UnsafeMutablePointer<Int32>
    private let marks: UnsafeMutablePointer<Marks>
    private var head = 0
    private var count = 0
    /// Whether there is a journal to be told.
    private(set) var isNoting = false

    /// - Parameter capacity: places of the ledger.
    init(capacity: Int) {
        self.capacity = Swift.max(capacity, 1)
        ring = .allocate(capacity: self.capacity)
        marks = .allocate(capacity: self.capacity)
        marks.initialize(repeating: [], count: self.capacity)
    }

    deinit {
        ring.deallocate()
        marks.deallocate()
    }

    var isEmpty: Bool { count == 0 }

    /// The place that changed first; nil where none did.
    var first: Int? { count > 0 ? Int(ring[head]) : nil }

    /// Notes changes from now on.
    func begin() { isNoting = true }

    /// A place was taken.
    /// - Parameter isTold: the journal knows its content.
    func inserted(_ place: Int, isTold: Bool) {
        guard isNoting else { return }
        marks[place] = isTold ? .told : []
        if !isTold { list(place) }
    }

    /// The content of a place changed.
    func changed(_ place: Int) {
        if isNoting { list(place) }
    }

    /// What is to be said of the end of a place's reservation, which follows: nothing was sent.
    func undone(_ place: Int, forgetsID: Bool, forgetsNotional: Bool) {
        guard isNoting else { return }
        if forgetsID { marks[place].insert(.forgetsID) }
        if forgetsNotional { marks[place].insert(.forgetsNotional) }
    }

    /// The reservation at a place ended; false where the place is free at once.
    func ended(_ place: Int) -> Bool {
        guard isNoting else { return false }
        marks[place].insert(.ended)
        list(place)
        return true
    }

    /// Whether the journal has an image of the reservation at a place.
    func isTold(_ place: Int) -> Bool { marks[place].contains(.told) }
    func hasEnded(_ place: Int) -> Bool { marks[place].contains(.ended) }
    func forgetsID(_ place: Int) -> Bool { marks[place].contains(.forgetsID) }
    func forgetsNotional(_ place: Int) -> Bool { marks[place].contains(.forgetsNotional) }

    /// The journal has an image of the reservation at a place.
    func told(_ place: Int) { marks[place].insert(.told) }

    /// Takes the first place out: the journal knows all of it.
    func removeFirst() {
        marks[Int(ring[head])].remove(.listed)
        head = head &+ 1 == capacity ? 0 : head &+ 1
        count &-= 1
    }

    private func list(_ place: Int) {
        guard !marks[place].contains(.listed) else { return }
        marks[place].insert(.listed)
        let end = head &+ count
        ring[end >= capacity ? end &- capacity : end] = Int32(truncatingIfNeeded: place)
        count &+= 1
    }
}
