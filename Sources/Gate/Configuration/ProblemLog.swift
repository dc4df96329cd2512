package import RiskRules

/// Collects what is wrong with the files of one reading, so that a person sees every problem at once.
package final class ProblemLog {
    /// Problems kept; beyond them only that there were more is said.
    package static let capacity = 200
    private var kept: [Problem] = []
    private var omitted = 0

    package init() {}

    package var isEmpty: Bool { kept.isEmpty }

    /// Whether further problems are only counted.
    package var isFull: Bool { kept.count == Self.capacity }

    /// Notes a problem at its place.
    package func report(_ message: String, at location: SourceLocation) {
        report(Problem(message, at: location))
    }

    /// Notes a problem that another part found.
    package func report(_ problem: Problem) {
        guard !isFull else {
            omitted += 1
            return
        }
        kept.append(problem)
    }

    /// The problems by file, line and column. When more were found than are kept, the last one says how many.
    package var problems: [Problem] {
        var sorted = kept.sorted()
        if omitted > 0, let last = sorted.last {
            sorted.append(Problem("\(omitted) more problems are not listed", at: last.location))
        }
        return sorted
    }
}
