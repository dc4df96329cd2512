/// What a person may have meant: the known name that a misspelt one is closest to.
enum Suggestion {
    /// Longer names are not compared: the work grows with the product of the lengths.
    private static let longest = 64

    /// The candidate within a third of the name's length in single-character edits (two at most in short names), the
    /// first of equals; nil where none is that close.
    static func closest(to name: String, among candidates: [String]) -> String? {
        let name = Array(name.utf8.map(lowercased))
        guard name.count <= longest else { return nil }
        var best: (candidate: String, distance: Int)?
        for candidate in candidates where candidate.utf8.count <= longest {
            let distance = editDistance(name, Array(candidate.utf8.map(lowercased)))
            if distance <= max(1, min(name.count, candidate.utf8.count) / 3), distance < best?.distance ?? .max {
                best = (candidate, distance)
            }
        }
        return best?.candidate
    }

    private static func lowercased(_ byte: UInt8) -> UInt8 {
        (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
    }

    /// Insertions, deletions, replacements and swaps of neighbours (optimal string alignment).
    private static func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for (row, character) in left.enumerated() {
            var current = [row + 1]
            for (column, other) in right.enumerated() {
                var cost = min(last[column + 1], current[column]) + 1
                cost = min(cost, last[column] + (character == other ? 0 : 1))
                if row > 0, column > 0, character == right[column - 1], left[row - 1] == other {
                    cost = min(cost, beforeLast[column - 1] + 1)
                }
                current.append(cost)
            }
            (beforeLast, last) = (last, current)
        }
        return last[right.count]
    }
}
