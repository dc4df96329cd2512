package import RiskRules

/// Why an order could not be read. Says what is wrong and of which field without owning memory.
package struct DecodeFailure: BitwiseCopyable {
    /// `ORDER_MALFORMED`, `ORDER_OUT_OF_RANGE`, or one of the framing reasons.
    package var reason: Reason
    /// What is wrong, in words, without the field's name.
    package var detail: StaticString
    /// The field as the mapping calls it (`a.b.c`, or a header's name); empty where no one field is to blame.
    package var field: UnsafeRawBufferPointer

    package init(_ reason: Reason, _ detail: StaticString, field: UnsafeRawBufferPointer) {
        self.reason = reason
        self.detail = detail
        self.field = field
    }
    package init(_ reason: Reason, _ detail: StaticString) {
        self.init(reason, detail, field: UnsafeRawBufferPointer(start: nil, count: 0))
    }
}
