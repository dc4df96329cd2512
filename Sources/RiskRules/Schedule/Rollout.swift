/// `rollout`: the part of the accounts that a rule applies to.
///
/// An account is in it where `mix(fnv(id + "\0" + account)) mod 100` is below the percentage: FNV-1a of 64 bits (Fowler,
/// Noll and Vo) over the bytes, then the last steps of splitmix64 (Steele, Lea and Flood 2014). The formula is part of the
/// rule language: it is the same in every version, process and Gate, so that an account that is in a rollout stays in it
/// when the percentage is raised.
struct Rollout: Sendable, BitwiseCopyable {
    /// 1 to 100; at 100 nothing is looked at.
    var percent: UInt8 = 100
    /// FNV-1a over the rule's id and a zero byte.
    private var prefix: UInt64 = 0

    static let everyone = Rollout()

    private init() {}

    init(percent: UInt8, id: String) {
        self.percent = percent
        prefix = Self.hash(id.utf8, from: 0xCBF2_9CE4_8422_2325)
        prefix = Self.hash(CollectionOfOne(0), from: prefix)
    }

    func includes(_ account: some Sequence<UInt8>) -> Bool {
        percent >= 100 || SipHash.spread(Self.hash(account, from: prefix)) % 100 < UInt64(percent)
    }

    private static func hash(_ bytes: some Sequence<UInt8>, from start: UInt64) -> UInt64 {
        bytes.reduce(start) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
    }
}
