import RiskRules

/// What the numbers of a run's names are here. Those that an engine gives out are small: they stand in a list, and others, which
/// only a stranger's journal has, beside it.
struct NumberTable {
    private static let listed: UInt32 = 1 << 16
    private static let unknown = UInt32.max

    private var list: [UInt32] = []
    private var others: [UInt32: UInt32] = [:]

    /// The number here; nil where it was never said.
    subscript(number: UInt32) -> NameID? {
        if Int(number) < list.count {
            let known = list[Int(number)]
            return known == Self.unknown ? nil : NameID(index: known)
        }
        return others.isEmpty ? nil : others[number].map { NameID(index: $0) }
    }

    mutating func set(_ number: UInt32, to id: NameID) {
        guard number < Self.listed else {
            others[number] = id.index
            return
        }
        let missing = Int(number) - list.count + 1
        if missing > 0 { list += repeatElement(Self.unknown, count: missing) }
        list[Int(number)] = id.index
    }
}
