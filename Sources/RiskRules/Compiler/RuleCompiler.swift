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
    /// - Parameter version: what identifies the set, SHA-256 over the files in hexadecimal.
    package static func compile(_ documents: [RuleDocument], version: String) -> Result<RuleSet, RuleProblems> {
        let documents = documents.sorted { $0.file < $1.file }
        var compilation = RuleCompilation()
        for document in documents {
            for rule in document.rules { compilation.addRule(rule) }
            for instrument in document.instruments { compilation.addInstrument(instrument) }
        }
        if documents.allSatisfy(\.rules.isEmpty) {
            let place = SourceLocation(file: documents.first?.file ?? "rules", line: 1, column: 1)
            compilation.report("there is no rule in this set: without one every order is refused; add one", at: place)
        }
        compilation.compareRules()
        compilation.compareSpellings()
        compilation.compareWithInstruments()
        let exampleProblems = RuleExamples.formProblems(of: documents)
        let problems = (compilation.problems + exampleProblems).sorted()
        return problems.isEmpty
            ? .success(compilation.ruleSet(version: version)) : .failure(RuleProblems(problems: problems))
    }
}
