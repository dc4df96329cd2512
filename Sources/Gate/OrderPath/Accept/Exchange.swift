import RiskRules

/// One call on its way through Gate: the client's stream and the upstream's, what was received of either and not yet passed on,
/// and, for an order, what is known and owed of it.
///
/// Exchanges live in recycled slots and are reached through a pointer, which both sessions keep as their stream's user data.
struct Exchange: BitwiseCopyable {
    typealias Pointer = UnsafeMutablePointer<Exchange>

    enum Stage: UInt8, BitwiseCopyable {
        /// The request is not whole, or its head has not been looked at.
        case receiving
        /// Waits for the upstream connection or for the mirror.
        case held
        /// Submitted to the upstream.
        case forwarded
        /// The client has its answer, or is gone; nothing more is passed on.
        case answered
    }

    /// nil once the client's stream is closed.
    var client: Unmanaged<ClientConnection>?
    var clientStream: Int32 = 0
    /// nil until the call is submitted, and once the upstream's stream is closed.
    var upstream: Unmanaged<UpstreamConnection>?
    var upstreamStream: Int32 = 0
    /// What its endpoint connection had serialised before it: until the socket has taken more, none of it has left.
    var serialisedBefore: UInt64 = 0
    /// How often it was given to the endpoint's session.
    var attempts: UInt8 = 0
    /// Its place among all calls that were given to a session, of the first time.
    var sequence: UInt64 = 0

    var stage = Stage.receiving
    /// The mapped method's index, -1 for a call that passes unread.
    var method: Int32 = -1
    var action = MethodAction.pass

    var requestHead = HeaderBlock()
    var requestTrailers = HeaderBlock()
    var requestBody = ByteQueue()
    var requestEnded = false
    /// Bytes of the body that the endpoint's session has taken; those of orders and cancels are kept, to be sent again.
    var requestTaken = 0
    /// The upstream's session asked for data when there was none.
    var requestStarved = false

    var responseHead = HeaderBlock()
    var responseTrailers = HeaderBlock()
    var responseBody = ByteQueue()
    /// The endpoint's session has not taken all of an order's or cancel's body yet.
    var isLeaving = false
    /// The endpoint has begun to answer.
    var responseBegan = false
    var responseHeadSent = false
    var responseEnded = false
    var responseStarved = false
    /// The response is a message of Gate's own, in place of the endpoint's.
    var isRefusedByMessage = false
    /// The response's message, kept beside the passing bytes for the ledger; of a call that passes, as much as has come of one
    /// that is read.
    var answer = ByteQueue()
    /// Of a call that passes: its answer is read in passing, and this is where one message ends.
    var isObserved = false
    var passing = PassingMessages()

    /// What the rules see of an order.
    var order = Order.none
    /// The client's id of it, as people write it; empty where it is longer.
    var clientOrderIDText = NameText()
    /// Of a replace: the order that it takes the place of.
    var replaces: OrderReference?
    /// Of a cancel: the endpoint's id of the order that it ends.
    var cancelledOrderID = Digest.none
    var reservation: ReservationID?
    /// Of a batch, its orders, in place of `order` and `reservation`.
    var batch: Batch.Pointer?
    var decisionID: UInt64 = 0
    /// Whether the journal was told what was decided.
    var isRecorded = false
    /// The endpoint's id of the order that a cancel ends, for people.
    var orderIDText = NameText()
    /// Monotonic nanoseconds. 0: not yet.
    var headAt: Int64 = 0
    var arrivedAt: Int64 = 0
    var forwardedAt: Int64 = 0
    /// By when the caller wants an answer; `Int64.max` without a deadline.
    var deadline = Int64.max
    /// By when the mirror must have answered; 0: it was not asked yet.
    var waitUntil: Int64 = 0
    var timer = TimerID.none

    /// Bytes that the client's and Gate's sums count for it.
    var accounted = 0
    /// Since when the client has taken none of the answer's bytes that wait; 0: none wait.
    var stalledSince: Int64 = 0
    /// The head, or the trailers, of the request are larger than they may be: they are read to their end and refused.
    var isOversized = false

    /// The lists it is in: the client's, the upstream's, and the client's calls on hold.
    var clientLinks = ExchangeLinks()
    var upstreamLinks = ExchangeLinks()
    var holdLinks = ExchangeLinks()
    var nextFree: Pointer?

    /// Bytes that are kept for the call.
    var keptBytes: Int {
        requestBody.count + responseBody.count + answer.count + requestHead.size + requestTrailers.size
            + responseHead.size + responseTrailers.size
    }
}

extension Order {
    /// What a slot holds before an order was decoded into it.
    static let none = Order(
        account: .none, strategy: .none, symbol: .none, timeInForce: .none, side: .buy, type: .market,
        reduceOnly: false, quantity: .zero, price: .zero, stopPrice: .zero, clientOrderID: .none)
}
