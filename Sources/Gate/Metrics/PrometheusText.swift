/// The Prometheus text format, version 0.0.4, being written.
///
/// Written here because the metrics libraries at hand count with locked instructions or behind a lock; of the format,
/// what Gate needs is below.
package struct PrometheusText {
    /// The `Content-Type` that goes with the text.
    package static let contentType = "text/plain; version=0.0.4; charset=utf-8"

    package private(set) var text = ""
    private var family = ""

    package init() {}

    /// Starts a family, unless the last one has the same name: then its samples go on.
    package mutating func open(_ declaration: MetricDeclaration) {
        guard declaration.name != family else { return }
        family = declaration.name
        let help = Self.escape(declaration.help, quote: false)
        text += "# HELP \(family) \(help)\n# TYPE \(family) \(declaration.type.rawValue)\n"
    }

    /// Writes one sample of the open family.
    package mutating func sample(suffix: String = "", labels: [MetricLabel] = [], value: some BinaryInteger) {
        sample(suffix: suffix, labels: labels, text: String(value))
    }

    /// Writes one sample of the open family; `number` is a number as the format spells it.
    package mutating func sample(suffix: String = "", labels: [MetricLabel] = [], text number: String) {
        text += family
        text += suffix
        if !labels.isEmpty {
            text += "{"
            for (index, label) in labels.enumerated() {
                if index > 0 { text += "," }
                text += "\(label.name)=\"\(Self.escape(label.value, quote: true))\""
            }
            text += "}"
        }
        text += " \(number)\n"
    }

    /// Nanoseconds in seconds: the shortest decimal of the nearest double, as the format's readers take it.
    package static func seconds(_ nanoseconds: UInt64) -> String {
        (Double(nanoseconds) / 1e9).description
    }

    private static func escape(_ text: String, quote: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quote: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }
}
