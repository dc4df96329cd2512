/// Words for sides and order types in rule files, read without regard to letter case.
enum RuleWord {
    /// `buy` or `sell`; nil, and a problem, for any other word.
    static func side(_ text: RuleDocument.Text, into problems: inout [Problem]) -> Side? {
        let word = text.value.lowercased()
        if let side = Side.allCases.first(where: { $0.ruleName == word }) { return side }
        let advice = Suggestion.text(for: text.value, among: Side.allCases.map(\.ruleName))
        problems.append(Problem("unknown side \"\(text.value)\": \(advice)", at: text.location))
        return nil
    }

    /// An order type, `stop` standing for `stop_market`; nil, and a problem, for any other word.
    static func orderType(_ text: RuleDocument.Text, into problems: inout [Problem]) -> OrderType? {
        let word = text.value.lowercased()
        if word == "stop" { return .stopMarket }
        if let type = OrderType.allCases.first(where: { $0.ruleName == word }) { return type }
        let advice = Suggestion.text(for: text.value, among: OrderType.allCases.map(\.ruleName))
        problems.append(Problem("unknown order type \"\(text.value)\": \(advice)", at: text.location))
        return nil
    }
}
