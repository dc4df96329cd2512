import Foundation
import RiskRules

/// A decimal that is written to JSON as a number, digit by digit.
struct ExactNumber: Encodable {
    let value: FixedPoint

    init(_ value: FixedPoint) { self.value = value }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        // Every value in range has at most 28 digits, and `Decimal` holds 38.
        try container.encode(Decimal(string: value.description, locale: Locale(identifier: "en_US_POSIX")) ?? 0)
    }
}
