/// All lists of patterns of a rule set, flat: a match touches three arrays and allocates nothing.
package struct PatternTable: Sendable {
    private struct Pattern: Sendable, BitwiseCopyable {
        var offset: Int32
        var count: Int32
    }
    private struct Members: Sendable, BitwiseCopyable {
        /// From here on stand literals in byte order, found by binary search.
        var literals: Int32
        /// From here on, up to the end, stand patterns with wildcards, tried one after the other.
        var globs: Int32
        var end: Int32
        var foldsCase: Bool
    }
    private var bytes: [UInt8] = []
    private var patterns: [Pattern] = []
    private var sets: [Members] = []
    private var known: [[String]: Int32] = [:]

    package init() {}

    /// Adds a list and returns its index; an equal list gets the index of the one before. With `foldsCase`, names match
    /// regardless of ASCII letter case.
    package mutating func add(_ list: [String], foldsCase: Bool = false) -> Int32 {
        let members = NameTable.sorted(Array(Set(foldsCase ? list.map { $0.lowercased() } : list)))
        let key = [foldsCase ? "folded" : "exact"] + members
        if let index = known[key] { return index }
        let index = Int32(sets.count)
        let literals = Int32(patterns.count)
        append(members.filter(Glob.isLiteral))
        let globs = Int32(patterns.count)
        append(members.filter { !Glob.isLiteral($0) })
        sets.append(Members(literals: literals, globs: globs, end: Int32(patterns.count), foldsCase: foldsCase))
        known[key] = index
        return index
    }

    /// Whether the list at an index has a pattern that matches the whole name.
    package func matches(_ index: Int32, _ name: UnsafeRawBufferPointer) -> Bool {
        let set = sets[Int(index)]
        return bytes.withUnsafeBytes { bytes in
            var low = Int(set.literals)
            var high = Int(set.globs)
            while low < high {
                let middle = low + (high - low) / 2
                let order = slice(middle, of: bytes).compareBytes(to: name, foldsCase: set.foldsCase)
                if order == 0 { return true }
                if order < 0 { low = middle + 1 } else { high = middle }
            }
            for index in set.globs..<set.end
            where Glob.matches(slice(Int(index), of: bytes), name, foldsCase: set.foldsCase) {
                return true
            }
            return false
        }
    }

    /// The patterns of a list; none for an index that is not of the table.
    package func members(_ index: Int32) -> [String] {
        guard sets.indices.contains(Int(index)) else { return [] }
        let set = sets[Int(index)]
        return bytes.withUnsafeBytes { bytes in
            (set.literals..<set.end).map { String(decoding: slice(Int($0), of: bytes), as: UTF8.self) }
        }
    }

    private mutating func append(_ members: [String]) {
        for member in members {
            patterns.append(Pattern(offset: Int32(bytes.count), count: Int32(member.utf8.count)))
            bytes.append(contentsOf: member.utf8)
        }
    }

    private func slice(_ index: Int, of bytes: UnsafeRawBufferPointer) -> UnsafeRawBufferPointer {
        let pattern = patterns[index]
        let start = Int(pattern.offset)
        return UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(pattern.count)])
    }
}
