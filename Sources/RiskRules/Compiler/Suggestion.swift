/// Finds what a misspelt word was meant to be.
enum Suggestion {
    /// `did you mean "leverage"?`, or with none near enough `write one of a, b, c`.
    static func text(for word: String, among candidates: [String]) -> String {
        let near = nearest(to: word, among: candidates)
        guard !near.isEmpty else { return "write \(oneOf(candidates))" }
        return "did you mean \(near.map { "\"\($0)\"" }.joined(separator: " or "))?"
    }

    /// `a`, `a or b`, `one of a, b, c`.
    static func oneOf(_ words: [String]) -> String {
        words.count < 3 ? words.joined(separator: " or ") : "one of \(words.joined(separator: ", "))"
    }

    /// The candidates with the fewest single-letter edits from the word, if these are at most a third of its letters; else
    /// those that it begins.
    static func nearest(to word: String, among candidates: [String]) -> [String] {
        let written = Array(word.lowercased().utf8.prefix(64))
        guard !written.isEmpty else { return [] }
        let distances = candidates.map { ($0, distance(written, Array($0.lowercased().utf8))) }
        if let least = distances.map(\.1).min(), least <= max(1, written.count / 3) {
            return distances.filter { $0.1 == least }.prefix(3).map(\.0)
        }
        return candidates.filter { written.count > 2 && $0.lowercased().utf8.starts(with: written) }
    }

    /// The number of insertions, deletions, substitutions and swaps of neighbours between two words (optimal string
    /// alignment).
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var beforePrevious: [Int] = []
        var previous = Array(0...right.count)
        for row in 0..<left.count {
            var current = [row + 1]
            current.reserveCapacity(right.count + 1)
            for column in 0..<right.count {
                let substituted = previous[column] + (left[row] == right[column] ? 0 : 1)
                var best = min(substituted, previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforePrevious[column - 1] + 1)
                }
                current.append(best)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[right.count]
    }
}
