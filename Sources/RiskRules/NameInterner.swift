/// Outcome of looking a name up.
package enum NameLookup: Hashable, Sendable, BitwiseCopyable {
    case known(NameID)
    /// Seen for the first time, and known from now on.
    case new(NameID)
    /// Equal to a name of the rule set or of a snapshot but for ASCII letter case.
    case caseConflict
    /// No room for another name, or longer than 64 bytes.
    case tableFull
}

/// Gives names of one kind numbers: fixed capacity, bytes kept in place, found by keyed hash without allocation.
///
/// Names that the rule set or a snapshot names are *settled*: another name that differs from a settled one only in letter
/// case is refused. A name that only orders named settles nothing, or one misspelt order would shut the right name out.
final class NameInterner {
    static let maximumLength = 64

    let capacity: Int
    private(set) var count = 1
    private let bytes: UnsafeMutablePointer<UInt8>
    private let lengths: UnsafeMutablePointer<UInt8>
    private let isSettled: UnsafeMutablePointer<Bool>
    private let isConflicting: UnsafeMutablePointer<Bool>
    private let exact: DigestIndex
    private let folded: DigestIndex
    private let hash: SipHash
    /// The name that was looked up last; at first the empty one, which no lookup compares with.
    private var latest = 0

    /// - Parameter capacity: names besides the one at index 0, which stands for none and is empty.
    init(capacity: Int, hash: SipHash) {
        self.capacity = capacity + 1
        self.hash = hash
        bytes = .allocate(capacity: self.capacity * Self.maximumLength)
        lengths = .allocate(capacity: self.capacity)
        isSettled = .allocate(capacity: self.capacity)
        isConflicting = .allocate(capacity: self.capacity)
        exact = DigestIndex(capacity: self.capacity)
        folded = DigestIndex(capacity: self.capacity)
        lengths[0] = 0
        isConflicting[0] = false
    }

    deinit {
        bytes.deallocate()
        lengths.deallocate()
        isSettled.deallocate()
        isConflicting.deallocate()
    }

    /// A name that an order names; an empty one is none.
    func lookup(_ name: UnsafeRawBufferPointer) -> NameLookup {
        if name.isEmpty { return .known(.none) }
        // One strategy's orders name the same things again and again: comparing is cheaper than hashing.
        if isLatest(name) { return .known(NameID(index: UInt32(truncatingIfNeeded: latest))) }
        let key = hash.hash(name)
        let place = exact.find(key)
        if place > 0 {
            if !isConflicting[place] { latest = place }
            return isConflicting[place] ? .caseConflict : .known(NameID(index: UInt32(truncatingIfNeeded: place)))
        }
        let fold = hash.hash(name, foldsCase: true)
        if hasSettled(fold) { return .caseConflict }
        return add(name, key: key, fold: fold).map { .new($0) } ?? .tableFull
    }

    private func isLatest(_ name: UnsafeRawBufferPointer) -> Bool {
        guard name.count == Int(lengths[latest]), !isConflicting[latest] else { return false }
        let known = bytes + latest * Self.maximumLength
        var index = 0
        while index < name.count {
            if name[index] != known[index] { return false }
            index += 1
        }
        return true
    }

    /// A name that an earlier run gave a number; it settles nothing. nil where there is no room.
    func restore(_ name: UnsafeRawBufferPointer) -> NameID? {
        if name.isEmpty { return NameID.none }
        let key = hash.hash(name)
        let place = exact.find(key)
        if place > 0 { return NameID(index: UInt32(truncatingIfNeeded: place)) }
        let fold = hash.hash(name, foldsCase: true)
        let isConflicting = hasSettled(fold)
        guard let id = add(name, key: key, fold: fold) else { return nil }
        self.isConflicting[Int(id.index)] = isConflicting
        return id
    }

    /// A name by the hash of its bytes; nil where it has no number.
    func find(_ digest: Digest) -> NameID? {
        let place = exact.find(digest)
        return place > 0 ? NameID(index: UInt32(truncatingIfNeeded: place)) : nil
    }

    /// The hash of a name's bytes; `Digest.none` for `.none`.
    func digest(_ id: NameID) -> Digest { id == .none ? .none : exact.key(at: Int(id.index)) }

    /// A name that the rule set or a snapshot names; nil where there is no room.
    func settle(_ name: UnsafeRawBufferPointer) -> NameID? {
        let key = hash.hash(name)
        let place = exact.find(key)
        if place > 0, isSettled[place] { return NameID(index: UInt32(truncatingIfNeeded: place)) }
        let fold = hash.hash(name, foldsCase: true)
        guard let id = place > 0 ? NameID(index: UInt32(truncatingIfNeeded: place)) : add(name, key: key, fold: fold)
        else { return nil }
        isSettled[Int(id.index)] = true
        isConflicting[Int(id.index)] = false
        var probe = folded.start(fold)
        while case let other = folded.next(fold, &probe), other >= 0 {
            if !isSettled[other] { isConflicting[other] = true }
        }
        return id
    }

    /// The bytes of a name that was given out; empty for `.none`.
    func name(_ id: NameID) -> UnsafeRawBufferPointer {
        let index = Int(id.index)
        precondition(index < count, "a name of another engine")
        return UnsafeRawBufferPointer(start: bytes + index * Self.maximumLength, count: Int(lengths[index]))
    }

    private func hasSettled(_ fold: Digest) -> Bool {
        var probe = folded.start(fold)
        while case let other = folded.next(fold, &probe), other >= 0 {
            if isSettled[other] { return true }
        }
        return false
    }

    private func add(_ name: UnsafeRawBufferPointer, key: Digest, fold: Digest) -> NameID? {
        guard count < capacity, name.count <= Self.maximumLength else { return nil }
        let index = count
        count += 1
        UnsafeMutableRawBufferPointer(start: bytes + index * Self.maximumLength, count: Self.maximumLength)
            .copyMemory(from: name)
        lengths[index] = UInt8(truncatingIfNeeded: name.count)
        isSettled[index] = false
        isConflicting[index] = false
        exact.insert(key, at: index)
        folded.insert(fold, at: index)
        return NameID(index: UInt32(truncatingIfNeeded: index))
    }
}
