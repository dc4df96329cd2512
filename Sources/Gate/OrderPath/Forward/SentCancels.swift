package import RiskRules

/// The latest cancels that were sent of one client, so that an order is not sent again behind a cancel that may mean it. Fixed in
/// size: of an order older than the oldest cancel kept, it says that it may be cancelled.
package struct SentCancels: BitwiseCopyable {
    private struct Cancel: BitwiseCopyable {
        var sequence: UInt64 = 0
        var orderID = Digest.none
        var clientOrderID = Digest.none
    }

    private static let capacity = 32
    private var latest = InlineArray<32, Cancel>(repeating: Cancel())
    private var count: UInt64 = 0

    package init() {}

    /// A cancel was sent. `sequence` grows with each call that is sent.
    package mutating func note(sequence: UInt64, orderID: Digest, clientOrderID: Digest) {
        latest[Int(count % UInt64(Self.capacity))] = Cancel(
            sequence: sequence, orderID: orderID, clientOrderID: clientOrderID)
        count &+= 1
    }

    /// Whether a cancel that was sent after `sequence` may mean the order of this id. An order that was not answered has no id of
    /// the endpoint's that a cancel could name, but some endpoints take the client's for it.
    package func mayMean(clientOrderID: Digest, sentAfter sequence: UInt64) -> Bool {
        let kept = Int(min(count, UInt64(Self.capacity)))
        var oldest = UInt64.max
        for index in 0..<kept {
            let cancel = latest[index]
            oldest = min(oldest, cancel.sequence)
            guard cancel.sequence > sequence else { continue }
            if cancel.orderID == .none, cancel.clientOrderID == .none { return true }
            guard clientOrderID != .none else { continue }
            if cancel.orderID == clientOrderID || cancel.clientOrderID == clientOrderID { return true }
        }
        return count > UInt64(Self.capacity) && oldest > sequence
    }
}
