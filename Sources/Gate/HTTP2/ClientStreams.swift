/// What a client itself has said of its latest streams, read off its frames: libnghttp2 forgets a stream when it closes, and then
/// takes whatever else comes on it, or below it, for a belated frame.
struct ClientStreams {
    enum State: Equatable {
        /// Above all that were used.
        case new
        case open
        /// Ended or reset by the client.
        case ended
        /// Passed over: a higher one was used first.
        case skipped
        /// Too long ago to know.
        case forgotten
    }

    private static let count = 512
    private static let endedBit: UInt32 = 1
    private static let answeredBit: UInt32 = 2

    private(set) var highest: UInt32 = 0
    /// Per stream, in the place of its id: the id's number, from 1, and the two marks. 0: none yet.
    private let marks: UnsafeMutablePointer<UInt32>

    init() {
        marks = .allocate(capacity: Self.count)
        marks.initialize(repeating: 0, count: Self.count)
    }

    /// Once, by the owner: the last thing.
    func deallocate() { marks.deallocate() }

    private static func place(_ stream: UInt32) -> Int { Int(stream >> 1) % count }
    private static func key(_ stream: UInt32) -> UInt32 { ((stream >> 1) &+ 1) << 2 }

    func state(of stream: UInt32) -> State {
        guard stream <= highest else { return .new }
        let mark = marks[Self.place(stream)]
        if mark & ~3 == Self.key(stream) { return mark & Self.endedBit != 0 ? .ended : .open }
        return highest - stream < UInt32(2 * Self.count) ? .skipped : .forgotten
    }

    mutating func open(_ stream: UInt32) {
        highest = stream
        marks[Self.place(stream)] = Self.key(stream)
    }

    mutating func end(_ stream: UInt32) { mark(stream, Self.endedBit) }

    /// Gate's answer has begun.
    mutating func answer(_ stream: UInt32) { mark(stream, Self.answeredBit) }

    func isAnswered(_ stream: UInt32) -> Bool {
        let mark = marks[Self.place(stream)]
        return mark & ~3 != Self.key(stream) || mark & Self.answeredBit != 0
    }

    private mutating func mark(_ stream: UInt32, _ bit: UInt32) {
        let place = Self.place(stream)
        if marks[place] & ~3 == Self.key(stream) { marks[place] |= bit }
    }
}
