package import RiskRules

/// What goes into an `UnwindPlan` and comes out of it.
extension UnwindPlan {
    package struct Settings: Sendable {
        /// Calls under way at once.
        package var concurrency = 8
        /// How often one order or position is tried to no effect.
        package var attempts = 5
        /// Before the second attempt; doubled before each further one.
        package var backoff: Int64 = 250_000_000
        /// How much later than an answer a snapshot must be taken to show what the answer said (`settle_after`).
        package var settleAfter: Int64 = 1_000_000_000
        /// How much later than the loss of an answer a snapshot must be taken to show what became of the order
        /// (`unknown_after`).
        package var unknownAfter: Int64 = 30_000_000_000
        package init() {}

        /// The longest time between two attempts.
        static let longestBackoff: Int64 = 10_000_000_000

        /// The time before the next attempt after so many in a row that did nothing.
        func delay(after failures: Int) -> Int64 {
            let doublings = min(max(failures - 1, 0), 10)
            return min(backoff << Int64(doublings), Self.longestBackoff)
        }
    }

    /// What is known of one account.
    package struct Account: Sendable {
        package var name: String
        /// nil: not known.
        package var positions: [AccountSnapshot.Position]?
        /// nil: not known.
        package var pending: [AccountSnapshot.PendingOrder]?
        /// When this was so; `.min`: some time ago.
        package var takenAt: Int64

        package init(
            name: String, positions: [AccountSnapshot.Position]?, pending: [AccountSnapshot.PendingOrder]?,
            takenAt: Int64
        ) {
            self.name = name
            self.positions = positions
            self.pending = pending
            self.takenAt = takenAt
        }
    }

    package enum Action: Equatable, Sendable {
        case cancel(OrderCancel)
        case close(PositionClose)
    }

    /// An action with the number by which its outcome is told.
    package struct Step: Equatable, Sendable {
        package var number: UInt64
        package var action: Action
    }

    /// What became of an action.
    package enum Outcome: Equatable, Sendable {
        /// The endpoint took it.
        case done
        /// It was refused, by Gate or by the endpoint: nothing was done.
        case refused(String)
        /// It could not be sent, or not be judged at this time: nothing was done, and nothing is wrong with it.
        case unsent(String)
        /// Nobody knows whether it was done.
        case unknown(String)
    }
}

extension UnwindPlan.Action: CustomStringConvertible {
    package var description: String {
        switch self {
        case .cancel(let cancel):
            let id = cancel.orderID ?? cancel.clientOrderID ?? "without an id"
            return "cancel order \(id) of account \(cancel.account) in \(cancel.symbol)"
        case .close(let close):
            let side = close.side == .buy ? "buy" : "sell"
            return
                "close \(close.symbol) of account \(close.account): \(side) \(close.quantity) as \(close.clientOrderID)"
        }
    }
}
