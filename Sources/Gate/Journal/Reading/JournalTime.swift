import FoundationEssentials

/// Instants of the journal: RFC 3339 in UTC, to the nanosecond.
package enum JournalTime {
    private static let second: Int64 = 1_000_000_000

    /// `nanoseconds` since 1970.
    package static func text(_ nanoseconds: Int64) -> String {
        let (seconds, fraction) = nanoseconds.quotientAndRemainder(dividingBy: second)
        let whole = fraction < 0 ? seconds - 1 : seconds
        let rest = fraction < 0 ? fraction + second : fraction
        let text = Date(timeIntervalSince1970: Double(whole)).formatted(.iso8601)
        let digits = String(rest)
        return text.dropLast() + "." + String(repeating: "0", count: 9 - digits.count) + digits + "Z"
    }

    /// Nanoseconds since 1970 of a text as `2026-11-21T17:00:00Z`, with or without a fraction; nil where it is none.
    package static func nanoseconds(_ text: String) -> Int64? {
        let parts = text.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2 else { return seconds(text).map { $0 * second } }
        let digits = parts[1].prefix { $0.isASCII && $0.isNumber }
        guard (1...9).contains(digits.count), let whole = seconds(parts[0] + parts[1].dropFirst(digits.count)),
            let fraction = Int64(digits + String(repeating: "0", count: 9 - digits.count))
        else { return nil }
        return whole * second + fraction
    }

    private static func seconds(_ text: some StringProtocol) -> Int64? {
        guard let date = try? Date(String(text), strategy: .iso8601) else { return nil }
        let seconds = date.timeIntervalSince1970
        return abs(seconds) < 9_000_000_000 ? Int64(seconds) : nil
    }
}
