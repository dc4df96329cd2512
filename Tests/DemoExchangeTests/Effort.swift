/// How many steps there is time for: a fifth where nothing is optimised, as under the sanitizers, and prices are big decimals.
enum Effort {
    #if DEBUG
        private static let divisor: Int64 = 5
    #else
        private static let divisor: Int64 = 1
    #endif

    static func of(_ steps: Int64) -> Int64 { steps / divisor }
}
