import RiskRules

/// Which names the segment in hand has said: for each number, the segment that said it last.
final class JournalNamesWritten {
    private let tables: UnsafeMutablePointer<Table>
    private let segment: UnsafeMutablePointer<UInt32>

    private struct Table: BitwiseCopyable {
        var said: UnsafeMutablePointer<UInt32>
        var capacity: Int
    }

    /// - Parameter limits: of the engine whose names they are.
    init(_ limits: EngineLimits) {
        tables = .allocate(capacity: JournalNameKind.allCases.count)
        segment = .allocate(capacity: 1)
        segment.initialize(to: 1)
        for kind in JournalNameKind.allCases {
            (tables + Self.place(kind)).initialize(to: Self.table(capacity: Self.capacity(of: kind, limits)))
        }
    }

    deinit {
        for kind in JournalNameKind.allCases { tables[Self.place(kind)].said.deallocate() }
        tables.deallocate()
        segment.deallocate()
    }

    private static func place(_ kind: JournalNameKind) -> Int { Int(kind.rawValue) - 1 }

    private static func capacity(of kind: JournalNameKind, _ limits: EngineLimits) -> Int {
        switch kind {
        case .account: limits.maxAccounts + 1
        case .strategy: limits.maxStrategies + 1
        case .symbol: limits.maxSymbols + 1
        case .timeInForce: limits.maxTimesInForce + 1
        case .reason: Int(UInt8.max)
        case .rule: 0
        }
    }

    private static func table(capacity: Int) -> Table {
        let said = UnsafeMutablePointer<UInt32>.allocate(capacity: max(capacity, 1))
        said.initialize(repeating: 0, count: max(capacity, 1))
        return Table(said: said, capacity: capacity)
    }

    /// Whether a name has not been said in this segment; it counts as said from now on.
    @inline(__always)
    func mustSay(_ kind: JournalNameKind, _ number: Int) -> Bool {
        let table = tables + Self.place(kind)
        guard number >= 0, number < table.pointee.capacity, table.pointee.said[number] != segment.pointee else {
            return false
        }
        table.pointee.said[number] = segment.pointee
        return true
    }

    /// A segment begins, in which nothing has been said.
    func forgetAll() {
        segment.pointee &+= 1
    }

    /// Another rule set decides.
    func forgetRules(count: Int) {
        let place = Self.place(.rule)
        tables[place].said.deallocate()
        tables[place] = Self.table(capacity: count)
    }
}
