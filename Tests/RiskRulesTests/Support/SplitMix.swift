/// A seeded generator: the same sequence in every run.
struct SplitMix: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return word ^ (word >> 31)
    }

    /// A word of up to so many of the given letters, possibly empty.
    mutating func word(of letters: String, upTo longest: Int) -> String {
        let letters = Array(letters)
        return String(
            (0..<Int.random(in: 0...longest, using: &self)).map { _ in
                letters[Int.random(in: 0..<letters.count, using: &self)]
            })
    }

    /// One of several things.
    mutating func pick<Element>(_ elements: [Element]) -> Element {
        elements[Int.random(in: 0..<elements.count, using: &self)]
    }
}
