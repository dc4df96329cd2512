/// An order, the account that it is for and the prices that are so, outside any running Gate: to see what a rule set makes
/// of it.
package struct OrderScene {
    private let document: RuleDocument.Example
    private let example: RuleExample

    /// - Parameters:
    ///   - document: the order and the prices; name and expectation are not looked at.
    ///   - account: the snapshot of the order's account; nil: it has none.
    package static func read(
        _ document: RuleDocument.Example, account: AccountSnapshot.Values?
    ) -> Result<OrderScene, RuleProblems> {
        var reader = RuleExampleReader()
        var example = reader.readScene(document)
        example.account = account
        guard reader.problems.isEmpty else { return .failure(RuleProblems(problems: reader.problems.sorted())) }
        return .success(OrderScene(document: document, example: example))
    }

    /// What a rule set makes of the order: with fresh state, links alive, nothing sent before and no stop in force.
    /// - Parameters:
    ///   - initialMargin: of instruments that name none; `limits.initial_margin` of the configuration.
    ///   - refusesUngoverned: whether an order that no rule binds is refused; `ungoverned` of the configuration.
    package func explain(
        by ruleSet: RuleSet, initialMargin: FixedPoint = FixedPoint(units: FixedPoint.scale / 10),
        refusesUngoverned: Bool = true
    ) -> Result<OrderExplanation, RuleProblems> {
        var limits = EngineLimits(hashSeed: 0)
        limits.defaultInitialMargin = initialMargin
        limits.refusesUngoverned = refusesUngoverned
        if let explanation = RuleExampleRun(example, ruleSet, limits).explanation() { return .success(explanation) }
        let problem = Problem(
            "the account or symbol is one of the rules but for letter case, and the order \(Reason.orderMalformed.code): "
                + "write it as the rules do", at: document.order?.location ?? document.location)
        return .failure(RuleProblems(problems: [problem]))
    }
}
