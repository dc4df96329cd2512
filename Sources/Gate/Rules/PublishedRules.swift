package import RiskRules

/// A rule set in force, with what the order thread needs beside it to speak of its rules without building text. Made on the state
/// thread, immutable, handed over whole.
package final class PublishedRules: Sendable {
    package let ruleSet: RuleSet
    /// Where the violations of each rule are counted.
    let slots: RuleViolationSlots
    // The memory never changes after `init` and is freed in `deinit`.
    /// The set's version (hex), then each rule's id, one behind the other.
    private nonisolated(unsafe) let text: UnsafeMutableRawBufferPointer
    private nonisolated(unsafe) let ends: UnsafeMutablePointer<Int>
    private nonisolated(unsafe) let metrics: UnsafeMutablePointer<Metric>
    private let count: Int

    package init(_ ruleSet: RuleSet, slots: RuleViolationSlots) {
        self.ruleSet = ruleSet
        self.slots = slots
        var bytes = Array(ruleSet.version.utf8)
        count = ruleSet.texts.count
        ends = .allocate(capacity: count + 1)
        ends.initialize(to: bytes.count)
        for (index, rule) in ruleSet.texts.enumerated() {
            bytes += rule.id.utf8
            (ends + index + 1).initialize(to: bytes.count)
        }
        text = .allocate(byteCount: max(bytes.count, 1), alignment: 1)
        text.copyBytes(from: bytes)
        metrics = .allocate(capacity: max(count, 1))
        for (index, rule) in ruleSet.rules.enumerated() { (metrics + index).initialize(to: rule.metric) }
    }

    deinit {
        text.deallocate()
        ends.deallocate()
        metrics.deallocate()
    }

    /// The version, as hexadecimal text.
    var version: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[..<ends[0]])
    }

    /// What a rule bounds; nil for an index that is not of the set.
    func metric(_ index: Int32) -> Metric? {
        index >= 0 && index < count ? metrics[Int(index)] : nil
    }

    /// The id of a rule by its index; empty for one that is not of the set (a built-in check).
    func ruleID(_ index: Int32) -> UnsafeRawBufferPointer {
        guard index >= 0, index < count else { return .empty }
        return UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(text)[ends[Int(index)]..<ends[Int(index) + 1]])
    }
}
