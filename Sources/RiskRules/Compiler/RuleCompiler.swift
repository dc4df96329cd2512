/// Every problem of a set of rule files, sorted by place.
package struct RuleProblems: Error, Sendable {
    package let problems: [Problem]
    package init(problems: [Problem]) { self.problems = problems }
}

/// Judges rule files as one set and gives them meaning.
package enum RuleCompiler {
    /// Compiles documents into one rule set, or says everything that is wrong with any of them: a set with a problem is
    /// refused whole.
    ///
    /// The order of the documents does not matter; rules stand by file name and then by place in the file.
    /// - Parameters:
    ///   - version: what identifies the set, SHA-256 over the files in hexadecimal.
    ///   - calendar: from when on, and by which clocks, `active` windows are laid out; `RuleSet.renewed` lays them out anew.
    package static func compile(
        _ documents: [RuleDocument], version: String, calendar: RuleCalendar = .utc(now: 0)
    ) -> Result<RuleSet, RuleProblems> {
        let documents = documents.sorted { $0.file < $1.file }
        var compilation = RuleCompilation(calendar: calendar)
        for document in documents {
            for rule in document.rules { compilation.addRule(rule) }
            for instrument in document.instruments { compilation.addInstrument(instrument) }
        }
        if documents.allSatisfy(\.rules.isEmpty) {
            let place = SourceLocation(file: documents.first?.file ?? "rules", line: 1, column: 1)
            compilation.report("there is no rule in this set: without one every order is refused; add one", at: place)
        }
        compilation.compareRules()
        compilation.compareScopes()
        compilation.compareSpellings()
        compilation.compareWithInstruments()
        let exampleProblems = RuleExamples.formProblems(of: documents)
        let problems = (compilation.problems + exampleProblems).sorted()
        return problems.isEmpty
            ? .success(compilation.ruleSet(version: version)) : .failure(RuleProblems(problems: problems))
    }
}
