/// The message that refuses a call in the API's own form: a run of `DecodePlan.answerParts`.
package struct RejectMessagePlan: Sendable, BitwiseCopyable {
    var first: Int32
    var count: Int32
}

/// One step of writing such a message.
struct AnswerPart: Sendable, BitwiseCopyable {
    enum Kind: UInt8, Sendable, BitwiseCopyable {
        /// A message inside the message begins; `bytes` is its tag.
        case begin
        /// It ends.
        case end
        /// `bytes` are a whole field.
        case constant
        /// What the reject says; `bytes` is the tag.
        case error
        /// The order's own id; `bytes` is the tag.
        case clientOrderID
    }
    var kind: Kind
    var bytes: PlanText
    /// Whether an id must be UTF-8.
    var isText = true
}
