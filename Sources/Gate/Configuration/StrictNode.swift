package import RiskRules

/// One value of a file and where it stands. Scalars are the text that was written: whoever reads one decides what it
/// is, so that no number passes through binary floating point and `NO` stays a text.
package struct StrictNode: Sendable {
    package enum Content: Sendable {
        /// `isPlain`: written without quotes, so that `null` and `~` mean that there is no value.
        case scalar(text: String, isPlain: Bool)
        case sequence([StrictNode])
        case mapping([Entry])
        /// Something the reader has refused and reported already: nothing more is said of it.
        case refused
    }

    /// A key of a mapping and its value, in the order of the file; no key stands twice.
    package struct Entry: Sendable {
        package var key: Located<String>
        package var value: StrictNode
    }

    package var content: Content
    package var location: SourceLocation

    package init(_ content: Content, at location: SourceLocation) {
        self.content = content
        self.location = location
    }

    /// Whether a value is missing here: nothing, `~` or `null`, not in quotes.
    package var isNull: Bool {
        guard case .scalar(let text, isPlain: true) = content else { return false }
        return ["", "~", "null", "Null", "NULL"].contains(text)
    }

    /// What the node is, for messages.
    package var kind: String {
        switch content {
        case .scalar where isNull: "nothing"
        case .scalar(let text, _): quoted(text)
        case .sequence: "a list"
        case .mapping: "a mapping"
        case .refused: "something else"
        }
    }
}

/// A text of a file as messages show it: one line, in quotes, not longer than a line can bear.
package func quoted(_ text: String) -> String {
    let limit = 60
    var shown = "\""
    for scalar in text.unicodeScalars.prefix(limit) {
        switch scalar {
        case "\"", "\\": shown += "\\\(scalar)"
        case _ where isControl(scalar): shown += scalar.escaped(asASCII: true)
        default: shown.unicodeScalars.append(scalar)
        }
    }
    return shown + (text.unicodeScalars.count > limit ? "…\"" : "\"")
}

/// Control characters and line separators: nothing that a name, path or number holds.
func isControl(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .lineSeparator, .paragraphSeparator: true
    default: false
    }
}
