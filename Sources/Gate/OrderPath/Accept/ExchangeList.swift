/// An exchange's neighbours in one list.
struct ExchangeLinks: BitwiseCopyable {
    var previous: Exchange.Pointer?
    var next: Exchange.Pointer?
    var isLinked = false
}

/// A doubly linked list through one of the exchanges' link fields: appending and removing cost O(1) and allocate nothing.
struct ExchangeList {
    private let offset: Int
    private(set) var first: Exchange.Pointer?
    private var last: Exchange.Pointer?
    private(set) var count = 0

    /// `field` must be a stored property of `Exchange`.
    init(_ field: PartialKeyPath<Exchange>) {
        guard let offset = MemoryLayout<Exchange>.offset(of: field) else {
            preconditionFailure("not a stored property of Exchange")
        }
        self.offset = offset
    }

    mutating func append(_ exchange: Exchange.Pointer) {
        let links = links(of: exchange)
        guard !links.pointee.isLinked else { return }
        links.pointee = ExchangeLinks(previous: last, next: nil, isLinked: true)
        if let last { self.links(of: last).pointee.next = exchange } else { first = exchange }
        last = exchange
        count += 1
    }

    /// Puts an exchange in before another one of the list.
    mutating func insert(_ exchange: Exchange.Pointer, before next: Exchange.Pointer) {
        let links = links(of: exchange)
        guard !links.pointee.isLinked else { return }
        let previous = self.links(of: next).pointee.previous
        links.pointee = ExchangeLinks(previous: previous, next: next, isLinked: true)
        self.links(of: next).pointee.previous = exchange
        if let previous { self.links(of: previous).pointee.next = exchange } else { first = exchange }
        count += 1
    }

    /// Takes an exchange out; one that is not in the list is left alone.
    mutating func remove(_ exchange: Exchange.Pointer) {
        let links = links(of: exchange)
        guard links.pointee.isLinked else { return }
        if let previous = links.pointee.previous {
            self.links(of: previous).pointee.next = links.pointee.next
        } else {
            first = links.pointee.next
        }
        if let next = links.pointee.next {
            self.links(of: next).pointee.previous = links.pointee.previous
        } else {
            last = links.pointee.previous
        }
        links.pointee = ExchangeLinks()
        count -= 1
    }

    func next(after exchange: Exchange.Pointer) -> Exchange.Pointer? {
        links(of: exchange).pointee.next
    }

    private func links(of exchange: Exchange.Pointer) -> UnsafeMutablePointer<ExchangeLinks> {
        (UnsafeMutableRawPointer(exchange) + offset).assumingMemoryBound(to: ExchangeLinks.self)
    }
}
