package import RiskRules

/// One order as its message says it: names are still bytes, numbers are exact.
///
/// The slices point into the message, the headers, the plan, or the decoder's scratch memory: valid until the message
/// goes away or the decoder decodes again, whichever is first.
package struct DecodedOrder: BitwiseCopyable {
    /// 1 to 64 of `[A-Za-z0-9._:/@-]`.
    package var account: UnsafeRawBufferPointer
    /// As `account`; empty: the order names no strategy.
    package var strategy: UnsafeRawBufferPointer
    /// As `account`; in upper case where the mapping folds.
    package var symbol: UnsafeRawBufferPointer
    /// As `account`, in upper case, without the enum's prefix; empty: none given.
    package var timeInForce: UnsafeRawBufferPointer
    /// UTF-8 of any length; empty: none.
    package var clientOrderID: UnsafeRawBufferPointer
    package var side: Side
    package var type: OrderType
    /// The order named no type and has a price (`default_type: by_price`). `type` is `.limit`, but whether the endpoint
    /// will take it as a limit or as a market order is not known: it is to be valued at the worse of the two.
    package var typeIsByPrice: Bool
    package var reduceOnly: Bool
    /// Above zero.
    package var quantity: FixedPoint
    /// Above zero where the type has a limit price, else zero.
    package var price: FixedPoint
    /// Above zero where the type has a stop price, else zero.
    package var stopPrice: FixedPoint
}

/// One replace as its message says it. Slices as in `DecodedOrder`; what is empty or nil the message leaves out, and the
/// original has it.
package struct DecodedReplace: BitwiseCopyable {
    /// The endpoint's id of the original; empty: none given.
    package var replaces: UnsafeRawBufferPointer
    /// The client's id of the original; empty: none given.
    package var replacesClientOrderID: UnsafeRawBufferPointer
    package var account: UnsafeRawBufferPointer
    package var strategy: UnsafeRawBufferPointer
    package var symbol: UnsafeRawBufferPointer
    package var timeInForce: UnsafeRawBufferPointer
    package var clientOrderID: UnsafeRawBufferPointer
    package var side: Side?
    package var type: OrderType?
    package var reduceOnly: Bool?
    /// Numbers are above zero.
    package var quantity: FixedPoint?
    package var price: FixedPoint?
    package var stopPrice: FixedPoint?
}

/// What a cancel names. All slices as in `DecodedOrder`; an empty one was not mapped or not given.
package struct DecodedCancel: BitwiseCopyable {
    package var orderID: UnsafeRawBufferPointer
    package var clientOrderID: UnsafeRawBufferPointer
    package var account: UnsafeRawBufferPointer
    package var strategy: UnsafeRawBufferPointer
    package var symbol: UnsafeRawBufferPointer
}

/// What became of reading an order.
package enum OrderDecoding: BitwiseCopyable {
    case order(DecodedOrder)
    case replace(DecodedReplace)
    case refused(DecodeFailure)
}

/// What became of reading a batch: how many orders it has, at least one, or why it cannot be read.
package enum BatchDecoding: BitwiseCopyable {
    case orders(Int)
    case refused(DecodeFailure)
}

/// What became of reading a cancel. One that cannot be read is still to be forwarded, and counted.
package enum CancelDecoding: BitwiseCopyable {
    case cancel(DecodedCancel)
    case unreadable(DecodeFailure)
}

/// What the endpoint's answer tells of an order. Slices as in `DecodedOrder`.
package struct OrderAnswer: BitwiseCopyable {
    package enum Outcome: UInt8, BitwiseCopyable {
        /// The endpoint has the order: it is open.
        case accepted
        /// Nothing was filled and nothing will be.
        case rejected
        /// Nothing more will be filled.
        case ended
        /// The message could not be read: the order counts as accepted, wholly open.
        case unreadable
    }
    package var outcome: Outcome
    /// The endpoint's order id; empty where the answer names none.
    package var orderID = UnsafeRawBufferPointer.empty
    package var clientOrderID = UnsafeRawBufferPointer.empty
    /// Whose order it is, of an answer that was read in passing; empty where it does not say.
    package var account = UnsafeRawBufferPointer.empty
    /// The endpoint's own words on a failure; empty where there are none.
    package var error = UnsafeRawBufferPointer.empty
    /// Quantity filled so far; nil where the answer does not say, or not readably.
    package var filled: FixedPoint?
}
