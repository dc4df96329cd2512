/// How many random cases there is time for: all where the build is optimised, a twentieth where it is not, as under the
/// sanitizers.
enum Effort {
    #if DEBUG
        private static let divisor = 20
    #else
        private static let divisor = 1
    #endif

    /// Whether all cases are run, and the time that they take says something.
    static var isWhole: Bool { divisor == 1 }

    static func of(_ cases: Int) -> Int { max(1, cases / divisor) }
}
