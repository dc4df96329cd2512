/// Names in byte order, found by binary search without building a `String`.
package struct NameTable: Sendable {
    private struct Entry: Sendable, BitwiseCopyable {
        var offset: Int32
        var count: Int32
    }
    private var bytes: [UInt8] = []
    private var entries: [Entry] = []

    /// - Parameter names: distinct, in any order; the index of a name is its place among them in byte order.
    package init(_ names: [String]) {
        for name in Self.sorted(names) {
            entries.append(Entry(offset: Int32(bytes.count), count: Int32(name.utf8.count)))
            bytes.append(contentsOf: name.utf8)
        }
    }

    /// The order that the indices follow.
    package static func sorted(_ names: [String]) -> [String] {
        names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    package var count: Int { entries.count }

    /// The place of a name among all in byte order; -1 where it is not among them.
    package func index(of name: UnsafeRawBufferPointer) -> Int32 {
        bytes.withUnsafeBytes { bytes in
            var low = 0
            var high = entries.count
            while low < high {
                let middle = low + (high - low) / 2
                let entry = entries[middle]
                let start = Int(entry.offset)
                let member = UnsafeRawBufferPointer(rebasing: bytes[start..<start + Int(entry.count)])
                let order = member.compareBytes(to: name, foldsCase: false)
                if order == 0 { return Int32(middle) }
                if order < 0 { low = middle + 1 } else { high = middle }
            }
            return -1
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Below, at or above zero as these bytes come before, equal or follow those of a name. With `foldsCase`, the name's
    /// ASCII letters are read in lower case.
    func compareBytes(to name: UnsafeRawBufferPointer, foldsCase: Bool) -> Int {
        for position in 0..<Swift.min(count, name.count) {
            let byte = foldsCase ? Glob.lowercased(name[position]) : name[position]
            let difference = Int(self[position]) - Int(byte)
            if difference != 0 { return difference }
        }
        return count - name.count
    }
}
