import RiskRules
import Testing

struct GlobTests {
    @Test(arguments: [
        ("BTCUSDT", "BTCUSDT", true), ("BTCUSDT", "BTCUSD", false), ("BTCUSD", "BTCUSDT", false),
        ("BTCUSDT", "btcusdt", false), ("", "", true), ("", "a", false),
        ("*", "", true), ("*", "anything", true), ("**", "", true), ("?*", "", false), ("?*", "a", true),
        ("BTC*", "BTC", true), ("BTC*", "BTCUSDT", true), ("BTC*", "XBTCUSDT", false),
        ("*USDT", "BTCUSDT", true), ("*USDT", "USDT", true), ("*USDT", "USDTX", false),
        ("*USDT", "USDTUSDT", true), ("mm-?", "mm-1", true), ("mm-?", "mm-12", false), ("mm-?", "mm-", false),
        ("a*b*c", "abc", true), ("a*b*c", "a1b2c", true), ("a*b*c", "acb", false), ("a*b*c", "abcbc", true),
        ("?", "é", true), ("??", "é", false), ("*?", "é", true), ("*??", "é", false), ("a?c", "a€c", true),
    ])
    func `a pattern matches whole names`(pattern: String, name: String, matches: Bool) {
        #expect(Glob.matches(pattern, name) == matches)
    }

    @Test(arguments: [
        ("gt*", "GTC", true), ("GTC", "gtc", true), ("[x]", "{X}", false), ("i?c", "IOC", true), ("gtc", "GTX", false),
    ])
    func `letter case is folded where asked`(pattern: String, name: String, matches: Bool) {
        #expect(Glob.matches(pattern, name, foldsCase: true) == matches)
    }

    @Test func `a pattern of many stars does not blow up`() {
        let pattern = String(repeating: "*a", count: 32) + "b"
        let name = String(repeating: "a", count: 64)
        let duration = ContinuousClock().measure {
            for _ in 0..<1_000 { #expect(!Glob.matches(pattern, name)) }
        }
        #expect(duration < .seconds(2))
    }

    @Test func `a random pattern matches as the definition says`() {
        var random = SplitMix(seed: 11)
        for _ in 0..<20_000 {
            let pattern = random.word(of: "ab*?", upTo: 7)
            let name = random.word(of: "ab", upTo: 7)
            #expect(Glob.matches(pattern, name) == Self.isMatch(pattern[...], name[...]), "\(pattern) \(name)")
        }
    }

    /// The definition, by recursion.
    private static func isMatch(_ pattern: Substring, _ name: Substring) -> Bool {
        guard let first = pattern.first else { return name.isEmpty }
        if first == "*" {
            return isMatch(pattern.dropFirst(), name) || (!name.isEmpty && isMatch(pattern, name.dropFirst()))
        }
        guard let letter = name.first, first == "?" || first == letter else { return false }
        return isMatch(pattern.dropFirst(), name.dropFirst())
    }
}
