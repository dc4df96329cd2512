/// A list that is filled and emptied in every turn, in memory that it keeps: unlike an array in a class it costs neither a check for
/// exclusive access nor one for a second owner.
final class TurnList<Element: BitwiseCopyable> {
    private var base: UnsafeMutablePointer<Element>
    private var capacity = 64
    private(set) var count = 0

    init() { base = .allocate(capacity: 64) }

    deinit { base.deallocate() }

    func append(_ element: Element) {
        if count == capacity { grow() }
        (base + count).initialize(to: element)
        count += 1
    }

    var isEmpty: Bool { count == 0 }

    /// Takes out what is in the list, element by element; what `body` appends meanwhile stays.
    func removeAll(_ body: (Element) -> Void) {
        let taken = count
        var index = 0
        while index < taken {
            body(base[index])
            index += 1
        }
        count -= taken
        if count > 0 { base.update(from: base + taken, count: count) }
    }

    private func grow() {
        let larger = UnsafeMutablePointer<Element>.allocate(capacity: capacity * 2)
        larger.moveInitialize(from: base, count: count)
        base.deallocate()
        base = larger
        capacity *= 2
    }
}
