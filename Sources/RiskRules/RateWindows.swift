/// The sliding windows that rules on rates and repetition count in. Each kind has room of its own, so that a flood of
/// different orders leaves the others theirs.
final class RateWindows {
    /// Orders, messages and rejects.
    let counts: WindowTable<Int64>
    /// Orders that are alike.
    let duplicates: WindowTable<Int64>
    /// Notional of approved orders, in units of 10^-10.
    let sums: WindowTable<Int128>
    private let seed: UInt64

    /// - Parameter capacity: windows times keys, of each kind.
    init(capacity: Int, seed: UInt64) {
        counts = WindowTable(capacity: capacity)
        duplicates = WindowTable(capacity: capacity)
        sums = WindowTable(capacity: capacity)
        self.seed = seed
    }

    /// Goes over to the windows of a rule set and returns the slot of each in the table of its kind.
    func install(_ ruleSet: RuleSet) -> [Int32] {
        var slots = Array(repeating: Int32(0), count: ruleSet.windows.count)
        func install<Amount>(in table: WindowTable<Amount>, _ isKept: (Metric) -> Bool) {
            let rules = ruleSet.tables.rules
            let places = ruleSet.tables.windowOrder.map(Int.init).filter {
                isKept(rules[Int(ruleSet.windows[$0].ruleIndex)].metric)
            }
            let installed = table.install(
                places.map { place in
                    let rule = rules[Int(ruleSet.windows[place].ruleIndex)]
                    return WindowTable.Window(
                        identity: ruleSet.windows[place].key, per: rule.per, length: rule.window,
                        shape: rule.metric.isOfDistinctOrders ? .exact : RingShape(bound: rule.max))
                })
            for (place, slot) in zip(places, installed) { slots[place] = slot }
        }
        install(in: duplicates) { $0 == .duplicateCount }
        install(in: sums) { $0 == .notionalSum }
        install(in: counts) { !$0.isOfDistinctOrders }
        return slots
    }

    /// The table of a metric that counts. A strong reference in hand would be counted, and the tables live as long as this.
    func table(of metric: Metric) -> Unmanaged<WindowTable<Int64>> {
        metric == .duplicateCount ? .passUnretained(duplicates) : .passUnretained(counts)
    }

    var tableOfSums: Unmanaged<WindowTable<Int128>> { .passUnretained(sums) }

    /// What stands for a key of a window: exact, since it fits.
    func digest(slot: Int32, key: UInt32) -> Digest {
        let pair = UInt64(UInt32(bitPattern: slot)) << 32 | UInt64(key)
        return Digest(low: SipHash.spread(pair ^ seed), high: pair)
    }

    /// The number that a key was made of.
    static func owner(of digest: Digest) -> UInt32 { UInt32(truncatingIfNeeded: digest.high) }
}

extension Metric {
    /// Whether a window on this metric keeps up to 4,096 entries a key, one an order.
    fileprivate var isOfDistinctOrders: Bool { self == .duplicateCount || self == .notionalSum }
}
