import FoundationEssentials

/// Instants as people and other programs read them: RFC 3339 in UTC, to the millisecond.
package enum Timestamp {
    private static let style = Date.ISO8601FormatStyle(includingFractionalSeconds: true)

    /// `nanoseconds` since 1970. `nanoseconds` of the text gives the same millisecond.
    package static func text(_ nanoseconds: Int64) -> String {
        // The style cuts off what is below a millisecond: from the middle of one, no rounding of the binary fraction leads into
        // the one before.
        Date(timeIntervalSince1970: (Double(nanoseconds / 1_000_000) + 0.5) / 1000).formatted(style)
    }

    /// Nanoseconds since 1970; nil where `text` is no such instant.
    package static func nanoseconds(_ text: String) -> Int64? {
        guard let date = try? Date(text, strategy: style),
            let milliseconds = Int64(exactly: (date.timeIntervalSince1970 * 1000).rounded())
        else { return nil }
        let (nanoseconds, overflow) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        return overflow ? nil : nanoseconds
    }
}
