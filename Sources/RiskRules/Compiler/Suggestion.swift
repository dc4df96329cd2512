/// Finds what a misspelt word was meant to be.
package enum Suggestion {
    /// Longer words are cut: the work grows with the product of the lengths.
    private static let longest = 64

    /// `did you mean "leverage"?`, or with none near enough `write one of a, b, c`.
    package static func text(for word: String, among candidates: [String]) -> String {
        let near = nearest(to: word, among: candidates)
        guard !near.isEmpty else { return "write \(oneOf(candidates))" }
        return "did you mean \(near.map { "\"\($0)\"" }.joined(separator: " or "))?"
    }

    /// `a`, `a or b`, `one of a, b, c`.
    package static func oneOf(_ words: [String]) -> String {
        words.count < 3 ? words.joined(separator: " or ") : "one of \(words.joined(separator: ", "))"
    }

    /// The candidates with the fewest single-letter edits from the word, if these are at most a third of its letters; else
    /// those that it begins.
    package static func nearest(to word: String, among candidates: [String]) -> [String] {
        let misspelt = misspelt(word, among: candidates)
        guard misspelt.isEmpty else { return Array(misspelt.prefix(3)) }
        let written = letters(word)
        return candidates.filter { written.count > 2 && $0.lowercased().utf8.starts(with: written) }
    }

    /// The first of the candidates with the fewest single-letter edits; nil where none is near enough.
    package static func closest(to word: String, among candidates: [String]) -> String? {
        misspelt(word, among: candidates).first
    }

    private static func misspelt(_ word: String, among candidates: [String]) -> [String] {
        let written = letters(word)
        guard !written.isEmpty else { return [] }
        let distances = candidates.map { ($0, distance(written, letters($0))) }
        guard let least = distances.map(\.1).min(), least <= max(1, written.count / 3) else { return [] }
        return distances.filter { $0.1 == least }.map(\.0)
    }

    private static func letters(_ word: String) -> [UInt8] { Array(word.lowercased().utf8.prefix(longest)) }

    /// The number of insertions, deletions, substitutions and swaps of neighbours between two words (optimal string
    /// alignment).
    private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
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
