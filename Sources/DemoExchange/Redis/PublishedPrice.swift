import Foundation

/// The value of a price key.
struct PublishedPrice: Codable {
    let price: Decimal
    let bidPrice: Decimal
    let askPrice: Decimal
    /// Unix seconds.
    let asOf: Double

    private enum CodingKeys: String, CodingKey {
        case price
        case bidPrice = "bid_price"
        case askPrice = "ask_price"
        case asOf = "as_of"
    }
}

extension PublishedPrice {
    /// Nil where the text is not such a value.
    init?(json: String) {
        guard let price = try? JSONDecoder().decode(Self.self, from: Data(json.utf8)) else { return nil }
        self = price
    }
}
