/// How many random cases there is time for: all where the build is optimised, a twentieth where it is not, as under the
/// sanitizers.
enum Effort {
    #if DEBUG
        private static let divisor = 20
    #else
        private static let divisor = 1
    #endif

    static func of(_ cases: Int) -> Int { max(1, cases / divisor) }
}
