/// The Redis keys that Gate reads and the exchange writes.
enum RedisKeys {
    static let pricesDatabase = 1
    static let accountsDatabase = 0

    static func price(of symbol: String) -> String { "market:prices:\(symbol)" }
    static func account(_ name: String) -> String { "account:state:\(name)" }
}
