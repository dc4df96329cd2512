import RiskRules
import Testing

struct NameInternerTests {
    @Test func `a name keeps its number, and its bytes`() throws {
        let desk = try Desk()
        let first = try desk.symbol("ETH-PERP")
        #expect(try desk.symbol("ETH-PERP") == first)
        #expect(try desk.symbol("ETH-PERQ") != first)
        #expect(String(decoding: desk.engine.symbolName(first), as: UTF8.self) == "ETH-PERP")
        guard case .known(let again) = desk.lookUpSymbol("ETH-PERP") else {
            Issue.record("not known the second time")
            return
        }
        #expect(again == first)
    }

    @Test func `no bytes are no name`() throws {
        let desk = try Desk()
        #expect(try desk.strategy("") == .none)
        #expect(try desk.timeInForce("") == .none)
        #expect(desk.engine.strategyName(.none).isEmpty)
        #expect(desk.digest("") == .none)
    }

    @Test func `a name that differs in letter case from one of the rule set is refused`() throws {
        let desk = try Desk(
            [["id: a", "metric: order_quantity", "max: 1", "accounts: [Main]", "symbols: [BTCUSDT]"]])
        #expect(desk.lookUpSymbol("btcusdt") == .caseConflict)
        #expect(desk.lookUpSymbol("BTCUSDt") == .caseConflict)
        guard case .known = desk.lookUpSymbol("BTCUSDT") else {
            Issue.record("the rule's own spelling is not known")
            return
        }
        #expect(throws: (any Error).self) { try desk.account("MAIN") }
        #expect((try? desk.account("Main")) != nil)
    }

    @Test
    func `a name that differs in letter case from one of a snapshot is refused, even if an order named it before`()
        throws
    {
        let desk = try Desk()
        guard case .new = desk.lookUpSymbol("ethusdt") else {
            Issue.record("nothing says how it is spelt yet")
            return
        }
        guard case .new = desk.lookUpSymbol("EthUsdt") else {
            Issue.record("what only an order named settles nothing")
            return
        }
        guard case .known = desk.lookUpSymbol("EthUsdt") else {
            Issue.record("not known the second time")
            return
        }
        try desk.snapshot(positions: [("ETHUSDT", "1", nil)])
        // The one that was looked up last, too.
        #expect(desk.lookUpSymbol("EthUsdt") == .caseConflict)
        #expect(desk.lookUpSymbol("ethusdt") == .caseConflict)
        guard case .known = desk.lookUpSymbol("ETHUSDT") else {
            Issue.record("the snapshot's spelling is not known")
            return
        }
    }

    @Test func `a table takes as many names as it was made for, of at most 64 bytes`() throws {
        let desk = try Desk { $0.maxSymbols = 4 }  // one of them is named by a rule
        #expect(desk.lookUpSymbol(String(repeating: "x", count: 65)) == .tableFull)
        #expect((try? desk.symbol(String(repeating: "x", count: 64))) != nil)
        #expect((try? desk.symbol("b")) != nil)
        #expect((try? desk.symbol("c")) != nil)
        #expect(desk.lookUpSymbol("d") == .tableFull)
        #expect((try? desk.symbol("c")) != nil)
    }

    @Test func `digests of different ids differ, of equal ones do not`() throws {
        let desk = try Desk()
        var random = SplitMix(seed: 4)
        var seen: [Digest: String] = [:]
        for _ in 0..<50_000 {
            let id = random.word(of: "abcdefgh-0123456789", upTo: 40)
            let digest = desk.digest(id)
            #expect(seen[digest] == nil || seen[digest] == id)
            seen[digest] = id
        }
        #expect(seen.count > 40_000)
    }
}
