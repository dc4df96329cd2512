import Gate
import Testing

@Suite struct IdentityTableTests {
    private let bindings = [
        IdentityBinding(peer: .certificate("mm.desk.test"), accounts: ["mm-*", "house"], strategies: ["grid-*", ""]),
        IdentityBinding(peer: .user(1001), accounts: [], strategies: ["trend"]),
        IdentityBinding(peer: .certificate("all.desk.test"), accounts: [], strategies: []),
    ]

    private func bytes<Result>(_ text: String, _ body: (UnsafeRawBufferPointer) -> Result) -> Result {
        Array(text.utf8).withUnsafeBytes(body)
    }

    @Test("without bindings there is no table")
    func empty() {
        #expect(IdentityTable([]) == nil)
    }

    @Test("the first binding that names the peer counts")
    func first() throws {
        let table = try #require(IdentityTable(bindings))
        #expect(table.binding(user: nil) { $0 == "mm.desk.test" } == 0)
        #expect(table.binding(user: 1001) { _ in false } == 1)
        #expect(table.binding(user: 1001) { $0 == "mm.desk.test" } == 0)
        #expect(table.binding(user: nil) { $0 == "all.desk.test" } == 2)
        #expect(table.binding(user: 1002) { _ in false } == nil)
        #expect(table.binding(user: nil) { _ in false } == nil)
    }

    @Test(
        "a binding covers the accounts and strategies that its patterns match",
        arguments: [
            (0, "mm-1", "grid-1", true, true), (0, "mm-", "", true, true), (0, "house", "trend", true, false),
            (0, "mm", "grid", false, false), (0, "other", "grid-1", false, true), (1, "anything", "trend", true, true),
            (1, "anything", "", true, false), (2, "anything", "anything", true, true),
        ])
    func covers(binding: Int, account: String, strategy: String, coversAccount: Bool, coversStrategy: Bool) throws {
        let table = try #require(IdentityTable(bindings))
        #expect(bytes(account) { table.covers(binding, account: $0) } == coversAccount)
        #expect(bytes(strategy) { table.covers(binding, strategy: $0) } == coversStrategy)
    }

    @Test("a peer without a binding is covered for nothing")
    func stranger() throws {
        let table = try #require(IdentityTable(bindings))
        #expect(!bytes("mm-1") { table.covers(nil, account: $0) })
        #expect(!bytes("") { table.covers(nil, strategy: $0) })
    }
}
