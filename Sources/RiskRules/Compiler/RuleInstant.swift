/// Instants in rule files: RFC 3339, as `2026-03-29T01:00:00Z` or `2026-03-29T02:00:00.5+01:00`.
enum RuleInstant {
    /// Unix nanoseconds; nil for a text that is no instant of the years 1970 to 2199.
    static func read(_ text: String) -> Int64? {
        var rest = Substring(text)
        guard let year = number(4, in: 1970...2199, &rest), take("-", &rest), let month = number(2, in: 1...12, &rest),
            take("-", &rest), let day = number(2, in: 1...length(month, year), &rest), take("Tt", &rest),
            let hour = number(2, in: 0...23, &rest), take(":", &rest), let minute = number(2, in: 0...59, &rest),
            take(":", &rest), let second = number(2, in: 0...59, &rest), let fraction = fraction(&rest),
            let offset = offset(&rest), rest.isEmpty
        else { return nil }
        let seconds = days(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset
        return seconds * 1_000_000_000 + fraction
    }

    private static func take(_ choices: String, _ rest: inout Substring) -> Bool {
        guard let first = rest.first, choices.contains(first) else { return false }
        rest.removeFirst()
        return true
    }

    private static func number(_ digits: Int, in range: ClosedRange<Int64>, _ rest: inout Substring) -> Int64? {
        let text = rest.prefix(digits)
        guard text.utf8.count == digits, text.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let value = Int64(text),
            range.contains(value)
        else { return nil }
        rest.removeFirst(digits)
        return value
    }

    /// Nanoseconds; nil where a point has no digits behind it, or more than nine.
    private static func fraction(_ rest: inout Substring) -> Int64? {
        guard take(".", &rest) else { return 0 }
        let digits = rest.utf8.prefix { (0x30...0x39).contains($0) }.count
        guard (1...9).contains(digits), let value = number(digits, in: 0...999_999_999, &rest) else { return nil }
        return (digits..<9).reduce(value) { scaled, _ in scaled * 10 }
    }

    /// Seconds east of UTC.
    private static func offset(_ rest: inout Substring) -> Int64? {
        if take("Zz", &rest) { return 0 }
        let isWest = rest.first == "-"
        guard take("+-", &rest), let hour = number(2, in: 0...23, &rest), take(":", &rest),
            let minute = number(2, in: 0...59, &rest)
        else { return nil }
        let seconds = hour * 3600 + minute * 60
        return isWest ? -seconds : seconds
    }

    private static func length(_ month: Int64, _ year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days since 1970-01-01 of the Gregorian calendar, by years that begin in March so that a leap day is their last
    /// (Hinnant, "chrono-Compatible Low-Level Date Algorithms").
    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64 {
        let marchYear = month > 2 ? year : year - 1
        let marchMonth = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * marchMonth + 2) / 5 + day - 1
        return marchYear * 365 + marchYear / 4 - marchYear / 100 + marchYear / 400 + dayOfYear - 719_468
    }
}
