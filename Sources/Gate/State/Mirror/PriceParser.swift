import Foundation
package import RiskRules

/// What a price key says, before it has an age.
package struct ParsedPrice: Equatable, Sendable {
    /// Mid where bid and ask are given, else the price. Above zero.
    package var mark: FixedPoint
    package var bid: FixedPoint?
    package var ask: FixedPoint?
    /// Unix nanoseconds, where the value says when it was true.
    package var asOf: Int64?

    package init(mark: FixedPoint, bid: FixedPoint? = nil, ask: FixedPoint? = nil, asOf: Int64? = nil) {
        self.mark = mark
        self.bid = bid
        self.ask = ask
        self.asOf = asOf
    }
}

/// Reads a price: a number as text, or a JSON object with the number at a configured field and, where present, numbers
/// at `bid_price` and `ask_price`, and `as_of`.
package struct PriceParser {
    private let decoder = JSONDecoder()
    /// The longest value that is read.
    static let maximumBytes = 64 * 1024

    /// `field`: where the number stands in a JSON object; empty where values are plain numbers.
    package init(field: String) {
        decoder.userInfo[.priceField] = field
    }

    package func parse(_ bytes: UnsafeRawBufferPointer) throws(RefusedValue) -> ParsedPrice {
        guard bytes.count <= Self.maximumBytes else {
            throw RefusedValue("the value has \(bytes.count) bytes; a price has at most \(Self.maximumBytes)")
        }
        do {
            return try decoder.decode(PriceValue.self, from: Data(bytes)).price
        } catch let refused as RefusedValue {
            throw refused
        } catch {
            throw RefusedValue("the value is neither a number nor a JSON object")
        }
    }
}

extension CodingUserInfoKey {
    fileprivate static let priceField = Self(checked: "gate.price-field")

    private init(checked name: String) {
        guard let key = Self(rawValue: name) else { preconditionFailure("any text is a user info key") }
        self = key
    }
}

private struct PriceValue: Decodable {
    let price: ParsedPrice

    init(from decoder: any Decoder) throws {
        if let number = try? decoder.singleValueContainer().decode(Decimal.self) {
            guard let mark = FixedPoint(number) else {
                throw RefusedValue("the price is \(number), outside the range of 10^18")
            }
            price = ParsedPrice(mark: try Self.positive(mark, "the price"))
            return
        }
        let fields = try FieldReader(decoder)
        guard let field = decoder.userInfo[.priceField] as? String, !field.isEmpty else {
            throw RefusedValue("the value is a JSON object, but the configuration names no field of it as the price")
        }
        guard let last = try fields.amount(field) else { throw RefusedValue("the field \(field) is missing") }
        let mark = try Self.positive(last, field)
        // Zero is how feeds write a side of the book that is empty.
        let bid = try fields.unsignedAmount("bid_price", "BidPrice").flatMap { $0 == .zero ? nil : $0 }
        let ask = try fields.unsignedAmount("ask_price", "AskPrice").flatMap { $0 == .zero ? nil : $0 }
        let asOf = try fields.instant("as_of", "AsOf")
        guard let bid, let ask else {
            price = ParsedPrice(mark: mark, asOf: asOf)
            return
        }
        guard bid <= ask else { throw RefusedValue("bid_price is above ask_price") }
        price = ParsedPrice(mark: try Self.positive(.middle(bid, ask), "the mid"), bid: bid, ask: ask, asOf: asOf)
    }

    private static func positive(_ price: FixedPoint, _ name: String) throws -> FixedPoint {
        guard price > .zero else { throw RefusedValue("\(name) is not above zero") }
        return price
    }
}
