/// Changes inputs at random, the same way for the same seed.
package struct Mutator {
    private var generator: Generator
    private let corpus: [[UInt8]]

    /// The longest input that is made.
    private static let longest = 16_384
    /// Values at which readers are often wrong.
    private static let edges: [UInt8] = [0, 1, 0x7F, 0x80, 0xFF, 0x0A, 0x20, 0x22, 0x2D, 0x3A, 0x7B, 0x5B]

    /// - Parameter corpus: what to begin with; not empty.
    package init(seed: UInt64, corpus: [[UInt8]]) {
        generator = Generator(state: seed)
        self.corpus = corpus
    }

    /// The next input: one of the corpus with one to eight changes.
    package mutating func next() -> [UInt8] {
        var bytes = pick()
        for _ in 0..<Int.random(in: 1...8, using: &generator) { change(&bytes) }
        return Array(bytes.prefix(Self.longest))
    }

    private mutating func pick() -> [UInt8] {
        corpus.randomElement(using: &generator) ?? []
    }

    private mutating func change(_ bytes: inout [UInt8]) {
        guard !bytes.isEmpty else {
            bytes = pick()
            return
        }
        let place = Int.random(in: 0..<bytes.count, using: &generator)
        let end = min(bytes.count, place + Int.random(in: 1...16, using: &generator))
        switch Int.random(in: 0..<9, using: &generator) {
        case 0: bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
        case 1: bytes[place] = UInt8.random(in: 0...255, using: &generator)
        case 2: bytes[place] = Self.edges.randomElement(using: &generator) ?? 0
        case 3: bytes.insert(Self.edges.randomElement(using: &generator) ?? 0, at: place)
        case 4: bytes.removeSubrange(place..<end)
        case 5: bytes.insert(contentsOf: bytes[place..<end], at: place)
        case 6: bytes.removeLast(bytes.count - place)
        case 7:
            let other = pick()
            guard !other.isEmpty else { return }
            let from = Int.random(in: 0..<other.count, using: &generator)
            bytes.insert(contentsOf: other[from..<min(other.count, from + 64)], at: place)
        default:
            let other = Int.random(in: 0..<bytes.count, using: &generator)
            bytes.swapAt(place, other)
        }
    }

    /// SplitMix64 (Steele, Lea, Flood 2014).
    private struct Generator: RandomNumberGenerator {
        var state: UInt64

        mutating func next() -> UInt64 {
            state &+= 0x9E37_79B9_7F4A_7C15
            var mixed = state
            mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
            mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
            return mixed ^ (mixed >> 31)
        }
    }
}
