/// SipHash with 128 bits of output (Aumasson and Bernstein 2012; the reference implementation's `siphash.c`): a keyed hash
/// that nobody without the key can find collisions of, so that names and order ids chosen by a client cost no more than
/// others, and equal hashes can be taken for equal ids.
package struct SipHash: BitwiseCopyable {
    private let key0: UInt64
    private let key1: UInt64
    private let compressionRounds: Int
    private let finalizationRounds: Int

    /// One round per word and three at the end (as Swift's own hasher) unless told otherwise.
    package init(key0: UInt64, key1: UInt64, compressionRounds: Int = 1, finalizationRounds: Int = 3) {
        self.key0 = key0
        self.key1 = key1
        self.compressionRounds = compressionRounds
        self.finalizationRounds = finalizationRounds
    }

    /// A key spread from one seed (the splitmix64 steps of Steele, Lea and Flood 2014).
    package init(seed: UInt64) {
        self.init(key0: Self.spread(seed &+ 0x9E37_79B9_7F4A_7C15), key1: Self.spread(seed &+ 0x3C6E_F372_FE94_F82A))
    }

    /// The hash of bytes; with `foldsCase`, of the bytes with ASCII capitals read as small letters.
    package func hash(_ bytes: UnsafeRawBufferPointer, foldsCase: Bool = false) -> Digest {
        var state = State(key0, key1)
        let words = bytes.count / 8
        for word in 0..<words {
            state.compress(
                Self.word(bytes, at: word * 8, count: 8, foldsCase: foldsCase), rounds: compressionRounds)
        }
        let rest = Self.word(bytes, at: words * 8, count: bytes.count % 8, foldsCase: foldsCase)
        state.compress(UInt64(truncatingIfNeeded: bytes.count) << 56 | rest, rounds: compressionRounds)
        return state.finish(rounds: finalizationRounds)
    }

    /// A bijection that mixes 64 bits well.
    static func spread(_ value: UInt64) -> UInt64 {
        var mixed = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    private static func word(_ bytes: UnsafeRawBufferPointer, at start: Int, count: Int, foldsCase: Bool) -> UInt64 {
        if count == 8, !foldsCase {
            return UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: start, as: UInt64.self))
        }
        var word: UInt64 = 0
        for index in 0..<count {
            let byte = bytes[start + index]
            let isCapital = byte &- UInt8(ascii: "A") < 26
            word |= UInt64(foldsCase && isCapital ? byte | 0x20 : byte) << UInt64(index * 8)
        }
        return word
    }

    private struct State {
        var v0, v1, v2, v3: UInt64

        init(_ key0: UInt64, _ key1: UInt64) {
            v0 = key0 ^ 0x736F_6D65_7073_6575
            v1 = key1 ^ 0x646F_7261_6E64_6F6D ^ 0xEE
            v2 = key0 ^ 0x6C79_6765_6E65_7261
            v3 = key1 ^ 0x7465_6462_7974_6573
        }

        mutating func compress(_ word: UInt64, rounds: Int) {
            v3 ^= word
            for _ in 0..<rounds { round() }
            v0 ^= word
        }

        mutating func finish(rounds: Int) -> Digest {
            v2 ^= 0xEE
            for _ in 0..<rounds { round() }
            let low = v0 ^ v1 ^ v2 ^ v3
            v1 ^= 0xDD
            for _ in 0..<rounds { round() }
            return Digest(low: low, high: v0 ^ v1 ^ v2 ^ v3)
        }

        private mutating func round() {
            v0 = v0 &+ v1
            v1 = (v1 << 13 | v1 >> 51) ^ v0
            v0 = v0 << 32 | v0 >> 32
            v2 = v2 &+ v3
            v3 = (v3 << 16 | v3 >> 48) ^ v2
            v0 = v0 &+ v3
            v3 = (v3 << 21 | v3 >> 43) ^ v0
            v2 = v2 &+ v1
            v1 = (v1 << 17 | v1 >> 47) ^ v2
            v2 = v2 << 32 | v2 >> 32
        }
    }
}
