/// The parameters of the rules in force that few rules have, flat.
final class ParameterTable {
    private(set) var distributions: UnsafeMutablePointer<Distribution>
    private(set) var scales: UnsafeMutablePointer<VolatilityScale>

    init() {
        distributions = .allocate(capacity: 1)
        scales = .allocate(capacity: 1)
    }

    deinit {
        distributions.deallocate()
        scales.deallocate()
    }

    func install(_ ruleSet: RuleSet) {
        Self.replace(&distributions, by: ruleSet.distributions)
        Self.replace(&scales, by: ruleSet.scales)
    }

    private static func replace<Value>(_ base: inout UnsafeMutablePointer<Value>, by values: [Value]) {
        base.deallocate()
        base = .allocate(capacity: Swift.max(values.count, 1))
        for (place, value) in values.enumerated() { (base + place).initialize(to: value) }
    }
}
