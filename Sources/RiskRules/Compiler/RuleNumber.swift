/// Numbers in rule files: exact decimals, with a problem that says what to write where there is none.
enum RuleNumber {
    /// A decimal of at most ten decimals and 10^18; nil, and a problem, where the text is none.
    static func read(_ text: RuleDocument.Text, key: String, into problems: inout [Problem]) -> FixedPoint? {
        do {
            return try FixedPoint(parsing: text.value)
        } catch {
            problems.append(Problem("\(key) \(explanation(of: error, text: text.value))", at: text.location))
            return nil
        }
    }

    private static func explanation(of error: FixedPoint.ParseError, text: String) -> String {
        switch error {
        case .malformed: "\"\(text)\" is not a number: \(advice(for: text))"
        case .tooManyDecimals: "\(text) has more than ten decimals: round it to ten at most"
        case .outOfRange: "\(text) is out of range: numbers go up to 1000000000000000000 (10^18)"
        }
    }

    private static func advice(for text: String) -> String {
        if text.hasSuffix("%") { return "write a fraction of 1, as in 0.2 for 20 %" }
        if text.utf8.contains(where: { $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: " ") })
        {
            return "write the digits without separators, with a point before decimals"
        }
        if text.utf8.first.map({ $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }) == true,
            text.utf8.contains(where: { $0 | 0x20 == UInt8(ascii: "e") })
        {
            return "write it out, without an exponent"
        }
        return "write digits, with a point before decimals, as in 250000 or 0.25"
    }
}
