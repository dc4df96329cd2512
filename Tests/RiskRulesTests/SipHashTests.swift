import RiskRules
import Testing

struct SipHashTests {
    private func hash(_ length: Int, _ sip: SipHash, foldsCase: Bool = false) -> [UInt8] {
        let digest = (0..<length).map(UInt8.init).withUnsafeBytes { sip.hash($0, foldsCase: foldsCase) }
        return [digest.low, digest.high].flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } }
    }

    private func hex(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The vectors of the reference implementation: the key is 0, 1, … 15, the message 0, 1, ….
    @Test(arguments: [
        (0, "a3817f04ba25a8e66df67214c7550293"),
        (1, "da87c1d86b99af44347659119b22fc45"),
        (7, "a1f1ebbed8dbc153c0b84aa61ff08239"),
        (8, "3b62a9ba6258f5610f83e264f31497b4"),
        (9, "264499060ad9baabc47f8b02bb6d71ed"),
        (15, "5493e99933b0a8117e08ec0f97cfc3d9"),
        (16, "6ee2a4ca67b054bbfd3315bf85230577"),
        (63, "5150d1772f50834a503e069a973fbd7c"),
    ])
    func `the reference vectors of SipHash-2-4-128 come out`(length: Int, expected: String) {
        let sip = SipHash(
            key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908, compressionRounds: 2, finalizationRounds: 4)
        #expect(hex(hash(length, sip)) == expected)
    }

    /// As OpenSSL computes them with `c-rounds:1` and `d-rounds:3`.
    @Test(arguments: [
        (0, "e77ebcb22788a5befd62db6add303001"),
        (1, "fc6f370460d3eda85e0573cc2b2ff063"),
        (7, "1084b923f2aae0c3a62f2ec80848ab77"),
        (8, "aa12fee1d5e3dab4724f16ab35f9c799"),
        (9, "81ddb8042cf33994f4720e0094137c42"),
        (15, "c17e5505b2bd526c2921cdec1e7e0109"),
        (16, "d0a8d95715518eebb513b0f83d9e1793"),
        (63, "4c5800e34efe426f079f6b0aa75260ad"),
    ])
    func `SipHash-1-3-128 agrees with OpenSSL`(length: Int, expected: String) {
        let sip = SipHash(key0: 0x0706_0504_0302_0100, key1: 0x0F0E_0D0C_0B0A_0908)
        #expect(hex(hash(length, sip)) == expected)
    }

    @Test func `another seed gives other hashes, the same seed the same`() {
        #expect(hash(20, SipHash(seed: 1)) == hash(20, SipHash(seed: 1)))
        #expect(hash(20, SipHash(seed: 1)) != hash(20, SipHash(seed: 2)))
    }

    @Test func `letter case counts unless it is folded, and only that of ASCII letters`() {
        let sip = SipHash(seed: 3)
        func hash(_ text: String, _ foldsCase: Bool) -> Digest {
            Array(text.utf8).withUnsafeBytes { sip.hash($0, foldsCase: foldsCase) }
        }
        #expect(hash("BTC-USDT-PERP", false) != hash("btc-usdt-perp", false))
        #expect(hash("BTC-USDT-PERP", true) == hash("btc-usdt-perp", true))
        #expect(hash("BTC@", true) != hash("BTC`", true))
        #expect(hash("BTC[", true) != hash("BTC{", true))
    }
}
