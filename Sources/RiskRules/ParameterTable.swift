/// The parameters of the rules in force that few rules have, flat.
final class ParameterTable {
    private struct Tables: BitwiseCopyable {
        var distributions: UnsafeMutablePointer<Distribution>
        var scales: UnsafeMutablePointer<VolatilityScale>
    }
    // Behind a pointer that never changes: to read it is no access that has to be looked at.
    private let tables: UnsafeMutablePointer<Tables>

    init() {
        tables = .allocate(capacity: 1)
        tables.initialize(to: Tables(distributions: .allocate(capacity: 1), scales: .allocate(capacity: 1)))
    }

    deinit {
        tables.pointee.distributions.deallocate()
        tables.pointee.scales.deallocate()
        tables.deallocate()
    }

    var distributions: UnsafeMutablePointer<Distribution> { tables.pointee.distributions }
    var scales: UnsafeMutablePointer<VolatilityScale> { tables.pointee.scales }

    func install(_ ruleSet: RuleSet) {
        Self.replace(&tables.pointee.distributions, by: ruleSet.distributions)
        Self.replace(&tables.pointee.scales, by: ruleSet.scales)
    }

    private static func replace<Value>(_ base: inout UnsafeMutablePointer<Value>, by values: [Value]) {
        base.deallocate()
        base = .allocate(capacity: Swift.max(values.count, 1))
        for (place, value) in values.enumerated() { (base + place).initialize(to: value) }
    }
}
