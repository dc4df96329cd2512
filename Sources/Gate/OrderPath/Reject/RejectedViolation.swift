package import RiskRules

/// One violation as a reject tells it. Text is views of memory that outlives the encoding.
package struct RejectedViolation: BitwiseCopyable {
    package var reason: Reason
    /// The rule's id; empty for a built-in check.
    package var rule: UnsafeRawBufferPointer
    /// What was judged, in the rule language's words; empty where nothing was.
    package var metric: StaticString
    /// nil: there is no such number.
    package var value: FixedPoint?
    package var bound: FixedPoint?
    /// Whether the bound is a maximum; it is a minimum (or a step) otherwise.
    package var boundIsMax: Bool
    /// Words in place of those that the reason has; empty: the reason's.
    package var detail: StaticString
    /// The field or header that is to blame; empty where none is.
    package var field: UnsafeRawBufferPointer
    /// Which order of a batch it is of, from 0; nil where it is of none.
    package var index: Int?

    package init(
        reason: Reason, rule: UnsafeRawBufferPointer, metric: StaticString, value: FixedPoint?, bound: FixedPoint?,
        boundIsMax: Bool
    ) {
        self.reason = reason
        self.rule = rule
        self.metric = metric
        self.value = value
        self.bound = bound
        self.boundIsMax = boundIsMax
        detail = ""
        field = .empty
    }

    /// What the engine found. `rule` and `metric` are those of the violation's rule; of a built-in check they are empty.
    package init(_ violation: Violation, rule: UnsafeRawBufferPointer, metric: StaticString) {
        self.init(
            reason: violation.reason, rule: rule, metric: metric, value: violation.hasValue ? violation.value : nil,
            bound: violation.hasBound ? violation.bound : nil, boundIsMax: violation.boundIsMax)
    }

    /// A violation that has neither rule nor numbers.
    package init(_ reason: Reason) {
        self.init(reason: reason, rule: .empty, metric: "", value: nil, bound: nil, boundIsMax: false)
    }

    /// An order that could not be read.
    package init(_ failure: DecodeFailure) {
        self.init(failure.reason)
        detail = failure.detail
        field = failure.field
    }
}
