/// A whole number as its decimal digits, lowest first: arithmetic as one learns it at school, slow and plain, to hold the
/// fast one against.
struct DigitNumber: Comparable {
    private(set) var digits: [Int]

    init(_ text: String) {
        digits = text.reversed().compactMap(\.wholeNumberValue)
        trim()
    }

    private mutating func trim() {
        while let last = digits.last, last == 0 { digits.removeLast() }
    }

    var isZero: Bool { digits.isEmpty }
    var text: String { digits.isEmpty ? "0" : digits.reversed().map(String.init).joined() }

    static func < (left: Self, right: Self) -> Bool {
        left.digits.count != right.digits.count
            ? left.digits.count < right.digits.count
            : left.digits.reversed().lexicographicallyPrecedes(right.digits.reversed())
    }

    static func * (left: Self, right: Self) -> Self {
        var result = DigitNumber("0")
        result.digits = Array(repeating: 0, count: left.digits.count + right.digits.count + 1)
        for (i, a) in left.digits.enumerated() {
            var carry = 0
            for (j, b) in right.digits.enumerated() {
                let sum = result.digits[i + j] + a * b + carry
                result.digits[i + j] = sum % 10
                carry = sum / 10
            }
            result.digits[i + right.digits.count] += carry
        }
        result.trim()
        return result
    }

    /// Divided by a power of ten: the whole part, and whether something was cut off.
    func shifted(by places: Int) -> (whole: DigitNumber, isExact: Bool) {
        var whole = self
        whole.digits.removeFirst(min(places, digits.count))
        return (whole, digits.prefix(places).allSatisfy { $0 == 0 })
    }

    func plusOne() -> DigitNumber {
        var result = self
        var place = 0
        while place < result.digits.count, result.digits[place] == 9 {
            result.digits[place] = 0
            place += 1
        }
        if place == result.digits.count { result.digits.append(1) } else { result.digits[place] += 1 }
        return result
    }
}
