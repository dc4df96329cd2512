import RiskRules

/// The one reader of every YAML file that a person writes for Gate: configuration, order mappings, rule files.
///
/// It builds its tree from the events of libyaml, as the Yams package builds it, and not through Yams' own composer.
/// That one stops at the first key that stands twice, hashes keys with all that aliases in them stand for (a file of a
/// few lines can take hours) and does not say where an alias stood. Here anchors, aliases, merge keys and tags are
/// refused where they stand, nesting and size are bounded, and each problem is noted and read past.
package enum StrictReader {
    /// The largest file, in bytes.
    package static let maximumBytes = 1 << 20
    /// The deepest nesting of lists and mappings. Gate's formats need six.
    package static let maximumDepth = 32

    /// The tree of the file's only document, or nil where there is none to judge; `log` has the reason then. Other
    /// problems leave a tree without what was refused, so that the rest of it is judged too.
    /// - Parameter file: the name that problems carry.
    package static func read(_ bytes: [UInt8], file: String, into log: ProblemLog) -> StrictNode? {
        guard bytes.count <= maximumBytes else {
            log.report(
                "the file has \(bytes.count) bytes; the most is \(maximumBytes)",
                at: SourceLocation(file: file, line: 1, column: 1))
            return nil
        }
        var composer = StrictComposer(file: file, log: log)
        // libyaml looks for a byte order mark only where it is not told the encoding.
        return composer.compose(bytes.starts(with: [0xEF, 0xBB, 0xBF]) ? Array(bytes.dropFirst(3)) : bytes)
    }
}
