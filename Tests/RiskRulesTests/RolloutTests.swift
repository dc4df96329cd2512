import RiskRules
import Testing

struct RolloutTests {
    private func set(_ rollouts: [(id: String, percent: Int)]) throws -> RuleSet {
        try RuleLines.compile(
            rollouts.map { ["id: \($0.id)", "metric: leverage", "max: 10", "rollout: \($0.percent)"] })
    }

    private func isIn(_ set: RuleSet, _ account: String) -> Bool { !set.applicable(account, "", "BTC").isEmpty }

    /// From the formula in Python, over `id + "\0" + account`: of each pair the lowest percentage that includes it.
    @Test(arguments: [
        ("max-leverage", "mm-1", 23), ("max-leverage", "mm-2", 62), ("max-leverage", "example", 59),
        ("clip", "mm-1", 34),
    ])
    func `an account is in from a percentage on that never changes`(_ id: String, _ account: String, _ lowest: Int)
        throws
    {
        if lowest > 1 { #expect(!isIn(try set([(id, lowest - 1)]), account)) }
        #expect(isIn(try set([(id, lowest)]), account))
    }

    @Test func `a higher percentage only adds accounts, about as many as it says`() throws {
        let accounts = (0..<2000).map { "account-\($0)" }
        var before: Set<String> = []
        for percent in [1, 10, 25, 50, 75, 99, 100] {
            let set = try set([("max-leverage", percent)])
            let included = Set(accounts.filter { isIn(set, $0) })
            #expect(before.isSubset(of: included))
            #expect(abs(included.count - 20 * percent) <= 90, "\(percent) % of 2000 are \(included.count)")
            before = included
        }
        #expect(before.count == accounts.count)
    }

    @Test func `rules are rolled out to different accounts`() throws {
        let (first, second) = (try set([("a", 50)]), try set([("b", 50)]))
        let both = (0..<400).count { isIn(first, "x\($0)") && isIn(second, "x\($0)") }
        #expect((60...140).contains(both))
    }

    @Test func `an order of an account that is not in it is not judged and not governed`() throws {
        let rules = [["id: clip", "metric: order_quantity", "max: 1", "rollout: 50"]]
        let desk = try Desk(rules)
        let set = try #require(desk.engine.ruleSet)
        let accounts = (0..<20).map { "a\($0)" }
        let included = try #require(accounts.first { isIn(set, $0) })
        let excluded = try #require(accounts.first { !isIn(set, $0) })
        #expect(desk.decide(try desk.order(.buy, "2", at: "1", account: included)).reason == .orderQuantityExceeded)
        #expect(desk.decide(try desk.order(.buy, "1", at: "1", account: included)).reason == nil)
        #expect(desk.decide(try desk.order(.buy, "2", at: "1", account: excluded)).reason == .noRuleApplies)
    }
}
