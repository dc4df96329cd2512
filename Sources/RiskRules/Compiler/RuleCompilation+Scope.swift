// `applies_to`: which orders a rule is about.
extension RuleCompilation {
    /// What `applies_to` says, read.
    struct Scope {
        var patterns = RuleScope()
        var names = RuleIndex.Names()
        var sides = Side.allBits
        var types = OrderType.allBits
    }

    /// What a pattern or a name stands for; decides which characters it may have.
    enum NameKind: String {
        case account, strategy, symbol
        case timeInForce = "time in force"

        fileprivate var withArticle: String { (self == .account ? "an " : "a ") + rawValue }

        fileprivate func allows(_ byte: UInt8) -> Bool {
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "*"), UInt8(ascii: "?"):
                true
            case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: ":"), UInt8(ascii: "/"), UInt8(ascii: "@"),
                UInt8(ascii: "-"):
                self != .timeInForce || byte == UInt8(ascii: "_")
            default:
                self == .strategy && byte > 0x20 && byte != 0x7F
            }
        }
    }

    mutating func scope(_ appliesTo: RuleDocument.AppliesTo?) -> Scope {
        var scope = Scope()
        guard let appliesTo else { return scope }
        scope.names.accounts = namePatterns(appliesTo.accounts, .account)
        scope.names.strategies = namePatterns(appliesTo.strategies, .strategy)
        scope.names.symbols = namePatterns(appliesTo.symbols, .symbol)
        if !scope.names.accounts.isEmpty { scope.patterns.accounts = patterns.add(scope.names.accounts) }
        if !scope.names.strategies.isEmpty { scope.patterns.strategies = patterns.add(scope.names.strategies) }
        if !scope.names.symbols.isEmpty { scope.patterns.symbols = patterns.add(scope.names.symbols) }
        let sides = appliesTo.sides.compactMap { RuleWord.side($0, into: &problems) }
        let types = appliesTo.types.compactMap { RuleWord.orderType($0, into: &problems) }
        // A list of which no word is known has had its problem; it is not also one that applies to nothing.
        if !sides.isEmpty { scope.sides = sides.reduce(0) { $0 | $1.bit } }
        if !types.isEmpty { scope.types = types.reduce(0) { $0 | $1.bit } }
        return scope
    }

    /// The patterns of a list that some name can match; a problem for each of the others.
    mutating func namePatterns(_ list: [Text], _ kind: NameKind) -> [String] {
        list.compactMap { namePattern($0, kind) }
    }

    /// A name without wildcard.
    mutating func literalName(_ text: Text, _ kind: NameKind) -> String? {
        guard Glob.isLiteral(text.value) else {
            report(
                "\"\(text.value)\" is a pattern where one \(kind.rawValue) belongs: write its name", at: text.location)
            return nil
        }
        return namePattern(text, kind)
    }

    private mutating func namePattern(_ text: Text, _ kind: NameKind) -> String? {
        guard !text.value.isEmpty else {
            report("an empty \(kind.rawValue) matches no order: write a name, or * for all", at: text.location)
            return nil
        }
        if let odd = text.value.unicodeScalars.first(where: { scalar in
            !String(scalar).utf8.allSatisfy(kind.allows)
        }) {
            report(
                "\"\(text.value)\" matches no order: \(kind.withArticle) has no \"\(odd.escaped(asASCII: true))\" in it",
                at: text.location)
            return nil
        }
        guard Glob.shortestMatch(text.value) <= 64, text.value.utf8.count <= 256 else {
            report(
                "\"\(text.value)\" matches no order: \(kind.withArticle) has at most 64 characters", at: text.location)
            return nil
        }
        if Glob.isLiteral(text.value) { note(text, kind) }
        return text.value
    }

    private mutating func note(_ text: Text, _ kind: NameKind) {
        let spelling = Spelling(name: text.value, location: text.location)
        switch kind {
        case .symbol: if symbolSpellings[text.value] == nil { symbolSpellings[text.value] = spelling }
        case .account: if accountSpellings[text.value] == nil { accountSpellings[text.value] = spelling }
        case .strategy, .timeInForce: break
        }
    }

    /// Two names that differ only in letter case: an order for either would be refused.
    mutating func compareSpellings() {
        for (kind, spellings) in [(NameKind.symbol, symbolSpellings), (.account, accountSpellings)] {
            var folded: [String: Spelling] = [:]
            for spelling in spellings.values.sorted(by: { $0.location < $1.location }) {
                guard let first = folded.updateValue(spelling, forKey: spelling.name.lowercased()) else { continue }
                folded[spelling.name.lowercased()] = first
                report(
                    "the \(kind.rawValue) \(spelling.name) differs only in letter case from \(first.name) at "
                        + "\(first.location), and orders for neither would pass: write both alike",
                    at: spelling.location)
            }
        }
    }
}
