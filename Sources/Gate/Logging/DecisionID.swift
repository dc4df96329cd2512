/// The id of a decision, and of the reservation made for it.
enum DecisionID {
    /// As rejects carry it: sixteen hexadecimal digits.
    static func text(_ id: UInt64) -> String {
        let digits = String(id, radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
